//! Packets that a firewall drops, in each hook.

use anyhow::Result;

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    lab::{A, B, C, End, Namespace, Pair, R, Row},
    scenario::Scenario,
    sender::Datagrams,
    site::{self, Site},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "nft_drop_in_prerouting",
        about: "12 datagrams that an nftables rule of the prerouting hook drops",
        run: |bench| {
            let lab = Pair::new()?;
            nft(
                bench,
                (&lab.a, B),
                &lab.b,
                site::NFT_PREROUTING,
                "prerouting",
                Some(B.device),
            )
        },
    },
    Scenario {
        name: "nft_drop_in_input",
        about: "12 datagrams that an nftables rule of the input hook drops",
        run: |bench| {
            let lab = Pair::new()?;
            nft(
                bench,
                (&lab.a, B),
                &lab.b,
                site::NFT_INPUT,
                "input",
                Some(B.device),
            )
        },
    },
    Scenario {
        name: "nft_drop_in_forward",
        about: "12 datagrams that an nftables rule of the forward hook drops",
        run: |bench| {
            let lab = Row::new()?;
            nft(
                bench,
                (&lab.a, C),
                &lab.b,
                site::NFT_FORWARD,
                "forward",
                Some(B.device),
            )
        },
    },
    Scenario {
        name: "nft_drop_in_output",
        about: "12 datagrams that an nftables rule of the output hook drops",
        run: |bench| {
            let lab = Pair::new()?;
            nft(bench, (&lab.a, B), &lab.a, site::NFT_OUTPUT, "output", None)
        },
    },
    Scenario {
        name: "nft_drop_in_postrouting",
        about: "12 own datagrams that an nftables rule of the postrouting hook drops",
        run: |bench| {
            let lab = Pair::new()?;
            nft(
                bench,
                (&lab.a, B),
                &lab.a,
                site::NFT_POSTROUTING,
                "postrouting",
                Some(A.device),
            )
        },
    },
    Scenario {
        name: "nft_drop_in_postrouting_of_a_router",
        about: "12 forwarded datagrams that an nftables rule of the postrouting hook drops",
        run: |bench| {
            let (lab, site) = (Row::new()?, site::NFT_POSTROUTING_FORWARDED);
            nft(
                bench,
                (&lab.a, C),
                &lab.b,
                site,
                "postrouting",
                Some(R.device),
            )
        },
    },
    Scenario {
        name: "nfqueue_without_a_listener",
        about: "12 datagrams that a rule of the input hook queues for nobody",
        run: nfqueue_without_a_listener,
    },
    Scenario {
        name: "xtables_drop_in_prerouting",
        about: "12 datagrams that an iptables rule of the raw PREROUTING chain drops",
        run: |bench| {
            let lab = Pair::new()?;
            let chain = ("raw", "PREROUTING");
            xtables(
                bench,
                (&lab.a, B),
                &lab.b,
                site::XT_PREROUTING,
                chain,
                Some(B.device),
            )
        },
    },
    Scenario {
        name: "xtables_drop_in_input",
        about: "12 datagrams that an iptables rule of the INPUT chain drops",
        run: |bench| {
            let lab = Pair::new()?;
            let chain = ("filter", "INPUT");
            xtables(
                bench,
                (&lab.a, B),
                &lab.b,
                site::XT_INPUT,
                chain,
                Some(B.device),
            )
        },
    },
    Scenario {
        name: "xtables_drop_in_forward",
        about: "12 datagrams that an iptables rule of the FORWARD chain drops",
        run: |bench| {
            let lab = Row::new()?;
            let chain = ("filter", "FORWARD");
            xtables(
                bench,
                (&lab.a, C),
                &lab.b,
                site::XT_FORWARD,
                chain,
                Some(B.device),
            )
        },
    },
    Scenario {
        name: "xtables_drop_in_output",
        about: "12 datagrams that an iptables rule of the OUTPUT chain drops",
        run: |bench| {
            let lab = Pair::new()?;
            let chain = ("filter", "OUTPUT");
            xtables(bench, (&lab.a, B), &lab.a, site::XT_OUTPUT, chain, None)
        },
    },
];

const XTABLES: &str = "iptables-legacy";

/// A ruleset with one rule that counts and drops UDP to port 9.
pub(super) fn dropping(hook: &str) -> String {
    ruleset(hook, "drop")
}

fn ruleset(hook: &str, verdict: &str) -> String {
    format!(
        "table inet lab {{ chain c {{ type filter hook {hook} priority 0; udp dport 9 counter {verdict}; }}; }}"
    )
}

/// Twelve datagrams from A to an end, of which all are dropped in a namespace.
fn twelve<'a>(
    bench: &Bench,
    (from, to): (&Namespace, End),
    at: &'a Namespace,
    site: &'static Site,
    device: Option<&'static str>,
    counter: Counter<'a>,
) -> Result<()> {
    let mut drops = Drops::at(site, at, Count::Exactly(12))
        .flow(Flow::new("udp", (A.v4, 4000), (to.v4, 9)))
        .length(20 + 8 + 10)
        .counted_by(counter);
    if let Some(device) = device {
        drops = drops.device(device);
    }
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (to.v4.into(), 9), 10, 12)
            .send(from)
            .map(drop)
    })
}

fn nft(
    bench: &Bench,
    path: (&Namespace, End),
    at: &Namespace,
    site: &'static Site,
    hook: &str,
    device: Option<&'static str>,
) -> Result<()> {
    at.nft(&dropping(hook))?;
    twelve(bench, path, at, site, device, Counter::nft(at))
}

fn xtables(
    bench: &Bench,
    path: (&Namespace, End),
    at: &Namespace,
    site: &'static Site,
    (table, chain): (&str, &str),
    device: Option<&'static str>,
) -> Result<()> {
    at.offer(
        XTABLES,
        &format!("-w -t {table} -A {chain} -p udp --dport 9 -j DROP"),
    )?;
    let counter = Counter::xtables(at, XTABLES, table, chain);
    twelve(bench, path, at, site, device, counter)
}

/// By whichever of the two engines knows queues here.
fn nfqueue_without_a_listener(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let path = (&lab.a, B);
    let counter = if lab.b.nft(&ruleset("input", "queue num 7")).is_ok() {
        Counter::nft(&lab.b)
    } else {
        lab.b.offer(
            XTABLES,
            "-w -A INPUT -p udp --dport 9 -j NFQUEUE --queue-num 7",
        )?;
        Counter::xtables(&lab.b, XTABLES, "filter", "INPUT")
    };
    twelve(bench, path, &lab.b, site::NFQUEUE, Some(B.device), counter)
}
