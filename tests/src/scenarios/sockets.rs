//! Packets that a socket's filter, policy or protocol refuses, and what nobody
//! read.

use std::{net::UdpSocket, thread, time::Duration};

use anyhow::{Context as _, Result};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockProtocol, SockType, setsockopt, socket, sockopt::RcvBuf,
};

use crate::{
    bench::Bench,
    case::{Case, Count, Doomed, Drops},
    counter::Counter,
    frame::{Frame, SYN, Segment, Transport},
    lab::{A, B, GHOST, Pair},
    scenario::Scenario,
    sender, site,
    sys::{FrameSocket, refuse_all},
};

use super::tcp_handshake::listener;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "udp_datagrams_that_are_broken",
        about: "a length beyond the packet, IPv6 checksums",
        run: udp_datagrams_that_are_broken,
    },
    Scenario {
        name: "udp6_receive_buffer_full",
        about: "10 IPv6 datagrams for a socket with room for none",
        run: udp6_receive_buffer_full,
    },
    Scenario {
        name: "socket_filters",
        about: "UDP, TCP and raw sockets whose filter takes nothing",
        run: socket_filters,
    },
    Scenario {
        name: "ipsec_policy",
        about: "5 datagrams that came without the protection their socket asks for",
        run: ipsec_policy,
    },
    Scenario {
        name: "packet_socket_full",
        about: "copies for a packet socket with room for none",
        run: packet_socket_full,
    },
    Scenario {
        name: "unread_datagrams",
        about: "6 datagrams that wait in a socket when it is closed",
        run: unread_datagrams,
    },
];

const PORT: u16 = 5000;

fn udp(payload: usize) -> Transport {
    Transport::Udp {
        src: 4000,
        dst: PORT,
        payload,
    }
}

fn udp_datagrams_that_are_broken(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // 100 bytes by its own account.
    let lying = Transport::Other {
        protocol: 17,
        bytes: vec![0x0f, 0xa0, 0, 9, 0, 100, 0, 0, 1, 2, 3, 4],
    };
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::UDP_SHORT, Frame::v4(A, B, lying), 4)
                .counted_by(Counter::snmp(&lab.b, "Udp.InErrors")),
            Doomed::at(
                site::UDP6_CHECKSUM,
                Frame::v6(A, B, udp(5)).bad_transport_checksum(),
                5,
            )
            .counted_by(Counter::snmp6(&lab.b, "Udp6InCsumErrors")),
        ],
    )
}

fn udp6_receive_buffer_full(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _socket = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v6, PORT))?;
        setsockopt(&socket, RcvBuf, &1)?;
        Ok(socket)
    })?;
    let frame = Frame::v6(A, B, udp(1000));
    let drops = Drops::at(site::UDP6_RECEIVE_BUFFER, &lab.b, Count::AsCounted)
        .device(B.device)
        .flow(frame.flow())
        .length(frame.packet_length())
        .counted_by(Counter::snmp6(&lab.b, "Udp6RcvbufErrors"));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 10))
}

fn socket_filters(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let listener = listener(&lab.b, 5)?;
    let (udp_socket, raw_socket) = lab.b.inside(|| {
        let raw = socket(
            AddressFamily::Inet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::Icmp,
        )?;
        Ok((UdpSocket::bind((B.v4, PORT))?, raw))
    })?;
    refuse_all(&udp_socket).context("UDP filter")?;
    refuse_all(&listener).context("TCP filter")?;
    refuse_all(&raw_socket).context("raw filter")?;
    let syn = Transport::Tcp(Segment::new(4000, 7000, SYN));
    // An answer that nobody waits for goes to raw sockets alone.
    let echo = Transport::Icmp {
        kind: 0,
        code: 0,
        payload: vec![0; 8],
    };
    let drops = [
        Doomed::at(site::UDP_FILTER, Frame::v4(A, B, udp(5)), 4)
            .counted_by(Counter::snmp(&lab.b, "Udp.InErrors")),
        Doomed::at(site::TCP_FILTER, Frame::v4(A, B, syn).src(GHOST), 5),
        Doomed::at(site::RAW_FILTER, Frame::v4(A, B, echo), 6),
    ];
    Doomed::check_all(bench, &lab.a, &lab.b, drops)
}

fn ipsec_policy(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _socket = lab.b.inside(|| Ok(UdpSocket::bind((B.v4, PORT))?))?;
    lab.b.offer(
        "ip",
        &format!(
            "xfrm policy add src {} dst {} dir in action block",
            A.v4, B.v4
        ),
    )?;
    let doomed = Doomed::at(site::UDP_POLICY, Frame::v4(A, B, udp(5)), 5)
        .counted_by(Counter::snmp(&lab.b, "Udp.InErrors"));
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn packet_socket_full(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let ifindex = lab.b.ifindex(B.device)?;
    let tap = lab.b.inside(|| Ok(FrameSocket::listen(ifindex)?))?;
    setsockopt(&tap, RcvBuf, &1)?;
    let _socket = lab.b.inside(|| Ok(UdpSocket::bind((B.v4, PORT))?))?;
    let frame = Frame::v4(A, B, udp(1000));
    let drops = Drops::at(site::PACKET_SOCKET, &lab.b, Count::AsCounted)
        .device(B.device)
        .flow(frame.flow())
        .length(frame.packet_length())
        .counted_by(Counter::packet_socket(&tap));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 10))
}

fn unread_datagrams(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let socket = lab.b.inside(|| Ok(UdpSocket::bind((B.v4, PORT))?))?;
    let frame = Frame::v4(A, B, udp(5));
    // The queue keeps other things where the device was.
    let drops = Drops::at(site::UDP_UNREAD, &lab.b, Count::Exactly(6))
        .anywhere()
        .flow(frame.flow());
    Case::of([drops]).check(bench, || {
        sender::frames(&lab.a, A.device, &frame, 6)?;
        thread::sleep(Duration::from_millis(200));
        drop(socket);
        Ok(())
    })
}
