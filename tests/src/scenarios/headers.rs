//! What `netdrop trace` reads out of headers that are not plain.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::{
    bench::{Bench, PATIENCE},
    case::{Count, Drops},
    counter::Counter,
    frame::{self, DESTINATION_OPTIONS, Frame, HOP_BY_HOP, Transport},
    lab::{A, B, Pair, address},
    netdrop::Netdrop,
    scenario::Scenario,
    sender, site,
};

use super::details::{told, trace};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "trace_reads_past_a_vlan_tag",
        about: "a tagged datagram for nobody",
        run: trace_reads_past_a_vlan_tag,
    },
    Scenario {
        name: "trace_reads_past_ipv6_extension_headers",
        about: "a datagram behind hop-by-hop and destination options",
        run: trace_reads_past_ipv6_extension_headers,
    },
    Scenario {
        name: "trace_reads_icmp",
        about: "dropped echo requests, unreachables and their IPv6 twins",
        run: trace_reads_icmp,
    },
    Scenario {
        name: "trace_reads_fragments",
        about: "a later fragment has a protocol and no ports",
        run: trace_reads_fragments,
    },
    Scenario {
        name: "trace_names_other_protocols_by_number",
        about: "a packet of IP protocol 253",
        run: trace_names_other_protocols_by_number,
    },
    Scenario {
        name: "trace_reads_ethertypes",
        about: "a frame that is no IP",
        run: trace_reads_ethertypes,
    },
    Scenario {
        name: "a_cut_transport_header_has_no_ports",
        about: "three bytes of UDP after the IPv6 header: ports are unknown",
        run: a_cut_transport_header_has_no_ports,
    },
];

/// Drops every packet of the sender before anything else looks at it.
const DROP_EARLY: &str = "table netdev lab { chain c { \
    type filter hook ingress device b0 priority 0; \
    ip saddr 10.99.0.1 counter drop; ip6 saddr fd99::1 counter drop; }; }";

fn trace_reads_past_a_vlan_tag(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::OTHER_HOST, &lab.b, Count::Exactly(3));
    let frame = Frame::v4(
        A,
        B,
        Transport::Udp {
            src: 4000,
            dst: 9,
            payload: 5,
        },
    )
    .vlan(7);
    let run = trace(bench, "", drops, || {
        sender::frames(&lab.a, A.device, &frame, 3)
    })?;
    told(
        run.as_ref(),
        &lab.b,
        3,
        &json!({
            "protocol": "udp", "src": A.v4.to_string(), "src_port": 4000,
            "dst": B.v4.to_string(), "dst_port": 9, "length": 33,
        }),
    )
}

fn trace_reads_past_ipv6_extension_headers(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::UDP6_NO_SOCKET, &lab.b, Count::Exactly(3))
        .counted_by(Counter::snmp6(&lab.b, "Udp6NoPorts"));
    let frame = Frame::v6(
        A,
        B,
        Transport::Udp {
            src: 4000,
            dst: 9,
            payload: 5,
        },
    )
    .extension(HOP_BY_HOP)
    .extension(DESTINATION_OPTIONS);
    let run = trace(bench, "", drops, || {
        sender::frames(&lab.a, A.device, &frame, 3)
    })?;
    told(
        run.as_ref(),
        &lab.b,
        3,
        &json!({
            "protocol": "udp", "src": A.v6.to_string(), "src_port": 4000,
            "dst": B.v6.to_string(), "dst_port": 9, "ethertype": "0x86dd",
            "length": frame.packet_length(),
        }),
    )
}

