//! Questions of filters about what the rows of a recording do not tell: answered by
//! the drops that were kept single, and undecided of the others.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    bench::Bench,
    case::report,
    lab::{A, B, Pair},
    scenario::Scenario,
    sender::{self, Datagrams},
};

use super::{
    filter_questions::{CUT, Question, arrived, kinds, sum},
    filters::await_ports,
    firewall::dropping,
    recordings::{Folder, recorder},
    traffic_control::{shoot, silent},
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "a_recording_is_asked_what_its_rows_do_not_tell",
        about: "8191 frames of 13 kinds: with all kept single the answer is exact, with few it is bounded",
        run: a_recording_is_asked_what_its_rows_do_not_tell,
    },
    Scenario {
        name: "a_recording_is_asked_for_a_sender",
        about: "datagrams of this process that die in the output hook and behind the wire, by command, pid and length",
        run: a_recording_is_asked_for_a_sender,
    },
];

/// Frames sent at once, and the time until the next.
const SLICE: usize = 256;
const PAUSE: Duration = Duration::from_millis(70);

const QUESTIONS: &[Question] = &[
    (
        "src host 10.99.0.1 and less 60",
        &[0, 2, 3, 4, 5, 9, 10, 11, 12],
        false,
    ),
    ("greater 200", &[1], false),
    ("ip6 proto 0 or ip proto 132", &[7, 11], false),
    ("tcp[tcpflags] & tcp-syn != 0", &[2], false),
    ("dev b0 and tcp[tcpflags] & tcp-ack != 0", &[3], false),
    ("pid 1 or command nobody", &[], false),
    ("udp port 9 and less 50", &[0, 9], true),
    ("not (tcp or less 60)", &[1, 6, 7, 8], false),
    // The tag of kind 9 is taken off its frame when it is received.
    ("vlan", &[9], false),
    ("vlan 100 and udp port 9", &[9], false),
    ("vlan 101", &[], false),
    ("vlan 101 or udp port 9", &[9], false),
    ("udp port 9 or vlan 100", &[0, 6, 9], true),
    ("not port 80 and ip and greater 1", &[0, 3, 4, 5, 9], true),
];

/// Questions that rows answer, of later fragments too.
const OF_ROWS: &[Question] = &[
    ("udp port 80", &[1, 7], true),
    ("not port 80 and ip", &[0, 3, 4, 5, 9], true),
    ("udp and not src port 4000", &[1, 5, 7], true),
    ("ip proto 17 or dst port 443", &[0, 1, 3, 5, 9, 12], false),
];

