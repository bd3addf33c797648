//! What the rules find in tables: clashes of translated ports, and neighbours and
//! fragments of IPv6 without room.

use std::net::Ipv6Addr;

use anyhow::{Result, ensure};

use super::{UDP, says, until_found};
use crate::{
    bench::Bench,
    counter::Counter,
    frame::{FRAGMENT, Frame, Transport},
    lab::{A, B, GlobalSysctl, Pair},
    netdrop::journey::Journey,
    scenario::Scenario,
    sender::{self, Datagrams},
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "path_finds_a_clash_of_translated_ports",
        about: "two senders behind a source NAT that has one port",
        run: path_finds_a_clash_of_translated_ports,
    },
    Scenario {
        name: "path_finds_a_full_neighbour_table_ipv6",
        about: "a table of IPv6 neighbours with hardly any room",
        run: path_finds_a_full_neighbour_table_ipv6,
    },
    Scenario {
        name: "path_finds_fragments_without_room_ipv6",
        about: "first fragments that fill the memory for reassembly",
        run: path_finds_fragments_without_room_ipv6,
    },
    Scenario {
        name: "path_finds_fragments_that_wait_in_vain",
        about: "a first fragment without the others, of IPv4 and of IPv6",
        run: path_finds_fragments_that_wait_in_vain,
    },
];

fn path_finds_a_clash_of_translated_ports(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.nft(
        "table ip n { chain c { type nat hook postrouting priority 100; \
         udp dport 9 snat to 10.99.0.1:5000; }; }",
    )?;
    let provoke = || {
        for port in 4000..4005 {
            Datagrams::new((A.v4.into(), port), (B.v4.into(), 9), 10, 2).send(&lab.a)?;
        }
        Ok(())
    };
    let rule = "conntrack_insert_failed";
    let journey = until_found(bench, &lab.a, rule, provoke)?;
    let failed = journey.number("netns", "conntrack.insert_failed", "delta");
    let counted = format!("insert_failed +{}", failed.unwrap_or_default());
    ensure!(
        journey.findings("conntrack_dropped").next().is_none(),
        "the table is not full"
    );
    says(
        &journey,
        rule,
        &[
            ("finding", "source NAT"),
            ("evidence", &counted),
            ("remedy", "fully-random"),
            ("stage", "netfilter"),
        ],
    )
}

fn path_finds_a_full_neighbour_table_ipv6(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let provoke = || {
        let _few = GlobalSysctl::set("net.ipv6.neigh.default.gc_thresh3", "8")?;
        for host in 0x100..0x140 {
            let to = Ipv6Addr::new(0xfd99, 0, 0, 0, 0, 0, 0, host);
            Datagrams::new((A.v6.into(), 4000), (to.into(), 9), 10, 1).send(&lab.a)?;
        }
        let now = Journey::since_boot(bench.binary()?, &lab.a)?;
        says(
            &now,
            "neighbour_table_full_ipv6",
            &[("evidence", "gc_thresh3 8"), ("stage", "tx_neigh")],
        )
    };
    let rule = "neighbour_table_overflow_ipv6";
    let journey = until_found(bench, &lab.a, rule, provoke)?;
    says(
        &journey,
        rule,
        &[("evidence", "table_fulls +"), ("stage", "tx_neigh")],
    )
}

/// The beginning of an IPv6 packet of which more would come.
fn first(id: u8) -> Frame {
    // Fragments come in pieces of eight bytes.
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 1000,
    };
    Frame::v6(A, B, udp).extension_of(FRAGMENT, [0, 0, 0, 1, 0, 0, 0, id])
}

fn path_finds_fragments_without_room_ipv6(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv6.ip6frag_low_thresh", "4000")?;
    lab.b.sysctl("net.ipv6.ip6frag_high_thresh", "8000")?;
    let provoke = || (1..=30).try_for_each(|id| sender::frames(&lab.a, A.device, &first(id), 1));
    let rule = "fragments_fill_memory_ipv6";
    let journey = until_found(bench, &lab.b, rule, provoke)?;
    says(
        &journey,
        rule,
        &[
            ("evidence", "of 8000 bytes"),
            ("undo", "ip6frag_high_thresh=8000"),
            ("stage", "rx_frag"),
        ],
    )
}

fn path_finds_fragments_that_wait_in_vain(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.ipfrag_time", "1")?;
    lab.b.sysctl("net.ipv6.ip6frag_time", "1")?;
    let old = Frame::v4(A, B, UDP).fragment(super::FIRST).id(1);
    let journey = until_found(bench, &lab.b, "reassembly_failed", || {
        sender::frames(&lab.a, A.device, &old, 1)
    })?;
    says(
        &journey,
        "reassembly_failed",
        &[("evidence", "ReasmFails +1,"), ("stage", "rx_frag")],
    )?;
    let failed = Counter::snmp6(&lab.b, "Ip6ReasmFails");
    let rule = "reassembly_failed_ipv6";
    let journey = until_found(bench, &lab.b, rule, || {
        sender::frames(&lab.a, A.device, &first(1), 1)
    })?;
    ensure!(failed.read()? == 1, "witness: nothing failed");
    says(&journey, rule, &[("evidence", "Ip6ReasmFails +1,")])
}
