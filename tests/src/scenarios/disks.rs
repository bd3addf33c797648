//! Flight recorders and recordings in pieces on disks that fail: one clear line,
//! nothing half-written, and what was written before reads back.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::signal::Signal,
};
use serde_json::Value;

use super::{
    flight::{Recorder, drop_some, files, page},
    recordings::{Folder, text},
};
use crate::{
    bench::{Bench, PATIENCE},
    lab::Pair,
    scenario::{Scenario, cannot},
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "a_full_disk_costs_a_flight_recorder_that_file",
        about: "record --keep: SIGUSR1, a trigger and the end onto a full disk, and after it",
        run: a_full_disk_costs_a_flight_recorder_that_file,
    },
    Scenario {
        name: "a_read_only_folder_costs_a_flight_recorder_that_file",
        about: "record --keep: SIGUSR1 and the end into a folder that became read-only",
        run: a_read_only_folder_costs_a_flight_recorder_that_file,
    },
    Scenario {
        name: "a_full_disk_ends_a_recording_in_pieces",
        about: "record --rotate until the disk is full: exit 1, every piece reads back",
        run: a_full_disk_ends_a_recording_in_pieces,
    },
    Scenario {
        name: "a_read_only_folder_ends_a_recording_in_pieces",
        about: "record --rotate: the next piece cannot be created: exit 1, the others are whole",
        run: a_read_only_folder_ends_a_recording_in_pieces,
    },
    Scenario {
        name: "a_killed_recorder_leaves_whole_pieces",
        about: "SIGKILL amid pieces, and amid a flight recorder: what was written reads back",
        run: a_killed_recorder_leaves_whole_pieces,
    },
];

/// A file system over a folder, until it is dropped.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(folder: &'a Path, flags: MsFlags, options: &str) -> Result<Self> {
        let mounted = mount(Some("tmpfs"), folder, Some("tmpfs"), flags, Some(options));
        match mounted {
            Ok(()) => Ok(Self(folder)),
            Err(error) => cannot(format!("cannot mount a file system: {error}")),
        }
    }

    fn small(folder: &'a Path, options: &str) -> Result<Self> {
        Self::mount(folder, MsFlags::empty(), options)
    }

    fn read_only(folder: &'a Path) -> Result<Self> {
        Self::mount(folder, MsFlags::MS_RDONLY, "size=64k")
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let Self(folder) = self;
        let _ = umount2(*folder, MntFlags::MNT_DETACH);
    }
}

/// Everything in a folder, hidden files, too.
fn all(folder: &Folder) -> Result<Vec<PathBuf>> {
    fs::read_dir(folder.file("."))?
        .map(|entry| Ok(entry?.path()))
        .collect()
}

/// Fills what is left of a disk.
fn fill(path: &Path) -> Result<()> {
    use std::io::Write as _;
    let mut file = fs::File::create(path)?;
    while file.write_all(&[0; 4096]).is_ok() {}
    Ok(())
}

/// One line says that, and why.
fn one_line(said: &str, what: &str, why: &str) -> Result<()> {
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(why)).collect();
    ensure!(
        matches!(lines[..], [line] if line.contains(what)) && !said.contains("panicked"),
        "{what}, {why}: {said}"
    );
    Ok(())
}

/// What it said since.
fn since(recorder: &Recorder, before: usize) -> Result<String> {
    Ok(recorder.said()?.split_off(before))
}

fn filtered(lab: &Pair) -> [String; 4] {
    // Not what IPv6 says of itself.
    ["udp", "and", "netns", &lab.b.inode().to_string()].map(str::to_owned)
}

fn arguments<'a>(options: &[&'a str], filter: &'a [String]) -> Vec<&'a str> {
    let filter = filter.iter().map(String::as_str);
    options.iter().copied().chain(filter).collect()
}

