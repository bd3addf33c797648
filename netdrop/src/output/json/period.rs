//! `{"type":"interval",…}` and `{"type":"summary",…}`

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::reconcile::{LineObject, TermsObject};
use crate::tally::{
    accounting::{Accounting, HookCount, Traffic},
    harm::Here,
    histogram::Histogram,
    names::Severity,
    period::{Period, Totals},
    row::{Row, Value},
    squeeze::{FullPolls, Squeeze},
};

#[derive(Serialize)]
pub(super) struct Object<'a> {
    r#type: &'static str,
    #[serde(serialize_with = "super::microseconds")]
    time: Timestamp,
    seconds: f64,
    totals: TotalsObject,
    accounting: AccountingObject,
    traffic: TrafficObject<'a>,
    hooks: Hooks<'a>,
    rows: Vec<RowObject<'a>>,
    histograms: Option<Vec<HistogramObject>>,
    reconciliation: Option<Vec<LineObject<'a>>>,
    reconciled: Option<TermsObject<'a>>,
}

impl<'a> Object<'a> {
    pub(super) fn of(r#type: &'static str, period: &'a Period) -> Self {
        let Period {
            time,
            seconds,
            totals,
            accounting,
            traffic,
            squeeze,
            hooks,
            rows,
            histograms,
            // Text: `explain --format json` has it.
            advice: _,
            reconciliation,
        } = period;
        Self {
            r#type,
            time: *time,
            seconds: (seconds * 1e6).round() / 1e6,
            totals: totals.into(),
            accounting: accounting.into(),
            traffic: TrafficObject::of(traffic, squeeze),
            hooks: Hooks(hooks),
            rows: rows
                .iter()
                .map(|row| RowObject {
                    row,
                    seconds: *seconds,
                })
                .collect(),
            histograms: histograms
                .as_ref()
                .map(|all| all.iter().map(Into::into).collect()),
            reconciliation: reconciliation
                .as_ref()
                .map(|found| found.lines.iter().map(Into::into).collect()),
            reconciled: reconciliation.as_ref().map(|found| (&found.terms).into()),
        }
    }
}

#[derive(Serialize)]
struct HistogramObject {
    kind: &'static str,
    unit: &'static str,
    count: u64,
    unknown: u64,
    buckets: Vec<BucketObject>,
}

#[derive(Serialize)]
struct BucketObject {
    from: u64,
    to: u64,
    count: u64,
}

