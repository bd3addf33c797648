//! CPU × time: where drops crowd on one CPU.

use std::{collections::BTreeMap, fmt::Write as _};

use maud::{Markup, html};

use super::{
    axis::WIDTH,
    chart::Chart,
    name::{name, number, per_second},
    page::Section,
    table::{data, numbers, words},
};
use crate::recording::{
    fleet::{Fleet, Host},
    report::chart::Bin,
};

/// CPUs with a line of their own.
const MOST_CPUS: usize = 32;
/// Shades.
const LEVELS: usize = 5;
/// Columns of the table behind it.
const MOST_COLUMNS: usize = 10;

/// A line: a CPU, those without room, or what has no CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Cpu(u64),
    Others,
    Unknown,
}

impl Line {
    fn text(self) -> String {
        match self {
            Self::Cpu(cpu) => format!("CPU {cpu}"),
            Self::Others => "other CPUs".to_owned(),
            Self::Unknown => "not told apart".to_owned(),
        }
    }
}

pub(super) fn section(fleet: &Fleet, chart: Option<&Chart<'_>>) -> Option<Section> {
    let chart = chart?;
    if chart.stages.is_empty() {
        return None;
    }
    let body = html! {
        p.note { "Drops that are not benign, by the CPU on which they happened." }
        (chart.more_hosts())
        @for host in &chart.hosts {
            @if fleet.only().is_none() { h3 { (name(&host.name)) } }
            (map(chart, host))
        }
    };
    Some(super::section("cpus", "CPUs", "CPUs over time", body))
}

/// The lines of a host, and how much each has.
fn lines(host: &Host) -> BTreeMap<Line, u64> {
    let mut cpus: Vec<(Option<u64>, u64)> = host
        .report
        .cpus()
        .into_iter()
        .map(|(cpu, drops)| (cpu, drops.serious()))
        .collect();
    // CPUs without drops have a line, too, as far as there is room.
    for cpu in 0..u64::from(host.report.header.cpus.unwrap_or_default()).min(MOST_CPUS as u64) {
        if !cpus.iter().any(|(known, _)| *known == Some(cpu)) {
            cpus.push((Some(cpu), 0));
        }
    }
    cpus.sort_by_key(|(cpu, drops)| (std::cmp::Reverse(*drops), *cpu));
    let mut lines = BTreeMap::new();
    let mut room = MOST_CPUS;
    for (cpu, drops) in cpus {
        let line = match cpu {
            None if drops == 0 => continue,
            None => Line::Unknown,
            Some(cpu) if room > 0 => {
                room -= 1;
                Line::Cpu(cpu)
            }
            Some(_) => Line::Others,
        };
        *lines.entry(line).or_default() += drops;
    }
    lines
}

/// What each slice of time has in each line.
fn cells(host: &Host, lines: &BTreeMap<Line, u64>) -> Vec<BTreeMap<Line, u64>> {
    let line = |cpu: Option<u64>| match cpu {
        None => Line::Unknown,
        Some(cpu) if lines.contains_key(&Line::Cpu(cpu)) => Line::Cpu(cpu),
        Some(_) => Line::Others,
    };
    let bins = host.report.chart.iter();
    bins.map(|bin| {
        let mut sums = BTreeMap::new();
        for (cpu, drops) in &bin.cpus {
            *sums.entry(line(*cpu)).or_default() += drops.serious();
        }
        sums
    })
    .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 52 bits"
)]
fn rate(count: u64, bin: &Bin) -> f64 {
    count as f64 / bin.seconds.max(1e-3)
}

/// Rates at which shades begin: each is a multiple of the one before.
fn steps(most: f64) -> [f64; LEVELS] {
    let lowest = (most / 1000.0).max(0.0);
    let factor = (most / lowest.max(1e-9)).powf(1.0 / 5.0);
    let mut from = lowest;
    [(); LEVELS].map(|()| {
        let step = from;
        from *= factor;
        step
    })
}

fn level(rate: f64, steps: &[f64; LEVELS]) -> Option<usize> {
    let met = steps.iter().filter(|step| rate >= **step).count();
    (rate > 0.0).then(|| met.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "a page has few lines")]
