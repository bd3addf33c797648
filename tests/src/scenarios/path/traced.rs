//! Counters of loss held against drops: by `netdrop path`, and in the report of
//! a recording.

use std::{net::UdpSocket, process::Command, thread, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::{
    signal::Signal,
    socket::{setsockopt, sockopt::RcvBuf},
};
use serde_json::Value;

use super::tcp::syns;
use crate::{
    bench::Bench,
    case::reconciled::{adds_up, collect},
    counter::Counter,
    lab::{A, B, Namespace, Pair},
    netdrop::{Netdrop, journey::Journey},
    scenario::Scenario,
    scenarios::{
        recordings::{Folder, grown, text},
        tcp_handshake::listener,
    },
    sender::Datagrams,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "path_holds_counters_against_drops",
        about: "path --trace: datagrams without a socket and for a full one, in intervals",
        run: path_holds_counters_against_drops,
    },
    Scenario {
        name: "a_report_holds_counters_against_drops",
        about: "a recording of such datagrams and of SYNs that no event shows, and its report",
        run: a_report_holds_counters_against_drops,
    },
];

const NOBODY: u16 = 9;
const FULL: u16 = 5000;

fn datagrams(from: &Namespace, port: u16, times: u64) -> Result<()> {
    let datagrams = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), port), 1000, times);
    datagrams.send(from).map(drop)
}

fn full_socket(namespace: &Namespace) -> Result<UdpSocket> {
    namespace.inside(|| {
        let socket = UdpSocket::bind((B.v4, FULL))?;
        setsockopt(&socket, RcvBuf, &1)?;
        Ok(socket)
    })
}

/// A number of a counter's line, in all of these lists together; 0 without one.
fn sum(lists: &[Vec<Value>], counter: &str, field: &str) -> u64 {
    let lines = lists.iter().flatten();
    let lines = lines.filter(|line| line["counter"] == counter);
    lines
        .map(|line| match &line[field] {
            Value::Array(parts) => parts.iter().filter_map(|part| part["drops"].as_u64()).sum(),
            number => number.as_u64().unwrap_or_default(),
        })
        .sum()
}

fn lines(all: &Value) -> Result<Vec<Value>> {
    let lines = all["reconciliation"].as_array();
    let lines = lines.context("no reconciliation")?.clone();
    match lines.iter().find_map(adds_up) {
        Some(wrong) => bail!(wrong),
        None => Ok(lines),
    }
}

fn path_holds_counters_against_drops(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _socket = full_socket(&lab.b)?;
    let (nobody, full) = (
        Counter::snmp(&lab.b, "Udp.NoPorts"),
        Counter::snmp(&lab.b, "Udp.RcvbufErrors"),
    );
    let arguments = format!(
        "path --format json --netns {} --interval 1s --count 1000 --trace",
        lab.b.name()
    );
    let mut netdrop = Netdrop::start(bench.binary()?, &arguments)?;
    let told = std::cell::RefCell::new(Vec::new());
    let interval = |line: &str| {
        let found = Journey::parse(line).and_then(|Journey(all)| lines(&all));
        told.borrow_mut().push(found);
    };
    netdrop.wait_for("first interval", |line| {
        interval(line);
        true
    })?;
    datagrams(&lab.a, NOBODY, 25)?;
    thread::sleep(Duration::from_millis(1200));
    datagrams(&lab.a, NOBODY, 15)?;
    datagrams(&lab.a, FULL, 20)?;
    let counted = [nobody.read()?, full.read()?];
    ensure!(counted[0] == 40 && counted[1] > 0, "witness: {counted:?}");
    netdrop.wait_for("everything in intervals", |line| {
        interval(line);
        let told = told.borrow();
        let lists: Vec<Vec<Value>> = told.iter().flatten().cloned().collect();
        lists.len() < told.len()
            || sum(&lists, "Udp.NoPorts", "delta") >= 40
                && sum(&lists, "Udp.InErrors", "delta") >= counted[1]
    })?;
    netdrop.signal(Signal::SIGINT)?;
    let lists = told.into_inner().into_iter().collect::<Result<Vec<_>>>()?;
    ensure!(lists.len() > 2, "all in one interval");
    for (counter, counted) in [
        ("Udp.NoPorts", counted[0]),
        ("Udp.RcvbufErrors", counted[1]),
        ("Udp.InErrors", counted[1]),
    ] {
        let [delta, drops, rest, excess] =
            ["delta", "by", "unexplained", "excess"].map(|field| sum(&lists, counter, field));
        // What died at the end of an interval may be counted in the next one.
        ensure!(
            delta == counted && drops == counted && rest == excess,
            "{counter} {counted}: {delta}, {drops} drops, {rest} remain, {excess} too many"
        );
    }
    for lines in &lists {
        collect(lines);
    }
    Ok(())
}

