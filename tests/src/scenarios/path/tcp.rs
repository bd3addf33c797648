//! What the rules find in TCP: full SYN queues and full receive buffers.

use std::net::TcpStream;

use anyhow::{Context as _, Result, ensure};
use nix::sys::socket::{setsockopt, sockopt::RcvBuf};
use serde_json::Value;

use super::{PORT, own_process, says, until_found};
use crate::{
    bench::Bench,
    counter::Counter,
    frame::{ACK, Frame, SYN, Segment, Transport},
    lab::{A, B, GHOST, Namespace, Pair},
    netdrop::journey::Journey,
    peer::Peer,
    scenario::Scenario,
    scenarios::tcp_handshake::listener,
    sender,
    sys::FrameSocket,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "path_finds_a_full_syn_queue",
        about: "SYNs without cookies for a listener with hardly any room",
        run: path_finds_a_full_syn_queue,
    },
    Scenario {
        name: "path_finds_syn_cookies",
        about: "the same with cookies",
        run: path_finds_syn_cookies,
    },
    Scenario {
        name: "path_names_a_connection_whose_buffer_is_fixed",
        about: "crumbs into a receive buffer that SO_RCVBUF made small",
        run: path_names_a_connection_whose_buffer_is_fixed,
    },
    Scenario {
        name: "path_names_a_connection_whose_buffer_is_full",
        about: "crumbs into a receive buffer that tcp_rmem made small",
        run: path_names_a_connection_whose_buffer_is_full,
    },
    Scenario {
        name: "path_does_not_mind_old_segments",
        about: "data that came before, which the kernel counts as drops of the socket",
        run: path_does_not_mind_old_segments,
    },
];

/// SYNs of ports of their own that nobody will confirm, quickly: within one
/// interval.
pub(super) fn syns(from: &Namespace) -> Result<()> {
    let ifindex = from.ifindex(A.device)?;
    from.inside(|| {
        let socket = FrameSocket::open(ifindex).context("packet socket")?;
        for port in 4000..4012 {
            let syn = Transport::Tcp(Segment::new(port, PORT, SYN));
            socket.send(&Frame::v4(A, B, syn).src(GHOST).bytes())?;
        }
        Ok(())
    })
}

fn path_finds_a_full_syn_queue(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.tcp_syncookies", "0")?;
    let _listener = listener(&lab.b, 1)?;
    let refused = Counter::snmp(&lab.b, "TcpExt.TCPReqQFullDrop");
    let journey = until_found(bench, &lab.b, "syn_queue_full", || syns(&lab.a))?;
    let counted = format!("TCPReqQFullDrop +{};", refused.read()?);
    says(
        &journey,
        "syn_queue_full",
        &[
            ("evidence", &counted),
            ("evidence", "tcp_syncookies 0"),
            ("undo", "net.ipv4.tcp_syncookies=0"),
            ("stage", "rx_synq"),
        ],
    )?;
    let there = format!(
        "ip netns exec {} sysctl -w net.ipv4.tcp_syncookies=1",
        lab.b.name()
    );
    says(
        &journey,
        "listener_syn_queue_full",
        &[
            ("remedy", &there),
            ("finding", "port 7000"),
            ("finding", &own_process()?),
            ("scope", "listener 10.99.0.2:7000"),
        ],
    )
}

fn path_finds_syn_cookies(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.tcp_syncookies", "1")?;
    let _listener = listener(&lab.b, 1)?;
    let cookies = Counter::snmp(&lab.b, "TcpExt.TCPReqQFullDoCookies");
    let journey = until_found(bench, &lab.b, "syn_cookies_sent", || syns(&lab.a))?;
    let counted = format!("TCPReqQFullDoCookies +{},", cookies.read()?);
    says(
        &journey,
        "syn_cookies_sent",
        &[("evidence", &counted), ("stage", "rx_synq")],
    )?;
    ensure!(
        journey.findings("syn_queue_full").next().is_none(),
        "nothing was refused"
    );
    Ok(())
}

