//! The answer, before everything else: what died where, since when, whom it hurt
//! and what to do next.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    super::{
        amount::{count_text, duration_text},
        flow,
    },
    name::{hour, moment, name, number, per_second},
    page::Section,
    reasons::heading,
    severity::badge,
};
use crate::{
    drops::{advice::Advice, severity::Severity, stage::Stage},
    recording::{
        fleet::{Fleet, HostRow},
        read::End,
    },
    tally::row::rate,
};

/// Of each kind.
const MOST: usize = 3;
/// Commands to begin with.
const MOST_COMMANDS: usize = 3;

pub(super) fn section(fleet: &Fleet) -> Section {
    let sums = fleet.totals().sums;
    let body = html! {
        (cut(fleet))
        p.lead { (lead(fleet)) }
        (figures(fleet))
        @if sums.harmful + sums.suspicious > 0 {
            (where_and_since(fleet))
            (flows(fleet))
            (next(fleet))
        }
    };
    super::section("answer", "Answer", "The answer", body)
}

/// What is missing is said before anything is counted.
fn cut(fleet: &Fleet) -> Markup {
    let ends = || {
        fleet.hosts.iter().flat_map(|host| {
            let pieces = host.report.pieces.iter();
            pieces.filter(|piece| !matches!(piece.end, End::Closed(_)))
        })
    };
    html! {
        @if ends().next().is_some() {
            p.warn role="note" {
                strong { "Not whole: " }
                (count_text(ends().count() as u64, "recording"))
                " ended before it was closed, and what came later is not in it. "
                a href="#ending" { "How it ended" } "."
            }
        }
    }
}

fn lead(fleet: &Fleet) -> Markup {
    let totals = fleet.totals();
    let sums = &totals.sums;
    let seconds = fleet.span().map_or(0.0, |(first, last)| {
        last.duration_since(first).as_secs_f64()
    });
    html! {
        @if sums.drops() == 0 {
            "No packet died in " (duration_text(seconds)) "."
        } @else if sums.harmful + sums.suspicious == 0 {
            "All " (number(sums.drops())) " drops in " (duration_text(seconds))
            " were benign: normal on a healthy host."
        } @else {
            strong { (number(sums.drops())) " drops" } " in " (duration_text(seconds))
            @if let Some(host) = fleet.only() { " on " strong { (name(&host.name)) } }
            @else { " on " (fleet.hosts.len()) " hosts" }
            ": "
            @if sums.harmful > 0 {
                strong { (number(sums.harmful)) " harmful" } " (somebody lost data), "
            } @else { "none of them harmful, " }
            (number(sums.suspicious)) " suspicious and " (number(sums.benign)) " benign."
        }
        @if totals.hidden > 0 && totals.hidden != sums.benign {
            " " (number(totals.hidden)) " of them are hidden below."
        }
    }
}

fn figures(fleet: &Fleet) -> Markup {
    let sums = fleet.totals().sums;
    let ratio = fleet
        .only()
        .and_then(|host| host.report.summary.drop_ratio());
    let seconds: f64 = fleet.only().map_or(0.0, |host| host.report.summary.seconds);
    html! {
        dl.figures {
            @for (severity, count) in [
                (Severity::Harmful, sums.harmful),
                (Severity::Suspicious, sums.suspicious),
                (Severity::Benign, sums.benign),
            ] {
                div class=(severity) {
                    dt { (badge(Some(severity))) }
                    dd { (number(count)) }
                }
            }
            @if let Some(rate) = rate(sums.drops(), seconds) {
                div { dt { "a second" } dd { (per_second(rate)) } }
            }
            @if let Some(ratio) = ratio {
                div { dt { "of what passed" } dd { (format!("{ratio:.3} %")) } }
            }
            div { dt { "bytes lost" } dd { (super::super::amount::bytes_text(sums.bytes)) } }
        }
    }
}

/// The worst rows, harmful ones first.
fn worst(fleet: &Fleet) -> Vec<HostRow<'_>> {
    let (mut rows, _) = fleet.rows(usize::MAX);
    rows.retain(|row| row.row.sums.harmful + row.row.sums.suspicious > 0);
    // Stable: most drops first among the equal.
    rows.sort_by_key(|row| std::cmp::Reverse(row.row.sums.worst()));
    rows
}