fn a_report_holds_counters_against_drops(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.tcp_syncookies", "0")?;
    let _socket = full_socket(&lab.b)?;
    let _listener = listener(&lab.b, 1)?;
    let counters = [
        "Udp.NoPorts",
        "Udp.RcvbufErrors",
        "Udp.InErrors",
        "TcpExt.TCPReqQFullDrop",
        "TcpExt.ListenDrops",
    ];
    let folder = Folder::new("reconciled")?;
    let file = folder.file("drops.ndr");
    let binary = bench.binary()?;
    // The counters of a recording are those of the recorder's own namespace.
    let mut recorder = lab.b.inside(|| {
        let mut command = Command::new(binary);
        command.arg("record").arg("-o").arg(&file);
        command.args(["--interval", "1s"]);
        Netdrop::spawn(&mut command, "record in a namespace")
    })?;
    grown(&mut recorder, &file, 0)?;
    recorder.counts_now()?;
    let before = counters.map(|name| Counter::snmp(&lab.b, name).read());
    datagrams(&lab.a, NOBODY, 25)?;
    datagrams(&lab.a, FULL, 20)?;
    syns(&lab.a)?;
    thread::sleep(Duration::from_millis(1500));
    datagrams(&lab.a, NOBODY, 15)?;
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "record: {}", ended.stderr);
    let all = text(bench, &format!("report {} --format json", file.display()))?;
    let all: Value = serde_json::from_str(&all)?;
    let lists = [lines(&all)?];
    for (counter, before) in counters.into_iter().zip(before) {
        let moved = Counter::snmp(&lab.b, counter).read()? - before?;
        let [delta, traced, rest, excess] =
            ["delta", "traced", "unexplained", "excess"].map(|field| sum(&lists, counter, field));
        let is_hidden = counter.starts_with("TcpExt.");
        let known = if is_hidden { 0 } else { moved };
        ensure!(
            moved > 0 && [delta, traced, rest, excess] == [moved, known, moved - known, 0],
            "{counter} moved by {moved}: {all}"
        );
        let mut notes = lists.iter().flatten();
        let note = notes.find(|line| line["counter"] == counter);
        let note = note
            .and_then(|line| line["note"].as_str())
            .unwrap_or_default();
        ensure!(
            note.contains("without telling of a drop") == is_hidden,
            "{counter}: {note}"
        );
    }
    ensure!(
        sum(&lists, "TcpExt.ListenDrops", "repeated")
            == sum(&lists, "TcpExt.TCPReqQFullDrop", "unexplained"),
        "one loss is told as two: {all}"
    );
    let page = text(bench, &format!("report {}", file.display()))?;
    // Lines are broken somewhere.
    let words: Vec<&str> = page.split_whitespace().collect();
    let words = words.join(" ");
    // A SYN may come twice.
    let refused = sum(&lists, "TcpExt.ListenDrops", "delta");
    ensure!(
        words.contains(&format!(
            "TcpExt.ListenDrops netns {refused} 0 {refused} {refused} unexplained in another, too"
        )) && words.contains("a SYN, which the kernel frees without telling of a drop"),
        "the page does not say what remains: {page}"
    );
    collect(&lists[0]);
    Ok(())
}
