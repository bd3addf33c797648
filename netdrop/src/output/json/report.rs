//! `{"type":"report",…}`

use jiff::Timestamp;
use serde::Serialize;

use super::{
    period,
    reconcile::{LineObject, TermsObject},
};
use crate::{
    drops::{advice::Advice, stage::Stage},
    recording::{
        fleet::Host,
        header::Header,
        read::End,
        report::{Piece, Times, chart::Drops, timeline::Point},
    },
    tally::choose::Singles,
};

#[derive(Serialize)]
pub(super) struct Object<'a> {
    r#type: &'static str,
    schema: u32,
    file: Option<&'a str>,
    name: &'a str,
    filter: Option<&'a str>,
    recording: RecordingObject<'a>,
    pieces: Vec<PieceObject<'a>>,
    clock_offset: f64,
    summary: period::Object<'a>,
    times: Vec<Option<TimesObject>>,
    flows: Option<period::Object<'a>>,
    timeline: Vec<PointObject>,
    stages: Vec<StageObject>,
    cpus: Vec<CpuObject>,
    advice: Vec<AdviceObject<'a>>,
    reconciliation: Option<Vec<LineObject<'a>>>,
    reconciled: Option<TermsObject<'a>>,
}

impl<'a> Object<'a> {
    pub(super) fn of(host: &'a Host) -> Self {
        let Host { name, report } = host;
        Self {
            r#type: "report",
            schema: super::SCHEMA,
            file: report.pieces.first().map(|piece| &*piece.file),
            name,
            filter: report.wanted.as_deref(),
            recording: RecordingObject {
                header: &report.header,
                first: report.span.map(|(first, _)| seconds(first)),
                last: report.span.map(|(_, last)| seconds(last)),
                intervals: report.intervals,
                ended: EndObject::of(&report.end),
            },
            pieces: report.pieces.iter().map(PieceObject::of).collect(),
            clock_offset: report.offset.as_secs_f64(),
            summary: period::Object::of("summary", &report.summary),
            times: report
                .times
                .iter()
                .map(|times| times.map(Into::into))
                .collect(),
            flows: report
                .flows
                .as_ref()
                .map(|flows| period::Object::of("summary", flows)),
            timeline: report.timeline.iter().map(Into::into).collect(),
            stages: report
                .stages()
                .into_iter()
                .map(|(stage, drops)| StageObject {
                    stage: stage.map(Stage::id),
                    drops: drops.into(),
                })
                .collect(),
            cpus: report
                .cpus()
                .into_iter()
                .map(|(cpu, drops)| CpuObject {
                    cpu,
                    drops: drops.into(),
                })
                .collect(),
            advice: report.summary.advice.iter().map(Into::into).collect(),
            reconciliation: report
                .reconciled
                .is_some()
                .then(|| report.reconciliation.iter().map(Into::into).collect()),
            reconciled: report.reconciled.as_ref().map(Into::into),
        }
    }
}

/// What a recording says of itself, and how far it goes.
#[derive(Serialize)]
pub(super) struct RecordingObject<'a> {
    #[serde(flatten)]
    header: &'a Header,
    first: Option<String>,
    last: Option<String>,
    intervals: u64,
    ended: EndObject<'a>,
}

#[derive(Serialize)]
pub(super) struct EndObject<'a> {
    how: &'static str,
    why: Option<&'a str>,
    byte: Option<u64>,
}

impl<'a> EndObject<'a> {
    pub(super) fn of(end: &'a End) -> Self {
        let (how, why, byte) = match end {
            End::Closed(why) => ("closed", Some(&**why), None),
            End::Cut(byte) => ("cut", None, Some(*byte)),
            End::Damaged(byte, why) => ("damaged", Some(&**why), Some(*byte)),
        };
        Self { how, why, byte }
    }
}

/// One of the recordings that a report is made of.
#[derive(Serialize)]
struct PieceObject<'a> {
    file: &'a str,
    first: Option<String>,
    last: Option<String>,
    intervals: u64,
    ended: EndObject<'a>,
    singles: Option<SinglesObject>,
}

impl<'a> PieceObject<'a> {
    fn of(piece: &'a Piece) -> Self {
        let Piece {
            file,
            span,
            intervals,
            end,
            singles,
        } = piece;
        Self {
            file,
            first: span.map(|(first, _)| seconds(first)),
            last: span.map(|(_, last)| seconds(last)),
            intervals: *intervals,
            ended: EndObject::of(end),
            singles: singles.map(Into::into),
        }
    }
}

/// How far a filter that asks for what rows do not tell was decided.
#[derive(Serialize)]
pub(super) struct SinglesObject {
    asked: u64,
    kept: u64,
    decided: u64,
}

impl From<Singles> for SinglesObject {
    fn from(singles: Singles) -> Self {
        let Singles {
            asked,
            kept,
            decided,
        } = singles;
        Self {
            asked,
            kept,
            decided,
        }
    }
}

#[derive(Serialize)]
struct StageObject {
    stage: Option<&'static str>,
    #[serde(flatten)]
    drops: DropsObject,
}

#[derive(Serialize)]
struct CpuObject {
    cpu: Option<u64>,
    #[serde(flatten)]
    drops: DropsObject,
}

#[derive(Serialize)]
struct DropsObject {
    harmful: u64,
    suspicious: u64,
    benign: u64,
}

impl From<Drops> for DropsObject {
    fn from(drops: Drops) -> Self {
        let Drops {
            harmful,
            suspicious,
            benign,
        } = drops;
        Self {
            harmful,
            suspicious,
            benign,
        }
    }
}

#[derive(Serialize)]
pub(super) struct TimesObject {
    first: String,
    last: String,
    peak_rate: f64,
    peak_time: String,
}

impl From<Times> for TimesObject {
    fn from(times: Times) -> Self {
        Self {
            first: seconds(times.first),
            last: seconds(times.last),
            peak_rate: times.peak,
            peak_time: seconds(times.peak_at),
        }
    }
}

#[derive(Serialize)]
struct PointObject {
    time: String,
    seconds: f64,
    harmful: u64,
    suspicious: u64,
    benign: u64,
}

impl From<&Point> for PointObject {
    fn from(point: &Point) -> Self {
        Self {
            time: seconds(point.time),
            seconds: (point.seconds * 1e6).round() / 1e6,
            harmful: point.harmful,
            suspicious: point.suspicious,
            benign: point.benign,
        }
    }
}

#[derive(Serialize)]
struct AdviceObject<'a> {
    reason: Option<&'a str>,
    stage: &'a str,
    severity: &'static str,
    meaning: &'static str,
    note: Option<&'static str>,
    caution: Option<&'a str>,
    next: &'a [String],
}

impl<'a> From<&'a Advice> for AdviceObject<'a> {
    fn from(advice: &'a Advice) -> Self {
        Self {
            reason: advice.reason.as_deref(),
            stage: &advice.stage,
            severity: advice.severity.as_str(),
            meaning: advice.meaning,
            note: advice.note,
            caution: advice.caution.as_deref(),
            next: &advice.commands,
        }
    }
}

pub(super) fn seconds(time: Timestamp) -> String {
    format!("{time:.6}")
}
