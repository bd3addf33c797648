//! `{"type":"path",…}`

use serde::Serialize;

use super::{
    super::json::{
        SCHEMA, line,
        reconcile::{LineObject, TermsObject},
    },
    Heading,
};
use crate::{
    host::counters::{Kind, sockets::Socket},
    path::{At, Finding, Journey, Reading},
};

/// Appends the `path` line.
pub fn write(out: &mut Vec<u8>, journey: &Journey, heading: &Heading<'_>) {
    let Journey {
        netns,
        interval,
        devices: _,
        uptime,
        stages,
        other,
        sockets,
        findings,
        unread,
        reconciliation,
    } = journey;
    let Heading {
        time,
        host,
        kernel,
        identity,
    } = heading;
    line(
        out,
        &Object {
            r#type: "path",
            schema: SCHEMA,
            time: format!("{time:.6}"),
            host,
            kernel,
            netns: *netns,
            netns_name: identity.map(|identity| &*identity.name),
            netns_kind: identity.map(|identity| identity.kind.as_str()),
            uptime: *uptime,
            seconds: interval.map(|interval| (interval.as_secs_f64() * 1000.0).round() / 1000.0),
            findings: findings.iter().map(FindingBody::of).collect(),
            stages: stages.iter().map(StageBody::of).collect(),
            other_counters: other.iter().map(ReadingBody::of).collect(),
            sockets: sockets.iter().map(SocketBody::of).collect(),
            unread: unread
                .iter()
                .map(|unread| UnreadBody {
                    what: &unread.what,
                    why: &unread.why,
                })
                .collect(),
            reconciliation: reconciliation
                .as_ref()
                .map(|found| found.lines.iter().map(Into::into).collect()),
            reconciled: reconciliation.as_ref().map(|found| (&found.terms).into()),
        },
    );
}

#[derive(Serialize)]
struct Object<'a> {
    r#type: &'static str,
    schema: u32,
    time: String,
    host: &'a str,
    kernel: &'a str,
    netns: u32,
    netns_name: Option<&'a str>,
    netns_kind: Option<&'static str>,
    uptime: Option<u64>,
    seconds: Option<f64>,
    findings: Vec<FindingBody<'a>>,
    stages: Vec<StageBody<'a>>,
    other_counters: Vec<ReadingBody<'a>>,
    sockets: Vec<SocketBody<'a>>,
    unread: Vec<UnreadBody<'a>>,
    reconciliation: Option<Vec<LineObject<'a>>>,
    reconciled: Option<TermsObject<'a>>,
}

#[derive(Serialize)]
struct FindingBody<'a> {
    id: &'static str,
    severity: &'static str,
    stage: &'static str,
    scope: String,
    since_boot: bool,
    finding: &'a str,
    evidence: &'a str,
    remedy: &'a str,
    undo: &'a str,
}

#[derive(Serialize)]
struct StageBody<'a> {
    stage: &'static str,
    path: &'static str,
    title: &'static str,
    counters: Vec<ReadingBody<'a>>,
    tunables: Vec<TunableBody<'a>>,
}

#[derive(Serialize)]
struct ReadingBody<'a> {
    scope: String,
    name: &'a str,
    kind: &'static str,
    value: u64,
    delta: Option<u64>,
}

#[derive(Serialize)]
struct TunableBody<'a> {
    scope: String,
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct SocketBody<'a> {
    kind: &'static str,
    address: String,
    port: u16,
    pid: Option<u32>,
    command: Option<&'a str>,
    queue: u32,
    backlog: Option<u32>,
    full: bool,
    receive_memory: Option<u32>,
    receive_buffer: Option<u32>,
    fixed_buffer: Option<bool>,
    drops: Option<u32>,
}

#[derive(Serialize)]
struct UnreadBody<'a> {
    what: &'a str,
    why: &'a str,
}

impl<'a> FindingBody<'a> {
    fn of(finding: &'a Finding) -> Self {
        let Finding {
            id,
            severity,
            stage,
            scope,
            since_boot,
            finding,
            evidence,
            remedy,
            undo,
        } = finding;
        Self {
            id,
            severity: severity.as_str(),
            stage: stage.id(),
            scope: scope.to_string(),
            since_boot: *since_boot,
            finding,
            evidence,
            remedy,
            undo,
        }
    }
}

impl<'a> StageBody<'a> {
    fn of(at: &'a At) -> Self {
        let At {
            stage,
            counters,
            tunables,
        } = at;
        let info = stage.info();
        Self {
            stage: info.id,
            path: info.path,
            title: info.name,
            counters: counters.iter().map(ReadingBody::of).collect(),
            tunables: tunables
                .iter()
                .map(|tunable| TunableBody {
                    scope: tunable.scope.to_string(),
                    name: &tunable.name,
                    value: &tunable.value,
                })
                .collect(),
        }
    }
}

impl<'a> ReadingBody<'a> {
    fn of(reading: &'a Reading) -> Self {
        let Reading { counter, delta } = reading;
        Self {
            scope: counter.scope.to_string(),
            name: &counter.name,
            kind: match counter.kind {
                Kind::Count | Kind::Count32 => "count",
                Kind::Gauge => "gauge",
            },
            value: counter.value,
            delta: *delta,
        }
    }
}

impl<'a> SocketBody<'a> {
    fn of(socket: &'a Socket) -> Self {
        let Socket {
            kind,
            local,
            inode: _,
            queue,
            backlog,
            memory,
            drops,
            holder,
            fixed_buffer,
        } = socket;
        Self {
            kind: kind.as_str(),
            address: local.ip().to_string(),
            port: local.port(),
            pid: holder.as_ref().map(|holder| holder.pid),
            command: holder.as_ref().map(|holder| &*holder.command),
            queue: *queue,
            backlog: *backlog,
            full: socket.is_full(),
            receive_memory: memory.map(|[used, _]| used),
            receive_buffer: memory.map(|[_, most]| most),
            fixed_buffer: *fixed_buffer,
            drops: *drops,
        }
    }
}
