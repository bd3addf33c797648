//! The kernel's own counters of loss against the drops that were traced.

use maud::{Markup, html};

use super::{
    name::{name, number},
    page::Section,
    table::{numbers, table, words},
};
use crate::{
    reconcile::{Line, Part},
    recording::fleet::{Fleet, Host},
};

/// Drops named for each counter.
const MOST_PARTS: usize = 4;
/// Counters at most.
const MOST: usize = 60;

/// `None` where no recording has it.
pub(super) fn section(fleet: &Fleet) -> Option<Section> {
    let mut hosts = fleet.hosts.iter();
    if !hosts.any(|host| host.report.reconciled.is_some()) {
        return None;
    }
    let body = html! {
        p.note {
            "What each counter of the kernel counted, and how much of it the traced drops explain."
        }
        @for host in &fleet.hosts {
            @if fleet.only().is_none() { h3 { (name(&host.name)) } }
            (of_host(host))
        }
    };
    Some(super::section(
        "reconciliation",
        "Counters",
        "What the kernel's counters say",
        body,
    ))
}

fn of_host(host: &Host) -> Markup {
    let lines = &host.report.reconciliation;
    let columns = [
        words("Counter"),
        words("Of"),
        numbers("Counted"),
        numbers("Traced"),
        numbers("Unexplained"),
        words("By"),
        words("Note"),
    ];
    let rows: Vec<Vec<Markup>> = lines.iter().take(MOST).map(row).collect();
    html! {
        @if host.report.reconciled.is_none() { p { "Not in this recording." } }
        @else if rows.is_empty() { p { "No counter of loss moved." } }
        @else { (table("Counters of loss, and the drops behind them", &columns, &rows)) }
        @if lines.len() > MOST { p.note { (lines.len() - MOST) " more counters." } }
    }
}

fn row(line: &Line) -> Vec<Markup> {
    let Line {
        counter,
        scope,
        delta,
        traced,
        unexplained,
        repeated,
        excess,
        by,
        note,
    } = line;
    vec![
        html! { code { (name(counter)) } },
        name(scope),
        number(*delta),
        number(*traced),
        html! {
            @if *unexplained > 0 { strong { (number(*unexplained)) } } @else { "0" }
        },
        html! {
            @for (place, part) in by.iter().take(MOST_PARTS).enumerate() {
                @if place > 0 { br; }
                (behind(part))
            }
            @if by.len() > MOST_PARTS { br; (by.len() - MOST_PARTS) " more" }
        },
        html! {
            @if let Some(note) = note { (name(note)) ". " }
            @if *repeated > 0 { (number(*repeated)) " of the rest are also the rest of a more specific counter. " }
            @if *excess > 0 { (number(*excess)) " traced drops were not counted by it." }
        },
    ]
}

fn behind(part: &Part) -> Markup {
    html! {
        (number(part.drops)) " × "
        code { (name(part.reason.as_deref().unwrap_or("no reason"))) }
        " in "
        code { (name(part.function.as_deref().unwrap_or(&part.stage))) }
    }
}
