//! How sure the counts are: where every run of the drop hook went.

use maud::{Markup, html};

use super::{
    super::amount::grouped,
    name::{name, number},
    page::Section,
    table::{numbers, table, words},
};
use crate::{
    recording::fleet::{Fleet, Host},
    tally::{accounting::Accounting, period::Period},
};

/// What a count is.
type Fact = (&'static str, fn(&Accounting) -> Option<u64>, &'static str);

const FACTS: [Fact; 13] = [
    (
        "counted",
        |it| Some(it.counted),
        "drops, each in exactly one site",
    ),
    (
        "filtered",
        |it| Some(it.filtered),
        "drops that the filter did not want",
    ),
    (
        "undecided",
        |it| Some(it.undecided),
        "drops that the filter could not decide: headers or names that it asks for could not be read, or were not recorded",
    ),
    (
        "parts",
        |it| Some(it.parts),
        "pieces of packets that were freed with the packet they belong to",
    ),
    (
        "recursion_missed",
        |it| it.recursion_missed,
        "drops that the kernel did not hand to the program",
    ),
    (
        "site_other",
        |it| Some(it.site_other),
        "counted drops without room in the table of places",
    ),
    (
        "flow_other",
        |it| it.flow_other,
        "counted drops without room in the table of flows, or beyond the flows kept",
    ),
    (
        "no_flow",
        |it| it.no_flow,
        "counted drops of packets without a flow",
    ),
    (
        "consequence_other",
        |it| it.consequence_other,
        "drops of TCP flows whose consequences had no room",
    ),
    (
        "unparsed",
        |it| Some(it.unparsed),
        "counted drops whose headers could not be read",
    ),
    (
        "delivered",
        |it| Some(it.delivered),
        "drops that were sent as events, one by one",
    ),
    (
        "sampled_out",
        |it| Some(it.sampled_out),
        "drops not sent as events, to bound their rate; counted all the same",
    ),
    (
        "ring_lost",
        |it| Some(it.ring_lost),
        "events the ring had no room for; counted all the same",
    ),
];

pub(super) fn section(fleet: &Fleet) -> Section {
    let several = fleet.only().is_none();
    let mut columns = vec![words("Count"), words("What it is")];
    for host in &fleet.hosts {
        // What others chose is escaped where the table is made of it.
        columns.push(numbers(if several {
            super::super::escape::escape(&host.name).into_owned()
        } else {
            "Drops".to_owned()
        }));
    }
    let rows: Vec<Vec<Markup>> = FACTS
        .iter()
        .map(|(count, of, what)| {
            let mut row = vec![html! { code { (count) } }, html! { (what) }];
            row.extend(fleet.hosts.iter().map(|host| {
                html! {
                    @match of(&host.report.summary.accounting) {
                        Some(count) => (number(count)),
                        None => "unknown",
                    }
                }
            }));
            row
        })
        .collect();
    let body = html! {
        @for host in &fleet.hosts {
            @if several { h3 { (name(&host.name)) } }
            (identities(host))
        }
        (table("Accounting", &columns, &rows))
        h3 { "What passed" }
        @for host in &fleet.hosts {
            @if several { h4 { (name(&host.name)) } }
            (traffic(&host.report.summary))
        }
    };
    super::section("accounting", "Accounting", "How sure the counts are", body)
}

/// The sums that must come out, with their numbers.
fn identities(host: &Host) -> Markup {
    let report = &host.report;
    let Period {
        accounting,
        totals,
        rows,
        ..
    } = &report.summary;
    let (sites, shown): (u64, u64) = (
        report.stages().iter().map(|(_, drops)| drops.all()).sum(),
        rows.iter().map(|row| row.sums.drops()).sum(),
    );
    let drops = totals.sums.drops();
    let missed = accounting.recursion_missed;
    let runs = accounting.counted
        + accounting.parts
        + accounting.filtered
        + accounting.undecided
        + missed.unwrap_or_default();
    html! {
        ul.checks {
            li {
                "Every run of the drop hook is accounted for: " (number(runs)) " runs = "
                (number(accounting.counted)) " counted + " (number(accounting.parts)) " parts + "
                (number(accounting.filtered)) " filtered + " (number(accounting.undecided)) " undecided + "
                @match missed {
                    Some(missed) => { (number(missed)) " missed." }
                    None => { "an unknown number missed (this kernel does not tell)." }
                }
            }
            li {
                (sign(sites == drops))
                "The stages add up to all drops: " (number(sites)) " of " (number(drops)) "."
            }
            li {
                (sign(shown + totals.hidden == drops))
                "Rows and hidden drops add up to all drops: " (number(shown)) " + "
                (number(totals.hidden)) " = " (number(drops)) "."
            }
        }
    }
}

fn sign(holds: bool) -> Markup {
    html! {
        @if holds { strong { "Holds. " } }
        @else { strong.warn { "DOES NOT HOLD. " } }
    }
}

fn traffic(period: &Period) -> Markup {
    let traffic = &period.traffic;
    let facts = [
        ("passes of received packets", traffic.rx_packets),
        ("passes of packets to send", traffic.tx_packets),
        ("NAPI polls", traffic.napi_polls),
        (
            "polls that used their whole weight: the ring was not drained",
            traffic.napi_full,
        ),
        (
            "times softirq work was cut short (time_squeeze)",
            traffic.time_squeeze,
        ),
    ];
    html! {
        dl.facts {
            @for (what, count) in facts {
                div { dt { (what) } dd { (count.map_or_else(|| "unknown".to_owned(), grouped)) } }
            }
            @for hook in period.hooks.iter().filter(|hook| hook.count.unwrap_or_default() > 0) {
                div { dt { "runs of " code { (hook.name) } } dd { (number(hook.count.unwrap_or_default())) } }
            }
        }
    }
}