/// Records all kinds of frames; tells how many drops there are in the file.
fn record(bench: &Bench, lab: &Pair, file: &Path, options: &str) -> Result<()> {
    let mut recorder = recorder(bench, file, options)?;
    let before = arrived(lab)?;
    for (kind, bytes) in kinds().iter().enumerate() {
        // What a CPU may send at once is a part of what it may send in a second.
        for sent in (0..1_u64 << kind).step_by(SLICE) {
            let left = (1 << kind) - sent;
            sender::raw_frames(&lab.a, A.device, bytes, left.min(SLICE as u64))?;
            thread::sleep(PAUSE);
        }
    }
    let all = (1 << kinds().len()) - 1;
    for _ in 0..300 {
        if arrived(lab)? >= before + all {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    Ok(())
}

/// The report's JSON, and what standard error says.
pub(super) fn asked(bench: &Bench, file: &Path, filter: Option<&str>) -> Result<(Value, String)> {
    let mut command = Command::new(bench.binary()?);
    command.arg("report").arg(file).args([
        "--format",
        "json",
        "--severity",
        "all",
        "--top",
        "1000",
        "--by",
        "netns,protocol,src",
    ]);
    if let Some(filter) = filter {
        command.args(["--filter", filter]);
    }
    let output = command.output()?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{}: {stderr}", output.status);
    Ok((serde_json::from_slice(&output.stdout)?, stderr))
}

pub(super) fn of(page: &Value, name: &str) -> Result<u64> {
    let found = page["summary"]["accounting"][name].as_u64();
    found.with_context(|| format!("no {name}: {}", page["summary"]["accounting"]))
}

/// Drops that rows do not tell apart: all, those kept single, those decided.
fn parts(singles: &Value) -> Result<[u64; 3]> {
    let number = |name: &str| singles[name].as_u64().with_context(|| format!("no {name}"));
    Ok([number("asked")?, number("kept")?, number("decided")?])
}

/// Drops in B.
fn ours(page: &Value, lab: &Pair) -> u64 {
    let rows = page["summary"]["rows"].as_array().into_iter().flatten();
    rows.filter(|row| row["netns"] == lab.b.inode())
        .filter_map(|row| row["drops"].as_u64())
        .sum()
}

fn a_recording_is_asked_what_its_rows_do_not_tell(bench: &Bench) -> Result<()> {
    let lab = silent()?;
    let [qdisc, filter] = shoot(B.device, "ingress");
    lab.b.tc(&[&qdisc, &filter])?;
    let folder = Folder::new("asked")?;
    let (all, few) = (folder.file("all.ndr"), folder.file("few.ndr"));
    // A host that is busy for a moment keeps fewer than all.
    for _ in 0..3 {
        let options = "--interval 1m --max-events 10000 --force";
        record(bench, &lab, &all, options)?;
        let (page, _) = asked(bench, &all, Some("less 60"))?;
        let singles = &page["pieces"][0]["singles"];
        if singles["asked"] == singles["kept"] {
            break;
        }
    }
    record(
        bench,
        &lab,
        &few,
        "--interval 200ms --max-events 20 --top 3",
    )?;
    let mut complaints = Vec::new();
    let mut untold = 0;
    for (file, exact) in [(&all, true), (&few, false)] {
        let (unfiltered, _) = asked(bench, file, None)?;
        let total = of(&unfiltered, "counted")?;
        for (question, kinds, cut) in QUESTIONS {
            let (page, stderr) = asked(bench, file, Some(question))?;
            let (kept, undecided) = (ours(&page, &lab), of(&page, "undecided")?);
            let mut wrong = Vec::new();
            let sums = of(&page, "counted")? + of(&page, "filtered")? + undecided;
            if sums != total {
                wrong.push(format!("{sums} drops, not {total}"));
            }
            let singles = &page["pieces"][0]["singles"];
            let [open, single, decided] = parts(singles)?;
            if undecided != open - decided {
                wrong.push(format!("{undecided} undecided"));
            }
            if exact {
                // Of the frames that are cut off, and few of the host's.
                if kept != sum(kinds) || undecided >> CUT != u64::from(*cut) {
                    wrong.push(format!("kept {kept:#b}, not {:#b}", sum(kinds)));
                }
                if open != single || stderr.contains("not kept single") {
                    wrong.push(format!("{singles}: {stderr}"));
                }
            } else {
                if kept > sum(kinds) || kept + undecided < sum(kinds) {
                    wrong.push(format!("{:#b} is not within", sum(kinds)));
                }
                untold += undecided;
                // A drop of the host may be kept without its sender.
                for (lacks, said) in [
                    (open > single, "not kept single"),
                    (single > decided, "kept without what the filter asks for"),
                ] {
                    if lacks != stderr.contains(said) {
                        wrong.push(format!("`{said}` should be said: {lacks}: {stderr}"));
                    }
                }
            }
            let told = format!("kept {kept}, {undecided} undecided, {singles}");
            complaints.extend(
                wrong
                    .iter()
                    .map(|wrong| format!("`{question}`: {wrong} ({told})")),
            );
        }
    }
    for (question, kinds, cut) in OF_ROWS {
        let (page, stderr) = asked(bench, &all, Some(question))?;
        let (kept, undecided) = (ours(&page, &lab), of(&page, "undecided")?);
        let singles = &page["pieces"][0]["singles"];
        if kept != sum(kinds) || undecided >> CUT != u64::from(*cut) || !singles.is_null() {
            complaints.push(format!(
                "`{question}`: kept {kept:#b}, {undecided} undecided, {singles}: {stderr}"
            ));
        }
    }
    ensure!(untold > 0, "20 events a second were enough for everything");
    complaints.extend(other_outputs(bench, &few, "less 60")?);
    report(&complaints)
}

fn a_recording_is_asked_for_a_sender(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.nft(&dropping("output"))?;
    let folder = Folder::new("sender")?;
    let file = folder.file("drops.ndr");
    let mut recorder = recorder(bench, &file, "--interval 1m --max-events 10000")?;
    // CPUs may send events once the recorder has said how many.
    thread::sleep(Duration::from_millis(500));
    let datagrams = |port| Datagrams::new((A.v4.into(), 4000), (B.v4.into(), port), 1, 8);
    datagrams(9).send(&lab.a)?;
    // Nobody's process sends these any more when they die.
    datagrams(10).send(&lab.a)?;
    await_ports(&lab, 8)?;
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    let command = fs::read_to_string("/proc/self/comm")?;
    let (command, pid) = (command.trim(), std::process::id());
    let (a, b) = (lab.a.inode(), lab.b.inode());
    let ours = format!("(netns {a} or netns {b}) and udp");
    // The host may have drops of which no namespace is known.
    let (page, _) = asked(bench, &file, Some(&ours))?;
    let nowhere = of(&page, "undecided")?;
    let mut complaints = Vec::new();
    for (question, times, who) in [
        (format!("command {command}"), 8, a),
        (format!("pid {pid} and port 9"), 8, a),
        (format!("pid {}", pid + 1), 0, a),
        (format!("not command {command}"), 8, b),
        // Those have no Ethernet header yet.
        ("less 29".to_owned(), 8, a),
        ("less 28".to_owned(), 0, a),
        ("greater 43".to_owned(), 8, b),
        ("greater 44".to_owned(), 0, b),
    ] {
        let filter = format!("{ours} and {question}");
        let (page, stderr) = asked(bench, &file, Some(&filter))?;
        let rows = page["summary"]["rows"].as_array().into_iter().flatten();
        let found: Vec<_> = rows.map(|row| (&row["netns"], &row["drops"])).collect();
        let right = match (times, &*found) {
            (0, []) => true,
            (_, [(netns, drops)]) => **netns == who && **drops == times,
            _ => false,
        };
        let undecided = of(&page, "undecided")?;
        if !right || undecided > nowhere {
            complaints.push(format!(
                "`{question}`: {found:?}, not {times}, {undecided} undecided: {stderr}"
            ));
        }
    }
    report(&complaints)
}

/// Every other output tells the same.
fn other_outputs(bench: &Bench, file: &Path, filter: &str) -> Result<Vec<String>> {
    let (page, _) = asked(bench, file, Some(filter))?;
    let told = ["counted", "filtered", "undecided"].map(|name| of(&page, name));
    let [counted, filtered, undecided] = told;
    let (counted, filtered, undecided) = (counted?, filtered?, undecided?);
    let mut complaints = Vec::new();
    let mut run = |arguments: &[&str]| -> Result<String> {
        let mut command = Command::new(bench.binary()?);
        let output = command.args(arguments).output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {stderr}");
        if arguments[0] != "report" && arguments[0] != "diff" && !stderr.contains("not kept") {
            complaints.push(format!("{arguments:?} does not say so: {stderr}"));
        }
        Ok(String::from_utf8(output.stdout)?)
    };
    let path = file.to_str().context("path")?;
    let json = run(&[
        "export", path, "--to", "json", "-o", "-", "--filter", filter,
    ])?;
    let replay = run(&["watch", "--format", "json", "--replay", path, "less", "60"])?;
    let metrics = run(&[
        "export",
        path,
        "--to",
        "openmetrics",
        "-o",
        "-",
        "--filter",
        filter,
    ])?;
    let page = run(&["report", path, "--filter", filter])?;
    let html = run(&["report", path, "--filter", filter, "--html", "-"])?;
    let diff = run(&[
        "diff",
        path,
        file.with_file_name("all.ndr").to_str().context("path")?,
        "--filter",
        filter,
    ])?;
    let hidden = run(&[
        "report",
        path,
        "--anonymize",
        "--format",
        "json",
        "--filter",
        filter,
    ])?;
    for (what, text) in [("export", json), ("replay", replay)] {
        let last: Value = serde_json::from_str(text.lines().last().context("nothing")?)?;
        let accounting = &last["accounting"];
        if accounting["counted"] != counted
            || accounting["filtered"] != filtered
            || accounting["undecided"] != undecided
        {
            complaints.push(format!("{what}: {accounting}"));
        }
    }
    let hidden: Value = serde_json::from_str(&hidden)?;
    if of(&hidden, "counted")? != counted || of(&hidden, "undecided")? != undecided {
        complaints.push(format!("hidden: {}", hidden["summary"]["accounting"]));
    }
    if !metrics.contains(&format!(" {undecided}")) {
        complaints.push(format!("OpenMetrics lacks {undecided}: {metrics}"));
    }
    for (what, text, lacks) in [
        ("report", &page, format!("undecided {undecided}")),
        ("report", &page, "not kept single".to_owned()),
        ("page", &html, "not kept single".to_owned()),
        ("diff", &diff, format!("undecided {undecided}")),
        ("diff", &diff, "not kept single".to_owned()),
    ] {
        if !text.contains(&lacks) {
            complaints.push(format!("{what} lacks `{lacks}`"));
        }
    }
    Ok(complaints)
}
