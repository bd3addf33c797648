//! Fragmented datagrams: each is one packet, however many pieces it came in.

use std::{net::UdpSocket, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    bench::Bench,
    case::{Case, Count, Doomed, Drops, Flow},
    counter::Counter,
    frame::{Frame, MORE_FRAGMENTS, Transport},
    lab::{A, B, Pair},
    scenario::Scenario,
    sender::{self, Datagrams},
    site,
};

use super::firewall::dropping;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "dropped_fragmented_datagrams_are_ten_not_sixty",
        about: "10 datagrams of 8000 bytes to a closed port",
        run: dropped_fragmented_datagrams_are_ten_not_sixty,
    },
    Scenario {
        name: "filtered_fragmented_datagrams_are_ten_not_sixty",
        about: "10 datagrams of 8000 bytes that nftables drops",
        run: filtered_fragmented_datagrams_are_ten_not_sixty,
    },
    Scenario {
        name: "delivered_fragmented_datagrams_are_no_drops",
        about: "10 datagrams of 8000 bytes that a socket reads",
        run: delivered_fragmented_datagrams_are_no_drops,
    },
    Scenario {
        name: "fragments_that_wait_in_vain",
        about: "4 first fragments whose rest never comes",
        run: fragments_that_wait_in_vain,
    },
    Scenario {
        name: "fragments_that_came_before",
        about: "the same fragment again and again",
        run: fragments_that_came_before,
    },
    Scenario {
        name: "fragments_too_far_apart",
        about: "a fragment whose rest comes after those of six other packets",
        run: fragments_too_far_apart,
    },
];

const LENGTH: u64 = 20 + 8 + 8000;

/// Five further pieces hang on the first one of each datagram.
const PARTS: u64 = 10 * 5;

fn ten(port: u16) -> Datagrams {
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), port), 8000, 10)
}

fn dropped_fragmented_datagrams_are_ten_not_sixty(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(10))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(LENGTH)
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    Case::of([drops])
        .parts(PARTS)
        .check(bench, || ten(9).send(&lab.a).map(drop))
}

fn filtered_fragmented_datagrams_are_ten_not_sixty(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.nft(&dropping("input"))?;
    let drops = Drops::at(site::NFT_INPUT, &lab.b, Count::Exactly(10))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(LENGTH)
        .counted_by(Counter::nft(&lab.b));
    Case::of([drops])
        .parts(PARTS)
        .check(bench, || ten(9).send(&lab.a).map(drop))
}

fn delivered_fragmented_datagrams_are_no_drops(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let socket = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v4, 5000))?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(socket)
    })?;
    Case::of([])
        .none_of(lab.b.inode(), Flow::new("udp", (A.v4, 4000), (B.v4, 5000)))
        .check(bench, || {
            let mut buffer = [0; 9000];
            for _ in 0..10 {
                Datagrams {
                    times: 1,
                    ..ten(5000)
                }
                .send(&lab.a)?;
                ensure!(
                    socket.recv(&mut buffer)? == 8000,
                    "a datagram came in pieces"
                );
            }
            Ok(())
        })
}

fn fragments_that_wait_in_vain(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.ipfrag_time", "1")?;
    let ports = [4000, 4001, 4002, 4003];
    let frames = ports.map(first);
    let drops = Drops::at(site::FRAGMENT_TIMEOUT, &lab.b, Count::Exactly(4))
        .device(B.device)
        .flows(ports.map(|port| Flow::new("udp", (A.v4, port), (B.v4, 9))))
        .length(20 + 8 + 16)
        .counted_by(Counter::snmp(&lab.b, "Ip.ReasmTimeout"));
    Case::of([drops]).check(bench, || {
        frames
            .iter()
            .try_for_each(|frame| sender::frames(&lab.a, A.device, frame, 1))
    })
}

/// The first fragment of a datagram.
fn first(src: u16) -> Frame {
    let udp = Transport::Udp {
        src,
        dst: 9,
        payload: 16,
    };
    Frame::v4(A, B, udp).fragment(MORE_FRAGMENTS).id(src)
}

fn fragments_that_came_before(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    sender::frames(&lab.a, A.device, &first(4000), 1)?;
    let doomed = Doomed::at(site::FRAGMENT_TWICE, first(4000), 4);
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn fragments_too_far_apart(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.ipfrag_max_dist", "1")?;
    let rest = Transport::Other {
        protocol: 17,
        bytes: vec![0; 16],
    };
    let frames = [4000, 4001, 4002, 4003, 4004, 4005, 4006].map(first);
    let late = Frame::v4(A, B, rest).fragment(5).id(4000);
    // What dies is the part that waited, and that has lost its device.
    let drops = Drops::at(site::FRAGMENT_TOO_FAR, &lab.b, Count::Exactly(1))
        .anywhere()
        .flow(frames[0].flow())
        .length(frames[0].packet_length())
        .counted_by(Counter::snmp(&lab.b, "Ip.ReasmFails"));
    Case::of([drops]).check(bench, || {
        frames
            .iter()
            .chain([&late])
            .try_for_each(|frame| sender::frames(&lab.a, A.device, frame, 1))
    })
}
