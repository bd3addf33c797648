//! Sampled drops are the packets that were sent, and tell nothing of the host
//! where that is asked for.

use std::{collections::BTreeMap, fs, path::Path, process::Command, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use super::{
    recordings::{Folder, netdrop, recorder, text},
    refusals::says,
};
use crate::{
    bench::Bench,
    frame::{Frame, SYN, Segment, Transport, datagram, ethernet},
    lab::{A, B, Pair},
    scenario::Scenario,
    sender::{Datagrams, raw_frames},
    tools,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "wireshark_opens_sampled_drops",
        about: "tshark finds comments, flows and lengths of UDP, TCP, ICMP, IPv6, ARP and VLAN drops",
        run: wireshark_opens_sampled_drops,
    },
    Scenario {
        name: "an_anonymized_recording_tells_no_host",
        about: "record --anonymize: no address or name is left, and flows stay apart",
        run: an_anonymized_recording_tells_no_host,
    },
    Scenario {
        name: "sampled_drops_are_bounded",
        about: "a flood with --max-events 20, and none with 0: kept, left out and lost make all",
        run: sampled_drops_are_bounded,
    },
];

/// Frames of each kind.
const TIMES: u64 = 5;

/// Everything that arrives dies at once, on the device.
const WALL: &str = "table netdev wall {
    chain arriving {
        type filter hook ingress device \"b0\" priority 0; policy drop;
    }
}";

/// A kind of packet, and what tshark is to say of it.
struct Kind {
    name: &'static str,
    frame: Vec<u8>,
    length: usize,
    /// Addresses and ports.
    flow: [String; 4],
    protocols: &'static str,
}

fn kinds() -> Vec<Kind> {
    let flow = |src: &dyn ToString, sport: &str, dst: &dyn ToString, dport: &str| {
        [
            src.to_string(),
            dst.to_string(),
            sport.to_owned(),
            dport.to_owned(),
        ]
    };
    let udp = |payload| datagram(4000, 9, &vec![0x61; payload]);
    let of = |name, frame: Frame, flow, protocols| {
        let frame = frame.bytes();
        Kind {
            name,
            length: frame.len(),
            frame,
            flow,
            protocols,
        }
    };
    let echo = Transport::Icmp {
        kind: 8,
        code: 0,
        payload: vec![0; 60],
    };
    let syn = Transport::Tcp(Segment::new(4001, 80, SYN));
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1];
    arp.extend(A.mac);
    arp.extend(A.v4.octets());
    arp.extend([0; 6]);
    arp.extend(B.v4.octets());
    let arp = ethernet(A, B, 0x0806, &arp);
    let mut kinds = vec![
        of(
            "udp",
            Frame::v4(A, B, udp(100)),
            flow(&A.v4, "4000", &B.v4, "9"),
            "eth:ethertype:ip:udp",
        ),
        of(
            "udp of ipv6",
            Frame::v6(A, B, udp(300)),
            flow(&A.v6, "4000", &B.v6, "9"),
            "eth:ethertype:ipv6:udp",
        ),
        of(
            "tcp",
            Frame::v4(A, B, syn),
            flow(&A.v4, "4001", &B.v4, "80"),
            "eth:ethertype:ip:tcp",
        ),
        of(
            "icmp",
            Frame::v4(A, B, echo),
            flow(&A.v4, "", &B.v4, ""),
            "eth:ethertype:ip:icmp",
        ),
        Kind {
            name: "arp",
            length: arp.len(),
            frame: arp,
            flow: flow(&A.v4, "", &B.v4, ""),
            protocols: "eth:ethertype:arp",
        },
    ];
    // The kernel takes the tag off before anybody can drop the packet; in the file it
    // is back.
    kinds.push(of(
        "vlan",
        Frame::v4(A, B, udp(500)).vlan(5),
        flow(&A.v4, "4000", &B.v4, "9"),
        "eth:ethertype:vlan:ethertype:ip:udp",
    ));
    kinds
}

const FIELDS: [&str; 17] = [
    "frame.len",
    "frame.cap_len",
    "frame.comment",
    "frame.interface_name",
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "arp.src.proto_ipv4",
    "arp.dst.proto_ipv4",
    "udp.srcport",
    "udp.dstport",
    "tcp.srcport",
    "tcp.dstport",
    "vlan.id",
    "_ws.malformed",
];

/// What tshark tells of each packet, by field.
fn tshark(file: &Path) -> Result<Vec<BTreeMap<&'static str, String>>> {
    let mut tshark = tools::program("tshark");
    tshark.arg("-n").arg("-r").arg(file).args(["-T", "fields"]);
    for field in FIELDS {
        tshark.args(["-e", field]);
    }
    let printed = tools::printed(&mut tshark)?;
    let packet = |line: &str| {
        let cells = line.split('\t').map(str::to_owned);
        FIELDS.into_iter().zip(cells).collect()
    };
    Ok(printed.lines().map(packet).collect())
}

