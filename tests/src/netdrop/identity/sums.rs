//! The intervals of a run sum up to its summary.

use std::collections::BTreeMap;

use super::Complaints;
use crate::netdrop::record::{Accounting, Interval, Row, Totals, Traffic};

pub(super) fn check(intervals: &[Interval], summary: &Interval, by: &[&str], all: &mut Complaints) {
    let parts = intervals.iter().map(numbers).reduce(|sum, next| {
        sum.into_iter()
            .zip(next)
            .map(|((name, sum), (_, next))| (name, add(sum, next)))
            .collect()
    });
    let differing = parts.unwrap_or_default().into_iter().zip(numbers(summary));
    for ((name, parts), (_, whole)) in differing {
        all.must(parts == whole, || {
            format!("{name}: {parts:?} in the intervals, {whole:?} in the summary")
        });
    }
    let rows = || {
        intervals
            .iter()
            .chain([summary])
            .flat_map(|interval| &interval.rows)
    };
    if rows().any(Row::is_other) {
        return;
    }
    let parts = by_key(intervals.iter().flat_map(|interval| &interval.rows), by);
    let whole = by_key(&summary.rows, by);
    for (key, drops) in &parts {
        all.must(whole.get(key) == Some(drops), || {
            format!(
                "{key}: {drops} drops in the intervals, {:?} in the summary",
                whole.get(key)
            )
        });
    }
    all.must(parts.len() >= whole.len(), || {
        "the summary has rows that no interval had".to_owned()
    });
}

fn by_key<'a>(rows: impl IntoIterator<Item = &'a Row>, by: &[&str]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let key: Vec<String> = by.iter().map(|key| row.key(key).to_string()).collect();
        *sums.entry(key.join(" ")).or_default() += row.drops;
    }
    sums
}

/// Null plus anything is null.
fn add(left: Option<u64>, right: Option<u64>) -> Option<u64> {
    left.zip(right).map(|(left, right)| left + right)
}

/// Every number of an interval that must add up. What is hidden is not among
/// them: `--top` hides other rows in a summary than in an interval.
fn numbers(interval: &Interval) -> Vec<(&'static str, Option<u64>)> {
    let Totals {
        drops,
        packets,
        bytes,
        harmful,
        suspicious,
        benign,
        hidden: _,
    } = interval.totals;
    let Accounting {
        counted,
        filtered,
        undecided,
        rejected,
        parts,
        recursion_missed,
        flow_other,
        no_flow,
        site_other,
        delivered,
        ring_lost,
        sampled_out,
        unparsed,
        output_lost,
    } = interval.accounting;
    let Traffic {
        rx_packets,
        tx_packets,
        napi_polls,
        napi_full,
        time_squeeze,
    } = interval.traffic;
    vec![
        ("drops", Some(drops)),
        ("packets", Some(packets)),
        ("bytes", Some(bytes)),
        ("harmful", Some(harmful)),
        ("suspicious", Some(suspicious)),
        ("benign", Some(benign)),
        ("counted", Some(counted)),
        ("filtered", Some(filtered)),
        ("undecided", Some(undecided)),
        ("rejected", Some(rejected)),
        ("parts", Some(parts)),
        ("recursion_missed", recursion_missed),
        ("flow_other", flow_other),
        ("no_flow", no_flow),
        ("site_other", Some(site_other)),
        ("delivered", Some(delivered)),
        ("ring_lost", Some(ring_lost)),
        ("sampled_out", Some(sampled_out)),
        ("unparsed", Some(unparsed)),
        ("output_lost", Some(output_lost)),
        ("rx_packets", rx_packets),
        ("tx_packets", tx_packets),
        ("napi_polls", napi_polls),
        ("napi_full", napi_full),
        ("time_squeeze", time_squeeze),
    ]
}
