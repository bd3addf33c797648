//! Several hosts beside each other.

use std::fmt::Write as _;

use jiff::Timestamp;
use textwrap::{Options, WordSeparator, WordSplitter};

use super::super::{amount::count_text, clock, diff::what, escape::escape, text::Layout};
use crate::recording::{fleet::Fleet, report::timeline::Point};

/// Where there is no terminal.
const USUAL: usize = 80;
/// Columns of the timeline.
const SLICES: usize = 48;
/// From nothing to most.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn write(out: &mut String, fleet: &Fleet, top: usize, layout: Layout) {
    let Layout { palette, width } = layout;
    let sums = fleet.totals().sums;
    let _ = writeln!(
        out,
        "{}  {}: harmful {}, suspicious {}, benign {}",
        palette.bold(&count_text(fleet.hosts.len() as u64, "host")),
        count_text(sums.drops(), "drop"),
        sums.harmful,
        sums.suspicious,
        sums.benign
    );
    let options = Options::new(width.unwrap_or(USUAL))
        .initial_indent("  ")
        .subsequent_indent("    ")
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    for sentence in clock::sentences(fleet) {
        for line in textwrap::wrap(&escape(&sentence), &options) {
            let _ = writeln!(out, "{line}");
        }
    }
    each(out, fleet, layout);
    timeline(out, fleet, layout);
    rows(out, fleet, top, layout);
}

/// Widest name of a host.
fn name_width(fleet: &Fleet) -> usize {
    let names = fleet.hosts.iter();
    names
        .map(|host| escape(&host.name).chars().count())
        .max()
        .unwrap_or_default()
        .max(4)
}

fn each(out: &mut String, fleet: &Fleet, layout: Layout) {
    let width = name_width(fleet);
    let title = format!(
        "{:<width$}  {:>10}  {:>10}  {:>10}  {:>10}  RECORDED (UTC)",
        "HOST", "DROPS", "HARMFUL", "SUSPICIOUS", "BENIGN"
    );
    let _ = writeln!(out, "\n{}", layout.palette.bold(&title));
    for host in &fleet.hosts {
        let sums = &host.report.summary.totals.sums;
        let span = match host.report.span {
            Some((first, last)) => format!("{first:.0} to {last:.0}"),
            None => "no whole interval".to_owned(),
        };
        let _ = writeln!(
            out,
            "{:<width$}  {:>10}  {:>10}  {:>10}  {:>10}  {span}",
            escape(&host.name),
            sums.drops(),
            sums.harmful,
            sums.suspicious,
            sums.benign,
        );
    }
}

/// A line of bars for each host, all on the same time and the same scale.
fn timeline(out: &mut String, fleet: &Fleet, layout: Layout) {
    let Some((first, last)) = fleet.span() else {
        return;
    };
    let lines: Vec<Vec<Option<f64>>> = fleet
        .hosts
        .iter()
        .map(|host| slices(&host.report.timeline, first, last))
        .collect();
    let most = lines
        .iter()
        .flatten()
        .flatten()
        .copied()
        .fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let title = "drops that are not benign, over time; · not recorded";
    let _ = writeln!(out, "\n{}", layout.palette.bold(title));
    let width = name_width(fleet);
    for (host, line) in fleet.hosts.iter().zip(&lines) {
        let bars: String = line
            .iter()
            .map(|rate| rate.map_or('·', |rate| bar(rate, most)))
            .collect();
        let _ = writeln!(out, "{:<width$}  {bars}", escape(&host.name));
    }
    let _ = writeln!(
        out,
        "{:<width$}  {first:.0} to {last:.0}, highest {most:.1}/s",
        ""
    );
}

/// The rate in each slice of a time; `None` where nothing was recorded. A point
/// counts in every slice that it touches, as far as it does.
#[expect(
    clippy::cast_precision_loss,
    reason = "a bar needs no more than 52 bits"
)]
fn slices(points: &[Point], first: Timestamp, last: Timestamp) -> Vec<Option<f64>> {
    let all = last.duration_since(first).as_secs_f64();
    let length = all / SLICES as f64;
    let mut drops = vec![(0.0, 0.0); SLICES];
    for point in points {
        let end = point.time.duration_since(first).as_secs_f64();
        let start = (end - point.seconds).max(0.0);
        let rate = point.serious() as f64 / point.seconds.max(1e-9);
        for (slice, (count, seconds)) in drops.iter_mut().enumerate() {
            let from = slice as f64 * length;
            let shared = end.min(from + length) - start.max(from);
            if shared > 0.0 {
                *count += rate * shared;
                *seconds += shared;
            }
        }
    }
    let rate = |(count, seconds): (f64, f64)| (seconds > 0.0).then(|| count / seconds);
    drops.into_iter().map(rate).collect()
}

/// Whatever is not zero is seen.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "one of nine bars"
)]
fn bar(rate: f64, most: f64) -> char {
    let steps = (BARS.len() - 1) as f64;
    let step = (rate / most * steps).ceil().clamp(0.0, steps);
    BARS[step as usize]
}

fn rows(out: &mut String, fleet: &Fleet, top: usize, layout: Layout) {
    let (rows, others) = fleet.rows(top);
    if rows.is_empty() && others.is_none() {
        return;
    }
    let width = name_width(fleet);
    let title = format!(
        "{:>10}  {:<10}  {:<width$}  WHAT",
        "DROPS", "SEVERITY", "HOST"
    );
    let _ = writeln!(out, "\n{}", layout.palette.bold(&title));
    for row in rows {
        let _ = writeln!(
            out,
            "{:>10}  {:<10}  {:<width$}  {}",
            row.row.sums.drops(),
            row.row
                .sums
                .worst()
                .map_or("-", |severity| severity.as_str()),
            escape(&row.host.name),
            what(&row.row.fields)
        );
    }
    if let Some(others) = others {
        let _ = writeln!(
            out,
            "{:>10}  ({})",
            others.sums.drops(),
            count_text(others.rows as u64, "more row")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::samples, *};

    #[test]
    fn hosts_stand_on_one_time_and_say_what_is_known_of_their_clocks() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let point = |second, harmful| Point {
            time: at(second),
            seconds: 1.0,
            harmful,
            suspicious: 0,
            benign: 7,
        };
        let report = |first, points: Vec<Point>| {
            let mut report = samples::report();
            report.span = Some((at(first), points.last().unwrap().time));
            report.timeline = points;
            report
        };
        let early = report(0, (1..=10).map(|second| point(second, 0)).collect());
        let late = report(10, (11..=20).map(|second| point(second, 5)).collect());
        let mut out = String::new();
        write(
            &mut out,
            &Fleet::of(vec![early, late]),
            1,
            Layout::default(),
        );
        let (blank, full, dots) = (" ".repeat(24), "█".repeat(24), "·".repeat(24));
        assert!(out.contains(&format!("{blank}{dots}")), "{out}");
        assert!(out.contains(&format!("{dots}{full}")), "{out}");
        assert!(out.contains("There is no time at which all hosts"), "{out}");
        assert!(out.contains("is not known"), "{out}");
        assert!(out.contains("more rows)"), "{out}");
        assert!(!out.contains('\x1b'), "{out}");
    }
}
