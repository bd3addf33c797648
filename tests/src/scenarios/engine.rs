//! Which engine of netfilter dropped a packet.

use anyhow::{Result, ensure};

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    lab::{A, B, Namespace, Pair},
    scenario::Scenario,
    sender::Datagrams,
    site,
};

use super::firewall::dropping;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "an_xtables_drop_names_its_engine",
        about: "iptables drops in a namespace without another engine",
        run: an_xtables_drop_names_its_engine,
    },
    Scenario {
        name: "an_nftables_drop_names_its_engine",
        about: "nftables drops in a namespace without another engine",
        run: an_nftables_drop_names_its_engine,
    },
];

fn flow() -> Flow {
    Flow::new("udp", (A.v4, 4000), (B.v4, 9))
}

/// Drops datagrams in a namespace's input, and looks at the engines that its
/// rows name.
fn check(bench: &Bench, lab: &Pair, drops: Drops, allowed: &[Option<&str>]) -> Result<()> {
    let run = Case::of([drops]).run(bench, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 10, 12)
            .send(&lab.a)
            .map(drop)
    })?;
    let Some(run) = run else { return Ok(()) };
    let ours = |namespace: &Namespace| {
        let rows = run.summary.rows.iter();
        rows.filter(|row| *row.key("netns") == namespace.inode() && *row.key("dst_port") == 9)
            .map(|row| row.key("engine").as_str())
            .collect::<Vec<_>>()
    };
    let engines = ours(&lab.b);
    ensure!(
        !engines.is_empty() && engines.iter().all(|engine| allowed.contains(engine)),
        "the engine is not one of {allowed:?}, but {engines:?}"
    );
    Ok(())
}

fn an_xtables_drop_names_its_engine(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b
        .offer("iptables-legacy", "-w -A INPUT -p udp --dport 9 -j DROP")?;
    let drops = Drops::at(site::XT_INPUT, &lab.b, Count::Exactly(12))
        .device(B.device)
        .flow(flow())
        .counted_by(Counter::xtables(
            &lab.b,
            "iptables-legacy",
            "filter",
            "INPUT",
        ));
    // Up to 6.6 nftables may have given the verdict, if it is loaded.
    let allowed: &[_] = if bench.kernel.version >= (6, 7) {
        &[Some("xtables")]
    } else {
        &[Some("xtables"), None]
    };
    check(bench, &lab, drops, allowed)
}

fn an_nftables_drop_names_its_engine(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.nft(&dropping("input"))?;
    let drops = Drops::at(site::NFT_INPUT, &lab.b, Count::Exactly(12))
        .device(B.device)
        .flow(flow())
        .counted_by(Counter::nft(&lab.b));
    check(bench, &lab, drops, &[Some("nftables")])
}
