//! Drops over time, stacked by stage: what is harmful in a chart of its own.

use std::fmt::Write as _;

use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    axis::{self, WIDTH},
    chart::{Chart, title},
    name::{hour, name, number, per_second},
    page::Section,
    severity::badge,
    table::{data, numbers, words},
};
use crate::{
    drops::severity::Severity,
    recording::{
        fleet::{Fleet, Host},
        report::chart::{Bin, Drops},
    },
};

/// Units of a chart's height.
const HEIGHT: f64 = 100.0;
/// Rows of the table behind a chart.
const MOST_ROWS: usize = 60;

pub(super) fn section(fleet: &Fleet, chart: Option<&Chart<'_>>) -> Option<Section> {
    let chart = chart?;
    let body = html! {
        @if chart.stages.is_empty() {
            p { "Nothing died but what is benign." }
        } @else {
            p.note {
                "Each severity has a scale of its own, the same for every host. The order in a \
                 stack is that of the list below, from the bottom up."
            }
            (legend(chart))
            (chart.more_hosts())
            @for host in &chart.hosts {
                @if fleet.only().is_none() { h3 { (name(&host.name)) } }
                (figure(chart, host, Severity::Harmful))
                (figure(chart, host, Severity::Suspicious))
                (table(chart, host))
            }
        }
    };
    Some(super::section(
        "timeline",
        "Timeline",
        "Drops over time",
        body,
    ))
}

fn of(drops: &Drops, severity: Severity) -> u64 {
    match severity {
        Severity::Harmful => drops.harmful,
        Severity::Suspicious => drops.suspicious,
        Severity::Benign => drops.benign,
    }
}