fn map(chart: &Chart<'_>, host: &Host) -> Markup {
    let lines = lines(host);
    let cells = cells(host, &lines);
    let rates: Vec<(&Bin, BTreeMap<Line, f64>)> = host
        .report
        .chart
        .iter()
        .zip(&cells)
        .map(|(bin, cells)| {
            let rates = cells.iter().map(|(line, count)| (*line, rate(*count, bin)));
            (bin, rates.collect())
        })
        .collect();
    let most = rates
        .iter()
        .flat_map(|(_, rates)| rates.values().copied())
        .fold(0.0, f64::max);
    if most <= 0.0 {
        return html! { p.none { "none" } };
    }
    let steps = steps(most);
    let mut shades = vec![String::new(); LEVELS + 1];
    for (place, line) in lines.keys().enumerate() {
        for (bin, rates) in &rates {
            let rate = rates.get(line).copied().unwrap_or_default();
            if let Some(level) = level(rate, &steps) {
                let (left, right) = (chart.axis.x(bin.start), chart.axis.x(bin.end));
                let width = (right - left).max(1.0);
                let _ = write!(
                    shades[level],
                    "M{left:.1} {place}.05h{width:.1}v.9h-{width:.1}z"
                );
            }
        }
    }
    let height = lines.len() as f64;
    let label = format!(
        "Drops by CPU and time on {}",
        super::super::escape::escape(&host.name)
    );
    html! {
        figure.chart {
            div.heat style=(format!("--lines:{}", lines.len())) {
                div.cpus aria-hidden="true" {
                    @for line in lines.keys() { span { (line.text()) } }
                }
                svg role="img" viewBox=(format!("0 0 {WIDTH} {height}"))
                    preserveAspectRatio="none" aria-label=(label) {
                    title { (label) }
                    desc { "The stronger, the more; the table below has the numbers." }
                    rect.ground x="0" y="0" width=(WIDTH) height=(height) {}
                    @for (level, d) in shades.iter().enumerate().filter(|(_, d)| !d.is_empty()) {
                        path class=(format!("h{level}")) d=(d) {}
                    }
                    @for (from, to) in host.report.gaps() {
                        @let (x, end) = (chart.axis.x(from), chart.axis.x(to));
                        rect.gap x=(format!("{x:.1}")) y="0" width=(format!("{:.1}", end - x)) height=(height) {}
                    }
                }
                div.sums aria-hidden="true" {
                    @for count in lines.values() { span { (number(*count)) } }
                }
                (chart.axis.labels())
            }
            ul.legend aria-hidden="true" {
                @for (place, step) in steps.iter().enumerate() {
                    li {
                        span class=(format!("key h{}", place + 1)) {}
                        " "
                        @if place == 0 { "below " (per_second(steps[1])) }
                        @else { "from " (per_second(*step)) }
                    }
                }
            }
            (table(host, &lines, &cells))
        }
    }
}

fn table(host: &Host, lines: &BTreeMap<Line, u64>, cells: &[BTreeMap<Line, u64>]) -> Markup {
    let bins = &host.report.chart;
    let each = bins.len().div_ceil(MOST_COLUMNS).max(1);
    let mut columns = vec![words("CPU"), numbers("All")];
    columns.extend(
        bins.chunks(each)
            .map(|bins| numbers(format!("from {}", bins[0].start.strftime("%H:%M:%S")))),
    );
    let rows: Vec<Vec<Markup>> = lines
        .iter()
        .map(|(line, all)| {
            let mut row = vec![html! { (line.text()) }, number(*all)];
            row.extend(cells.chunks(each).map(|cells| {
                let counts = cells.iter().filter_map(|cells| cells.get(line));
                number(counts.sum())
            }));
            row
        })
        .collect();
    data(
        "Numbers of this map",
        "Drops that are not benign, by CPU and time",
        &columns,
        &rows,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_rise_and_the_highest_rate_has_the_darkest() {
        let steps = steps(500.0);
        assert!(steps.is_sorted());
        assert_eq!(level(0.0, &steps), None);
        assert_eq!(level(0.001, &steps), Some(1));
        assert_eq!(level(500.0, &steps), Some(LEVELS));
    }
}
