//! Histograms for people: a line each.

use std::fmt::Write as _;

use super::{amount::count_text, text::Layout};
use crate::tally::{
    histogram::{Bucket, Histogram, HistogramKind},
    period::Period,
};

/// Columns of the bars at most.
const COLUMNS: usize = 12;
/// From nothing to most.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Appends those of a period in which anything was met.
pub(super) fn write(out: &mut String, period: &Period, layout: Layout) {
    let Some(histograms) = &period.histograms else {
        return;
    };
    let met = |it: &&Histogram| it.unknown > 0 || !it.buckets.is_empty();
    let lines: Vec<String> = histograms.iter().filter(met).map(line).collect();
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n{}",
        layout
            .palette
            .bold("how large, how old, how many at a time (up to)")
    );
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
    let rejected = period.accounting.rejected;
    if rejected > 0 {
        let text = format!(
            "with {} that the filter left out when they were counted",
            count_text(rejected, "drop")
        );
        let _ = writeln!(out, "  {}", layout.palette.warn(&text));
    }
}

fn line(histogram: &Histogram) -> String {
    let name = match histogram.kind {
        HistogramKind::PacketSize => "packet size",
        HistogramKind::Age => "age",
        HistogramKind::NapiWork => "napi work",
        HistogramKind::Burst => "burst",
    };
    let mut text = format!("{name:<11}  ");
    let known = histogram.count();
    if known > 0 {
        let _ = write!(text, "{:<COLUMNS$}", bars(&histogram.buckets));
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)] {
            if let Some(bucket) = histogram.quantile(share) {
                let _ = write!(text, "  {name} {}", value(histogram.kind, bucket.to));
            }
        }
    }
    if histogram.unknown > 0 {
        let separator = if known > 0 { ", " } else { "" };
        let _ = write!(text, "{separator}unknown {}", histogram.unknown);
    }
    text
}

/// A bar for some neighbouring buckets each. Whatever is not zero is seen.
fn bars(buckets: &[Bucket]) -> String {
    let each = buckets.len().div_ceil(COLUMNS).max(1);
    let sums: Vec<u64> = buckets
        .chunks(each)
        .map(|some| some.iter().map(|bucket| bucket.count).sum())
        .collect();
    let most = sums.iter().copied().max().unwrap_or_default().max(1);
    let steps = BARS.len() as u64 - 1;
    sums.iter()
        .map(|sum| {
            let step = u128::from(*sum) * u128::from(steps);
            let step = usize::try_from(step.div_ceil(most.into())).unwrap_or_default();
            BARS[step.min(BARS.len() - 1)]
        })
        .collect()
}

/// A value with its unit, where it has one that fits.
#[expect(
    clippy::cast_precision_loss,
    reason = "three digits need no more than 52 bits"
)]
fn value(kind: HistogramKind, value: u64) -> String {
    match kind {
        HistogramKind::PacketSize => format!("{value} B"),
        HistogramKind::NapiWork | HistogramKind::Burst => value.to_string(),
        HistogramKind::Age => match value {
            0..1_000 => format!("{value} ns"),
            1_000..1_000_000 => format!("{:.1} µs", value as f64 / 1e3),
            1_000_000..1_000_000_000 => format!("{:.1} ms", value as f64 / 1e6),
            _ => format!("{:.1} s", value as f64 / 1e9),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    #[test]
    fn a_line_tells_quantiles_and_what_is_unknown() {
        let mut period = samples::period();
        period.accounting.rejected = 1;
        let mut out = String::new();
        write(&mut out, &period, Layout::default());
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 5, "{out}");
        assert!(lines[2].starts_with("  packet size  █"), "{out}");
        assert!(
            lines[2].ends_with("  p50 31 B  p90 1535 B  p99 1535 B  max 1535 B"),
            "{out}"
        );
        assert!(lines[3].ends_with("max 1.8 µs, unknown 31"), "{out}");
        assert!(lines[4].contains("with 1 drop that"), "{out}");
        period.histograms = None;
        out.clear();
        write(&mut out, &period, Layout::default());
        assert!(out.is_empty());
    }

    #[test]
    fn many_buckets_share_bars_and_few_are_seen() {
        let bucket = |count| Bucket {
            from: 0,
            to: 0,
            count,
        };
        let mut buckets = vec![bucket(0); 40];
        buckets[0] = bucket(u64::MAX / 2);
        buckets[39] = bucket(1);
        assert_eq!(bars(&buckets), "█        ▁");
    }
}
