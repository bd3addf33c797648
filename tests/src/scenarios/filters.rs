//! Which drops a filter lets through, and that the others are counted apart.

use std::{fs, thread, time::Duration};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::{
    bench::Bench,
    case::report,
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, Pair},
    netdrop::{
        Netdrop,
        identity::{self, Allow},
        record::Run,
    },
    scenario::Scenario,
    sender::{self, Datagrams},
};

use super::{
    filter_questions::arrived, firewall::dropping, flood::flood, refusals::refused,
    traffic_control::silent,
};

pub(super) const SCENARIOS: &[Scenario] = &[
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
        name: "names_that_nothing_has_are_told",
        about: "CPU, device, network namespace and function: warned of where there is none",
        run: names_that_nothing_has_are_told,
    },
    Scenario {
        name: "a_wrong_filter_is_refused",
        about: "exit 2, and the word is named",
        run: a_wrong_filter_is_refused,
    },
];

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
pub(super) fn await_ports(lab: &Pair, times: u64) -> Result<()> {
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
        ("dev lo and prot 80", "`prot`"),
        ("tcp[tcpflags] & tcp-syn", "expected at the end"),
        ("netns /run/netns/shop", "not a path"),
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

fn names_that_nothing_has_are_told(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (netns, device) = (lab.b.name(), B.device);
    let found = format!("cpu 0 and dev {device} and netns {netns} and function kfree_skb*");
    let missing =
        format!("cpu 65535 or dev {device}x or netns {netns}x or function nosuch_function or tcp");
    let mut complaints = Vec::new();
    for (filter, expected) in [
        (found, Vec::new()),
        (
            missing,
            vec![
                "has no function nosuch_function".to_owned(),
                format!("is called {netns}x (now); did you mean {netns}?"),
                format!("is called {device}x (now); did you mean {device}?"),
                "has no CPU 65535, the last is".to_owned(),
            ],
        ),
    ] {
        let Some(netdrop) = bench.start(&format!("watch --format json {filter}"))? else {
            return Ok(());
        };
        let run = netdrop.stop()?;
        let told = run.ready.warnings.iter();
        let told: Vec<_> = told.filter(|text| text.starts_with("filter: ")).collect();
        let is_expected = told.len() == expected.len()
            && told
                .iter()
                .zip(&expected)
                .all(|(told, part)| told.contains(&**part));
        if !is_expected {
            complaints.push(format!("{filter}: {told:?}, not {expected:?}"));
        }
    }
    report(&complaints)
}
