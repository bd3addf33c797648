//! What `netdrop trace` tells of a single packet.

use std::{fmt::Write as _, fs};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, report},
    counter::Counter,
    frame::{Frame, HOP_BY_HOP, SYN, Segment, Transport},
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
        name: "the_sender_is_known_in_its_own_context",
        about: "pid and command of a datagram that dies in the output hook, and of none that was received",
        run: the_sender_is_known_in_its_own_context,
    },
    Scenario {
        name: "trace_shows_headers",
        about: "--headers gives the frame as it was sent, without its payload, over IPv4 and IPv6",
        run: trace_shows_headers,
    },
    Scenario {
        name: "trace_takes_stacks",
        about: "--stack gives the functions above the drop",
        run: trace_takes_stacks,
    },
];

/// Traces what is provoked; `None` when only the witnesses speak.
pub(super) fn trace(
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
        bench.attributed.run(run);
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
pub(super) fn told(
    run: Option<&Run>,
    namespace: &Namespace,
    times: usize,
    fields: &Value,
) -> Result<()> {
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
    let frame = Frame::v4(A, B, Transport::Tcp(Segment::new(4000, 9, SYN))).src(GHOST);
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

fn the_sender_is_known_in_its_own_context(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.nft(&dropping("output"))?;
    let out =
        Drops::at(site::NFT_OUTPUT, &lab.a, Count::Exactly(8)).counted_by(Counter::nft(&lab.a));
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

fn trace_shows_headers(bench: &Bench) -> Result<()> {
    const PAYLOAD: usize = 32;
    let lab = Pair::new()?;
    let udp = |dst| Transport::Udp {
        src: 4000,
        dst,
        payload: PAYLOAD,
    };
    let frames = [
        Frame::v4(A, B, udp(9)),
        Frame::v6(A, B, udp(10)).extension(HOP_BY_HOP),
    ];
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(3))
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    let run = trace(bench, "--headers --stack", drops, || {
        frames
            .iter()
            .try_for_each(|frame| sender::frames(&lab.a, A.device, frame, 3))
    })?;
    for (frame, port) in frames.iter().zip([9, 10]) {
        let bytes = frame.bytes();
        let headers = &bytes[..bytes.len() - PAYLOAD];
        let text = headers.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let fields = json!({ "dst_port": port, "headers": text, "headers_from": "link" });
        told(run.as_ref(), &lab.b, 3, &fields)?;
    }
    Ok(())
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
