//! A host's page for a terminal of 80 columns.

use std::fmt::Write as _;

use super::{
    super::{
        advice,
        amount::{count_text, duration_text},
        clock, diff,
        escape::escape,
        histogram, reconcile, singles,
        text::{self, Layout},
        wrap::wrap,
    },
    flows,
};
use crate::recording::{
    read::End,
    report::{Report, key, timeline::Point},
};
use jiff::Timestamp;

/// Where there is no terminal.
const USUAL: usize = 80;
/// Columns of the timeline.
const SLICES: usize = 60;
/// Columns before the name of a row.
const BEFORE_NAME: usize = 44;
/// From nothing to most.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Appends a host's page.
pub(super) fn write(out: &mut String, report: &Report, layout: Layout) {
    let layout = Layout {
        width: Some(layout.width.unwrap_or(USUAL)),
        ..layout
    };
    heading(out, report, layout);
    let mut summary = report.summary.clone();
    let given = std::mem::take(&mut summary.advice);
    let mut counted = String::new();
    text::block(&mut counted, "summary", &summary, None, layout);
    wrap(out, &counted, layout.width);
    timeline(out, &report.timeline, layout);
    times(out, report, layout);
    flows::write(out, report, layout);
    let mut histograms = String::new();
    histogram::write(&mut histograms, &summary, layout);
    wrap(out, &histograms, layout.width);
    if let Some(terms) = &report.reconciled {
        let mut counters = String::new();
        reconcile::write(&mut counters, &report.reconciliation, terms, layout.palette);
        wrap(out, &counters, layout.width);
    }
    if !given.is_empty() {
        let _ = writeln!(out, "\n{}", layout.palette.bold("what to do next"));
    }
    for one in &given {
        advice::write(out, one, layout);
    }
}

fn heading(out: &mut String, report: &Report, layout: Layout) {
    let Layout { palette, .. } = layout;
    let header = &report.header;
    let _ = writeln!(
        out,
        "{}  {}, Linux {}, {}",
        palette.bold(&escape(files(report))),
        escape(&header.host),
        escape(&header.kernel),
        header.cpus.map_or_else(
            || "CPUs unknown".to_owned(),
            |cpus| count_text(cpus.into(), "CPU")
        ),
    );
    let span = match report.span {
        Some((start, end)) => format!("{start:.0} to {end:.0}"),
        None => "no whole interval".to_owned(),
    };
    let _ = writeln!(
        out,
        "  {span}, {}, netdrop {}",
        count_text(report.intervals, "interval"),
        escape(&header.version)
    );
    for (what, filter) in [
        ("recorded with filter", &header.filter),
        ("only", &report.wanted),
    ] {
        if let Some(filter) = filter {
            let _ = writeln!(out, "  {what}: {}", escape(filter));
        }
    }
    if !report.offset.is_zero() {
        let text = format!("times: {} by --offset", clock::signed(report.offset));
        let _ = writeln!(out, "  {}", palette.warn(&text));
    }
    pieces(out, report, layout);
    for warning in &header.warnings {
        let _ = writeln!(out, "  {}", palette.warn(&escape(warning)));
    }
}

/// The first file.
fn files(report: &Report) -> &str {
    report.pieces.first().map_or("", |piece| &piece.file)
}

/// The files, where they are several, what was not recorded between them, and
/// those that were cut.
fn pieces(out: &mut String, report: &Report, layout: Layout) {
    let Layout { palette, .. } = layout;
    let several = report.pieces.len() > 1;
    if several {
        let count = count_text(report.pieces.len() as u64, "recording");
        let _ = writeln!(out, "  {count}, one behind the other");
    }
    for piece in &report.pieces {
        if !matches!(piece.end, End::Closed(_)) {
            let which = if several {
                format!("{}: {}", piece.file, piece.end)
            } else {
                piece.end.to_string()
            };
            let _ = writeln!(out, "  {}", palette.warn(&escape(&which)));
        }
    }
    for piece in &report.pieces {
        let lines = singles::lines(piece.singles, palette);
        if several && !lines.is_empty() {
            let _ = writeln!(out, "  {}:", escape(&piece.file));
        }
        for line in lines {
            let _ = writeln!(out, "  {line}");
        }
    }
    for (from, to) in report.gaps() {
        let text = format!(
            "not recorded: {from:.0} to {to:.0} ({})",
            duration_text(to.duration_since(from).as_secs_f64())
        );
        let _ = writeln!(out, "  {}", palette.warn(&text));
    }
}

