//! Frames that are broken, or meant for nobody here.

use anyhow::Result;

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    frame::{self, Frame, SYN, Segment, Transport},
    lab::{A, B, GHOST, Pair},
    scenario::Scenario,
    sender, site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "bad_ip_checksum",
        about: "7 packets with a wrong IPv4 header checksum",
        run: bad_ip_checksum,
    },
    Scenario {
        name: "bad_tcp_checksum",
        about: "7 segments with a wrong TCP checksum",
        run: bad_tcp_checksum,
    },
    Scenario {
        name: "bad_udp_checksum",
        about: "7 datagrams with a wrong UDP checksum",
        run: bad_udp_checksum,
    },
    Scenario {
        name: "unknown_ethertype",
        about: "7 frames of a protocol that nobody handles",
        run: unknown_ethertype,
    },
    Scenario {
        name: "frames_for_another_host",
        about: "7 frames with a foreign destination address",
        run: frames_for_another_host,
    },
];

const UDP: Transport = Transport::Udp {
    src: 4000,
    dst: 9,
    payload: 5,
};

fn bad_ip_checksum(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let frame = Frame::v4(A, B, UDP).bad_network_checksum();
    let drops = Drops::at(site::IP_CHECKSUM, &lab.b, Count::Exactly(7))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(frame.packet_length())
        .counted_by(Counter::snmp(&lab.b, "IpExt.InCsumErrors"));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 7))
}

fn bad_tcp_checksum(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let syn = Transport::Tcp(Segment::new(4000, 9, SYN));
    let frame = Frame::v4(A, B, syn).src(GHOST).bad_transport_checksum();
    let drops = Drops::at(site::TCP_CHECKSUM, &lab.b, Count::Exactly(7))
        .device(B.device)
        .flow(Flow::new("tcp", (GHOST, 4000), (B.v4, 9)))
        .length(frame.packet_length())
        .counted_by(Counter::snmp(&lab.b, "Tcp.InCsumErrors"));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 7))
}

fn bad_udp_checksum(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let frame = Frame::v4(A, B, UDP).bad_transport_checksum();
    let drops = Drops::at(site::UDP_CHECKSUM, &lab.b, Count::Exactly(7))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(frame.packet_length())
        .counted_by(Counter::snmp(&lab.b, "Udp.InCsumErrors"));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 7))
}

fn unknown_ethertype(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let payload = [0; 46];
    let bytes = frame::ethernet(A, B, 0x88b5, &payload);
    let drops = Drops::at(site::UNKNOWN_ETHERTYPE, &lab.b, Count::Exactly(7))
        .device(B.device)
        .without_flow("0x88b5")
        .length(payload.len() as u64)
        .counted_by(Counter::rx_dropped(&lab.b, B.device));
    Case::of([drops]).check(bench, || sender::raw_frames(&lab.a, A.device, &bytes, 7))
}

fn frames_for_another_host(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let frame = Frame::v4(A, B, UDP).mac_dst([2, 0, 0, 0, 0, 0xff]);
    let drops = Drops::at(site::OTHER_HOST, &lab.b, Count::Exactly(7))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(frame.packet_length());
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 7))
}
