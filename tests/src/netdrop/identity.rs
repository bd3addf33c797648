//! The sums that must hold in every interval and in every summary (design.md,
//! sections 3 and 5), whatever was dropped.

use std::{cmp::Ordering, collections::BTreeMap};

use serde_json::Value;

use super::record::{Accounting, Interval, Row, Run, Severity, Totals, Traffic};

/// What a scenario allows beyond the rule.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allow {
    /// Rows and flows may be missing because a table was full.
    pub(crate) other: bool,
    /// Intervals may be missing because nobody read them.
    pub(crate) lost_intervals: bool,
}

/// Everything about a run that does not add up; `by` are the keys of its rows.
pub(crate) fn complaints(run: &Run, by: &[&str], allow: Allow) -> Vec<String> {
    let mut complaints = ready(run);
    let Run {
        intervals, summary, ..
    } = run;
    for (index, interval) in intervals.iter().enumerate() {
        let found = one(interval, by, allow);
        complaints.extend(
            found
                .iter()
                .map(|complaint| format!("interval {index}: {complaint}")),
        );
    }
    let found = one(summary, by, allow);
    complaints.extend(
        found
            .iter()
            .map(|complaint| format!("summary: {complaint}")),
    );
    if !intervals.is_empty() && !allow.lost_intervals {
        complaints.extend(sum(intervals, summary, by));
    }
    complaints
}

fn ready(run: &Run) -> Vec<String> {
    let ready = &run.ready;
    let mut complaints = Vec::new();
    let mut must =
        |holds: bool, what: String| (!holds).then(|| complaints.push(what)).unwrap_or(());
    must(ready.schema == 1, format!("ready: schema {}", ready.schema));
    must(
        is_time(&ready.time),
        format!("ready: time {:?}", ready.time),
    );
    for text in [&ready.version, &ready.host, &ready.kernel] {
        must(
            !text.is_empty(),
            "ready: an empty version, host or kernel".to_owned(),
        );
    }
    must(!ready.hooks.is_empty(), "ready: no hooks".to_owned());
    for hook in &ready.hooks {
        must(
            hook.attached == hook.why.is_none(),
            format!(
                "ready: hook {} attached {} why {:?}",
                hook.name, hook.attached, hook.why
            ),
        );
    }
    must(
        ready
            .hooks
            .iter()
            .any(|hook| hook.name == "skb:kfree_skb" && hook.attached),
        format!(
            "ready: skb:kfree_skb is not attached; warnings {:?}",
            ready.warnings
        ),
    );
    complaints
}

fn one(interval: &Interval, by: &[&str], allow: Allow) -> Vec<String> {
    let Interval {
        time,
        seconds,
        totals,
        accounting,
        rows,
        ..
    } = interval;
    let mut complaints = Vec::new();
    let mut must =
        |holds: bool, what: String| (!holds).then(|| complaints.push(what)).unwrap_or(());
    let sum = |count: fn(&Row) -> u64| rows.iter().map(count).sum::<u64>();

    must(is_time(time), format!("time {time:?}"));
    must(*seconds > 0.0, format!("{seconds} seconds"));
    let in_rows = sum(|row| row.drops);
    must(
        in_rows + totals.hidden == totals.drops,
        format!(
            "rows {in_rows} + hidden {} != drops {}",
            totals.hidden, totals.drops
        ),
    );
    if totals.hidden == 0 {
        let shown = (sum(|row| row.packets), sum(|row| row.bytes));
        must(
            shown == (totals.packets, totals.bytes),
            format!("rows (packets, bytes) {shown:?} != totals {totals:?}"),
        );
    }
    must(
        totals.harmful + totals.suspicious + totals.benign == totals.drops,
        format!("harmful + suspicious + benign != drops in {totals:?}"),
    );
    must(
        accounting.counted == totals.drops,
        format!("counted {} != drops {}", accounting.counted, totals.drops),
    );
    let Accounting {
        counted,
        sampled_out,
        ring_lost,
        delivered,
        ..
    } = accounting;
    must(
        counted.checked_sub(sampled_out + ring_lost) == Some(*delivered),
        format!(
            "counted {counted} - sampled out {sampled_out} - ring lost {ring_lost} != delivered {delivered}"
        ),
    );
    if !allow.other {
        let others = (accounting.flow_other.unwrap_or(0), accounting.site_other);
        must(
            others == (0, 0),
            format!("flow_other, site_other are {others:?}"),
        );
    }
    for row in rows {
        complaints.extend(of_row(row, *seconds, by));
    }
    complaints.extend(disorder(rows, by));
    complaints
}

fn of_row(row: &Row, seconds: f64, by: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut must = |holds: bool, what: &str| {
        (!holds)
            .then(|| complaints.push(format!("{what}: {row:?}")))
            .unwrap_or(())
    };
    must(row.drops > 0, "a row without drops");
    must(row.packets >= row.drops, "fewer packets than drops");
    must(
        row.harmful + row.suspicious + row.benign == row.drops,
        "severities do not sum up to drops",
    );
    let worst = match row {
        Row { harmful: 1.., .. } => Severity::Harmful,
        Row {
            suspicious: 1.., ..
        } => Severity::Suspicious,
        _ => Severity::Benign,
    };
    must(row.severity == worst, "severity is not the worst present");
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let rate = row.drops as f64 / seconds;
    must(
        (row.rate - rate).abs() <= 0.02 * rate + 0.01,
        "rate is not drops / seconds",
    );
    let beside = |key: &str| match key {
        "device" => Some("ifindex"),
        "netns" => Some("netns_name"),
        _ => None,
    };
    for key in by
        .iter()
        .copied()
        .flat_map(|key| [Some(key), beside(key)])
        .flatten()
    {
        let value = row.keys.get(key);
        must(
            value.is_some_and(|value| has_kind(key, value)),
            &format!("key {key} is missing or of the wrong type"),
        );
    }
    complaints
}

