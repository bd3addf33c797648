//! What is recorded is what died, and reads back however the recording ended.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command, Output},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::{flood::flood, refusals::says};
use crate::{
    bench::{Bench, PATIENCE},
    case::{BY, Case, Count, Drops, Flow, report},
    counter::Counter,
    lab::{A, B, Pair},
    netdrop::{
        Ended, Netdrop,
        identity::{self, Allow},
        record::Run,
    },
    scenario::{Scenario, cannot},
    sender::Datagrams,
    site,
};

pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "a_recording_holds_exactly_what_died",
    about: "record, then every export and the report tell the same drops",
    run: a_recording_holds_exactly_what_died,
}];

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "a_recorded_flood_is_exact",
        about: "100,000 datagrams as fast as possible, recorded",
        run: a_recorded_flood_is_exact,
    },
    Scenario {
        name: "a_filtered_recording_holds_what_was_asked_for",
        about: "record with a filter on headers and rows: the others are counted as filtered",
        run: a_filtered_recording_holds_what_was_asked_for,
    },
    Scenario {
        name: "a_filter_looks_at_a_recording",
        about: "export and replay with filters about packets and rows, and one with a mistake",
        run: a_filter_looks_at_a_recording,
    },
    Scenario {
        name: "a_killed_recorder_leaves_what_it_wrote",
        about: "SIGKILL: everything up to the last interval reads back",
        run: a_killed_recorder_leaves_what_it_wrote,
    },
    Scenario {
        name: "a_full_disk_ends_a_recording",
        about: "exit 1, one clear line, and the file reads back",
        run: a_full_disk_ends_a_recording,
    },
];

/// A folder that is removed in the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Result<Self> {
        let path = env::temp_dir().join(format!("netdrop-lab-{name}-{}", process::id()));
        fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        let Self(path) = self;
        path.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let Self(path) = self;
        // Only one scenario mounts something there.
        let _ = umount2(&*path, MntFlags::MNT_DETACH);
        let _ = fs::remove_dir_all(path);
    }
}

/// A recorder that counts from now on.
pub(super) fn recorder(bench: &Bench, file: &Path, options: &str) -> Result<Netdrop> {
    let arguments = format!("record -o {} {options}", file.display());
    let mut netdrop = Netdrop::start(bench.binary()?, &arguments)?;
    grown(&mut netdrop, file, 0)?;
    netdrop.counts_now()?;
    Ok(netdrop)
}

/// Waits until the file is larger; tells how large.
pub(super) fn grown(netdrop: &mut Netdrop, file: &Path, before: u64) -> Result<u64> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let size = fs::metadata(file).map_or(0, |found| found.len());
        if size > before {
            return Ok(size);
        }
        if !netdrop.runs()? {
            bail!("record ended early: {}", netdrop.wait()?.stderr);
        }
        ensure!(Instant::now() < deadline, "nothing more is recorded");
        thread::sleep(Duration::from_millis(10));
    }
}

pub(super) fn netdrop(bench: &Bench, arguments: &str) -> Result<Output> {
    Command::new(bench.binary()?)
        .args(arguments.split_ascii_whitespace())
        .output()
        .context("cannot start netdrop")
}

pub(super) fn text(bench: &Bench, arguments: &str) -> Result<String> {
    let output = netdrop(bench, arguments)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "netdrop {arguments}: {}: {stderr}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// The recording, as `watch` would have told it.
fn replayed(bench: &Bench, file: &Path, recorder: &Ended) -> Result<Run> {
    let by = BY.join(",");
    let arguments = format!("export {} --to json --by {by} -o -", file.display());
    let export = Netdrop::start(bench.binary()?, &arguments)?.wait()?;
    export.counted_by(recorder).run()
}

pub(super) fn drop_some(lab: &Pair, times: u64) -> Result<()> {
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, times)
        .send(&lab.a)
        .map(drop)
}

fn dropped(lab: &Pair, times: u64) -> Drops<'_> {
    Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(times))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"))
}

fn a_recording_holds_exactly_what_died(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("recording")?;
    let file = folder.file("drops.ndr");
    let case = Case::of([dropped(&lab, 500)]);
    let mut recorder = recorder(bench, &file, "--interval 300ms")?;
    let mut complaints = Vec::new();
    let watched = case.witness(bench, &mut complaints, || {
        drop_some(&lab, 300)?;
        thread::sleep(Duration::from_millis(700));
        drop_some(&lab, 200)
    })?;
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(
        ended.status.success() && ended.stderr.contains("recorded"),
        "record ended with {}: {}",
        ended.status,
        ended.stderr
    );
    let run = replayed(bench, &file, &ended)?;
    complaints.extend(case.against(bench, &run, &watched));
    complaints.extend(others_agree(bench, &folder, &file, &run)?);
    report(&complaints)
}

