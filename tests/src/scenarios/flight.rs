//! Recordings that are kept in memory, cut in pieces, or written slowly.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::recordings::{Folder, text};
use crate::{
    bench::{Bench, PATIENCE},
    lab::{A, B, Pair},
    scenario::Scenario,
    sender::Datagrams,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "the_flight_recorder_writes_when_it_is_told_to",
        about: "record --keep: SIGUSR1, a trigger and the end, each file whole and exact",
        run: the_flight_recorder_writes_when_it_is_told_to,
    },
    Scenario {
        name: "the_flight_recorder_lets_go_of_what_is_old",
        about: "record --keep: drops older than that are in no file",
        run: the_flight_recorder_lets_go_of_what_is_old,
    },
    Scenario {
        name: "pieces_of_a_recording_add_up",
        about: "record --rotate: every drop in one piece, one after another, old ones removed",
        run: pieces_of_a_recording_add_up,
    },
    Scenario {
        name: "a_slow_reader_costs_a_recording_nothing",
        about: "record -o - into a pipe that nobody reads for a while: every drop is there",
        run: a_slow_reader_costs_a_recording_nothing,
    },
];

/// Kills what does not end.
pub(super) struct Recorder(Child, PathBuf);

impl Recorder {
    /// Counts from now on.
    pub(super) fn start(
        bench: &Bench,
        folder: &Folder,
        arguments: &[&str],
        stdout: Stdio,
    ) -> Result<Self> {
        let log = folder.file("stderr");
        let child = Command::new(bench.binary()?)
            .arg("record")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot start netdrop")?;
        let recorder = Self(child, log);
        recorder.says("hooks attached")?;
        Ok(recorder)
    }

    pub(super) fn said(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.1)?)
    }

    /// Waits until it says so.
    pub(super) fn says(&self, what: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.said()?.contains(what) {
            ensure!(
                Instant::now() < deadline,
                "it never said {what:?}: {}",
                self.said()?
            );
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).context("cannot signal netdrop")
    }

    pub(super) fn end(&mut self, signal: Signal) -> Result<ExitStatus> {
        self.signal(signal)?;
        self.wait()
    }

    pub(super) fn runs(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    pub(super) fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            drop(self.0.kill());
            drop(self.0.wait());
        }
    }
}

pub(super) fn drop_some(lab: &Pair, times: u64) -> Result<()> {
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, times)
        .send(&lab.a)
        .map(drop)
}

/// All recordings of a folder, by name.
pub(super) fn files(folder: &Folder) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder.file("."))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ndr"));
    files.sort();
    Ok(files)
}

/// How a recording ended, and its drops.
pub(super) fn page(bench: &Bench, file: &Path) -> Result<(String, u64, u64)> {
    let mode = fs::metadata(file)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "{}: {mode:o}", file.display());
    let page = text(bench, &format!("report {} --format json", file.display()))?;
    let page: Value = serde_json::from_str(&page)?;
    let ended = &page["recording"]["ended"];
    ensure!(ended["how"] == "closed", "{}: {ended}", file.display());
    let drops = page["summary"]["totals"]["drops"].as_u64();
    let export = text(bench, &format!("export {} --to json -o -", file.display()))?;
    let intervals = export.matches(r#"{"type":"interval""#).count() as u64;
    Ok((
        ended["why"].as_str().unwrap_or_default().to_owned(),
        drops.context("no drops")?,
        intervals,
    ))
}

fn the_flight_recorder_writes_when_it_is_told_to(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("flight")?;
    let file = folder.file("drops.ndr");
    let output = file.display().to_string();
    let netns = lab.b.inode().to_string();
    let mut recorder = Recorder::start(
        bench,
        &folder,
        &[
            "--keep",
            "1h",
            "-o",
            &output,
            "--interval",
            "100ms",
            "--trigger",
            "stage rx_lookup > 2k/s",
            "--after",
            "300ms",
            "udp",
            "and",
            "netns",
            &netns,
        ],
        Stdio::null(),
    )?;
    drop_some(&lab, 30)?;
    recorder.signal(Signal::SIGUSR1)?;
    recorder.says("(signal)")?;
    ensure!(!file.exists(), "the file of the end is there too early");
    drop_some(&lab, 1000)?;
    recorder.says("(trigger)")?;
    drop_some(&lab, 7)?;
    let status = recorder.end(Signal::SIGTERM)?;
    ensure!(status.success(), "{status}: {}", recorder.said()?);
    let mut found = Vec::new();
    for path in files(&folder)? {
        let (why, drops, _) = page(bench, &path)?;
        found.push((drops, why));
    }
    found.sort();
    let wanted = [(30, "signal"), (1030, "trigger"), (1037, "end")];
    let wanted = wanted.map(|(drops, why)| (drops, why.to_owned()));
    ensure!(found == wanted, "{found:?}: {}", recorder.said()?);
    Ok(())
}