fn a_full_disk_costs_a_flight_recorder_that_file(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (folder, log) = (Folder::new("flight-full")?, Folder::new("flight-full-log")?);
    let path = folder.file("");
    let _disk = Disk::small(&path, "size=256k")?;
    let (output, ballast) = (
        folder.file("drops.ndr").display().to_string(),
        folder.file("ballast"),
    );
    let filter = filtered(&lab);
    let options = [
        "--keep",
        "1h",
        "-o",
        &output,
        "--interval",
        "100ms",
        "--trigger",
        "stage rx_lookup > 2k/s",
        "--after",
        "200ms",
    ];
    let options = arguments(&options, &filter);
    let mut recorder = Recorder::start(bench, &log, &options, Stdio::null())?;
    drop_some(&lab, 30)?;
    fill(&ballast)?;
    let full = |why: &str| -> Result<()> {
        let found = all(&folder)?;
        ensure!(found == [ballast.clone()], "{why} left {found:?}");
        Ok(())
    };
    recorder.signal(Signal::SIGUSR1)?;
    recorder.says("nothing was written")?;
    one_line(
        &recorder.said()?,
        "warning: nothing was written",
        "No space left",
    )?;
    full("SIGUSR1")?;
    // It goes on, and what it has is not lost.
    fs::remove_file(&ballast)?;
    recorder.signal(Signal::SIGUSR1)?;
    recorder.says("(signal)")?;
    let [written] = &files(&folder)?[..] else {
        anyhow::bail!("{:?}", all(&folder)?);
    };
    let (why, drops, _) = page(bench, written)?;
    ensure!(
        (why.as_str(), drops) == ("signal", 30),
        "{why}, {drops} drops"
    );
    fs::remove_file(written)?;

    fill(&ballast)?;
    let before = recorder.said()?.len();
    drop_some(&lab, 1000)?;
    let deadline = Instant::now() + PATIENCE;
    while !since(&recorder, before)?.contains("nothing was written") {
        ensure!(Instant::now() < deadline, "{}", recorder.said()?);
        thread::sleep(Duration::from_millis(10));
    }
    one_line(
        &since(&recorder, before)?,
        "warning: nothing was written",
        "No space left",
    )?;
    full("the trigger")?;

    let before = recorder.said()?.len();
    let status = recorder.end(Signal::SIGTERM)?;
    ensure!(status.code() == Some(1), "{status}: {}", recorder.said()?);
    one_line(
        &since(&recorder, before)?,
        "nothing was written",
        "No space left",
    )?;
    full("the end")
}

fn a_read_only_folder_costs_a_flight_recorder_that_file(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (folder, log) = (Folder::new("flight-ro")?, Folder::new("flight-ro-log")?);
    let path = folder.file("");
    let output = folder.file("drops.ndr").display().to_string();
    let filter = filtered(&lab);
    let options = ["--keep", "1h", "-o", &output, "--interval", "100ms"];
    let options = arguments(&options, &filter);
    let mut recorder = Recorder::start(bench, &log, &options, Stdio::null())?;
    drop_some(&lab, 30)?;
    let disk = Disk::read_only(&path)?;
    recorder.signal(Signal::SIGUSR1)?;
    recorder.says("nothing was written")?;
    one_line(
        &recorder.said()?,
        "warning: nothing was written",
        "Read-only",
    )?;
    drop(disk);
    recorder.signal(Signal::SIGUSR1)?;
    recorder.says("(signal)")?;
    let found = files(&folder)?;
    ensure!(
        found.len() == 1 && all(&folder)? == found,
        "{:?}",
        all(&folder)?
    );
    let (why, drops, _) = page(bench, &found[0])?;
    ensure!(
        (why.as_str(), drops) == ("signal", 30),
        "{why}, {drops} drops"
    );

    let disk = Disk::read_only(&path)?;
    let before = recorder.said()?.len();
    let status = recorder.end(Signal::SIGINT)?;
    ensure!(status.code() == Some(1), "{status}: {}", recorder.said()?);
    one_line(
        &since(&recorder, before)?,
        "nothing was written",
        "Read-only",
    )?;
    drop(disk);
    ensure!(all(&folder)? == found, "{:?}", all(&folder)?);
    Ok(())
}

/// The drops of pieces, which are whole but for the last.
fn pieces(bench: &Bench, folder: &Folder) -> Result<(usize, u64)> {
    let found = files(folder)?;
    let mut sum = 0;
    for (number, path) in found.iter().enumerate() {
        let page = text(bench, &format!("report {} --format json", path.display()))?;
        let page: Value = serde_json::from_str(&page)?;
        let ended = &page["recording"]["ended"];
        ensure!(
            number + 1 == found.len() || ended["how"] == "closed" && ended["why"] == "rotated",
            "{}: {ended}",
            path.display()
        );
        let drops = page["summary"]["totals"]["drops"].as_u64();
        sum += drops.context("no drops")?;
    }
    Ok((found.len(), sum))
}

/// Drops some over and over, until there are so many pieces or it ended; tells how
/// many were dropped.
fn until(recorder: &mut Recorder, lab: &Pair, folder: &Folder, most: usize) -> Result<u64> {
    let (mut dropped, deadline) = (0, Instant::now() + PATIENCE);
    while recorder.runs()? && files(folder)?.len() < most {
        ensure!(Instant::now() < deadline, "{:?}", files(folder)?);
        drop_some(lab, 5)?;
        dropped += 5;
        thread::sleep(Duration::from_millis(30));
    }
    Ok(dropped)
}