impl From<&Histogram> for HistogramObject {
    fn from(histogram: &Histogram) -> Self {
        let filled = histogram.buckets.iter().filter(|bucket| bucket.count > 0);
        Self {
            kind: histogram.kind.id(),
            unit: histogram.kind.unit(),
            count: histogram.count(),
            unknown: histogram.unknown,
            buckets: filled
                .map(|bucket| BucketObject {
                    from: bucket.from,
                    to: bucket.to,
                    count: bucket.count,
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct TotalsObject {
    drops: u64,
    packets: u64,
    bytes: u64,
    harmful: u64,
    suspicious: u64,
    benign: u64,
    hidden: u64,
}

impl From<&Totals> for TotalsObject {
    fn from(totals: &Totals) -> Self {
        let Totals { sums, hidden } = *totals;
        Self {
            drops: sums.drops(),
            packets: sums.packets,
            bytes: sums.bytes,
            harmful: sums.harmful,
            suspicious: sums.suspicious,
            benign: sums.benign,
            hidden,
        }
    }
}

#[derive(Serialize)]
pub(super) struct AccountingObject {
    counted: u64,
    filtered: u64,
    undecided: u64,
    rejected: u64,
    parts: u64,
    recursion_missed: Option<u64>,
    flow_other: Option<u64>,
    no_flow: Option<u64>,
    consequence_other: Option<u64>,
    site_other: u64,
    delivered: u64,
    ring_lost: u64,
    sampled_out: u64,
    unparsed: u64,
    output_lost: u64,
}

impl From<&Accounting> for AccountingObject {
    fn from(accounting: &Accounting) -> Self {
        let Accounting {
            counted,
            filtered,
            undecided,
            rejected,
            parts,
            recursion_missed,
            flow_other,
            no_flow,
            consequence_other,
            site_other,
            delivered,
            ring_lost,
            sampled_out,
            unparsed,
            output_lost,
        } = *accounting;
        Self {
            counted,
            filtered,
            undecided,
            rejected,
            parts,
            recursion_missed,
            flow_other,
            no_flow,
            consequence_other,
            site_other,
            delivered,
            ring_lost,
            sampled_out,
            unparsed,
            output_lost,
        }
    }
}

#[derive(Serialize)]
struct TrafficObject<'a> {
    rx_packets: Option<u64>,
    tx_packets: Option<u64>,
    napi_polls: Option<u64>,
    napi_full: Option<u64>,
    squeeze: Option<Vec<FullPollsObject<'a>>>,
    squeeze_other: Option<u64>,
    time_squeeze: Option<u64>,
    time_squeeze_cpus: Option<Vec<CpuObject>>,
}

#[derive(Serialize)]
struct FullPollsObject<'a> {
    cpu: u32,
    device: Option<&'a str>,
    ifindex: Option<u32>,
    netns: Option<u32>,
    napi_id: Option<u32>,
    poll: Option<&'a str>,
    polls_full: u64,
}

#[derive(Serialize)]
struct CpuObject {
    cpu: u32,
    time_squeeze: u64,
}

impl<'a> TrafficObject<'a> {
    fn of(traffic: &Traffic, squeeze: &'a Squeeze) -> Self {
        let Traffic {
            rx_packets,
            tx_packets,
            napi_polls,
            napi_full,
            time_squeeze,
        } = *traffic;
        Self {
            rx_packets,
            tx_packets,
            napi_polls,
            napi_full,
            squeeze: squeeze
                .full
                .as_ref()
                .map(|full| full.iter().map(FullPollsObject::from).collect()),
            squeeze_other: squeeze.other,
            time_squeeze,
            time_squeeze_cpus: squeeze.cpus.as_ref().map(|cpus| {
                cpus.iter()
                    .map(|&(cpu, time_squeeze)| CpuObject { cpu, time_squeeze })
                    .collect()
            }),
        }
    }
}

impl<'a> From<&'a FullPolls> for FullPollsObject<'a> {
    fn from(full: &'a FullPolls) -> Self {
        let FullPolls {
            cpu,
            device,
            ifindex,
            netns,
            napi_id,
            poll,
            polls,
        } = full;
        Self {
            cpu: *cpu,
            device: device.as_deref(),
            ifindex: *ifindex,
            netns: *netns,
            napi_id: *napi_id,
            poll: poll.as_deref(),
            polls_full: *polls,
        }
    }
}

struct Hooks<'a>(&'a [HookCount]);

impl Serialize for Hooks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|hook| (hook.name, hook.count)))
    }
}

pub(super) struct RowObject<'a> {
    pub(super) row: &'a Row,
    pub(super) seconds: f64,
}

impl Serialize for RowObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { row, seconds } = self;
        let Row {
            fields,
            sums,
            tells_harm,
            other,
        } = row;
        let mut map = serializer.serialize_map(None)?;
        for field in fields {
            // The key `severity` is the severity that every row carries.
            if field.name == "severity" {
                continue;
            }
            match &field.value {
                Value::Null => map.serialize_entry(field.name, &None::<()>)?,
                Value::Number(number) => map.serialize_entry(field.name, number)?,
                Value::Text(text) => map.serialize_entry(field.name, &**text)?,
                Value::Lines(lines) => {
                    let lines: Vec<&str> = lines.lines().collect();
                    map.serialize_entry(field.name, &lines)?;
                }
            }
        }
        map.serialize_entry("drops", &sums.drops())?;
        map.serialize_entry("packets", &sums.packets)?;
        map.serialize_entry("bytes", &sums.bytes)?;
        map.serialize_entry("rate", &row.rate(*seconds))?;
        map.serialize_entry("severity", &sums.worst().map(Severity::as_str))?;
        map.serialize_entry("harmful", &sums.harmful)?;
        map.serialize_entry("suspicious", &sums.suspicious)?;
        map.serialize_entry("benign", &sums.benign)?;
        if *tells_harm {
            map.serialize_entry("retransmits", &sums.harm.retransmits())?;
            map.serialize_entry("resets", &sums.harm.resets())?;
            map.serialize_entry("ends", &sums.harm.here().map(Here::as_str))?;
        }
        if let Some(other) = other {
            map.serialize_entry("other", other.as_str())?;
        }
        map.end()
    }
}