/// Numbers are numbers and texts are texts; everything may be null.
fn has_kind(key: &str, value: &Value) -> bool {
    match key {
        "ifindex" | "netns" | "cpu" | "src_port" | "dst_port" => value.is_u64() || value.is_null(),
        "src" | "dst" => {
            value.is_null()
                || value.as_str().is_some_and(|text| {
                    text.parse()
                        .is_ok_and(|address: std::net::IpAddr| address.to_string() == text)
                        || text.split(':').count() == 6
                })
        }
        _ => value.is_string() || value.is_null(),
    }
}

/// By drops descending, then by the keys: numbers by value, text by bytes, null
/// last. Rows that stand for others have no keys to be sorted by.
fn disorder(rows: &[Row], by: &[&str]) -> Option<String> {
    let own: Vec<&Row> = rows.iter().filter(|row| !row.is_other()).collect();
    let pair = own
        .windows(2)
        .find(|pair| order(pair[0], pair[1], by) == Ordering::Greater)?;
    Some(format!(
        "rows out of order: {:?} before {:?}",
        pair[0], pair[1]
    ))
}

fn order(left: &Row, right: &Row, by: &[&str]) -> Ordering {
    let keys = by
        .iter()
        .map(|key| order_of_values(left.key(key), right.key(key)));
    right
        .drops
        .cmp(&left.drops)
        .then(keys.fold(Ordering::Equal, Ordering::then))
}

fn order_of_values(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_u64().cmp(&right.as_u64()),
        (Value::String(left), Value::String(right)) => left.as_bytes().cmp(right.as_bytes()),
        (left, right) => left.is_null().cmp(&right.is_null()),
    }
}

/// The intervals must sum up to the summary, row by row too.
fn sum(intervals: &[Interval], summary: &Interval, by: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    let totals = intervals.iter().fold(Totals::default(), |sum, interval| {
        let Totals {
            drops,
            packets,
            bytes,
            harmful,
            suspicious,
            benign,
            hidden,
        } = interval.totals;
        Totals {
            drops: sum.drops + drops,
            packets: sum.packets + packets,
            bytes: sum.bytes + bytes,
            harmful: sum.harmful + harmful,
            suspicious: sum.suspicious + suspicious,
            benign: sum.benign + benign,
            hidden: sum.hidden + hidden,
        }
    });
    if totals != summary.totals {
        complaints.push(format!(
            "the intervals' {totals:?} != the summary's {:?}",
            summary.totals
        ));
    }
    let numbers = intervals
        .iter()
        .map(|interval| numbers(&interval.accounting, &interval.traffic));
    let added =
        numbers.reduce(|sum, next| sum.into_iter().zip(next).map(|(a, b)| add(a, b)).collect());
    let whole = numbers_of(summary);
    if added.as_ref() != Some(&whole) {
        complaints.push(format!(
            "the intervals' accounting and traffic {added:?} != the summary's {whole:?}"
        ));
    }
    let parts = by_key(intervals.iter().flat_map(|interval| &interval.rows), by);
    let rows = by_key(&summary.rows, by);
    let differing = parts
        .iter()
        .find(|(key, drops)| rows.get(*key) != Some(drops));
    let any_other = intervals
        .iter()
        .chain([summary])
        .flat_map(|i| &i.rows)
        .any(Row::is_other);
    if let (Some((key, drops)), false) = (differing, any_other) {
        complaints.push(format!(
            "the intervals' rows {key} have {drops} drops, the summary's {:?}",
            rows.get(key)
        ));
    }
    complaints
}

fn by_key<'a>(rows: impl IntoIterator<Item = &'a Row>, by: &[&str]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let key: Vec<String> = by.iter().map(|key| row.key(key).to_string()).collect();
        *sums.entry(key.join(" ")).or_default() += row.drops;
    }
    sums
}

fn add(left: Option<u64>, right: Option<u64>) -> Option<u64> {
    left.zip(right).map(|(left, right)| left + right)
}

fn numbers_of(interval: &Interval) -> Vec<Option<u64>> {
    numbers(&interval.accounting, &interval.traffic)
}

/// In the contract's order.
fn numbers(accounting: &Accounting, traffic: &Traffic) -> Vec<Option<u64>> {
    vec![
        Some(accounting.counted),
        Some(accounting.filtered),
        Some(accounting.undecided),
        Some(accounting.parts),
        accounting.recursion_missed,
        accounting.flow_other,
        Some(accounting.site_other),
        Some(accounting.delivered),
        Some(accounting.ring_lost),
        Some(accounting.sampled_out),
        Some(accounting.unparsed),
        Some(accounting.output_lost),
        traffic.rx_packets,
        traffic.tx_packets,
        traffic.napi_polls,
        traffic.napi_full,
        traffic.time_squeeze,
    ]
}

/// RFC 3339 in UTC, roughly: `2024-05-01T12:00:00.123Z`.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && text.ends_with('Z')
}