fn trace_reads_icmp(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.nft(DROP_EARLY)?;
    let icmp = |kind, code| Transport::Icmp {
        kind,
        code,
        payload: vec![0; 28],
    };
    let messages = [
        (Frame::v4(A, B, icmp(8, 0)), "icmp", 8, 0, 5),
        (Frame::v4(A, B, icmp(3, 3)), "icmp", 3, 3, 4),
        (Frame::v6(A, B, icmp(128, 0)), "icmpv6", 128, 0, 3),
        (Frame::v6(A, B, icmp(1, 4)), "icmpv6", 1, 4, 2),
    ];
    let drops =
        Drops::at(site::NFT_INGRESS, &lab.b, Count::Exactly(14)).counted_by(Counter::nft(&lab.b));
    let run = trace(bench, "", drops, || {
        messages
            .iter()
            .try_for_each(|(frame, .., times)| sender::frames(&lab.a, A.device, frame, *times))
    })?;
    for (frame, protocol, kind, code, times) in &messages {
        let v6 = *protocol == "icmpv6";
        let [src, dst]: [_; 2] = [address(A, v6), address(B, v6)];
        told(
            run.as_ref(),
            &lab.b,
            usize::try_from(*times)?,
            &json!({
                "protocol": protocol, "src": src.to_string(), "dst": dst.to_string(),
                "src_port": null, "dst_port": null, "icmp_type": kind, "icmp_code": code,
                "length": frame.packet_length(),
            }),
        )?;
    }
    Ok(())
}

fn trace_reads_fragments(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.nft(DROP_EARLY)?;
    let piece = Transport::Other {
        protocol: 17,
        bytes: vec![0; 64],
    };
    let frame = Frame::v4(A, B, piece).fragment(185);
    let drops =
        Drops::at(site::NFT_INGRESS, &lab.b, Count::Exactly(6)).counted_by(Counter::nft(&lab.b));
    let run = trace(bench, "", drops, || {
        sender::frames(&lab.a, A.device, &frame, 6)
    })?;
    told(
        run.as_ref(),
        &lab.b,
        6,
        &json!({
            "protocol": "udp", "src": A.v4.to_string(), "dst": B.v4.to_string(),
            "src_port": null, "dst_port": null, "length": 84,
        }),
    )
}

fn trace_names_other_protocols_by_number(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.nft(DROP_EARLY)?;
    let frame = Frame::v4(
        A,
        B,
        Transport::Other {
            protocol: 253,
            bytes: vec![0; 16],
        },
    );
    let drops =
        Drops::at(site::NFT_INGRESS, &lab.b, Count::Exactly(6)).counted_by(Counter::nft(&lab.b));
    let run = trace(bench, "", drops, || {
        sender::frames(&lab.a, A.device, &frame, 6)
    })?;
    told(
        run.as_ref(),
        &lab.b,
        6,
        &json!({
            "protocol": "253", "src": A.v4.to_string(), "dst": B.v4.to_string(),
            "src_port": null, "dst_port": null, "length": 36,
        }),
    )
}

fn trace_reads_ethertypes(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::UNKNOWN_ETHERTYPE, &lab.b, Count::Exactly(6))
        .counted_by(Counter::rx_dropped(&lab.b, B.device));
    let bytes = frame::ethernet(A, B, 0x88b5, &[0; 46]);
    let run = trace(bench, "", drops, || {
        sender::raw_frames(&lab.a, A.device, &bytes, 6)
    })?;
    told(
        run.as_ref(),
        &lab.b,
        6,
        &json!({
            "ethertype": "0x88b5", "src": null, "dst": null, "src_port": null, "dst_port": null,
            "length": 46, "device": "b0",
        }),
    )
}

fn a_cut_transport_header_has_no_ports(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let cut = Transport::Other {
        protocol: 17,
        bytes: vec![0xab; 3],
    };
    let frame = Frame::v6(A, B, cut);
    let counter = Counter::snmp6(&lab.b, "Udp6InErrors");
    let before = counter.read()?;
    let netdrop = bench.start("trace --format json --severity all")?;
    sender::frames(&lab.a, A.device, &frame, 5)?;
    let deadline = Instant::now() + PATIENCE;
    while counter.read()? < before + 5 {
        ensure!(Instant::now() < deadline, "UDP refuses no cut header");
        thread::sleep(Duration::from_millis(20));
    }
    let run = netdrop.map(Netdrop::stop).transpose()?;
    told(
        run.as_ref(),
        &lab.b,
        5,
        &json!({
            "protocol": "udp", "src": A.v6.to_string(), "dst": B.v6.to_string(),
            "src_port": null, "dst_port": null, "ethertype": "0x86dd", "length": 43,
        }),
    )
}