/// Every other export and the report hold the same drops.
fn others_agree(bench: &Bench, folder: &Folder, file: &Path, run: &Run) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    let drops = run.summary.totals.drops;
    let path = file.display();
    let mut agree = |what: &str, found: u64| {
        if found != drops {
            complaints.push(format!("{what}: {found} drops, the summary has {drops}"));
        }
    };

    let table = folder.file("drops.csv");
    let arguments = format!("export {path} --to csv -o {}", table.display());
    text(bench, &arguments)?;
    let csv = fs::read_to_string(&table)?;
    let mut lines = csv.lines();
    let titles = lines.next().context("no titles")?;
    let column = titles.split(',').position(|title| title == "drops");
    let column = column.context("no column of drops")?;
    agree(
        "csv",
        lines
            .filter_map(|line| line.split(',').nth(column)?.parse::<u64>().ok())
            .sum(),
    );
    let again = netdrop(bench, &arguments)?;
    ensure!(
        again.status.code() == Some(2),
        "a file was written over another: {}",
        again.status
    );

    let stacks = text(bench, &format!("export {path} --to folded -o -"))?;
    agree("folded", counts(&stacks, 1, |_| true));
    let metrics = text(bench, &format!("export {path} --to openmetrics -o -"))?;
    agree(
        "openmetrics",
        counts(&metrics, 2, |line| line.starts_with("netdrop_drops{")),
    );
    let page = text(bench, &format!("report {path} --format json"))?;
    let page: Value = serde_json::from_str(&page)?;
    agree(
        "report",
        page["summary"]["totals"]["drops"].as_u64().unwrap_or(0),
    );
    let timeline = page["timeline"].as_array().context("no timeline")?;
    let of = |point: &Value, name: &str| point[name].as_u64().unwrap_or(0);
    agree(
        "timeline",
        timeline
            .iter()
            .flat_map(|point| ["harmful", "suspicious", "benign"].map(|name| of(point, name)))
            .sum(),
    );
    if page["recording"]["ended"]["how"] != "closed" {
        complaints.push(format!("the end: {}", page["recording"]["ended"]));
    }
    let page = text(bench, &format!("report {path} --severity all"))?;
    if !page.contains(&format!("{drops} drop")) {
        complaints.push(format!("the report does not say {drops} drops: {page}"));
    }
    Ok(complaints)
}

/// The sum of a word of lines, counted from the end.
fn counts(text: &str, word: usize, wanted: impl Fn(&str) -> bool) -> u64 {
    text.lines()
        .filter(|line| wanted(line))
        .filter_map(|line| line.rsplit(' ').nth(word - 1)?.parse::<u64>().ok())
        .sum()
}

fn a_recorded_flood_is_exact(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("flood")?;
    let file = folder.file("flood.ndr");
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::AsCounted)
        .device(B.device)
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    let case = Case::of([drops]).untraced();
    let mut recorder = recorder(bench, &file, "--interval 200ms")?;
    let mut complaints = Vec::new();
    let watched = case.witness(bench, &mut complaints, || flood(&lab, (B.v4, 9), 100_000))?;
    recorder.signal(Signal::SIGTERM)?;
    let ended = recorder.wait()?;
    let run = replayed(bench, &file, &ended)?;
    complaints.extend(case.against(bench, &run, &watched));
    report(&complaints)
}

fn a_filtered_recording_holds_what_was_asked_for(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("filtered")?;
    let file = folder.file("filtered.ndr");
    let filter = format!("netns {} and udp dst port 9", lab.b.inode());
    let mut recorder = recorder(bench, &file, &filter)?;
    drop_some(&lab, 40)?;
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 10), 1, 30).send(&lab.a)?;
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    let run = replayed(bench, &file, &ended)?;
    let totals = &run.summary.totals;
    let filtered = run.summary.accounting.filtered;
    ensure!(
        totals.drops == 40 && filtered >= 30,
        "{totals:?}, {filtered} filtered"
    );
    let page = text(bench, &format!("report {}", file.display()))?;
    ensure!(
        page.contains(&format!("recorded with filter: {filter}")),
        "the report does not tell the filter: {page}"
    );
    for told in [
        "filter, decided in the kernel: udp dst port 9",
        "filter, decided in user space: netns ",
        &format!("filter: {filtered} drops filtered"),
    ] {
        ensure!(ended.stderr.contains(told), "no {told:?}: {}", ended.stderr);
    }
    for command in [
        "report {}",
        "report {} --html -",
        "report {} --format json",
        "diff {} {}",
    ] {
        let command = command.replace("{}", &file.display().to_string());
        let page = text(bench, &format!("{command} --filter not(arp)"))?;
        ensure!(page.contains("not arp"), "{command}: {page}");
    }
    Ok(())
}

