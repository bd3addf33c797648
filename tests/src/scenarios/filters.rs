//! Which drops a filter lets through, and that the others are counted apart.

use std::{fs, thread, time::Duration};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::{
    bench::Bench,
    case::report,
    counter::Counter,
    frame::{self, ACK, DESTINATION_OPTIONS, Frame, HOP_BY_HOP, SYN, Segment, Transport},
    lab::{A, B, Pair},
    netdrop::{
        Netdrop,
        identity::{self, Allow},
        record::{Row, Run},
    },
    scenario::Scenario,
    sender::{self, Datagrams},
};

use super::{
    firewall::dropping,
    flood::flood,
    refusals::refused,
    traffic_control::{shoot, silent},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "filters_about_the_network",
        about: "13 kinds of frames and questions about their network headers",
        run: |bench| questions(bench, NETWORK),
    },
    Scenario {
        name: "filters_about_the_transport",
        about: "13 kinds of frames and questions about their transport headers",
        run: |bench| questions(bench, TRANSPORT),
    },
    Scenario {
        name: "filters_about_rows",
        about: "13 kinds of frames and questions that user space answers",
        run: |bench| questions(bench, ROWS),
    },
    Scenario {
        name: "filters_about_tags_on_the_way_out",
        about: "tagged frames of a packet socket that a classifier drops at egress",
        run: filters_about_tags_on_the_way_out,
    },
    Scenario {
        name: "a_filter_as_large_as_the_table",
        about: "64 steps in the kernel, and 70 that fall to user space",
        run: a_filter_as_large_as_the_table,
    },
    Scenario {
        name: "a_flood_through_a_filter",
        about: "100,000 datagrams of two flows, each kept by one filter and counted by the other",
        run: a_flood_through_a_filter,
    },
    Scenario {
        name: "a_filter_keeps_namespaces_apart",
        about: "the same drops in two namespaces, by name, device, reason and function",
        run: a_filter_keeps_namespaces_apart,
    },
    Scenario {
        name: "a_flow_has_two_directions",
        about: "datagrams there and back, and a third flow",
        run: a_flow_has_two_directions,
    },
    Scenario {
        name: "a_filter_knows_the_sender",
        about: "datagrams of this process that die in the output hook, by command and pid",
        run: a_filter_knows_the_sender,
    },
    Scenario {
        name: "trace_takes_a_filter",
        about: "lines of one of two ports only, decided in both places",
        run: trace_takes_a_filter,
    },
];

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "a_filter_for_severities_hides_none",
        about: "`severity benign` shows benign drops without --severity",
        run: a_filter_for_severities_hides_none,
    },
    Scenario {
        name: "a_wrong_filter_is_refused",
        about: "exit 2, and the word is named",
        run: a_wrong_filter_is_refused,
    },
];

/// A filter and the kinds of frames it keeps; `cut` if it cannot tell for the
/// one that is cut off.
type Question = (&'static str, &'static [u32], bool);

/// Kinds of frames by number: kind N is sent 2^N times, so that a count tells
/// which kinds are in it.
fn kinds() -> Vec<Vec<u8>> {
    let udp = |src, dst, payload| Transport::Udp { src, dst, payload };
    let icmp = |kind| Transport::Icmp {
        kind,
        code: 0,
        payload: vec![0; 8],
    };
    let other = |protocol, bytes: &[u8]| Transport::Other {
        protocol,
        bytes: bytes.to_vec(),
    };
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1];
    arp.extend(A.v4.octets());
    arp.extend([0; 6]);
    arp.extend(B.v4.octets());
    // Ports 4000 and 80.
    let sctp = [0x0f, 0xa0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0];
    let tcp = |dst, flags| Transport::Tcp(Segment::new(4000, dst, flags));
    vec![
        Frame::v4(A, B, udp(4000, 9, 1)).bytes(),
        Frame::v4(A, B, udp(4001, 80, 200)).bytes(),
        Frame::v4(A, B, tcp(80, SYN)).bytes(),
        Frame::v4(A, B, tcp(443, ACK)).bytes(),
        Frame::v4(A, B, icmp(8)).bytes(),
        Frame::v4(A, B, udp(4000, 9, 8)).fragment(3).bytes(),
        Frame::v6(A, B, udp(4000, 9, 1)).bytes(),
        Frame::v6(A, B, udp(4001, 80, 1))
            .extension(HOP_BY_HOP)
            .extension(DESTINATION_OPTIONS)
            .bytes(),
        Frame::v6(A, B, icmp(128)).bytes(),
        Frame::v4(A, B, udp(4000, 9, 1)).vlan(100).bytes(),
        frame::ethernet(A, B, 0x0806, &arp),
        Frame::v4(A, B, other(132, &sctp)).bytes(),
        // Only its source port is there.
        Frame::v4(A, B, other(17, &[0x0f, 0xa0])).bytes(),
    ]
}