fn where_and_since(fleet: &Fleet) -> Markup {
    let worst = worst(fleet);
    let first = |severity: Severity| -> Option<Timestamp> {
        let rows = worst
            .iter()
            .filter(|row| row.row.sums.worst() == Some(severity));
        rows.filter_map(|row| row.times)
            .map(|times| times.first)
            .min()
    };
    html! {
        h3 { "What died where" }
        ol.worst {
            @for row in worst.iter().take(MOST) {
                li {
                    (badge(row.row.sums.worst())) " "
                    strong { (number(row.row.sums.drops())) } " × "
                    (what(row))
                    @if fleet.only().is_none() { " on " (name(&row.host.name)) }
                    @if let Some(times) = row.times {
                        br;
                        span.note {
                            "first at " (hour(times.first)) ", last at " (hour(times.last))
                            ", most " (per_second(times.peak)) " at " (hour(times.peak_at))
                        }
                    }
                }
            }
        }
        h3 { "When it started" }
        p {
            @match (first(Severity::Harmful), first(Severity::Suspicious)) {
                (Some(time), _) => { "The first harmful drops came in the interval that began at " (moment(time)) "." }
                (None, Some(time)) => {
                    "Nothing harmful; the first suspicious drops came in the interval that began at " (moment(time)) "."
                }
                (None, None) => { "Not known: no row tells." }
            }
            " " a href="#timeline" { "Drops over time" }
        }
    }
}

/// A row in words, whatever it is grouped by.
fn what(row: &HostRow<'_>) -> Markup {
    let value = |name| flow::value(row.row, name);
    let stage = value("stage").and_then(|stage| Stage::find(&stage));
    html! {
        @if let (Some(stage), Some(function)) = (stage, value("function")) {
            code { (name(&flow::reason(row.row))) }
            " at “" (stage.info().name) "” in " code { (name(&function)) }
        } @else {
            code { (super::super::diff::what(&row.row.fields)) }
        }
    }
}

fn flows(fleet: &Fleet) -> Markup {
    let mut rows: Vec<_> = fleet
        .hosts
        .iter()
        .filter_map(|host| Some((host, host.report.flows.as_ref()?)))
        .flat_map(|(host, flows)| flows.rows.iter().map(move |row| (host, flows.seconds, row)))
        .filter(|(_, _, row)| row.other.is_none() && flow::value(row, "src").is_some())
        .collect();
    rows.sort_by_key(|(_, _, row)| {
        std::cmp::Reverse((row.sums.harmful, row.sums.harm.sum(), row.sums.suspicious))
    });
    html! {
        @if !rows.is_empty() {
            h3 { "Worst flows" }
            ol.worst {
                @for (host, seconds, row) in rows.into_iter().take(MOST) {
                    li {
                        (badge(row.sums.worst())) " "
                        strong { (number(row.sums.drops())) } " × "
                        code { (name(&flow::ends(row))) }
                        @if fleet.only().is_none() { " on " (name(&host.name)) }
                        br;
                        span.note { (name(&flow::consequences(row, seconds))) }
                    }
                }
            }
        }
    }
}

fn next(fleet: &Fleet) -> Markup {
    let mut given: Vec<&Advice> = Vec::new();
    let mut reasons: Vec<_> = fleet
        .hosts
        .iter()
        .flat_map(|host| &host.report.reasons)
        .collect();
    reasons.sort_by_key(|reason| {
        std::cmp::Reverse((reason.row.sums.worst(), reason.row.sums.drops()))
    });
    for advice in reasons
        .into_iter()
        .filter_map(|reason| reason.advice.as_ref())
    {
        let known =
            |known: &&Advice| (&known.reason, &known.stage) == (&advice.reason, &advice.stage);
        if given.len() < MOST && !given.iter().any(known) {
            given.push(advice);
        }
    }
    html! {
        @if !given.is_empty() {
            h3 { "What to do next" }
            @for advice in given {
                div.advice {
                    h4 { (heading(advice)) " " (badge(Some(advice.severity))) }
                    p { (advice.meaning) }
                    @for command in advice.commands.iter().take(MOST_COMMANDS) {
                        pre { code { (name(command)) } }
                    }
                }
            }
            p.note { "One click selects a command. " a href="#reasons" { "All reasons" } " have more." }
        }
    }
}