fn a_killed_recorder_leaves_what_it_wrote(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("killed")?;
    let file = folder.file("killed.ndr");
    let case = Case::of([dropped(&lab, 40)]);
    let mut recorder = recorder(bench, &file, "--interval 200ms")?;
    let mut complaints = Vec::new();
    let watched = case.witness(bench, &mut complaints, || drop_some(&lab, 40))?;
    let mut size = fs::metadata(&file)?.len();
    for _ in 0..3 {
        size = grown(&mut recorder, &file, size)?;
    }
    // Nobody knows what is counted between the last interval and the end.
    kill(Pid::from_raw(recorder.pid().cast_signed()), Signal::SIGKILL)?;
    let ended = recorder.wait()?;
    let run = replayed(bench, &file, &ended)?;
    complaints.extend(case.against(bench, &run, &watched));
    let page = text(bench, &format!("report {}", file.display()))?;
    if !page.contains("cut off") {
        complaints.push(format!("the report does not say that it was cut: {page}"));
    }
    report(&complaints)
}

fn a_filter_looks_at_a_recording(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("looked-at")?;
    let file = folder.file("drops.ndr");
    let mut recorder = recorder(bench, &file, "--interval 200ms")?;
    drop_some(&lab, 40)?;
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 10), 1, 25)
        .send(&lab.a)
        .map(drop)?;
    let counter = Counter::snmp(&lab.b, "Udp.NoPorts");
    for _ in 0..300 {
        if counter.read()? >= 65 {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    let (by, netns) = (BY.join(","), lab.b.inode());
    for (filter, ports) in [
        (format!("dst port 9 and netns {netns}"), &[(9, 40)][..]),
        (format!("udp and not port 9 and netns {netns}"), &[(10, 25)]),
        (
            format!("stage rx_lookup and netns {netns} and udp"),
            &[(9, 40), (10, 25)],
        ),
        (
            format!("flow {}:4000 {}:10 and netns {netns}", A.v4, B.v4),
            &[(10, 25)],
        ),
        (format!("netns {netns} and cpu 4095"), &[]),
    ] {
        let options = ["--to", "json", "--by", &by, "-o", "-", "--filter", &filter];
        let mut export = Command::new(bench.binary()?);
        export.arg("export").arg(&file).args(options);
        let mut replay = Command::new(bench.binary()?);
        replay.args([
            "watch",
            "--format",
            "json",
            "--severity",
            "all",
            "--top",
            "1000",
        ]);
        replay
            .args(["--by", &by, "--replay"])
            .arg(&file)
            .arg(&filter);
        for mut command in [export, replay] {
            let run = Netdrop::spawn(&mut command, &filter)?.wait()?;
            let run = run.counted_by(&ended).run()?;
            let mut wrong = identity::complaints(&run, BY, Allow::default());
            let rows = run.summary.rows.iter();
            let mut found: Vec<(u64, u64)> = rows
                .map(|row| (row.key("dst_port").as_u64().unwrap_or_default(), row.drops))
                .collect();
            found.sort_unstable();
            if found != ports {
                wrong.push(format!("{found:?}, not {ports:?}"));
            }
            ensure!(wrong.is_empty(), "`{filter}`: {}", wrong.join("\n"));
        }
    }
    let output = Command::new(bench.binary()?)
        .arg("report")
        .arg(&file)
        .args(["--filter", "hots 10.0.0.1"])
        .output()?;
    says(&output, 2, &["unknown word", "hots"])
}

fn a_full_disk_ends_a_recording(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("full")?;
    let Folder(path) = &folder;
    let small = mount(
        Some("tmpfs"),
        path,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("size=256k"),
    );
    if let Err(error) = small {
        return cannot(format!("cannot mount a small file system: {error}"));
    }
    let file = folder.file("full.ndr");
    let mut recorder = recorder(bench, &file, "--interval 20ms")?;
    drop_some(&lab, 40)?;
    let ended = recorder.wait()?;
    ensure!(
        ended.status.code() == Some(1)
            && ended.stderr.contains("No space left")
            && !ended.stderr.contains("panicked"),
        "{}: {}",
        ended.status,
        ended.stderr
    );
    let run = replayed(bench, &file, &ended)?;
    let ours = |row: &&crate::netdrop::record::Row| {
        *row.key("netns") == lab.b.inode() && *row.key("dst_port") == 9
    };
    let drops: u64 = run
        .summary
        .rows
        .iter()
        .filter(ours)
        .map(|row| row.drops)
        .sum();
    ensure!(
        run.intervals.len() > 5 && drops == 40,
        "{} intervals, {drops} drops",
        run.intervals.len()
    );
    Ok(())
}
