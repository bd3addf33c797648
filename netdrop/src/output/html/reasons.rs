//! What the drops mean, and what to do about them.

use maud::{Markup, html};

use super::{
    super::flow,
    name::{name, number},
    page::Section,
    severity::{badge, counts},
};
use crate::{
    drops::{advice::Advice, stage::Stage},
    recording::{
        fleet::{Fleet, Host},
        report::{Reason, chart::Drops},
    },
};

/// Reasons at most, over all hosts.
const MOST: usize = 24;

pub(super) fn section(fleet: &Fleet) -> Option<Section> {
    let mut reasons: Vec<(&Host, &Reason)> = fleet
        .hosts
        .iter()
        .flat_map(|host| host.report.reasons.iter().map(move |reason| (host, reason)))
        .collect();
    reasons.retain(|(_, reason)| reason.advice.is_some());
    reasons.sort_by_key(|(_, reason)| {
        std::cmp::Reverse((reason.row.sums.worst(), reason.row.sums.drops()))
    });
    if reasons.is_empty() {
        return None;
    }
    let more = reasons.len().saturating_sub(MOST);
    reasons.truncate(MOST);
    let body = html! {
        @for (host, reason) in &reasons {
            @let shown = fleet.only().is_none().then_some(*host);
            (card(shown, reason))
        }
        @if more > 0 { p.note { (more) " more are in the tables." } }
    };
    Some(super::section(
        "reasons",
        "Reasons",
        "Reasons, and what to do next",
        body,
    ))
}

fn card(host: Option<&Host>, reason: &Reason) -> Markup {
    let Some(advice) = &reason.advice else {
        return html! {};
    };
    let stage = Stage::find(&advice.stage);
    html! {
        article.reason {
            h3 { (heading(advice)) " " (badge(Some(advice.severity))) }
            p.note {
                (number(reason.row.sums.drops())) " drops"
                @if let Some(host) = host { " on " (name(&host.name)) }
                @if let Some(stage) = stage { ", at stage “" (stage.info().name) "”" }
                ". " (counts(Drops::from(&reason.row.sums)))
            }
            p { (advice.meaning) }
            @if let Some(note) = advice.note { p { "In this function: " (note) } }
            @if let Some(caution) = &advice.caution { p { strong { "Before you run these: " } (name(caution)) } }
            @for command in &advice.commands { pre { code { (name(command)) } } }
        }
    }
}

/// Reason and stage.
pub(super) fn heading(advice: &Advice) -> Markup {
    html! {
        @match &advice.reason {
            Some(reason) => code { (name(reason)) },
            None => "No reason given",
        }
        " in " code { (name(&advice.stage)) }
    }
}

/// The reason of a row; kept with the words for rows without one.
pub(super) fn of(row: &crate::tally::row::Row) -> Markup {
    html! { code { (name(&flow::reason(row))) } }
}
