//! Packets that a firewall drops, in each hook.

use anyhow::Result;

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    lab::{A, B, C, Pair, Row},
    scenario::Scenario,
    sender::Datagrams,
    site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "nft_drop_in_input",
        about: "12 datagrams that an nftables rule of the input hook drops",
        run: nft_drop_in_input,
    },
    Scenario {
        name: "nft_drop_in_forward",
        about: "12 datagrams that an nftables rule of the forward hook drops",
        run: nft_drop_in_forward,
    },
    Scenario {
        name: "nft_drop_in_output",
        about: "12 datagrams that an nftables rule of the output hook drops",
        run: nft_drop_in_output,
    },
    Scenario {
        name: "xtables_drop_in_input",
        about: "12 datagrams that an iptables rule of the INPUT chain drops",
        run: xtables_drop_in_input,
    },
];

/// A ruleset with one rule that counts and drops UDP to port 9.
pub(super) fn dropping(hook: &str) -> String {
    format!(
        "table inet lab {{ chain c {{ type filter hook {hook} priority 0; udp dport 9 counter drop; }}; }}"
    )
}

fn nft_drop_in_input(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.nft(&dropping("input"))?;
    let drops = Drops::at(site::NFT, &lab.b, Count::Exactly(12))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 10)
        .counted_by(Counter::nft(&lab.b));
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 10, 12)
            .send(&lab.a)
            .map(drop)
    })
}

fn nft_drop_in_forward(bench: &Bench) -> Result<()> {
    let lab = Row::new()?;
    lab.b.nft(&dropping("forward"))?;
    let drops = Drops::at(site::NFT, &lab.b, Count::Exactly(12))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (C.v4, 9)))
        .length(20 + 8 + 10)
        .counted_by(Counter::nft(&lab.b));
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (C.v4.into(), 9), 10, 12)
            .send(&lab.a)
            .map(drop)
    })
}

fn nft_drop_in_output(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.nft(&dropping("output"))?;
    let drops = Drops::at(site::NFT, &lab.a, Count::Exactly(12))
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 10)
        .counted_by(Counter::nft(&lab.a));
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 10, 12)
            .send(&lab.a)
            .map(drop)
    })
}

fn xtables_drop_in_input(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b
        .offer("iptables-legacy", "-w -A INPUT -p udp --dport 9 -j DROP")?;
    let drops = Drops::at(site::XTABLES, &lab.b, Count::Exactly(12))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 10)
        .counted_by(Counter::xtables(&lab.b, "iptables-legacy", "INPUT"));
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 10, 12)
            .send(&lab.a)
            .map(drop)
    })
}
