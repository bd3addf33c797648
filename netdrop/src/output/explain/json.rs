//! `{"type":"explain",…}`

use serde::Serialize;

use super::super::json::{SCHEMA, line};
use crate::drops::{
    catalogue::{Function, Override, Reason},
    explain::{Elsewhere, Explanation, FunctionEntry, Present, ReasonEntry, Running, StageEntry},
    severity::Severity,
    stage::StageInfo,
};

/// Appends an `explain` line for each explanation.
pub fn write(out: &mut Vec<u8>, found: &[Explanation], running: &Running) {
    for explanation in found {
        let body = match explanation {
            Explanation::Reason(entry) => Body::Reason(ReasonBody::of(entry, running)),
            Explanation::Function(entry) => Body::Function(FunctionBody::of(entry)),
            Explanation::Stage(entry) => Body::Stage(StageBody::of(entry)),
        };
        line(
            out,
            &Object {
                r#type: "explain",
                schema: SCHEMA,
                body,
            },
        );
    }
}

#[derive(Serialize)]
struct Object<'a> {
    r#type: &'static str,
    schema: u32,
    #[serde(flatten)]
    body: Body<'a>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Body<'a> {
    Reason(ReasonBody<'a>),
    Function(FunctionBody<'a>),
    Stage(StageBody<'a>),
}

#[derive(Serialize)]
struct ReasonBody<'a> {
    name: &'a str,
    catalogued: bool,
    known_as: Option<&'a str>,
    subsystem: Option<&'a str>,
    since: Option<&'a str>,
    stage: Option<&'a str>,
    way: Option<&'a str>,
    severity: Option<&'a str>,
    why: Option<&'a str>,
    meaning: Option<&'a str>,
    counters: &'a [&'a str],
    causes: &'a [&'a str],
    next: &'a [&'a str],
    elsewhere: Vec<ElsewhereBody<'a>>,
    kernel: KernelBody<'a>,
}

#[derive(Serialize)]
struct ElsewhereBody<'a> {
    stage: &'a str,
    way: &'a str,
    severity: Option<&'a str>,
    note: &'a str,
    functions: &'a [&'a str],
}

#[derive(Serialize)]
struct KernelBody<'a> {
    release: &'a str,
    present: Option<bool>,
    number: Option<u32>,
    unknown_why: Option<&'a str>,
}

#[derive(Serialize)]
struct FunctionBody<'a> {
    name: &'a str,
    stage: Option<&'a str>,
    way: Option<&'a str>,
    seen_in: Option<&'a str>,
    files: Vec<&'a str>,
    reasons: Vec<OverrideBody<'a>>,
}

#[derive(Serialize)]
struct OverrideBody<'a> {
    reason: Option<&'a str>,
    stage: &'a str,
    way: &'a str,
    severity: Option<&'a str>,
    note: &'a str,
}

#[derive(Serialize)]
struct StageBody<'a> {
    name: &'a str,
    title: &'a str,
    order: u16,
    path: &'a str,
    meaning: &'a str,
    queue: &'a str,
    counters: &'a [&'a str],
    tunables: &'a [&'a str],
    next: &'a [&'a str],
    reasons: Vec<&'a str>,
    functions: Vec<&'a str>,
}

impl<'a> ReasonBody<'a> {
    fn of(entry: &'a ReasonEntry, running: &'a Running) -> Self {
        let ReasonEntry {
            name,
            known,
            subsystem,
            present,
            elsewhere,
        } = entry;
        let known: Option<&Reason> = *known;
        Self {
            name,
            catalogued: known.is_some(),
            known_as: known.map(|known| known.name).filter(|other| other != name),
            subsystem: subsystem.as_deref(),
            since: known.map(|known| known.since),
            stage: known.map(|known| known.stage.id()),
            way: known.map(|known| known.way.as_str()),
            severity: known.map(|known| known.severity.as_str()),
            why: known.map(|known| known.why),
            meaning: known.map(|known| known.meaning),
            counters: known.map_or(&[], |known| known.counters),
            causes: known.map_or(&[], |known| known.causes),
            next: known.map_or(&[], |known| known.next),
            elsewhere: elsewhere.iter().map(ElsewhereBody::of).collect(),
            kernel: KernelBody::of(present, &running.release),
        }
    }
}

impl<'a> ElsewhereBody<'a> {
    fn of(other: &'a Elsewhere) -> Self {
        let Elsewhere {
            stage,
            way,
            severity,
            note,
            functions,
        } = other;
        Self {
            stage: stage.id(),
            way: way.as_str(),
            severity: severity.map(Severity::as_str),
            note,
            functions,
        }
    }
}

impl<'a> KernelBody<'a> {
    fn of(present: &'a Present, release: &'a str) -> Self {
        let (present, number, unknown_why) = match present {
            Present::Number(number) => (Some(true), Some(*number), None),
            Present::No | Present::NoReasons => (Some(false), None, None),
            Present::NotLoaded(_) => (
                None,
                None,
                Some("its module is not loaded, or was built without BTF"),
            ),
            Present::Many => (None, None, Some("stands for many names")),
            Present::Unreadable(why) => (None, None, Some(why.as_str())),
        };
        Self {
            release,
            present,
            number,
            unknown_why,
        }
    }
}

impl<'a> FunctionBody<'a> {
    fn of(entry: &'a FunctionEntry) -> Self {
        let FunctionEntry {
            name,
            known,
            reasons,
        } = entry;
        let known: Option<&Function> = *known;
        Self {
            name,
            stage: known.map(|known| known.stage.id()),
            way: known.map(|known| known.way.as_str()),
            seen_in: known.map(|known| known.seen_in).filter(|it| *it != "?"),
            files: known
                .filter(|known| known.files != "-")
                .map(|known| known.files.split(',').collect())
                .unwrap_or_default(),
            reasons: reasons.iter().map(|row| OverrideBody::of(row)).collect(),
        }
    }
}

impl<'a> OverrideBody<'a> {
    fn of(row: &'a Override) -> Self {
        let Override {
            reason,
            stage,
            way,
            severity,
            note,
            ..
        } = row;
        Self {
            reason: (*reason != super::REASONLESS).then_some(reason),
            stage: stage.id(),
            way: way.as_str(),
            severity: severity.map(Severity::as_str),
            note,
        }
    }
}

impl<'a> StageBody<'a> {
    fn of(entry: &'a StageEntry) -> Self {
        let StageEntry {
            stage,
            reasons,
            functions,
        } = entry;
        let StageInfo {
            id,
            order,
            path,
            name,
            meaning,
            queue,
            counters,
            tunables,
            next,
        } = stage.info();
        Self {
            name: id,
            title: name,
            order: *order,
            path,
            meaning,
            queue,
            counters,
            tunables,
            next,
            reasons: reasons.iter().map(|reason| reason.name).collect(),
            functions: functions.iter().map(|function| function.name).collect(),
        }
    }
}
