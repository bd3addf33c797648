//! ICMP messages, neighbour discovery, and protocols that nobody speaks.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use crate::{
    bench::Bench,
    case::Doomed,
    counter::Counter,
    frame::{FRAGMENT, Frame, Transport},
    lab::{A, B, Pair},
    scenario::Scenario,
    site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "icmp_messages_that_are_refused",
        about: "wrong checksums, an unknown type, a broadcast that asks for the time",
        run: icmp_messages_that_are_refused,
    },
    Scenario {
        name: "protocols_that_nobody_speaks",
        about: "packets of protocol 253 over IPv4 and IPv6",
        run: protocols_that_nobody_speaks,
    },
    Scenario {
        name: "neighbour_discovery_that_is_refused",
        about: "solicitations from afar, with a code, with broken options, for others, in fragments",
        run: neighbour_discovery_that_is_refused,
    },
];

fn icmp(kind: u8) -> Transport {
    Transport::Icmp {
        kind,
        code: 0,
        payload: vec![0; 12],
    }
}

fn icmp_messages_that_are_refused(bench: &Bench) -> Result<()> {
    const TIMESTAMP: u8 = 13;
    let lab = Pair::new()?;
    let broadcast = Ipv4Addr::new(10, 99, 0, 255);
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(
                site::ICMP_CHECKSUM,
                Frame::v4(A, B, icmp(8)).bad_transport_checksum(),
                3,
            )
            .counted_by(Counter::snmp(&lab.b, "Icmp.InCsumErrors")),
            Doomed::at(
                site::ICMP6_CHECKSUM,
                Frame::v6(A, B, icmp(128)).bad_transport_checksum(),
                4,
            )
            .counted_by(Counter::snmp6(&lab.b, "Icmp6InCsumErrors")),
            Doomed::at(site::ICMP_UNKNOWN, Frame::v4(A, B, icmp(99)), 5),
            Doomed::at(
                site::ICMP_BROADCAST,
                Frame::v4(A, B, icmp(TIMESTAMP)).dst(broadcast),
                6,
            ),
        ],
    )
}

fn protocols_that_nobody_speaks(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let strange = || Transport::Other {
        protocol: 253,
        bytes: vec![0; 16],
    };
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::NO_PROTOCOL, Frame::v4(A, B, strange()), 3)
                .counted_by(Counter::snmp(&lab.b, "Ip.InUnknownProtos")),
            Doomed::at(site::NO_PROTOCOL_6, Frame::v6(A, B, strange()), 4)
                .counted_by(Counter::snmp6(&lab.b, "Ip6InUnknownProtos")),
        ],
    )
}

/// A neighbour solicitation for a target, with these options.
fn solicitation(target: Ipv6Addr, code: u8, options: &[u8]) -> Frame {
    let mut payload = target.octets().to_vec();
    payload.extend(options);
    let icmp = Transport::Icmp {
        kind: 135,
        code,
        payload,
    };
    Frame::v6(A, B, icmp).hops(255)
}

fn neighbour_discovery_that_is_refused(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let other = Ipv6Addr::new(0xfd99, 0, 0, 0, 0, 0, 0, 0x77);
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::ND_HOP_LIMIT, solicitation(B.v6, 0, &[]).hops(64), 3),
            Doomed::at(site::ND_CODE, solicitation(B.v6, 9, &[]), 4),
            Doomed::at(
                site::ND_OPTIONS,
                solicitation(B.v6, 0, &[1, 0, 0, 0, 0, 0, 0, 0]),
                5,
            ),
            Doomed::at(site::ND_OTHER_HOST, solicitation(other, 0, &[]), 6),
            // A fragment that is the whole of its packet.
            Doomed::at(
                site::ND_FRAGMENT,
                solicitation(B.v6, 0, &[]).extension_of(FRAGMENT, [0; 8]),
                7,
            ),
        ],
    )
}
