//! Packets that die on their way out, or between the sender's device and the
//! receiver's stack.

use std::{
    io::{ErrorKind, Write as _},
    net::{Ipv4Addr, UdpSocket},
};

use anyhow::{Context as _, Result, ensure};
use libc::linger;
use nix::sys::socket::{
    setsockopt,
    sockopt::{Linger, UdpGsoSegment},
};

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    lab::{A, B, GlobalSysctl, Pair},
    peer::Peer,
    scenario::Scenario,
    sender::Datagrams,
    site,
};

use super::{firewall::dropping, tcp_handshake::listener};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "qdisc_overflow",
        about: "20 datagrams into a token bucket with room for two",
        run: qdisc_overflow,
    },
    Scenario {
        name: "neighbour_does_not_answer",
        about: "5 datagrams for a neighbour that does not exist",
        run: neighbour_does_not_answer,
    },
    Scenario {
        name: "neighbour_queue_full",
        about: "12 datagrams for a neighbour that is still asked for, with room for few",
        run: neighbour_queue_full,
    },
    Scenario {
        name: "the_route_of_a_connection_goes_away",
        about: "what a connected TCP socket sends without a route",
        run: the_route_of_a_connection_goes_away,
    },
    Scenario {
        name: "cpu_backlog_overflow",
        about: "bursts longer than netdev_max_backlog",
        run: cpu_backlog_overflow,
    },
    Scenario {
        name: "gso_packets_weigh_their_segments",
        about: "5 drops of 10 datagrams each, before they are segmented",
        run: gso_packets_weigh_their_segments,
    },
];

fn qdisc_overflow(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.offer(
        "tc",
        "qdisc add dev a0 root tbf rate 8kbit burst 1600 limit 3000",
    )?;
    let drops = Drops::at(site::QDISC, &lab.a, Count::AsCounted)
        .device(A.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 1000)
        .counted_by(Counter::qdisc(&lab.a, A.device));
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1000, 20)
            .send(&lab.a)
            .map(drop)
    })
}

fn neighbour_does_not_answer(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.sysctl("net.ipv4.neigh.a0.mcast_solicit", "1")?;
    lab.a.sysctl("net.ipv4.neigh.a0.retrans_time_ms", "200")?;
    let nobody = Ipv4Addr::new(10, 99, 0, 200);
    let drops = Drops::at(site::NEIGHBOUR_FAILED, &lab.a, Count::Exactly(5))
        .device(A.device)
        .flow(Flow::new("udp", (A.v4, 4000), (nobody, 9)))
        .length(20 + 8 + 10);
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (nobody.into(), 9), 10, 5)
            .send(&lab.a)
            .map(drop)
    })
}

fn neighbour_queue_full(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.sysctl("net.ipv4.neigh.a0.unres_qlen_bytes", "3000")?;
    let nobody = Ipv4Addr::new(10, 99, 0, 200);
    let drops = Drops::at(site::NEIGHBOUR_QUEUE, &lab.a, Count::AsCounted)
        .device(A.device)
        .flow(Flow::new("udp", (A.v4, 4000), (nobody, 9)))
        .length(20 + 8 + 500)
        .counted_by(Counter::unresolved());
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (nobody.into(), 9), 500, 12)
            .send(&lab.a)
            .map(drop)
    })
}

fn the_route_of_a_connection_goes_away(bench: &Bench) -> Result<()> {
    const PORT: u16 = 7000;
    const RESET: linger = linger {
        l_onoff: 1,
        l_linger: 0,
    };
    let lab = Pair::new()?;
    let listener = listener(&lab.b, 5)?;
    let _peer = Peer::connected(&lab, 4000, PORT)?;
    let (mut stream, _) = listener.accept().context("cannot accept")?;
    lab.b.ip(&["route flush dev b0 table main"])?;
    // The RST comes from a socket that has no port any more.
    let drops = Drops::at(site::ROUTE_GONE, &lab.b, Count::AsCounted)
        .counted_by(Counter::snmp(&lab.b, "Ip.OutNoRoutes"));
    Case::of([drops]).check(bench, || {
        stream.write_all(b"lost").context("cannot send")?;
        // Without lingering nothing is sent again later.
        setsockopt(&stream, Linger, &RESET)?;
        drop(stream);
        Ok(())
    })
}

/// A device without segmentation offload gets the segments of one send in one
/// go, with softirqs off: the backlog cannot empty meanwhile.
fn cpu_backlog_overflow(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a
        .run("ethtool", "-K a0 tx on sg on tx-udp-segmentation off")?;
    let drops = Drops::at(site::CPU_BACKLOG, &lab.b, Count::AsCounted)
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 100)
        .counted_by(Counter::backlog());
    Case::of([drops]).check(bench, || {
        let _short = GlobalSysctl::set("net.core.netdev_max_backlog", "2")?;
        lab.a.inside(|| {
            let socket = UdpSocket::bind((A.v4, 4000))?;
            setsockopt(&socket, UdpGsoSegment, &100).context("UDP_SEGMENT")?;
            for _ in 0..5 {
                socket
                    .send_to(&[0; 2000], (B.v4, 9))
                    .context("segmented send")?;
            }
            Ok(())
        })
    })
}

fn gso_packets_weigh_their_segments(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // Older kernels take no UDP_SEGMENT without checksum offload.
    lab.a.run("ethtool", "-K a0 tx on sg on")?;
    lab.a.nft(&dropping("output"))?;
    let drops = Drops::at(site::NFT_OUTPUT, &lab.a, Count::Exactly(5))
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 10_000)
        .segments(10)
        .counted_by(Counter::nft(&lab.a));
    Case::of([drops]).check(bench, || {
        lab.a.inside(|| {
            let socket = UdpSocket::bind((A.v4, 4000))?;
            setsockopt(&socket, UdpGsoSegment, &1000).context("UDP_SEGMENT")?;
            for _ in 0..5 {
                let sent = socket.send_to(&[0; 10_000], (B.v4, 9));
                ensure!(
                    sent.as_ref()
                        .is_err_and(|error| error.kind() == ErrorKind::PermissionDenied),
                    "the firewall let it pass: {sent:?}"
                );
            }
            Ok(())
        })
    })
}
