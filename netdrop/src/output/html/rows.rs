//! What died where: the rows that were asked for, and when.

use maud::{Markup, html};

use super::{
    super::{amount::count_text, table::key_columns},
    name::{hour, name, number, per_second},
    page::Section,
    severity::badge,
    table::{numbers, table, words},
};
use crate::{recording::fleet::Fleet, tally::row::Row};

pub(super) fn section(fleet: &Fleet, top: usize) -> Section {
    let (shown, others) = fleet.rows(top);
    let rows: Vec<Row> = shown.iter().map(|row| row.row.clone()).collect();
    let keys = key_columns(&rows);
    let several = fleet.only().is_none();
    let mut columns = Vec::new();
    let mut titles = keys.iter().map(|key| {
        let mut title = key.title.to_lowercase();
        title[..1].make_ascii_uppercase();
        if key.right {
            numbers(title)
        } else {
            words(title)
        }
    });
    columns.extend(titles.next());
    if several {
        columns.push(words("Host"));
    }
    columns.extend(titles);
    for title in ["Drops", "A second", "Bytes"] {
        columns.push(numbers(title));
    }
    for title in ["Severity", "First", "Last", "Highest"] {
        columns.push(words(title));
    }
    let cells: Vec<Vec<Markup>> = shown
        .iter()
        .enumerate()
        .map(|(place, row)| {
            // Escaped where they were made.
            let mut keys = keys.iter().map(|key| html! { code { (key.cells[place]) } });
            let mut cells: Vec<Markup> = keys.next().into_iter().collect();
            if several {
                cells.push(name(&row.host.name));
            }
            cells.extend(keys);
            let rate = row.row.rate(row.host.report.summary.seconds);
            cells.push(number(row.row.sums.drops()));
            cells.push(html! { @if let Some(rate) = rate { (per_second(rate)) } @else { "–" } });
            cells.push(number(row.row.sums.bytes));
            cells.push(badge(row.row.sums.worst()));
            match row.times {
                Some(times) => {
                    cells.push(hour(times.first));
                    cells.push(hour(times.last));
                    cells.push(html! { (per_second(times.peak)) " at " (hour(times.peak_at)) });
                }
                None => cells.extend([(); 3].map(|()| html! { "–" })),
            }
            cells
        })
        .collect();
    let totals = fleet.totals();
    let body = html! {
        @if cells.is_empty() { p { "Nothing to show." } }
        @else { (table("Drops by place, most first", &columns, &cells)) }
        @if let Some(others) = others {
            p { (number(others.sums.drops())) " more drops are in " (count_text(others.rows as u64, "further row")) " (" code { "--top" } " shows more)." }
        }
        @if totals.hidden > 0 {
            p {
                (number(totals.hidden)) " drops are hidden here"
                " (" code { "--severity" } " chooses), and counted everywhere."
            }
        }
    };
    super::section("rows", "Places", "What died where", body)
}