fn wireshark_opens_sampled_drops(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("packets")?;
    let (file, packets) = (folder.file("drops.ndr"), folder.file("drops.pcapng"));
    lab.b.nft(WALL)?;
    let kinds = kinds();
    let mut recorder = recorder(bench, &file, "--interval 1m --stack --max-events 10000")?;
    // CPUs may send more as time goes by.
    thread::sleep(Duration::from_millis(300));
    for kind in &kinds {
        raw_frames(&lab.a, A.device, &kind.frame, TIMES)?;
    }
    // A packet that has no Ethernet header yet.
    lab.a.nft(
        "table inet own { chain out { type filter hook output priority 0; udp dport 77 drop; }; }",
    )?;
    Datagrams::new((A.v4.into(), 4002), (B.v4.into(), 77), 700, TIMES).send(&lab.a)?;
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    let filter = format!("netns {} or netns {}", lab.a.inode(), lab.b.inode());
    export(bench, &file, &packets, "pcapng", &filter)?;
    let found = tshark(&packets)?;
    ensure!(!found.is_empty(), "tshark shows no packet");
    for packet in &found {
        ensure!(packet["_ws.malformed"].is_empty(), "malformed: {packet:?}");
        for told in [
            "reason=",
            " stage=",
            " function=",
            " severity=",
            " netns=",
            " stack=",
        ] {
            ensure!(
                packet["frame.comment"].contains(told),
                "no {told}: {packet:?}"
            );
        }
    }
    for kind in &kinds {
        let Kind {
            name,
            length,
            flow,
            protocols,
            ..
        } = kind;
        let flows = |packet: &BTreeMap<&str, String>| {
            let any = |names: [&str; 3]| -> String {
                names.iter().map(|name| packet[name].as_str()).collect()
            };
            [
                any(["ip.src", "ipv6.src", "arp.src.proto_ipv4"]),
                any(["ip.dst", "ipv6.dst", "arp.dst.proto_ipv4"]),
                any(["udp.srcport", "tcp.srcport", "_ws.malformed"]),
                any(["udp.dstport", "tcp.dstport", "_ws.malformed"]),
            ]
        };
        let same = found.iter().filter(|packet| {
            packet["frame.len"] == length.to_string()
                && packet["frame.protocols"].starts_with(protocols)
                && packet["frame.interface_name"] == B.device
                && packet["frame.comment"].contains(&format!(" netns={} ", lab.b.inode()))
                && flows(packet) == *flow
        });
        let same = same.count() as u64;
        ensure!(same == TIMES, "{name}: {same} of {TIMES}: {found:#?}");
    }
    let tagged = found.iter().filter(|packet| packet["vlan.id"] == "5");
    ensure!(tagged.count() as u64 == TIMES, "VLAN 5: {found:#?}");
    let raw = found.iter().filter(|packet| {
        packet["frame.protocols"].starts_with("raw:ip:udp")
            && packet["udp.dstport"] == "77"
            && packet["frame.len"] == "728"
            && packet["frame.comment"].contains("reason=NETFILTER_DROP ")
    });
    let raw = raw.count() as u64;
    ensure!(
        raw == TIMES,
        "{raw} of {TIMES} without Ethernet: {found:#?}"
    );
    others_agree(bench, &folder, &file, found.len())
}

/// Flame graphs and tables have them, too.
fn others_agree(bench: &Bench, folder: &Folder, file: &Path, packets: usize) -> Result<()> {
    let stacks = text(
        bench,
        &format!("export {} --to folded -o -", file.display()),
    )?;
    ensure!(
        stacks
            .lines()
            .any(|line| line.contains("NETFILTER_DROP;") && line.contains(";nf_hook_slow")),
        "no stack of netfilter: {stacks}"
    );
    let table = folder.file("events.csv");
    let arguments = format!(
        "export {} --to csv --events -o {}",
        file.display(),
        table.display()
    );
    text(bench, &arguments)?;
    let lines = fs::read_to_string(&table)?.lines().count();
    ensure!(lines > packets, "{lines} lines of {packets} events");
    Ok(())
}

fn export(bench: &Bench, file: &Path, out: &Path, to: &str, filter: &str) -> Result<()> {
    let mut command = Command::new(bench.binary()?);
    command
        .arg("export")
        .arg(file)
        .args(["--to", to, "--filter", filter]);
    tools::printed(command.arg("-o").arg(out)).map(drop)
}