fn a_full_disk_ends_a_recording_in_pieces(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (folder, log) = (Folder::new("pieces-full")?, Folder::new("pieces-full-log")?);
    let path = folder.file("");
    let _disk = Disk::small(&path, "size=768k")?;
    let output = folder.file("drops.ndr").display().to_string();
    let filter = filtered(&lab);
    let options = ["--rotate", "500ms", "-o", &output, "--interval", "50ms"];
    let options = arguments(&options, &filter);
    let mut recorder = Recorder::start(bench, &log, &options, Stdio::null())?;
    let dropped = until(&mut recorder, &lab, &folder, usize::MAX)?;
    let status = recorder.wait()?;
    ensure!(status.code() == Some(1), "{status}: {}", recorder.said()?);
    one_line(&recorder.said()?, "netdrop: ", "No space left")?;
    let found = files(&folder)?;
    ensure!(all(&folder)?.len() == found.len(), "{:?}", all(&folder)?);
    for path in &found {
        ensure!(fs::metadata(path)?.len() > 0, "{} is empty", path.display());
    }
    let (count, told) = pieces(bench, &folder)?;
    // What fell into the last interval, or came after it, is lost.
    ensure!(
        count > 1 && told <= dropped && told + 60 >= dropped,
        "{told} of {dropped} drops in {count} pieces"
    );
    Ok(())
}

fn a_read_only_folder_ends_a_recording_in_pieces(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (folder, log) = (Folder::new("pieces-ro")?, Folder::new("pieces-ro-log")?);
    let path = folder.file("");
    let output = folder.file("drops.ndr").display().to_string();
    let filter = filtered(&lab);
    let options = ["--rotate", "500ms", "-o", &output, "--interval", "50ms"];
    let options = arguments(&options, &filter);
    let mut recorder = Recorder::start(bench, &log, &options, Stdio::null())?;
    until(&mut recorder, &lab, &folder, 3)?;
    let disk = Disk::read_only(&path)?;
    let status = recorder.wait()?;
    ensure!(status.code() == Some(1), "{status}: {}", recorder.said()?);
    one_line(&recorder.said()?, "netdrop: ", "Read-only")?;
    drop(disk);
    let found = files(&folder)?;
    ensure!(
        all(&folder)? == found || all(&folder)?.len() == found.len(),
        "{:?}",
        all(&folder)?
    );
    let mut last = String::new();
    for path in &found {
        let (why, ..) = page(bench, path)?;
        ensure!(why == "rotated", "{}: {why}", path.display());
        last = why;
    }
    ensure!(found.len() >= 3 && last == "rotated", "{found:?}");
    Ok(())
}

fn a_killed_recorder_leaves_whole_pieces(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (folder, log) = (Folder::new("killed-pieces")?, Folder::new("killed-log")?);
    let output = folder.file("drops.ndr").display().to_string();
    let filter = filtered(&lab);
    let options = ["--rotate", "500ms", "-o", &output, "--interval", "50ms"];
    let options = arguments(&options, &filter);
    let mut recorder = Recorder::start(bench, &log, &options, Stdio::null())?;
    let dropped = until(&mut recorder, &lab, &folder, 3)?;
    thread::sleep(Duration::from_millis(200));
    recorder.end(Signal::SIGKILL)?;
    let (count, told) = pieces(bench, &folder)?;
    ensure!(
        count >= 3 && told == dropped && all(&folder)?.len() == count,
        "{told} of {dropped} drops in {count} pieces: {:?}",
        all(&folder)?
    );

    // What is in memory alone dies with it, and leaves nothing.
    let (folder, log) = (
        Folder::new("killed-flight")?,
        Folder::new("killed-flight-log")?,
    );
    let output = folder.file("drops.ndr").display().to_string();
    let options = ["--keep", "1h", "-o", &output, "--interval", "50ms"];
    let options = arguments(&options, &filter);
    let mut recorder = Recorder::start(bench, &log, &options, Stdio::null())?;
    drop_some(&lab, 30)?;
    recorder.signal(Signal::SIGUSR1)?;
    recorder.says("(signal)")?;
    drop_some(&lab, 30)?;
    recorder.end(Signal::SIGKILL)?;
    let found = all(&folder)?;
    let [dump] = &found[..] else {
        anyhow::bail!("{found:?}");
    };
    let (why, drops, _) = page(bench, dump)?;
    ensure!(
        (why.as_str(), drops) == ("signal", 30),
        "{why}, {drops} drops"
    );
    Ok(())
}