fn the_flight_recorder_lets_go_of_what_is_old(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("old")?;
    let file = folder.file("drops.ndr");
    let output = file.display().to_string();
    let netns = lab.b.inode().to_string();
    let arguments = [
        "--keep",
        "1s",
        "-o",
        &output,
        "--interval",
        "50ms",
        // Not what IPv6 says of itself.
        "udp",
        "and",
        "netns",
        &netns,
    ];
    let mut recorder = Recorder::start(bench, &folder, &arguments, Stdio::null())?;
    drop_some(&lab, 30)?;
    thread::sleep(Duration::from_millis(1500));
    drop_some(&lab, 11)?;
    let status = recorder.end(Signal::SIGINT)?;
    ensure!(status.success(), "{status}: {}", recorder.said()?);
    let (why, drops, intervals) = page(bench, &file)?;
    ensure!(
        (why.as_str(), drops) == ("end", 11) && (2..=22).contains(&intervals),
        "{why}, {drops} drops in {intervals} intervals: {}",
        recorder.said()?
    );
    Ok(())
}

fn pieces_of_a_recording_add_up(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("pieces")?;
    // Not ours: its number is passed over, and it stays.
    fs::write(folder.file("drops-00003.ndr"), "")?;
    let output = folder.file("drops.ndr").display().to_string();
    let netns = lab.b.inode().to_string();
    let arguments = [
        "--rotate",
        "500ms",
        "--max-files",
        "3",
        "-o",
        &output,
        "--interval",
        "50ms",
        // Not what IPv6 says of itself.
        "udp",
        "and",
        "netns",
        &netns,
    ];
    let mut recorder = Recorder::start(bench, &folder, &arguments, Stdio::null())?;
    let (mut pieces, mut total) = (Vec::<PathBuf>::new(), 0);
    let copies = Folder::new("copies")?;
    let deadline = Instant::now() + PATIENCE;
    while pieces.len() < 6 {
        ensure!(Instant::now() < deadline, "only {pieces:?}");
        drop_some(&lab, 5)?;
        total += 5;
        thread::sleep(Duration::from_millis(20));
        // A link stays when the oldest are removed.
        for path in files(&folder)? {
            let copy = copies.file(&path.file_name().unwrap_or_default().to_string_lossy());
            if fs::hard_link(&path, &copy).is_ok() {
                pieces.push(copy);
            }
        }
    }
    let status = recorder.end(Signal::SIGINT)?;
    ensure!(status.success(), "{status}: {}", recorder.said()?);
    let mut left = Vec::new();
    for path in files(&folder)? {
        left.push(path.file_name().unwrap_or_default().to_owned());
    }
    ensure!(
        left.len() == 4 && left[0] == "drops-00003.ndr" && left[1] != "drops-00004.ndr",
        "{left:?}"
    );
    for path in files(&folder)? {
        let copy = copies.file(&path.file_name().unwrap_or_default().to_string_lossy());
        if fs::hard_link(&path, &copy).is_ok() {
            pieces.push(copy);
        }
    }
    let mut drops = 0;
    let (last, others) = pieces[1..].split_last().context("no pieces")?;
    for path in others {
        let (why, part, _) = page(bench, path)?;
        ensure!(why == "rotated", "{}: {why}", path.display());
        drops += part;
    }
    let (why, part, _) = page(bench, last)?;
    ensure!(
        why == "signal" && drops + part == total,
        "{why}, {drops} + {part} drops, {total} sent: {}",
        recorder.said()?
    );
    Ok(())
}

fn a_slow_reader_costs_a_recording_nothing(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("slow")?;
    let netns = lab.b.inode().to_string();
    let arguments = [
        "-o",
        "-",
        "--interval",
        "10ms",
        "udp",
        "and",
        "netns",
        &netns,
    ];
    let mut recorder = Recorder::start(bench, &folder, &arguments, Stdio::piped())?;
    let mut pipe = recorder.0.stdout.take().context("no pipe")?;
    drop_some(&lab, 100)?;
    recorder.says("writing takes too long")?;
    drop_some(&lab, 400)?;
    thread::sleep(Duration::from_millis(300));
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).map(|_| bytes)
    });
    thread::sleep(Duration::from_millis(300));
    drop_some(&lab, 50)?;
    let status = recorder.end(Signal::SIGINT)?;
    ensure!(status.success(), "{status}: {}", recorder.said()?);
    let bytes = reader.join().map_err(|_| anyhow::anyhow!("no reader"))??;
    let file = folder.file("drops.ndr");
    fs::write(&file, bytes)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    let (why, drops, _) = page(bench, &file)?;
    ensure!(
        (why.as_str(), drops) == ("signal", 550) && recorder.said()?.contains("became part of"),
        "{why}, {drops} drops: {}",
        recorder.said()?
    );
    Ok(())
}
