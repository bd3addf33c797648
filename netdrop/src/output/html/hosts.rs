//! Several hosts beside each other, and what is known of their clocks.

use maud::html;

use super::{
    super::clock,
    name::{moment, name, number},
    page::Section,
    table::{numbers, table, words},
};
use crate::recording::fleet::Fleet;

/// `None` for a single host whose clock nobody corrected.
pub(super) fn section(fleet: &Fleet) -> Option<Section> {
    let plain = fleet
        .only()
        .is_some_and(|host| host.report.offset.is_zero());
    if plain {
        return None;
    }
    let columns = [
        words("Host"),
        numbers("Drops"),
        numbers("Harmful"),
        numbers("Suspicious"),
        numbers("Benign"),
        words("From"),
        words("To"),
        words("Clock"),
    ];
    let rows: Vec<_> = fleet
        .hosts
        .iter()
        .map(|host| {
            let sums = &host.report.summary.totals.sums;
            let (first, last) = host.report.span.unzip();
            let time = |time: Option<_>| html! { @if let Some(time) = time { (moment(time)) } @else { "–" } };
            let offset = host.report.offset;
            vec![
                name(&host.name),
                number(sums.drops()),
                number(sums.harmful),
                number(sums.suspicious),
                number(sums.benign),
                time(first),
                time(last),
                html! { @if offset.is_zero() { "as recorded" } @else { (clock::signed(offset)) } },
            ]
        })
        .collect();
    let body = html! {
        (table("Drops by host", &columns, &rows))
        h3 { "How their clocks relate" }
        ul { @for sentence in clock::sentences(fleet) { li { (name(&sentence)) } } }
    };
    Some(super::section("hosts", "Hosts", "Hosts", body))
}
