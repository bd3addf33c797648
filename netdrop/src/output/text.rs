//! `watch` for people: a block per interval.

mod squeeze;

use std::fmt::Write as _;

use super::{advice, histogram, palette::Palette, reconcile, table, wrap::wrap};
use crate::reconcile::Reconciliation;
use crate::tally::{
    accounting::Accounting,
    period::{Period, Totals},
    row::rate,
};

/// How text is laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// Columns of the terminal; `None`: no terminal, nothing is shortened.
    pub width: Option<usize>,
    /// Colours.
    pub palette: Palette,
}

/// Below rows of TCP flows of which not both ends are seen.
const HALF_SEEN: &str = "RETRANS: what senders in other network namespaces or on other hosts sent \
    again is not visible here";

/// Appends an interval.
pub fn interval(out: &mut String, period: &Period, layout: Layout) {
    let heading = format!("{:.0}", period.time);
    let mut text = String::new();
    block(&mut text, &heading, period, None, layout);
    wrap(out, &text, layout.width);
    out.push('\n');
}

/// Appends the summary, after so many lines of drops.
pub fn summary(out: &mut String, period: &Period, lines: Option<u64>, layout: Layout) {
    if lines.is_some_and(|lines| lines > 0) {
        out.push('\n');
    }
    let mut text = String::new();
    block(&mut text, "summary", period, lines, layout);
    histogram::write(&mut text, period, layout);
    wrap(out, &text, layout.width);
}

/// Appends a heading, totals, how sure they are, and rows.
pub(super) fn block(
    out: &mut String,
    heading: &str,
    period: &Period,
    lines: Option<u64>,
    layout: Layout,
) {
    let Layout { width, palette } = layout;
    let _ = writeln!(
        out,
        "{}  {}",
        palette.bold(heading),
        counts(&period.totals, period.seconds)
    );
    let drops = period.totals.sums.drops();
    if let Some(lines) = lines
        && lines < drops
    {
        let _ = writeln!(out, "  {} counted, {lines} shown", plural(drops, "drop"));
    }
    let _ = writeln!(out, "  {}", severities(&period.totals, palette));
    if let Some(traffic) = traffic(period) {
        let _ = writeln!(out, "  {traffic}");
    }
    squeeze::write(out, period);
    if let Some(hooks) = hooks(period) {
        let _ = writeln!(out, "  {hooks}");
    }
    accounting(out, &period.accounting, palette);
    if !period.rows.is_empty() {
        table::write(out, &period.rows, period.seconds, width, palette);
        if period.rows.iter().any(|row| row.sums.harm.is_half_seen()) {
            let _ = writeln!(out, "  {}", palette.dim(HALF_SEEN));
        }
    }
    if let Some(Reconciliation { lines, terms }) = &period.reconciliation
        && heading == "summary"
    {
        reconcile::write(out, lines, terms, palette);
    }
    if !period.advice.is_empty() {
        out.push('\n');
    }
    for advice in &period.advice {
        advice::write(out, advice, layout);
    }
}

fn counts(totals: &Totals, seconds: f64) -> String {
    let sums = &totals.sums;
    let mut text = plural(sums.drops(), "drop");
    if let Some(rate) = rate(sums.drops(), seconds) {
        let _ = write!(text, ", {rate:.1}/s");
    }
    let _ = write!(
        text,
        " ({}, {}, {seconds:.3} s)",
        plural(sums.packets, "packet"),
        plural(sums.bytes, "byte")
    );
    text
}

fn plural(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

fn severities(totals: &Totals, palette: Palette) -> String {
    use crate::tally::names::Severity::{Benign, Harmful, Suspicious};
    let sums = &totals.sums;
    let parts = [
        (Harmful, sums.harmful),
        (Suspicious, sums.suspicious),
        (Benign, sums.benign),
    ];
    let mut text = String::new();
    for (severity, drops) in parts {
        let part = format!("{} {drops}", severity.as_str());
        if drops > 0 {
            text.push_str(&palette.severity(severity, &part));
        } else {
            text.push_str(&part);
        }
        text.push_str("  ");
    }
    let _ = write!(text, "hidden: {}", totals.hidden);
    text
}

fn traffic(period: &Period) -> Option<String> {
    let traffic = &period.traffic;
    let mut parts = Vec::new();
    if let (Some(rx), Some(tx)) = (traffic.rx_packets, traffic.tx_packets) {
        let mut part = format!("passes: {rx} rx + {tx} tx");
        if let Some(ratio) = period.drop_ratio() {
            let _ = write!(part, ", drop ratio {ratio:.3} %");
        }
        parts.push(part);
    }
    if let (Some(full), Some(polls)) = (traffic.napi_full, traffic.napi_polls)
        && full > 0
    {
        parts.push(format!(
            "napi: {full} of {polls} polls used up their budget"
        ));
    }
    if let Some(squeezed) = traffic.time_squeeze
        && squeezed > 0
    {
        parts.push(format!("time_squeeze {squeezed}"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn hooks(period: &Period) -> Option<String> {
    let fired: Vec<String> = period
        .hooks
        .iter()
        .filter_map(|hook| {
            let count = hook.count.filter(|count| *count > 0)?;
            Some(format!("{} {count}", hook.name))
        })
        .collect();
    (!fired.is_empty()).then(|| format!("also: {}", fired.join(", ")))
}

/// Only what is not zero; what was lost is marked as such.
fn accounting(out: &mut String, accounting: &Accounting, palette: Palette) {
    let Accounting {
        counted: _,
        filtered,
        undecided,
        // Part of both.
        rejected: _,
        parts,
        recursion_missed,
        flow_other,
        // Rows of their own.
        no_flow: _,
        consequence_other,
        site_other,
        delivered: _,
        ring_lost,
        // Events that nobody asked for.
        sampled_out: _,
        unparsed,
        output_lost,
    } = *accounting;
    let joined = |items: &[(&str, u64)]| {
        let items: Vec<String> = items
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        (!items.is_empty()).then(|| items.join(", "))
    };
    let notes = [
        ("parts", parts),
        ("filtered", filtered),
        ("unparsed", unparsed),
    ];
    if let Some(notes) = joined(&notes) {
        let _ = writeln!(out, "  accounting: {notes}");
    }
    let skipped = [
        ("recursion_missed", recursion_missed.unwrap_or_default()),
        ("undecided", undecided),
    ];
    if let Some(skipped) = joined(&skipped) {
        let text = format!("NOT COUNTED: {skipped}");
        let _ = writeln!(out, "  {}", palette.warn(&text));
    }
    let lost = [
        ("site_other", site_other),
        ("flow_other", flow_other.unwrap_or_default()),
        ("consequence_other", consequence_other.unwrap_or_default()),
        ("ring_lost", ring_lost),
        ("output_lost", output_lost),
    ];
    if let Some(lost) = joined(&lost) {
        let text = format!("DETAIL LOST (totals stay exact): {lost}");
        let _ = writeln!(out, "  {}", palette.warn(&text));
    }
}

#[cfg(test)]
mod tests;
