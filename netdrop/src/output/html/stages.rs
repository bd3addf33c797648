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
    drops::{side::Side, stage::Stage},
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
    let path = |side: Side| -> Vec<(Option<Stage>, Drops)> {
        let stages = side.stages(|stage| sent.contains_key(&stage)).into_iter();
        stages
            .map(|stage| {
                let all = drops.get(&Some(stage)).copied().unwrap_or_default();
                let out = sent.get(&stage).copied().unwrap_or_default();
                let is_out = side != Side::home(stage);
                (Some(stage), if is_out { out } else { all - out })
            })
            .collect()
    };
    let mut beside = path(Side::Beside);
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
            (column("Receiving", "from the card down to the socket", &path(Side::Receiving), most))
            (column("Sending", "from the socket down to the card", &path(Side::Sending), most))
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