fn an_anonymized_recording_tells_no_host(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("anonymized")?;
    let (file, table) = (folder.file("drops.ndr"), folder.file("drops.parquet"));
    let mut recorder = recorder(bench, &file, "--interval 200ms --stack --anonymize")?;
    for (port, times) in [(4000, 7), (4001, 11)] {
        Datagrams::new((A.v4.into(), port), (B.v4.into(), 9), 50, times).send(&lab.a)?;
        Datagrams::new((A.v6.into(), port), (B.v6.into(), 9), 50, times).send(&lab.a)?;
    }
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    let json = text(
        bench,
        &format!(
            "export {} --to json --events --by flow,netns -o -",
            file.display()
        ),
    )?;
    // All rows, in plain text.
    let exported = format!(
        "export {} --to parquet -o {}",
        file.display(),
        table.display()
    );
    text(bench, &exported)?;
    let script = "import sys, pyarrow.parquet as pq\n\
                  table = pq.read_table(sys.argv[1])\n\
                  print(table.schema.metadata)\n\
                  print([c.to_pylist() for c in table.columns if c.type == 'string'])";
    let mut python = tools::python()?;
    let plain = tools::printed(python.args(["-c", script]).arg(&table))?;
    let host = nix::sys::utsname::uname()?;
    let host = host.nodename().to_string_lossy().into_owned();
    let hex = |bytes: &[u8]| {
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<Vec<_>>().concat()
    };
    for told in [
        A.v4.to_string(),
        B.v4.to_string(),
        A.v6.to_string(),
        B.v6.to_string(),
        hex(&A.v4.octets()),
        hex(&A.v6.octets()),
        hex(&A.mac),
        hex(&B.mac),
        format!("'{}'", B.device),
        format!("'{}'", lab.b.name()),
        format!("\"{host}\""),
    ] {
        ensure!(!plain.contains(&told), "{told} is in the file");
        ensure!(!json.contains(&told), "{told} is in the export");
    }
    // The flows are still told apart, and ports are what they were.
    let summary = json.lines().last().context("nothing exported")?;
    let summary: serde_json::Value = serde_json::from_str(summary)?;
    let rows = summary["rows"].as_array().context("no rows")?;
    let mut found = Vec::new();
    for row in rows {
        if row["netns"] == lab.b.inode() && row["dst_port"] == 9 {
            found.push((row["src_port"].as_u64(), row["drops"].as_u64()));
        }
    }
    found.sort_unstable();
    let wanted = [(4000, 7), (4000, 7), (4001, 11), (4001, 11)];
    let wanted = wanted.map(|(port, drops)| (Some(port), Some(drops)));
    ensure!(found == wanted, "{found:?}: {summary}");
    Ok(())
}

fn sampled_drops_are_bounded(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("bounded")?;
    for (most, name) in [(20, "some.ndr"), (0, "none.ndr")] {
        let file = folder.file(name);
        let options = format!(
            "--interval 200ms --max-events {most} netns {}",
            lab.b.inode()
        );
        let mut recorder = recorder(bench, &file, &options)?;
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 50, 50_000).send(&lab.a)?;
        recorder.signal(Signal::SIGINT)?;
        let ended = recorder.wait()?;
        ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
        let json = text(
            bench,
            &format!("export {} --to json --events -o -", file.display()),
        )?;
        let lines: Vec<serde_json::Value> = json
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        let events = lines.iter().filter(|line| line["type"] == "drop").count() as u64;
        let summary = lines.last().context("nothing exported")?;
        let of = |name: &str| summary["accounting"][name].as_u64().unwrap_or(u64::MAX);
        let [counted, out, lost, rejected] =
            ["counted", "sampled_out", "ring_lost", "filtered"].map(of);
        let at_most = counted + rejected - out - lost;
        ensure!(counted >= 50_000, "{counted} drops: {summary}");
        ensure!(events <= at_most, "{events} events of {at_most}: {summary}");
        if most == 0 {
            ensure!(events == 0, "{events} events, none were asked for");
            let out = folder.file("none.pcapng");
            let arguments = format!("export {} --to pcapng -o {}", file.display(), out.display());
            says(&netdrop(bench, &arguments)?, 1, &["--max-events"])?;
            ensure!(!out.exists(), "an empty capture was left");
        } else {
            let seconds = summary["seconds"].as_f64().context("no length")?;
            let cpus = fs::read_to_string("/sys/devices/system/cpu/possible")?;
            let highest: f64 = cpus
                .trim()
                .rsplit(['-', ','])
                .next()
                .context("no CPU")?
                .parse()?;
            // Each CPU's part of a second, rounded up, and the first of each interval.
            let bound =
                (20.0 * seconds + 2.0) * (highest + 1.0) + seconds / 0.2 * (highest + 2.0) + 10.0;
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let found = events as f64;
            ensure!(
                events > 0 && found <= bound,
                "{events} events, at most {bound}"
            );
        }
    }
    Ok(())
}
