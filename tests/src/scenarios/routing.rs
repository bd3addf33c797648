//! Packets that the routing decision or the forwarding path drops.

use std::net::Ipv4Addr;

use anyhow::Result;

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, C, Pair, Row},
    scenario::Scenario,
    sender, site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "no_route_to_the_host",
        about: "15 datagrams for a network that the router does not know",
        run: no_route_to_the_host,
    },
    Scenario {
        name: "reverse_path_filter",
        about: "15 datagrams from a source that lies elsewhere",
        run: reverse_path_filter,
    },
    Scenario {
        name: "martian_source",
        about: "15 datagrams from a multicast address",
        run: martian_source,
    },
    Scenario {
        name: "ttl_exceeded_in_forwarding",
        about: "15 datagrams with one hop left, to be forwarded",
        run: ttl_exceeded_in_forwarding,
    },
    Scenario {
        name: "ipv6_hop_limit_exceeded_in_forwarding",
        about: "15 IPv6 datagrams with one hop left, to be forwarded",
        run: ipv6_hop_limit_exceeded_in_forwarding,
    },
];

const UDP: Transport = Transport::Udp {
    src: 4000,
    dst: 9,
    payload: 5,
};

fn no_route_to_the_host(bench: &Bench) -> Result<()> {
    let lab = Row::new()?;
    let nowhere = Ipv4Addr::new(198, 51, 100, 1);
    let frame = Frame::v4(A, B, UDP).dst(nowhere);
    let drops = Drops::at(site::NO_ROUTE, &lab.b, Count::Exactly(15))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (nowhere, 9)))
        .length(frame.packet_length())
        .counted_by(Counter::snmp(&lab.b, "IpExt.InNoRoutes"));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 15))
}

fn reverse_path_filter(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.conf.b0.rp_filter", "1")?;
    let elsewhere = Ipv4Addr::new(192, 0, 2, 9);
    let frame = Frame::v4(A, B, UDP).src(elsewhere);
    let drops = Drops::at(site::REVERSE_PATH, &lab.b, Count::Exactly(15))
        .device(B.device)
        .flow(Flow::new("udp", (elsewhere, 4000), (B.v4, 9)))
        .length(frame.packet_length())
        .counted_by(Counter::snmp(&lab.b, "TcpExt.IPReversePathFilter"));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 15))
}

fn martian_source(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let martian = Ipv4Addr::new(224, 0, 0, 5);
    let frame = Frame::v4(A, B, UDP).src(martian);
    let drops = Drops::at(site::MARTIAN, &lab.b, Count::Exactly(15))
        .device(B.device)
        .flow(Flow::new("udp", (martian, 4000), (B.v4, 9)))
        .length(frame.packet_length());
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 15))
}

fn ttl_exceeded_in_forwarding(bench: &Bench) -> Result<()> {
    let lab = Row::new()?;
    let frame = Frame::v4(A, B, UDP).dst(C.v4).hops(1);
    let drops = Drops::at(site::TTL, &lab.b, Count::Exactly(15))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (C.v4, 9)))
        .length(frame.packet_length())
        .counted_by(Counter::snmp(&lab.b, "Ip.InHdrErrors"));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 15))
}

fn ipv6_hop_limit_exceeded_in_forwarding(bench: &Bench) -> Result<()> {
    let lab = Row::new()?;
    let frame = Frame::v6(A, B, UDP).dst(C.v6).hops(1);
    let drops = Drops::at(site::HOP_LIMIT, &lab.b, Count::Exactly(15))
        .device(B.device)
        .flow(Flow::new("udp", (A.v6, 4000), (C.v6, 9)))
        .length(frame.packet_length())
        .counted_by(Counter::snmp6(&lab.b, "Ip6InHdrErrors"));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 15))
}
