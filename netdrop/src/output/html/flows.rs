//! The flows that lost most, and what the loss did to them.

use maud::{Markup, html};

use super::{
    super::flow,
    name::{name, number, per_second},
    page::Section,
    reasons,
    severity::badge,
    table::{numbers, table, words},
};
use crate::{
    recording::fleet::{Fleet, Host},
    tally::{
        harm::Here,
        row::{Row, rate},
    },
};

pub(super) fn section(fleet: &Fleet, top: usize) -> Section {
    let several = fleet.only().is_none();
    let mut rows: Vec<(&Host, f64, &Row)> = Vec::new();
    let mut others = 0;
    let mut without: Vec<&str> = Vec::new();
    for host in &fleet.hosts {
        let Some(flows) = &host.report.flows else {
            without.push(&host.name);
            continue;
        };
        for row in &flows.rows {
            if row.other.is_some() || flow::value(row, "src").is_none() {
                others += row.sums.drops();
            } else {
                rows.push((host, flows.seconds, row));
            }
        }
    }
    rows.sort_by_key(|(_, _, row)| std::cmp::Reverse(row.sums.drops()));
    let room = rows.len().min(top);
    others += rows
        .split_off(room)
        .iter()
        .map(|(_, _, row)| row.sums.drops())
        .sum::<u64>();
    let half_seen = rows.iter().any(|(_, _, row)| row.sums.harm.is_half_seen());
    let mut columns = vec![words("Flow")];
    if several {
        columns.push(words("Host"));
    }
    columns.extend([
        words("Reason"),
        words("Severity"),
        numbers("Drops"),
        numbers("A second"),
        numbers("Retransmissions"),
        numbers("Resets"),
        words("Ends here"),
    ]);
    let cells: Vec<Vec<Markup>> = rows
        .iter()
        .map(|(host, seconds, row)| cells(several.then_some(*host), *seconds, row))
        .collect();
    let body = html! {
        @if cells.is_empty() {
            p { "No flow is in it." }
        } @else {
            (table("Flows, most drops first", &columns, &cells))
        }
        @if others > 0 {
            p { (number(others)) " more drops are of other flows, or of packets without one." }
        }
        @if half_seen {
            p.note {
                "– means unknown: what senders in other network namespaces or on other hosts sent \
                 again is not visible here, so a number is what was seen, a lower bound."
            }
        }
        @for host in without { p { "Flows were not recorded on " (name(host)) "." } }
    };
    super::section("flows", "Flows", "Flows that lost most", body)
}

fn cells(host: Option<&Host>, seconds: f64, row: &Row) -> Vec<Markup> {
    let count = |count: Option<u64>| html! { @if let Some(count) = count { (number(count)) } @else { "–" } };
    let mut cells = vec![html! { code { (name(&flow::ends(row))) } }];
    cells.extend(host.map(|host| name(&host.name)));
    let harm = &row.sums.harm;
    cells.extend([
        reasons::of(row),
        badge(row.sums.worst()),
        number(row.sums.drops()),
        html! { @if let Some(rate) = rate(row.sums.drops(), seconds) { (per_second(rate)) } },
        count(harm.retransmits()),
        count(harm.resets()),
        html! {
            @match harm.here() {
                Some(Here::Both) => "both",
                Some(Here::Src) => "sender",
                Some(Here::Dst) => "receiver",
                Some(Here::Neither) => "none: passing through",
                None => "–",
            }
        },
    ]);
    cells
}
