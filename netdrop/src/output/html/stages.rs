//! The map of the stack: every stage in the order of a packet's way, with what
//! died there.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{
    chart::title,
    name::{number, percent},
    page::Section,
    severity::counts,
};
use crate::{
    drops::stage::Stage,
    recording::{fleet::Fleet, report::chart::Drops},
};

pub(super) fn section(fleet: &Fleet) -> Section {
    let mut drops: BTreeMap<Option<Stage>, Drops> = BTreeMap::new();
    let mut sent: BTreeMap<Stage, Drops> = BTreeMap::new();
    for host in &fleet.hosts {
        for (stage, more) in host.report.sent() {
            *sent.entry(stage).or_default() += more;
        }
        for (stage, more) in host.report.stages() {
            *drops.entry(stage).or_default() += more;
        }
    }
    let most = drops.values().map(Drops::all).max().unwrap_or_default();
    let path = |wanted: &str| -> Vec<(Option<Stage>, Drops)> {
        Stage::all()
            .filter(|stage| stage.info().path == wanted)
            .map(|stage| {
                let all = drops.get(&Some(stage)).copied().unwrap_or_default();
                let out = sent.get(&stage).copied().unwrap_or_default();
                (Some(stage), all - out)
            })
            .collect()
    };
    let sending: Vec<_> = path("tx")
        .into_iter()
        .flat_map(|stage| {
            // Netfilter is on the way out of every host.
            let beside = (stage.0 == Some(Stage::TX_IP)).then(|| {
                Stage::all().filter_map(|stage| {
                    let found = sent.get(&stage).copied();
                    let quiet = (stage == Stage::NETFILTER).then(Drops::default);
                    Some((Some(stage), found.or(quiet)?))
                })
            });
            std::iter::once(stage).chain(beside.into_iter().flatten())
        })
        .collect();
    let mut beside = path("side");
    if let Some(untold) = drops.get(&None) {
        beside.push((None, *untold));
    }
    beside.retain(|(_, drops)| drops.all() > 0);
    let body = html! {
        p.note {
            "All drops" @if fleet.only().is_none() { " of all hosts" }
            ", benign ones too. A card that loses frames in its ring gives no event: only counters \
             tell of it."
        }
        div.map {
            (column("Receiving", "from the card down to the socket", &path("rx"), most))
            (column("Sending", "from the socket down to the card", &sending, most))
            @if !beside.is_empty() {
                (column("Beside the path", "devices, tunnels and what has no stage", &beside, most))
            }
        }
    };
    super::section("stages", "Stages", "Where in the stack", body)
}

fn column(heading: &str, about: &str, stages: &[(Option<Stage>, Drops)], most: u64) -> Markup {
    let all: u64 = stages.iter().map(|(_, drops)| drops.all()).sum();
    html! {
        div {
            h3 { (heading) ": " (number(all)) }
            p.note { (about) }
            ol.stages {
                @for (stage, drops) in stages {
                    @if drops.all() == 0 {
                        li.quiet { (title(*stage)) " " span.count { "0" } }
                    } @else {
                        li.hit {
                            span.line {
                                strong { (title(*stage)) }
                                @if let Some(stage) = stage { " " code { (stage.id()) } }
                                span.count { (number(drops.all())) }
                            }
                            span.bar aria-hidden="true" {
                                @for (class, count) in [
                                    ("harmful", drops.harmful),
                                    ("suspicious", drops.suspicious),
                                    ("benign", drops.benign),
                                ] {
                                    @if count > 0 {
                                        span class=(class) style=(format!("width:{:.1}%", percent(count, most))) {}
                                    }
                                }
                            }
                            span { (counts(*drops)) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::samples, *};

    #[test]
    fn what_died_on_the_way_out_is_told_under_sending() {
        let mut report = samples::report();
        let drops = |harmful| Drops {
            harmful,
            ..Drops::default()
        };
        let bin = &mut report.chart[0];
        bin.stages.insert(Some(Stage::NETFILTER), drops(123));
        bin.sent.insert(Stage::NETFILTER, drops(45));
        let page = section(&Fleet::of(vec![report])).body.into_string();
        let (receiving, sending) = page.split_once("Sending: ").unwrap();
        let count = |part: &str| {
            let (_, rest) = part.split_once("<code>netfilter</code>").unwrap();
            let (_, rest) = rest.split_once("class=\"count\">").unwrap();
            rest.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        };
        assert_eq!(count(receiving), "78", "{receiving}");
        assert_eq!(count(sending), "45", "{sending}");
        assert!(sending.starts_with("45"), "{sending}");
    }
}