fn connection(lab: &Pair) -> Result<(Peer, TcpStream)> {
    let listener = listener(&lab.b, 5)?;
    let peer = Peer::connected(lab, 4000, PORT)?;
    let (stream, _) = listener.accept().context("cannot accept")?;
    Ok((peer, stream))
}

/// Bytes with gaps between them, each in a segment of its own: little data that
/// takes much memory.
fn crumbs(peer: &Peer) -> Result<()> {
    (0..200).try_for_each(|crumb| {
        let seq = peer.seq.wrapping_add(10 + 2 * crumb);
        peer.send(&peer.segment(ACK).at(seq, peer.ack).payload(1))
    })
}

fn connections(journey: &Journey) -> Vec<&Value> {
    let Journey(all) = journey;
    let sockets = all["sockets"].as_array().into_iter().flatten();
    sockets.filter(|socket| socket["kind"] == "tcp").collect()
}

fn path_names_a_connection_whose_buffer_is_fixed(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (peer, stream) = connection(&lab)?;
    setsockopt(&stream, RcvBuf, &2048)?;
    let pruned = Counter::snmp(&lab.b, "TcpExt.TCPOFODrop");
    let rule = "tcp_receive_buffer_fixed";
    let journey = until_found(bench, &lab.b, rule, || crumbs(&peer))?;
    let counted = format!("TCPOFODrop +{},", pruned.read()?);
    says(
        &journey,
        rule,
        &[
            ("finding", &own_process()?),
            ("finding", "SO_RCVBUF fixed it"),
            ("evidence", &counted),
            ("scope", "tcp 10.99.0.2:7000"),
            ("stage", "rx_sock"),
        ],
    )?;
    says(&journey, "tcp_receive_pruned", &[("evidence", &counted)])?;
    let told = connections(&journey);
    ensure!(
        told.len() == 1 && told[0]["fixed_buffer"] == true,
        "{told:?}"
    );
    Ok(())
}

fn path_names_a_connection_whose_buffer_is_full(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.tcp_rmem", "4096 4096 4096")?;
    let (peer, _stream) = connection(&lab)?;
    let rule = "tcp_receive_pruned";
    let journey = until_found(bench, &lab.b, rule, || crumbs(&peer))?;
    says(&journey, rule, &[("evidence", "tcp_rmem 4096 4096 4096")])?;
    let fixed = "tcp_receive_buffer_fixed";
    ensure!(journey.findings(fixed).next().is_none(), "nobody fixed it");
    let told = connections(&journey);
    ensure!(told.len() == 1, "{told:?}");
    // Before 5.14 the kernel does not tell.
    if told[0]["fixed_buffer"] == false {
        says(
            &journey,
            "tcp_socket_drops",
            &[
                ("finding", &own_process()?),
                ("scope", "tcp 10.99.0.2:7000"),
                ("undo", "tcp_rmem='4096 4096 4096'"),
            ],
        )?;
    }
    Ok(())
}

fn path_does_not_mind_old_segments(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (mut peer, _stream) = connection(&lab)?;
    let first = peer.segment(ACK).payload(10);
    peer.send(&first)?;
    peer.hear()?;
    peer.seq = peer.seq.wrapping_add(10);
    let old = Peer::frame(first);
    let repeat = || sender::frames(&lab.a, A.device, &old, 20);
    let came = |journey: &Journey| {
        let lost = journey.number("netns", "TcpExt.DelayedACKLost", "delta");
        lost.is_some_and(|count| count > 0)
    };
    let journey = Journey::during(bench, &lab.b, repeat, came)?;
    let told = connections(&journey);
    let dropped = told.first().and_then(|socket| socket["drops"].as_u64());
    ensure!(dropped.is_some_and(|drops| drops >= 1), "witness: {told:?}");
    let found = journey.found_here();
    ensure!(found.is_empty(), "{found:?}");
    Ok(())
}
