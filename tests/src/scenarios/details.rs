//! What `netdrop trace` tells of a single packet.

use std::{fs, net::IpAddr};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, report},
    counter::Counter,
    frame::{DESTINATION_OPTIONS, Frame, HOP_BY_HOP, SYN, Transport},
    lab::{A, B, GHOST, Namespace, Pair},
    netdrop::{
        Netdrop,
        identity::{self, Allow},
        record::Run,
    },
    scenario::Scenario,
    sender::{self, Datagrams},
    site,
};

use super::firewall::dropping;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "trace_tells_each_drop",
        about: "25 drops are 25 lines with every field",
        run: trace_tells_each_drop,
    },
    Scenario {
        name: "trace_reads_tcp_flags",
        about: "a SYN to a closed port",
        run: trace_reads_tcp_flags,
    },
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
        name: "the_sender_is_known_in_its_own_context",
        about: "pid and command of a datagram that dies in the output hook, and of none that was received",
        run: the_sender_is_known_in_its_own_context,
    },
    Scenario {
        name: "trace_takes_stacks",
        about: "--stack gives the functions above the drop",
        run: trace_takes_stacks,
    },
];

/// Traces what is provoked; `None` when only the witnesses speak.
fn trace(
    bench: &Bench,
    options: &str,
    drops: Drops,
    provoke: impl FnOnce() -> Result<()>,
) -> Result<Option<Run>> {
    let netdrop = bench.start(&format!("trace --format json --severity all {options}"))?;
    let mut complaints = Vec::new();
    Case::of([drops]).witness(bench, &mut complaints, provoke)?;
    let run = netdrop.map(Netdrop::stop).transpose()?;
    if let Some(run) = &run {
        let by = ["stage", "reason", "function"];
        complaints.extend(identity::complaints(run, &by, Allow::default()));
        let (lines, accounting) = (run.drops.len() as u64, &run.summary.accounting);
        if lines + accounting.output_lost != accounting.delivered {
            complaints.push(format!("{lines} lines, but {accounting:?}"));
        }
    }
    report(&complaints)?;
    Ok(run)
}

/// Fails unless exactly so many lines of a namespace have all these fields.
fn told(run: Option<&Run>, namespace: &Namespace, times: usize, fields: &Value) -> Result<()> {
    let Some(run) = run else { return Ok(()) };
    let ours: Vec<&Value> = run
        .drops
        .iter()
        .map(|drop| &drop.fields)
        .filter(|drop| drop["netns"] == namespace.inode())
        .collect();
    let count = ours.iter().filter(|drop| has_all(drop, fields)).count();
    ensure!(
        count == times,
        "{count} lines, not {times}, with {fields}; the ring lost {} of the host's drops; of this namespace are{}",
        run.summary.accounting.ring_lost,
        ours.iter()
            .fold(String::new(), |text, drop| text + "\n" + &drop.to_string())
    );
    Ok(())
}

fn has_all(drop: &Value, fields: &Value) -> bool {
    fields
        .as_object()
        .is_some_and(|fields| fields.iter().all(|(key, value)| drop[key] == *value))
}

/// Drops every packet of the sender before anything else looks at it.
const DROP_EARLY: &str = "table netdev lab { chain c { \
    type filter hook ingress device b0 priority 0; \
    ip saddr 10.99.0.1 counter drop; ip6 saddr fd99::1 counter drop; }; }";

fn trace_tells_each_drop(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let ifindex = lab.b.ifindex(B.device)?;
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(25))
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    let run = trace(bench, "", drops, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, 25)
            .send(&lab.a)
            .map(drop)
    })?;
    told(
        run.as_ref(),
        &lab.b,
        25,
        &json!({
            "reason": bench.kernel.reason("NO_SOCKET"), "stage": "rx_lookup", "direction": "rx",
            "address": null, "device": "b0", "ifindex": ifindex, "protocol": "udp",
            "src": A.v4.to_string(), "src_port": 4000, "dst": B.v4.to_string(), "dst_port": 9,
            "icmp_type": null, "icmp_code": null, "length": 29, "segments": 1,
            "ethertype": "0x0800", "tcp_flags": null, "pid": null, "command": null,
            "age_ns": null, "stack": null,
        }),
    )
}

fn trace_reads_tcp_flags(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::TCP_NO_SOCKET, &lab.b, Count::Exactly(3))
        .counted_by(Counter::snmp(&lab.b, "Tcp.OutRsts"));
    let frame = Frame::v4(
        A,
        B,
        Transport::Tcp {
            src: 4000,
            dst: 9,
            flags: SYN,
        },
    )
    .src(GHOST);
    let run = trace(bench, "", drops, || {
        sender::frames(&lab.a, A.device, &frame, 3)
    })?;
    told(
        run.as_ref(),
        &lab.b,
        3,
        &json!({
            "protocol": "tcp", "src": GHOST.to_string(), "src_port": 4000,
            "dst": B.v4.to_string(), "dst_port": 9, "tcp_flags": "SYN", "length": 40,
        }),
    )
}

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
        let [src, dst]: [IpAddr; 2] = [crate::lab::address(A, v6), crate::lab::address(B, v6)];
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
    let bytes = crate::frame::ethernet(A, B, 0x88b5, &[0; 46]);
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

fn the_sender_is_known_in_its_own_context(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.nft(&dropping("output"))?;
    let out = Drops::at(site::NFT, &lab.a, Count::Exactly(8)).counted_by(Counter::nft(&lab.a));
    let run = trace(bench, "", out, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, 8).send(&lab.a)?;
        // The same process is on the CPU while these are received, yet they are
        // not its packets any more.
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 10), 1, 8)
            .send(&lab.a)
            .map(drop)
    })?;
    let command = fs::read_to_string("/proc/self/comm")?;
    let sender = json!({
        "direction": "tx", "dst_port": 9, "pid": std::process::id(), "command": command.trim(),
    });
    told(run.as_ref(), &lab.a, 8, &sender)?;
    let received = json!({ "direction": "rx", "dst_port": 10, "pid": null, "command": null });
    told(run.as_ref(), &lab.b, 8, &received)
}

fn trace_takes_stacks(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(3))
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    let run = trace(bench, "--stack", drops, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, 3)
            .send(&lab.a)
            .map(drop)
    })?;
    let Some(run) = run else { return Ok(()) };
    let of_lab = run
        .drops
        .iter()
        .filter(|drop| drop.netns == Some(lab.b.inode()) && drop.dst_port == Some(9));
    let stacks: Vec<String> = of_lab
        .map(|drop| drop.fields["stack"].to_string())
        .collect();
    ensure!(
        stacks.len() == 3
            && stacks
                .iter()
                .all(|stack| stack.contains("ip_local_deliver")),
        "no stacks through ip_local_deliver: {stacks:?}"
    );
    Ok(())
}
