//! What must hold in every interval and in every summary (design.md, sections 3
//! and 5), whatever was dropped.

use super::record::{Accounting, Interval, Row, Run};

mod histograms;
mod row;
mod sums;

/// What a scenario allows beyond the rule.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allow {
    /// Rows and flows may be missing because a table was full.
    pub(crate) other: bool,
    /// Intervals may be missing because nobody read them.
    pub(crate) lost_intervals: bool,
    /// Drops may be in no row because of `--severity`.
    pub(crate) hidden: bool,
}

/// Everything about a run that does not add up; `by` are the keys of its rows.
pub(crate) fn complaints(run: &Run, by: &[&str], allow: Allow) -> Vec<String> {
    let Run {
        ready: _,
        intervals,
        summary,
        drops: _,
        firings,
    } = run;
    let mut all = Complaints::default();
    ready(run, &mut all);
    match firings {
        Some(bounds) => all.0.extend(bounds.against(run)),
        None => all
            .0
            .push("nobody counted the runs of the drop program".to_owned()),
    }
    for (index, interval) in intervals.iter().enumerate() {
        all.under(&format!("interval {index}"), |all| {
            one(interval, by, allow, all);
        });
    }
    all.under("summary", |all| one(summary, by, allow, all));
    if !intervals.is_empty() && !allow.lost_intervals {
        sums::check(intervals, summary, by, &mut all);
        histograms::sums(intervals, summary, &mut all);
    }
    let Complaints(complaints) = all;
    complaints
}

/// What is not as it must be, in words.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what());
        }
    }

    /// Puts a label before whatever comes out of a check.
    fn under(&mut self, label: &str, check: impl FnOnce(&mut Self)) {
        let mut found = Self::default();
        check(&mut found);
        let Self(found) = found;
        self.0.extend(
            found
                .iter()
                .map(|complaint| format!("{label}: {complaint}")),
        );
    }
}

fn ready(run: &Run, all: &mut Complaints) {
    let ready = &run.ready;
    all.must(ready.schema == 1, || {
        format!("ready: schema {}", ready.schema)
    });
    all.must(is_time(&ready.time), || {
        format!("ready: time {:?}", ready.time)
    });
    let texts = [&ready.version, &ready.host, &ready.kernel];
    all.must(texts.iter().all(|text| !text.is_empty()), || {
        format!("ready: one is empty of {texts:?}")
    });
    for hook in &ready.hooks {
        all.must(hook.attached == hook.why.is_none(), || {
            format!("ready: {hook:?}")
        });
    }
    let drops = ready.hooks.iter().find(|hook| hook.name == "skb:kfree_skb");
    all.must(drops.is_some_and(|hook| hook.attached), || {
        format!(
            "ready: skb:kfree_skb is {drops:?}, with the warnings {:?}",
            ready.warnings
        )
    });
}

fn one(interval: &Interval, by: &[&str], allow: Allow, all: &mut Complaints) {
    let Interval {
        time,
        seconds,
        totals,
        accounting,
        traffic: _,
        rows,
        histograms: _,
        reconciliation: _,
    } = interval;
    histograms::check(interval, all);
    let Accounting {
        counted,
        rejected,
        sampled_out,
        ring_lost,
        delivered,
        flow_other,
        no_flow,
        site_other,
        ..
    } = accounting;
    let sum = |count: fn(&Row) -> u64| rows.iter().map(count).sum::<u64>();

    all.must(is_time(time), || format!("time {time:?}"));
    all.must(*seconds > 0.0, || format!("{seconds} seconds"));
    let shown = sum(|row| row.drops);
    all.must(shown + totals.hidden == totals.drops, || {
        format!(
            "{shown} drops in rows + {} hidden != {} drops",
            totals.hidden, totals.drops
        )
    });
    let shown = (sum(|row| row.packets), sum(|row| row.bytes));
    all.must(
        totals.hidden > 0 || shown == (totals.packets, totals.bytes),
        || format!("rows have (packets, bytes) {shown:?}, {totals:?}"),
    );
    all.must(
        totals.harmful + totals.suspicious + totals.benign == totals.drops,
        || format!("harmful + suspicious + benign != drops: {totals:?}"),
    );
    all.must(*counted == totals.drops, || {
        format!("counted {counted} != drops {}", totals.drops)
    });
    all.must(
        (counted + rejected).checked_sub(sampled_out + ring_lost) == Some(*delivered),
        || format!("counted + rejected - sampled_out - ring_lost != delivered: {accounting:?}"),
    );
    let others = (flow_other.unwrap_or(0), *site_other);
    all.must(allow.other || others == (0, 0), || {
        format!("(flow_other, site_other) {others:?}")
    });
    all.must(allow.hidden || totals.hidden == 0, || {
        format!("{} drops are hidden", totals.hidden)
    });
    all.must(
        allow.other || !rows.iter().any(|row| *row.key("other") == "table"),
        || "a row for what had no room, although all tables had".to_owned(),
    );
    let own: Vec<&Row> = rows.iter().filter(|row| !row.is_other()).collect();
    let complete = totals.hidden == 0 && !rows.iter().any(|row| *row.key("other") == "top");
    if let (Some(flow_other), Some(no_flow)) = (flow_other, no_flow)
        && by.contains(&"src")
        && complete
    {
        let with_flow = own.iter().filter(|row| !row.key("src").is_null());
        let flows: u64 = with_flow.map(|row| row.drops).sum();
        all.must(flows + flow_other + no_flow == *counted, || {
            format!("flow rows {flows} + flow_other {flow_other} + no_flow {no_flow} != {counted}")
        });
    }
    // Where no flows are counted every row is made of sites.
    if flow_other.is_none() && complete {
        let sites: u64 = own.iter().map(|row| row.drops).sum();
        all.must(sites + site_other == *counted, || {
            format!("site rows {sites} + site_other {site_other} != {counted}")
        });
    }
    for row in rows {
        row::check(row, *seconds, by, all);
    }
    row::check_order(rows, by, all);
}

/// RFC 3339 in UTC, roughly: `2024-05-01T12:00:00.123Z`.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && text.ends_with('Z')
}
