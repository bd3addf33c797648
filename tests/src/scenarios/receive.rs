//! Packets that reach their host and find no socket, or a full one.

use std::net::UdpSocket;

use anyhow::Result;
use nix::sys::socket::{setsockopt, sockopt::RcvBuf};

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    frame::{Frame, SYN, Segment, Transport},
    lab::{A, B, GHOST, Pair},
    scenario::Scenario,
    sender::{self, Datagrams},
    site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "udp_to_a_closed_port",
        about: "25 datagrams that no socket waits for",
        run: udp_to_a_closed_port,
    },
    Scenario {
        name: "udp6_to_a_closed_port",
        about: "25 IPv6 datagrams that no socket waits for",
        run: udp6_to_a_closed_port,
    },
    Scenario {
        name: "tcp_to_a_closed_port",
        about: "20 SYNs that no socket listens to",
        run: tcp_to_a_closed_port,
    },
    Scenario {
        name: "udp_receive_buffer_full",
        about: "10 datagrams for a socket with room for one",
        run: udp_receive_buffer_full,
    },
];

fn udp_to_a_closed_port(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(25))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 1)
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    Case::of([drops]).check(bench, || {
        let datagrams = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, 25);
        datagrams.send(&lab.a).map(drop)
    })
}

fn udp6_to_a_closed_port(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::UDP6_NO_SOCKET, &lab.b, Count::Exactly(25))
        .device(B.device)
        .flow(Flow::new("udp", (A.v6, 4000), (B.v6, 9)))
        .length(40 + 8 + 1)
        .counted_by(Counter::snmp6(&lab.b, "Udp6NoPorts"));
    Case::of([drops]).check(bench, || {
        let datagrams = Datagrams::new((A.v6.into(), 4000), (B.v6.into(), 9), 1, 25);
        datagrams.send(&lab.a).map(drop)
    })
}

fn tcp_to_a_closed_port(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let syn = Frame::v4(A, B, Transport::Tcp(Segment::new(4000, 9, SYN))).src(GHOST);
    let drops = Drops::at(site::TCP_NO_SOCKET, &lab.b, Count::Exactly(20))
        .device(B.device)
        .flow(Flow::new("tcp", (GHOST, 4000), (B.v4, 9)))
        .length(syn.packet_length())
        .counted_by(Counter::snmp(&lab.b, "Tcp.OutRsts"));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &syn, 20))
}

fn udp_receive_buffer_full(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let socket = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v4, 5000))?;
        setsockopt(&socket, RcvBuf, &1)?;
        Ok(socket)
    })?;
    let drops = Drops::at(site::UDP_RECEIVE_BUFFER, &lab.b, Count::AsCounted)
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 5000)))
        .length(20 + 8 + 1000)
        .counted_by(Counter::snmp(&lab.b, "Udp.RcvbufErrors"));
    Case::of([drops]).check(bench, || {
        let datagrams = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 5000), 1000, 10);
        datagrams.send(&lab.a).map(drop)
    })?;
    drop(socket);
    Ok(())
}
