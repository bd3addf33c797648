//! Segments that die before there is a connection.

use std::{
    net::{SocketAddrV4, TcpListener},
    os::fd::AsRawFd as _,
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, connect, listen, socket,
    },
};

use crate::{
    bench::Bench,
    case::{Case, Count, Doomed, Drops, Flow},
    counter::Counter,
    frame::{ACK, FIN, Frame, RST, SYN, Segment, Transport},
    lab::{A, B, GHOST, Namespace, Pair},
    peer::Peer,
    scenario::Scenario,
    site,
    sys::refuse_hops_below,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "tcp_segments_before_any_socket",
        about: "a short header, wrong checksums, a closed IPv6 port",
        run: tcp_segments_before_any_socket,
    },
    Scenario {
        name: "tcp_segments_that_no_listener_takes",
        about: "RST, bare ACK, SYN with FIN, a signature without a key",
        run: tcp_segments_that_no_listener_takes,
    },
    Scenario {
        name: "tcp_from_too_far_away",
        about: "4 SYNs with fewer hops left than the listener accepts",
        run: tcp_from_too_far_away,
    },
    Scenario {
        name: "tcp_accept_queue_full",
        about: "the last segments of handshakes for which the accept queue has no room",
        run: tcp_accept_queue_full,
    },
    Scenario {
        name: "tcp_accept_queue_full_behind_cookies",
        about: "the same with SYN cookies",
        run: tcp_accept_queue_full_behind_cookies,
    },
    Scenario {
        name: "tcp_half_open",
        about: "segments outside the window and with a wrong echo before the handshake ends",
        run: tcp_half_open,
    },
    Scenario {
        name: "tcp_answers_to_what_was_not_said",
        about: "3 SYN-ACKs that acknowledge another SYN",
        run: tcp_answers_to_what_was_not_said,
    },
];

const PORT: u16 = 7000;

/// A listener with room for so many connections beyond the first.
pub(super) fn listener(namespace: &Namespace, backlog: i32) -> Result<TcpListener> {
    namespace.inside(|| {
        let listener = TcpListener::bind((B.v4, PORT)).context("cannot listen")?;
        listen(&listener, Backlog::new(backlog)?)?;
        Ok(listener)
    })
}

fn tcp(segment: Segment) -> Frame {
    Frame::v4(A, B, Transport::Tcp(segment)).src(GHOST)
}

fn tcp_segments_before_any_socket(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let syn = Segment::new(4000, 9, SYN);
    let v6 = Frame::v6(A, B, Transport::Tcp(syn.clone()));
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::TCP_SHORT, tcp(syn.words(4)), 3),
            Doomed::at(site::TCP6_CHECKSUM, v6.clone().bad_transport_checksum(), 4)
                .counted_by(Counter::snmp(&lab.b, "Tcp.InCsumErrors")),
            Doomed::at(site::TCP6_NO_SOCKET, v6, 5)
                .counted_by(Counter::snmp(&lab.b, "Tcp.OutRsts")),
        ],
    )
}

fn tcp_segments_that_no_listener_takes(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _listener = listener(&lab.b, 5)?;
    let segment = |flags| Segment::new(4000, PORT, flags);
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::TCP_LISTENER_RESET, tcp(segment(RST)), 3),
            Doomed::at(site::TCP_LISTENER_ACK, tcp(segment(ACK)), 4)
                .counted_by(Counter::snmp(&lab.b, "Tcp.OutRsts")),
            Doomed::at(site::TCP_LISTENER_FLAGS, tcp(segment(SYN | FIN)), 5),
            Doomed::at(site::TCP_MD5, tcp(segment(SYN).signature()), 6)
                .counted_by(Counter::snmp(&lab.b, "TcpExt.TCPMD5Unexpected")),
        ],
    )
}

fn tcp_from_too_far_away(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let listener = listener(&lab.b, 5)?;
    refuse_hops_below(&listener, 255)?;
    let doomed = Doomed::at(site::TCP_TTL, tcp(Segment::new(4000, PORT, SYN)), 4)
        .counted_by(Counter::snmp(&lab.b, "TcpExt.TCPMinTTLDrop"));
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

/// Handshakes until the queue is full, the last of them but for its last segment.
fn overflow(bench: &Bench, lab: &Pair, site: &'static site::Site) -> Result<()> {
    let _listener = listener(&lab.b, 2)?;
    for port in [4000, 4001] {
        Peer::connected(lab, port, PORT)?;
    }
    // A full queue would refuse their SYNs, so both come before it is.
    let (mut third, mut last) = (Peer::new(lab, 4002, PORT)?, Peer::new(lab, 4003, PORT)?);
    third.open()?;
    last.open()?;
    third.send(&third.segment(ACK))?;
    let doomed = Doomed::at(site, Peer::frame(last.segment(ACK)), 1)
        .counted_by(Counter::snmp(&lab.b, "TcpExt.ListenOverflows"));
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn tcp_accept_queue_full(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.tcp_syncookies", "0")?;
    overflow(bench, &lab, site::TCP_QUEUE_FULL)
}

fn tcp_accept_queue_full_behind_cookies(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.tcp_syncookies", "2")?;
    overflow(bench, &lab, site::TCP_COOKIE_QUEUE_FULL)
}

fn tcp_half_open(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _listener = listener(&lab.b, 5)?;
    let mut plain = Peer::new(&lab, 4000, PORT)?;
    plain.open()?;
    let mut timed = Peer::new(&lab, 4001, PORT)?;
    let answer = timed.open_by(&timed.segment(SYN).timestamps(500, 0))?;
    let time = answer.time.context("an answer without timestamps")?;
    let beyond = plain
        .segment(ACK)
        .at(plain.seq.wrapping_add(50_000_000), plain.ack);
    let wrong = timed
        .segment(ACK)
        .timestamps(501, time.wrapping_add(9_000_000));
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::TCP_SYN_WINDOW, Peer::frame(beyond), 1),
            Doomed::at(site::TCP_ECHO, Peer::frame(wrong), 1)
                .counted_by(Counter::snmp(&lab.b, "TcpExt.TSEcrRejected")),
        ],
    )
}

fn tcp_answers_to_what_was_not_said(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut peer = Peer::new(&lab, PORT, 0)?;
    let _socket = lab.b.inside(|| {
        let socket = socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
            None,
        )?;
        let refused = connect(
            socket.as_raw_fd(),
            &SockaddrIn::from(SocketAddrV4::new(GHOST, PORT)),
        );
        ensure!(
            refused == Err(Errno::EINPROGRESS),
            "connecting to the ghost: {refused:?}"
        );
        Ok(socket)
    })?;
    let syn = peer.hear()?;
    let answer = Segment::new(PORT, syn.port, SYN | ACK).at(peer.seq, syn.seq.wrapping_add(70_000));
    peer.ack = syn.seq;
    let drops = Drops::at(site::TCP_ANSWER_ACK, &lab.b, Count::Exactly(3))
        .device(B.device)
        .flow(Flow::new("tcp", (GHOST, PORT), (B.v4, syn.port)))
        .counted_by(Counter::snmp(&lab.b, "Tcp.OutRsts"));
    Case::of([drops]).check(bench, || (0..3).try_for_each(|_| peer.send(&answer)))
}
