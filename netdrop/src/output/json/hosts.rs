//! `{"type":"hosts",…}`

use serde::Serialize;

use super::{
    super::clock,
    period::{RowObject, TotalsObject},
    report::{TimesObject, seconds},
};
use crate::recording::fleet::{Fleet, Host, HostRow, Others};

#[derive(Serialize)]
pub(super) struct Object<'a> {
    r#type: &'static str,
    schema: u32,
    clock: Vec<String>,
    first: Option<String>,
    last: Option<String>,
    overlap: Option<OverlapObject>,
    totals: TotalsObject,
    hosts: Vec<HostObject<'a>>,
    rows: Vec<HostRowObject<'a>>,
    others: Option<OthersObject>,
}

impl<'a> Object<'a> {
    pub(super) fn of(fleet: &'a Fleet, top: usize) -> Self {
        let (rows, others) = fleet.rows(top);
        let (first, last) = fleet.span().unzip();
        Self {
            r#type: "hosts",
            schema: super::SCHEMA,
            clock: clock::sentences(fleet),
            first: first.map(seconds),
            last: last.map(seconds),
            overlap: fleet.overlap().map(|(first, last)| OverlapObject {
                first: seconds(first),
                last: seconds(last),
            }),
            totals: (&fleet.totals()).into(),
            hosts: fleet.hosts.iter().map(HostObject::of).collect(),
            rows: rows.into_iter().map(HostRowObject::of).collect(),
            others: others.map(OthersObject::of),
        }
    }
}

/// When all hosts were recorded.
#[derive(Serialize)]
struct OverlapObject {
    first: String,
    last: String,
}

#[derive(Serialize)]
struct HostObject<'a> {
    host: &'a str,
    clock_offset: f64,
    first: Option<String>,
    last: Option<String>,
    totals: TotalsObject,
}

impl<'a> HostObject<'a> {
    fn of(host: &'a Host) -> Self {
        let Host { name, report } = host;
        let (first, last) = report.span.unzip();
        Self {
            host: name,
            clock_offset: report.offset.as_secs_f64(),
            first: first.map(seconds),
            last: last.map(seconds),
            totals: (&report.summary.totals).into(),
        }
    }
}

#[derive(Serialize)]
struct HostRowObject<'a> {
    host: &'a str,
    #[serde(flatten)]
    row: RowObject<'a>,
    times: Option<TimesObject>,
}

impl<'a> HostRowObject<'a> {
    fn of(row: HostRow<'a>) -> Self {
        let HostRow { host, row, times } = row;
        Self {
            host: &host.name,
            row: RowObject {
                row,
                seconds: host.report.summary.seconds,
            },
            times: times.map(Into::into),
        }
    }
}

/// What stands in no row.
#[derive(Serialize)]
struct OthersObject {
    rows: usize,
    drops: u64,
    harmful: u64,
    suspicious: u64,
    benign: u64,
}

impl OthersObject {
    fn of(others: Others) -> Self {
        let Others { rows, sums } = others;
        Self {
            rows,
            drops: sums.drops(),
            harmful: sums.harmful,
            suspicious: sums.suspicious,
            benign: sums.benign,
        }
    }
}