/// A bar for each slice of time, as high as its drops that are not benign.
fn timeline(out: &mut String, points: &[Point], layout: Layout) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return;
    };
    if points.len() < 2 || points.iter().all(|point| point.serious() == 0) {
        return;
    }
    let each = points.len().div_ceil(SLICES);
    let rates: Vec<f64> = points.chunks(each).map(rate).collect();
    let most = rates.iter().copied().fold(0.0, f64::max);
    let bars: String = rates.iter().map(|rate| bar(*rate, most)).collect();
    let _ = writeln!(
        out,
        "\n{}",
        layout.palette.bold("drops that are not benign, over time")
    );
    let _ = writeln!(out, "  {bars}");
    let _ = writeln!(
        out,
        "  {} to {}, highest {most:.1}/s",
        hour(first.time),
        hour(last.time)
    );
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 52 bits"
)]
fn rate(points: &[Point]) -> f64 {
    let seconds: f64 = points.iter().map(|point| point.seconds).sum();
    let drops: u64 = points.iter().map(Point::serious).sum();
    if seconds > 0.0 {
        drops as f64 / seconds
    } else {
        0.0
    }
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

/// When the rows of the table happened, each named as far as there is room.
fn times(out: &mut String, report: &Report, layout: Layout) {
    if report.intervals < 2 || report.times.iter().all(Option::is_none) {
        return;
    }
    let _ = writeln!(out, "\n{}", layout.palette.bold("since when"));
    let _ = writeln!(out, "  FIRST     LAST          PEAK/S  AT        WHAT");
    let room = layout.width.unwrap_or(USUAL).saturating_sub(BEFORE_NAME);
    for (times, row) in report.times.iter().zip(&report.summary.rows) {
        // Rows that stand for others have no time.
        if let Some((times, fields)) = times.zip(key(row)) {
            let _ = writeln!(
                out,
                "  {}  {}  {:>10.1}  {}  {}",
                hour(times.first),
                hour(times.last),
                times.peak,
                hour(times.peak_at),
                shortened(&diff::what(&fields), room)
            );
        }
    }
}

/// Its end is left out where there is no room for it.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let start: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{start}…")
}

/// Hours, minutes and seconds, UTC.
fn hour(time: Timestamp) -> String {
    let text = format!("{time:.0}");
    text.split_once('T').map_or(text.clone(), |(_, hour)| {
        hour.trim_end_matches('Z').to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::{super::super::samples, *};

    #[test]
    fn a_page_is_no_wider_than_a_terminal_and_says_that_the_file_was_cut() {
        let mut out = String::new();
        write(&mut out, &samples::report(), Layout::default());
        assert!(!out.contains('\x1b'), "{out}");
        for line in out.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert!(out.contains("cut off at byte 4096: later"), "{out}");
        assert!(out.contains("\n   █\n"), "{out}");
        assert!(out.contains("highest 30.0/s"), "{out}");
        assert!(out.contains("    $ ss -lump\n"), "{out}");
        assert_eq!(out.matches("12.5").count(), 2, "{out}");
        // Each row with its time, named.
        let report = samples::report();
        let named = report.times.iter().flatten().count();
        let (_, since) = out.split_once("since when\n").unwrap();
        let rows = since.lines().skip(1).take_while(|line| !line.is_empty());
        assert_eq!(
            rows.filter(|row| row.split_whitespace().count() > 4)
                .count(),
            named,
            "{out}"
        );
    }
}
