//! Canned reports and comparisons.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{fields, histograms, hurt_rows, period, reconciliation, text, time};
use crate::{
    drops::{advice::Advice, stage::Stage},
    recording::{
        diff::{Change, Diff, Kind, Section, Side},
        header::{ClockFact, DeviceFact, Header, HookFact, NamespaceFact},
        read::End,
        report::{
            Piece, Reason, Report, Times,
            chart::{Bin, Drops},
            timeline::Point,
        },
    },
    tally::{
        choose::Singles,
        names::Severity,
        period::Period,
        row::{Row, Value},
        show::Show,
    },
};

/// A report with everything that one can have.
pub(crate) fn report() -> Report {
    let times = Times {
        first: time(),
        last: time(),
        peak: 12.5,
        peak_at: time(),
    };
    let point = Point {
        time: time(),
        seconds: 1.0,
        harmful: 20,
        suspicious: 10,
        benign: 4,
    };
    let advice = Advice {
        reason: Some("SOCKET_RCVBUFF".to_owned()),
        stage: "rx_sock".to_owned(),
        severity: Severity::Harmful,
        meaning: "The receive buffer is full.",
        note: None,
        caution: None,
        commands: vec!["ss -lump".to_owned()],
    };
    Report {
        wanted: Some("port 80".to_owned()),
        header: Header {
            format: 1,
            version: "0.1.0".to_owned(),
            clock_state: Some(ClockFact::default()),
            host: "ho\x1bst".to_owned(),
            kernel: "6.18.44".to_owned(),
            cpus: Some(2),
            hooks: vec![HookFact::default()],
            devices: vec![DeviceFact::default()],
            namespaces: vec![NamespaceFact::default()],
            sysctls: [("net.core.somaxconn".to_owned(), "4096".to_owned())].into(),
            warnings: vec!["symbols are hidden".to_owned()],
            ..Header::default()
        },
        pieces: vec![Piece {
            file: "a\x1bb.ndr".to_owned(),
            span: Some((time(), time())),
            intervals: 2,
            end: End::Cut(4096),
            singles: Some(singles()),
        }],
        offset: SignedDuration::ZERO,
        show: Show::NotBenign,
        end: End::Cut(4096),
        intervals: 2,
        span: Some((time(), time())),
        reasons: vec![Reason {
            row: Row {
                fields: fields([
                    ("stage", text("rx_sock")),
                    ("reason", text("SOCKET_RCVBUFF")),
                ]),
                ..period().rows.remove(0)
            },
            advice: Some(advice.clone()),
        }],
        chart: vec![bin(0, 0), bin(20, 10)],
        summary: Period {
            advice: vec![advice],
            ..period()
        },
        times: vec![Some(times), Some(times), None],
        flows: Some(Period {
            rows: hurt_rows(),
            ..period()
        }),
        timeline: vec![
            Point {
                harmful: 0,
                suspicious: 0,
                ..point
            },
            point,
        ],
        histograms: histograms(),
        reconciliation: reconciliation().lines,
        reconciled: Some(reconciliation().terms),
    }
}

/// A second in which packets died in two stages.
fn bin(harmful: u64, suspicious: u64) -> Bin {
    let drops = |harmful, suspicious| Drops {
        harmful,
        suspicious,
        benign: 0,
    };
    Bin {
        start: time(),
        end: time(),
        seconds: 1.0,
        stages: [
            (Some(Stage::RX_SOCK), drops(harmful, 0)),
            (Some(Stage::RX_LOOKUP), drops(0, suspicious)),
        ]
        .into(),
        sent: BTreeMap::new(),
        cpus: [(Some(1), drops(harmful, suspicious))].into(),
    }
}

/// Of three drops, one was not kept single, and one does not tell.
fn singles() -> Singles {
    Singles {
        asked: 3,
        kept: 2,
        decided: 1,
    }
}

/// A sure change and one that could be chance.
pub(crate) fn diff() -> Diff {
    let report = report();
    let side = |uncompared| Side {
        header: report.header.clone(),
        wanted: report.wanted.clone(),
        end: report.end.clone(),
        summary: period(),
        uncompared,
        singles: Some(singles()),
    };
    let change = Change {
        kind: Kind::New,
        fields: fields([
            ("stage", text("rx_sock")),
            ("reason", text("SOCKET_RCVBUFF")),
        ]),
        drops: [0, 30],
        rates: [0.0, 15.0],
        burst: 1.0,
        p: 1e-8,
        q: 2e-8,
    };
    Diff {
        sides: [side(0), side(3)],
        beside: vec![Section {
            by: "device",
            rows: vec![Change {
                fields: fields([("device", text("eth0"))]),
                ..change.clone()
            }],
        }],
        rows: vec![
            change.clone(),
            Change {
                kind: Kind::More,
                fields: fields([("stage", text("rx_lookup")), ("reason", Value::Null)]),
                drops: [2, 3],
                rates: [1.0, 1.5],
                p: 1.0,
                q: 1.0,
                ..change
            },
        ],
    }
}