/// The kind that is cut off.
const CUT: u32 = 12;

const NETWORK: &[Question] = &[
    ("ip6", &[6, 7, 8], false),
    ("arp", &[10], false),
    ("vlan", &[9], false),
    ("vlan 100 and udp port 9", &[9], false),
    ("vlan 101", &[], false),
    (
        "src host 10.99.0.1 and less 60",
        &[0, 2, 3, 4, 5, 9, 10, 11, 12],
        false,
    ),
    ("greater 200", &[1], false),
    (
        "dst net 10.99.0.0/24 and proto 17 and not udp port 9",
        &[1, 5],
        true,
    ),
    ("ip6 proto 0 or ip proto 132", &[7, 11], false),
];

const TRANSPORT: &[Question] = &[
    ("udp port 80", &[1, 7], true),
    ("not port 80 and ip", &[0, 3, 4, 5, 9], true),
    (
        "host 10.99.0.1 or port 80",
        &[0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12],
        false,
    ),
    ("tcp[tcpflags] & tcp-syn != 0", &[2], false),
    ("icmp[icmptype] = icmp-echo or icmp6", &[4, 8], false),
    ("sctp dst port 80", &[11], false),
    ("ip6 and udp src port 4001", &[7], false),
    ("portrange 400-4000 and tcp", &[2, 3], false),
    ("flow 10.99.0.2:80 10.99.0.1:4000 tcp", &[2], false),
    ("pid 1 or command nobody", &[], false),
];

const ROWS: &[Question] = &[
    ("dev b0 and ip6", &[6, 7, 8], false),
    ("port 9 and dev b0 and cpu 4095 or arp", &[10], false),
    ("dev b0 and not ( dev b* and not arp )", &[10], false),
    ("dev nobody* or port 443", &[3], true),
    ("severity benign and arp", &[], false),
    ("stage rx_lookup or function nobody or sctp", &[11], false),
];

fn sum(kinds: &[u32]) -> u64 {
    kinds.iter().map(|kind| 1 << kind).sum()
}

