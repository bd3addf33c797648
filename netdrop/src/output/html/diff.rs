//! Two recordings compared.

use maud::{Markup, html};

use super::{
    super::{
        amount::{count_text, duration_text, grouped},
        diff::{Compared, doubt, filters, what},
        singles::remark,
    },
    ending::end,
    name::{name, number, per_second},
    page::Section,
    severity::counts,
    table::{numbers, table, words},
};
use crate::{
    recording::{
        diff::{Change, Kind, Side},
        report::chart::Drops,
    },
    tally::row::rate,
};

/// What the page is of.
pub(super) fn about(compared: &Compared<'_>) -> Markup {
    let [before, after] = compared.files;
    html! {
        p.about { "Before: " code { (name(before)) } ". After: " code { (name(after)) } "."
            @if let Some(filter) = &compared.diff.sides[0].wanted {
                " Only: " code { (name(filter)) } "."
            }
        }
    }
}

pub(super) fn sections(compared: &Compared<'_>) -> Vec<Section> {
    let (sure, unsure): (Vec<&Change>, Vec<&Change>) = compared
        .diff
        .rows
        .iter()
        .partition(|change| change.is_sure());
    let answer = html! {
        @if let Some(warning) = filters(&compared.diff.sides) {
            p.warn role="note" { (warning) "." }
        }
        p.lead { (lead(&sure, unsure.len())) }
        (changes("Changes that are more than chance", &sure, compared.top))
        @for section in &compared.diff.beside {
            @let rows: Vec<&Change> = section.rows.iter().collect();
            (changes(&format!("By {}", section.by), &rows, compared.top))
        }
    };
    let chance = html! {
        @if unsure.is_empty() { p { "Nothing." } }
        (changes(&format!("Differences that could be {}", doubt(&compared.diff.sides)), &unsure, compared.top))
    };
    let sides = html! {
        @for ((title, file), side) in ["Before", "After"].into_iter().zip(compared.files).zip(&compared.diff.sides) {
            h3 { (title) }
            (about_side(file, side))
        }
        p.note {
            "A change is called sure where its q is 0.05 or less: of twenty sure changes, one is \
             chance at most. Drops that come in bursts count as fewer, and each \
             grouping that is looked at makes all of them less sure."
        }
    };
    vec![
        super::section("answer", "Answer", "The answer", answer),
        super::section("chance", "Chance", "What could be chance", chance),
        super::section("sides", "Recordings", "The two recordings", sides),
    ]
}

fn lead(sure: &[&Change], unsure: usize) -> Markup {
    let count = |kind: Kind| sure.iter().filter(|change| change.kind == kind).count();
    let found: Vec<String> = [Kind::New, Kind::More, Kind::Less, Kind::Gone]
        .into_iter()
        .filter(|kind| count(*kind) > 0)
        .map(|kind| format!("{} {}", count(kind), kind.as_str()))
        .collect();
    html! {
        @if sure.is_empty() && unsure == 0 { "Nothing died in either." }
        @else if sure.is_empty() { "Nothing changed that could not be chance." }
        @else { strong { (count_text(sure.len() as u64, "sure change")) } ": " (found.join(", ")) "." }
    }
}

/// A sign beside the word.
fn kind(kind: Kind) -> Markup {
    let sign = match kind {
        Kind::New => "✚",
        Kind::More => "▲",
        Kind::Less => "▼",
        Kind::Gone => "✖",
        Kind::Same => "＝",
    };
    html! {
        span class=(format!("kind {}", kind.as_str())) {
            span aria-hidden="true" { (sign) } " " (kind.as_str())
        }
    }
}

fn changes(caption: &str, changes: &[&Change], top: usize) -> Markup {
    if changes.is_empty() {
        return html! {};
    }
    let columns = [
        words("What"),
        words("Change"),
        numbers("Before"),
        numbers("After"),
        numbers("Times"),
        numbers("Drops before"),
        numbers("Drops after"),
        numbers("Burst"),
        numbers("q"),
    ];
    let rows: Vec<Vec<Markup>> = changes
        .iter()
        .take(top)
        .map(|change| {
            let [before, after] = change.rates;
            vec![
                html! { code { (what(&change.fields)) } },
                kind(change.kind),
                html! { (per_second(before)) },
                html! { (per_second(after)) },
                html! {
                    @match change.ratio().filter(|ratio| *ratio > 0.0) {
                        Some(ratio) => (format!("{ratio:.2}")),
                        None => "–",
                    }
                },
                number(change.drops[0]),
                number(change.drops[1]),
                html! { (format!("{:.1}", change.burst)) },
                html! { (probability(change.q)) },
            ]
        })
        .collect();
    html! {
        (table(caption, &columns, &rows))
        @if changes.len() > top {
            p.note { (count_text((changes.len() - top) as u64, "more row")) " (" code { "--top" } " shows more)." }
        }
    }
}

fn probability(q: f64) -> String {
    if q < 0.000_1 {
        "< 0.0001".to_owned()
    } else {
        format!("{q:.4}")
    }
}

fn about_side(file: &str, side: &Side) -> Markup {
    let Side {
        header,
        wanted: _,
        end: ended,
        summary,
        uncompared,
        singles,
    } = side;
    let sums = &summary.totals.sums;
    let accounting = &summary.accounting;
    html! {
        dl.facts {
            div { dt { "File" } dd { code { (name(file)) } } }
            div { dt { "Host" } dd { (name(&header.host)) ", Linux " (name(&header.kernel)) } }
            div { dt { "Length" } dd { (duration_text(summary.seconds)) } }
            div {
                dt { "Drops" }
                dd {
                    (number(sums.drops()))
                    @if let Some(rate) = rate(sums.drops(), summary.seconds) { ", " (per_second(rate)) }
                    " " (counts(Drops::from(sums)))
                }
            }
            @if let Some(filter) = &header.filter {
                div { dt { "Recorded with filter" } dd { code { (name(filter)) } } }
            }
            div { dt { "Hidden" } dd { (number(summary.totals.hidden)) } }
            div { dt { "End" } dd { (end(ended)) } }
            @for (what, count) in [
                ("Filtered", accounting.filtered),
                ("Undecided by the filter, not counted", accounting.undecided),
                ("Not compared: no room", *uncompared),
            ] {
                @if count > 0 { div { dt { (what) } dd { (grouped(count)) } } }
            }
            @if let Some(text) = singles.and_then(remark) {
                div { dt { "Single drops" } dd { (text) } }
            }
        }
    }
}