fn legend(chart: &Chart<'_>) -> Markup {
    let shown = chart.named();
    let others: u64 = chart.stages[shown.len()..]
        .iter()
        .map(|(_, drops)| drops.serious())
        .sum();
    html! {
        ul.legend {
            @for (place, (stage, drops)) in shown.iter().enumerate() {
                li {
                    span class=(format!("key c{place}")) aria-hidden="true" {}
                    " " (title(*stage)) " " span.count { (number(drops.serious())) }
                }
            }
            @if others > 0 {
                li {
                    span.key.c8 aria-hidden="true" {}
                    " " (chart.stages.len() - shown.len()) " more stages "
                    span.count { (number(others)) }
                }
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 52 bits"
)]
fn rate(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(1e-3)
}

/// The highest rate of all hosts, and when this host had its own.
fn highest(bins: &[Bin], severity: Severity) -> Option<(f64, Timestamp)> {
    let rates = bins.iter().map(|bin| {
        let drops: u64 = bin.stages.values().map(|drops| of(drops, severity)).sum();
        (rate(drops, bin.seconds), bin.end)
    });
    rates
        .filter(|(rate, _)| *rate > 0.0)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
}

fn figure(chart: &Chart<'_>, host: &Host, severity: Severity) -> Markup {
    let most = chart
        .hosts
        .iter()
        .filter_map(|host| highest(&host.report.chart, severity))
        .map(|(rate, _)| rate)
        .fold(0.0, f64::max);
    let own = highest(&host.report.chart, severity);
    let sums: u64 = host
        .report
        .chart
        .iter()
        .flat_map(|bin| bin.stages.values())
        .map(|drops| of(drops, severity))
        .sum();
    let Some((peak, peak_at)) = own else {
        return html! {
            p.none { (badge(Some(severity))) ": none" }
        };
    };
    let label = format!(
        "{severity} drops over time on {}, stacked by stage",
        super::super::escape::escape(&host.name)
    );
    html! {
        figure.chart {
            figcaption {
                (badge(Some(severity))) ": " (number(sums)) ", most " (per_second(peak))
                " up to " (hour(peak_at))
            }
            div class=(format!("plot {severity}")) {
                (axis::rates(most))
                svg role="img" viewBox=(format!("0 0 {WIDTH} {HEIGHT}"))
                    preserveAspectRatio="none" aria-label=(label) {
                    title { (label) }
                    desc {
                        (sums) " drops in all; the highest rate is " (per_second(peak))
                        ". The table below has the numbers."
                    }
                    (chart.axis.lines(HEIGHT))
                    line.grid x1="0" x2=(WIDTH) y1=(HEIGHT / 2.0) y2=(HEIGHT / 2.0) {}
                    @for (place, d) in paths(chart, host, severity, most) {
                        path class=(format!("c{place}")) d=(d) {}
                    }
                    @for (from, to) in host.report.gaps() {
                        @let (x, end) = (chart.axis.x(from), chart.axis.x(to));
                        rect.gap x=(format!("{x:.1}")) y="0" width=(format!("{:.1}", end - x)) height=(HEIGHT) {
                            title { "not recorded" }
                        }
                    }
                }
                (chart.axis.labels())
            }
        }
    }
}

/// A path for each colour, from the bottom of the stack up.
fn paths(chart: &Chart<'_>, host: &Host, severity: Severity, most: f64) -> Vec<(usize, String)> {
    let places: Vec<usize> = (0..chart.named().len()).chain([8]).collect();
    let mut paths: Vec<(usize, String)> = places
        .into_iter()
        .map(|place| (place, String::new()))
        .collect();
    for bin in &host.report.chart {
        let (left, right) = (chart.axis.x(bin.start), chart.axis.x(bin.end));
        let width = (right - left).max(1.0);
        let mut sums = [0; 9];
        for (stage, drops) in &bin.stages {
            sums[chart.colour(*stage)] += of(drops, severity);
        }
        let mut base = HEIGHT;
        for (place, path) in &mut paths {
            let drops: u64 = sums[*place];
            if drops == 0 {
                continue;
            }
            // Whatever is not zero is seen.
            let height = (rate(drops, bin.seconds) / most * HEIGHT).max(0.6);
            let _ = write!(
                path,
                "M{left:.1} {base:.1}v-{height:.1}h{width:.1}v{height:.1}z"
            );
            base -= height;
        }
    }
    paths.retain(|(_, path)| !path.is_empty());
    paths
}

fn table(chart: &Chart<'_>, host: &Host) -> Markup {
    let bins = &host.report.chart;
    let each = bins.len().div_ceil(MOST_ROWS).max(1);
    let shown = chart.named();
    let others = chart.stages.len() > shown.len();
    let mut columns = vec![
        words("From (UTC)"),
        numbers("Harmful"),
        numbers("Suspicious"),
        numbers("Benign"),
    ];
    columns.extend(shown.iter().map(|(stage, _)| numbers(title(*stage))));
    if others {
        columns.push(numbers("Other stages"));
    }
    let rows: Vec<Vec<Markup>> = bins
        .chunks(each)
        .map(|bins| {
            let sum = |wanted: &dyn Fn(&Option<crate::drops::stage::Stage>, &Drops) -> u64| -> u64 {
                bins.iter()
                    .flat_map(|bin| &bin.stages)
                    .map(|(stage, drops)| wanted(stage, drops))
                    .sum()
            };
            let mut row = vec![hour(bins[0].start)];
            for severity in Severity::ALL {
                row.push(number(sum(&|_, drops| of(drops, severity))));
            }
            for place in 0..shown.len() {
                row.push(number(sum(&|stage, drops| {
                    if chart.colour(*stage) == place {
                        drops.serious()
                    } else {
                        0
                    }
                })));
            }
            if others {
                row.push(number(sum(&|stage, drops| {
                    if chart.colour(*stage) == 8 {
                        drops.serious()
                    } else {
                        0
                    }
                })));
            }
            row
        })
        .collect();
    data(
        "Numbers of this timeline",
        "Drops by time; columns of stages are without what is benign",
        &columns,
        &rows,
    )
}