/// Lets a netdrop per question see the same frames die in one place.
fn questions(bench: &Bench, questions: &[Question]) -> Result<()> {
    let lab = silent()?;
    let [qdisc, filter] = shoot(B.device, "ingress");
    lab.b.tc(&[&qdisc, &filter])?;
    let by = ["netns", "protocol", "src"];
    let mut netdrops = Vec::new();
    for (question, ..) in questions {
        let arguments = format!(
            "watch --format json --severity all --top 1000 --by {} {question}",
            by.join(",")
        );
        netdrops.extend(bench.start(&arguments)?);
    }
    let before = arrived(&lab)?;
    for (kind, bytes) in kinds().iter().enumerate() {
        sender::raw_frames(&lab.a, A.device, bytes, 1 << kind)?;
    }
    let all = (1 << kinds().len()) - 1;
    for _ in 0..300 {
        if arrived(&lab)? >= before + all {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let witness = arrived(&lab)? - before;
    let mut complaints = Vec::new();
    if witness < all {
        complaints.push(format!("{witness} of {all} frames arrived"));
    }
    for (netdrop, (question, kinds, cut)) in netdrops.into_iter().zip(questions) {
        let run = netdrop.stop()?;
        let mut wrong = identity::complaints(&run, &by, Allow::default());
        let accounting = &run.summary.accounting;
        let sent = |row: &&Row| *row.key("netns") == lab.b.inode();
        let rows = run.summary.rows.iter().filter(sent);
        let kept: u64 = rows.map(|row| row.drops).sum();
        if kept != sum(kinds) {
            wrong.push(format!(
                "kept {kept:#b}, not {:#b}: {:?}",
                sum(kinds),
                run.summary.rows
            ));
        }
        // Of the frames that are cut off, and few of the host's.
        let undecided = accounting.undecided >> CUT;
        if undecided != u64::from(*cut) {
            wrong.push(format!("undecided: {accounting:?}"));
        }
        if accounting.fired() < witness {
            wrong.push(format!("{witness} frames died: {accounting:?}"));
        }
        complaints.extend(wrong.iter().map(|wrong| format!("`{question}`: {wrong}")));
    }
    report(&complaints)
}

/// The network header lies behind the tag while the ethertype is the tag's.
fn filters_about_tags_on_the_way_out(bench: &Bench) -> Result<()> {
    const TIMES: u64 = 8;
    let lab = silent()?;
    let [qdisc, filter] = shoot(A.device, "egress");
    lab.a.tc(&[&qdisc, &filter])?;
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 1,
    };
    let frame = Frame::v4(A, B, udp).vlan(100).bytes();
    let by = ["netns", "protocol", "src", "dst_port"];
    let filters = [
        ("vlan 100 and udp port 9", TIMES),
        ("vlan and dst net 10.99.0.0/24", TIMES),
        // Behind `vlan` every question looks behind the tag.
        ("vlan 101 or udp port 9", TIMES),
        ("vlan 101 and udp port 9", 0),
        ("not vlan 5 and not host 10.99.0.2", 0),
        ("not vlan 5 and not host 10.99.0.3", TIMES),
    ];
    let mut netdrops = Vec::new();
    for (filter, _) in &filters {
        let arguments = format!(
            "watch --format json --severity all --top 1000 --by {} {filter}",
            by.join(",")
        );
        netdrops.extend(bench.start(&arguments)?);
    }
    for _ in 0..TIMES {
        // The sender is told that its frame was dropped.
        drop(sender::raw_frames(&lab.a, A.device, &frame, 1));
    }
    thread::sleep(Duration::from_millis(500));
    let mut complaints = Vec::new();
    for (netdrop, (filter, times)) in netdrops.into_iter().zip(&filters) {
        let run = netdrop.stop()?;
        let mut wrong = identity::complaints(&run, &by, Allow::default());
        let rows = run.summary.rows.iter();
        let ours: Vec<&Row> = rows
            .filter(|row| *row.key("netns") == lab.a.inode())
            .collect();
        let read = ours.iter().all(|row| {
            *row.key("protocol") == "udp"
                && *row.key("src") == A.v4.to_string()
                && *row.key("dst_port") == 9
        });
        let found: u64 = ours.iter().map(|row| row.drops).sum();
        if !read || found != *times {
            wrong.push(format!("not {times} drops of that flow: {ours:?}"));
        }
        complaints.extend(wrong.iter().map(|wrong| format!("`{filter}`: {wrong}")));
    }
    report(&complaints)
}

fn a_filter_for_severities_hides_none(bench: &Bench) -> Result<()> {
    let lab = silent()?;
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 5,
    };
    let frame = Frame::v4(A, B, udp).mac_dst([2, 0, 0, 0, 0, 0xff]);
    let by = ["netns", "stage"];
    let arguments = format!(
        "watch --format json --by {} severity benign and netns {}",
        by.join(","),
        lab.b.inode()
    );
    let netdrop = bench.start(&arguments)?;
    let before = arrived(&lab)?;
    sender::frames(&lab.a, A.device, &frame, 30)?;
    for _ in 0..100 {
        if arrived(&lab)? >= before + 30 {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_millis(200));
    let Some(run) = netdrop.map(Netdrop::stop).transpose()? else {
        return Ok(());
    };
    let mut complaints = identity::complaints(&run, &by, Allow::default());
    let shown: u64 = run.summary.rows.iter().map(|row| row.drops).sum();
    if shown != 30 || run.summary.totals.hidden != 0 {
        complaints.push(format!("{shown} of 30 shown: {:?}", run.summary.totals));
    }
    report(&complaints)
}

/// Frames that came to B, of which the classifier lets none pass.
fn arrived(lab: &Pair) -> Result<u64> {
    Counter::link(&lab.b, B.device, "rx_packets").read()
}

/// Filter that names `hosts` hosts that nobody has, then a port.
fn long(hosts: usize) -> String {
    let hosts = (1..=hosts).map(|host| format!("dst host 10.98.0.{host} or "));
    hosts.collect::<String>() + "udp dst port 9"
}

fn a_filter_as_large_as_the_table(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // A step for each question, and one for the end.
    let filters = [(long(62), true), (long(63), false), (long(70), false)];
    let mut netdrops = Vec::new();
    for (filter, _) in &filters {
        let by = "reason,netns,dst_port";
        let arguments = format!("watch --format json --severity all --top 1000 --by {by} {filter}");
        netdrops.extend(bench.start(&arguments)?);
    }
    let port = |port| Datagrams::new((A.v4.into(), 4000), (B.v4.into(), port), 1, 300);
    port(9).send(&lab.a)?;
    port(10).send(&lab.a)?;
    await_ports(&lab, 600)?;
    let mut complaints = Vec::new();
    for (netdrop, (_, fits)) in netdrops.into_iter().zip(&filters) {
        let run = netdrop.stop()?;
        let by = ["reason", "netns", "dst_port"];
        complaints.extend(identity::complaints(&run, &by, Allow::default()));
        let filter = &run.ready.filter;
        let places = [
            filter.kernel.is_some(),
            filter.user.is_none(),
            filter.overflow.is_none(),
        ];
        if places != [*fits; 3] {
            complaints.push(format!("decided in the wrong place: {filter:?}"));
        }
        complaints.extend(ports(&run, &lab, &[(9, 300)], 300));
    }
    let arguments: Vec<String> = format!("watch {} or less 60", long(70))
        .split(' ')
        .map(str::to_owned)
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(bench, &arguments, "too large")?;
    report(&complaints)
}

/// Waits until so many datagrams to closed ports have died.
fn await_ports(lab: &Pair, times: u64) -> Result<()> {
    let counter = Counter::snmp(&lab.b, "Udp.NoPorts");
    for _ in 0..300 {
        if counter.read()? >= times {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("only {} of {times} datagrams died", counter.read()?)
}

/// What is wrong with a run whose rows must be exactly these destination ports
/// of the lab, and which turned down at least `others`.
fn ports(run: &Run, lab: &Pair, expected: &[(u16, u64)], others: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let rows = &run.summary.rows;
    let mut found: Vec<(Value, u64)> = rows
        .iter()
        .filter(|row| *row.key("netns") == lab.b.inode())
        .map(|row| (row.key("dst_port").clone(), row.drops))
        .collect();
    found.sort_by_key(|(port, _)| port.as_u64());
    let expected: Vec<(Value, u64)> = expected
        .iter()
        .map(|(port, times)| (Value::from(*port), *times))
        .collect();
    if found != expected {
        wrong.push(format!("rows {found:?}, not {expected:?}"));
    }
    let accounting = &run.summary.accounting;
    if accounting.filtered < others {
        wrong.push(format!("fewer than {others} were filtered: {accounting:?}"));
    }
    wrong
}

fn a_flood_through_a_filter(bench: &Bench) -> Result<()> {
    const TIMES: u64 = 100_000;
    let lab = Pair::new()?;
    let ours = "udp and dst host 10.99.0.2 and src port 4000";
    let filters = [ours.to_owned(), format!("port 9 and not ( {ours} )")];
    let mut netdrops = Vec::new();
    for filter in &filters {
        let by = "netns,src_port,dst_port";
        let arguments = format!(
            "watch --format json --interval 200ms --severity all --top 1000 --by {by} {filter}"
        );
        netdrops.extend(bench.start(&arguments)?);
    }
    flood(&lab, (B.v4, 9), TIMES)?;
    thread::sleep(Duration::from_secs(1));
    let mut complaints = Vec::new();
    for (netdrop, own) in netdrops.into_iter().zip([4000, 4001]) {
        let run = netdrop.stop()?;
        let by = ["netns", "src_port", "dst_port"];
        complaints.extend(identity::complaints(&run, &by, Allow::default()));
        let of = |port: u16| -> u64 {
            let rows = run.summary.rows.iter();
            let rows = rows
                .filter(|row| *row.key("netns") == lab.b.inode() && *row.key("src_port") == port);
            rows.map(|row| row.drops).sum()
        };
        let (other, accounting) = (8001 - own, &run.summary.accounting);
        if (of(own), of(other)) != (TIMES / 2, 0) || accounting.filtered < TIMES / 2 {
            complaints.push(format!(
                "port {own}: {} kept, {} of the other flow, {accounting:?}",
                of(own),
                of(other)
            ));
        }
    }
    report(&complaints)
}

fn a_filter_keeps_namespaces_apart(bench: &Bench) -> Result<()> {
    let (here, there) = (Pair::new()?, Pair::new()?);
    let mut filters = vec![
        format!("netns {} and udp", here.b.name()),
        format!(
            "netns {} and dev b0 and port 9 or netns {} and udp",
            here.b.inode(),
            here.b.inode()
        ),
        format!(
            "stage rx_lookup and not netns {} and dst port 9 and netns {}",
            there.b.name(),
            here.b.name()
        ),
        format!("function *udp*rcv* and netns {}", here.b.inode()),
    ];
    if bench.kernel.has_reasons() {
        filters.push(format!("reason NO_SOCKET and netns {}", here.b.name()));
        filters.push(format!(
            "reason NO_S* and port 9 and netns {} and severity suspicious",
            here.b.name()
        ));
    }
    let by = ["netns", "dst_port"];
    let mut netdrops = Vec::new();
    for filter in &filters {
        let arguments = format!(
            "watch --format json --severity all --top 1000 --by {} {filter}",
            by.join(",")
        );
        netdrops.extend(bench.start(&arguments)?);
    }
    let datagrams = |times| Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, times);
    datagrams(70).send(&here.a)?;
    datagrams(90).send(&there.a)?;
    await_ports(&here, 70)?;
    await_ports(&there, 90)?;
    let mut complaints = Vec::new();
    for (netdrop, filter) in netdrops.into_iter().zip(&filters) {
        let run = netdrop.stop()?;
        let mut wrong = identity::complaints(&run, &by, Allow::default());
        wrong.extend(ports(&run, &here, &[(9, 70)], 90));
        let elsewhere = run.summary.rows.iter();
        wrong.extend(
            elsewhere
                .filter(|row| *row.key("netns") == there.b.inode())
                .map(|row| format!("not wanted: {row:?}")),
        );
        if run.ready.filter.user.is_none() {
            wrong.push(format!("nothing is left to user space: {:?}", run.ready));
        }
        complaints.extend(wrong.iter().map(|wrong| format!("`{filter}`: {wrong}")));
    }
    report(&complaints)
}

fn a_flow_has_two_directions(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let filter = format!("flow {}:4000 {}:9", A.v4, B.v4);
    let by = ["netns", "protocol", "src", "src_port", "dst", "dst_port"];
    let arguments = format!(
        "watch --format json --severity all --top 1000 --by {} {filter}",
        by.join(",")
    );
    let netdrop = bench.start(&arguments)?;
    let (a, b) = ((A.v4.into(), 4000), (B.v4.into(), 9));
    Datagrams::new(a, b, 1, 30).send(&lab.a)?;
    Datagrams::new(b, a, 1, 20).send(&lab.b)?;
    Datagrams::new(a, (B.v4.into(), 10), 1, 10).send(&lab.a)?;
    await_ports(&lab, 40)?;
    thread::sleep(Duration::from_millis(300));
    let Some(run) = netdrop.map(Netdrop::stop).transpose()? else {
        return Ok(());
    };
    let mut complaints = identity::complaints(&run, &by, Allow::default());
    let mut found: Vec<(u64, &Value)> = run
        .summary
        .rows
        .iter()
        .map(|row| (row.drops, row.key("src")))
        .collect();
    found.sort_by_key(|(drops, _)| *drops);
    let (a, b) = (A.v4.to_string().into(), B.v4.to_string().into());
    if found != [(20, &b), (30, &a)] {
        complaints.push(format!("not both directions and no more: {found:?}"));
    }
    report(&complaints)
}

fn a_filter_knows_the_sender(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.nft(&dropping("output"))?;
    let command = fs::read_to_string("/proc/self/comm")?;
    let (command, pid) = (command.trim(), std::process::id());
    let by = ["netns", "dst_port"];
    let mut netdrops = Vec::new();
    let filters = [
        (format!("command {command}"), 8),
        (format!("pid {pid} and port 9"), 8),
        (format!("pid {} and port 9", pid + 1), 0),
        (format!("port 9 and not command {command}"), 0),
    ];
    for (filter, _) in &filters {
        let arguments = format!(
            "watch --format json --severity all --top 1000 --by {} {filter}",
            by.join(",")
        );
        netdrops.extend(bench.start(&arguments)?);
    }
    let datagrams = |port| Datagrams::new((A.v4.into(), 4000), (B.v4.into(), port), 1, 8);
    datagrams(9).send(&lab.a)?;
    // Nobody's process sends these any more when they die.
    datagrams(10).send(&lab.a)?;
    await_ports(&lab, 8)?;
    let mut complaints = Vec::new();
    for (netdrop, (filter, times)) in netdrops.into_iter().zip(&filters) {
        let run = netdrop.stop()?;
        let mut wrong = identity::complaints(&run, &by, Allow::default());
        let rows = run.summary.rows.iter();
        let ours: u64 = rows
            .filter(|row| *row.key("netns") == lab.a.inode() || *row.key("netns") == lab.b.inode())
            .map(|row| row.drops)
            .sum();
        if ours != *times {
            wrong.push(format!("{ours} drops, not {times}: {:?}", run.summary.rows));
        }
        complaints.extend(wrong.iter().map(|wrong| format!("`{filter}`: {wrong}")));
    }
    report(&complaints)
}

fn trace_takes_a_filter(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let filter = format!("port 9 and netns {}", lab.b.name());
    let netdrop = bench.start(&format!("trace --format json --severity all {filter}"))?;
    let datagrams = |port| Datagrams::new((A.v4.into(), 4000), (B.v4.into(), port), 1, 25);
    datagrams(9).send(&lab.a)?;
    datagrams(10).send(&lab.a)?;
    // Matches in the kernel, not in user space.
    Datagrams::new((B.v4.into(), 9), (A.v4.into(), 4000), 1, 25).send(&lab.b)?;
    await_ports(&lab, 50)?;
    thread::sleep(Duration::from_millis(300));
    let Some(run) = netdrop.map(Netdrop::stop).transpose()? else {
        return Ok(());
    };
    let by = ["stage", "reason", "function"];
    let mut complaints = identity::complaints(&run, &by, Allow::default());
    let shown = run.drops.iter();
    let wanted = shown.filter(|drop| drop.dst_port == Some(9) && drop.netns == Some(lab.b.inode()));
    let (wanted, all) = (wanted.count(), run.drops.len());
    let accounting = &run.summary.accounting;
    if (wanted, all) != (25, 25) || accounting.counted != 25 || accounting.rejected < 25 {
        complaints.push(format!(
            "{wanted} lines of 25, {all} in all, {accounting:?}"
        ));
    }
    report(&complaints)
}

fn a_wrong_filter_is_refused(bench: &Bench) -> Result<()> {
    for (filter, word) in [
        ("prot 80", "`prot`"),
        ("host 10.0.0.256", "IPv4"),
        ("udp and", "expected"),
        ("stage rx_lokup", "rx_lokup"),
        ("ether host 2:0:0:0:0:1", "host"),
    ] {
        let mut arguments = vec!["watch"];
        arguments.extend(filter.split(' '));
        refused(bench, &arguments, word)?;
    }
    ensure!(
        !bench.kernel.has_reasons()
            || refused(bench, &["watch", "reason", "NO_SOCKIT"], "NO_SOCKIT").is_ok(),
        "a reason that does not exist is not refused"
    );
    Ok(())
}
