//! A recording of real drops, played in the interface of `netdrop watch`.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use nix::sys::signal::Signal;

use super::{
    recordings::{Folder, recorder},
    terminal::{SMALL, drop_some, has_line},
};
use crate::{
    bench::{Bench, PATIENCE},
    counter::Counter,
    lab::Pair,
    scenario::Scenario,
    terminal::Terminal,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "the_terminal_plays_a_recording",
        about: "exact totals at the end, steps back and on, a filter, keys that a replay refuses",
        run: the_terminal_plays_a_recording,
    },
    Scenario {
        name: "the_terminal_plays_what_comes_once",
        about: "a recording through a pipe: no way back; one that was cut off; an anonymous one",
        run: the_terminal_plays_what_comes_once,
    },
];

/// Drops 37 datagrams, and 5 to another port half a second later.
fn recorded(bench: &Bench, lab: &Pair, file: &Path, options: &str) -> Result<()> {
    let options = format!("--interval 200ms --max-events 5000 {options}");
    let filter = format!("netns {} and udp", lab.b.name());
    let mut recorder = recorder(bench, file, &format!("{options} {filter}"))?;
    let counter = Counter::snmp(&lab.b, "Udp.NoPorts");
    // Some intervals without drops come first.
    thread::sleep(Duration::from_millis(500));
    for (port, times, all) in [(9, 37, 37), (10, 5, 42)] {
        drop_some(lab, port, times)?;
        let deadline = Instant::now() + PATIENCE;
        while counter.read()? < all {
            ensure!(Instant::now() < deadline, "datagrams did not arrive");
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(500));
    }
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    Ok(())
}

/// The interval on the screen, and how many there are.
fn place(screen: &str) -> Option<(u64, u64)> {
    let line = screen.lines().next()?;
    let (before, after) = line
        .split_once(" of ")
        .and_then(|_| line.rsplit_once(" of "))?;
    let at = before.split_ascii_whitespace().next_back()?.parse().ok()?;
    let of = after.split_ascii_whitespace().next()?.parse().ok()?;
    Some((at, of))
}

/// Drops of the run on the screen.
fn total(screen: &str) -> Option<u64> {
    let (_, after) = screen.split_once(" total ")?;
    after.split_ascii_whitespace().next()?.parse().ok()
}

/// Drops that filters turned down.
fn filtered(screen: &str) -> Option<u64> {
    let (_, after) = screen.split_once("  filtered ")?;
    after.split_ascii_whitespace().next()?.parse().ok()
}

/// One interval back, or on; returns the total there.
fn step(terminal: &mut Terminal, key: &str) -> Result<(u64, u64)> {
    let Some((at, of)) = place(&terminal.screen()) else {
        bail!("no place:\n{}", terminal.screen());
    };
    let wanted = if key == "," { at - 1 } else { at + 1 };
    terminal.press(key)?;
    let screen = terminal.wait_for("next interval", |screen| {
        place(screen) == Some((wanted, of)) && total(screen).is_some()
    })?;
    Ok((wanted, total(&screen).unwrap_or_default()))
}

fn the_terminal_plays_a_recording(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("replay")?;
    let file = folder.file("drops.ndr");
    recorded(bench, &lab, &file, "")?;
    let arguments = format!(
        "watch --severity all --speed 0.1 --replay {}",
        file.display()
    );
    let mut terminal = Terminal::start(bench.binary()?, &arguments, SMALL, &[])?;
    terminal.wait_for("first interval", |screen| {
        place(screen).is_some_and(|(at, _)| at == 1)
            && has_line(screen, &["replay of", "0.1×"])
            && has_line(screen, &["filter ", "udp", "REPLAY"])
    })?;
    terminal.press("G")?;
    terminal.wait_for("whole run", |screen| {
        total(screen) == Some(42)
            && has_line(screen, &["rx_lookup", " 42"])
            && has_line(screen, &["filter ", "END"])
            && place(screen).is_some_and(|(at, of)| at == of)
    })?;
    // Every total on the way back is one that there was.
    let mut totals = vec![42];
    loop {
        let (at, total) = step(&mut terminal, ",")?;
        totals.push(total);
        if total == 0 || at == 1 {
            break;
        }
    }
    let mut kinds = totals.clone();
    kinds.dedup();
    ensure!(
        totals.is_sorted_by(|one, other| one >= other)
            && kinds.contains(&37)
            && kinds.last() == Some(&0),
        "totals on the way back: {totals:?}"
    );
    for wanted in totals.iter().rev().skip(1) {
        let (_, total) = step(&mut terminal, ".")?;
        ensure!(total == *wanted, "{total} again, not {wanted}");
    }
    // Single drops are seen, in their view.
    terminal.press("5")?;
    terminal.wait_for("single drops", |screen| {
        has_line(screen, &[":4000", ":10 "]) && screen.contains("a sample of the drops")
    })?;
    terminal.press("3")?;
    terminal.wait_for("flows", |screen| has_line(screen, &[" 37 ", ":4000", ":9"]))?;
    terminal.press("\r")?;
    terminal.wait_for("detail", |screen| {
        has_line(screen, &["Esc back", "copy command"])
    })?;
    terminal.press("1")?;
    terminal.press("r")?;
    terminal.wait_for("refusal", |screen| screen.contains("a recording already"))?;
    // A mistake is refused in place; what rows do not tell, single drops do.
    terminal.press("/60 lss\r")?;
    terminal.wait_for("mistake", |screen| {
        screen.contains("filter: 60 lss") && screen.contains("did you mean")
    })?;
    // Others in this host were turned down when it was recorded.
    let before = filtered(&terminal.screen());
    terminal.press("\x15\x0bless 60\r")?;
    // Other drops in this host may have taken the place of some of them.
    terminal.wait_for("what single drops tell", |screen| {
        let told = match total(screen) {
            Some(42) => true,
            Some(1..42) => screen.contains("UNDECIDED"),
            _ => false,
        };
        told && has_line(screen, &["filter ", ") and (less 60)"])
    })?;
    terminal.press("/\x15dst port 10\r")?;
    terminal.wait_for("what the filter wants", |screen| {
        total(screen) == Some(5)
            && has_line(screen, &["filter ", ") and (dst port 10)"])
            && filtered(screen) == before.map(|before| before + 37)
    })?;
    terminal.press("/\x15\r")?;
    terminal.wait_for("everything", |screen| total(screen) == Some(42))?;
    terminal.press("g")?;
    terminal.wait_for("start", |screen| {
        place(screen).is_some_and(|(at, _)| at == 1)
    })?;
    // Faster and faster, to the end, where it stays.
    terminal.press(" ++++++++++++++")?;
    terminal.wait_for("end", |screen| {
        total(screen) == Some(42) && has_line(screen, &["max"]) && screen.contains(" END ")
    })?;
    terminal.press("q")?;
    let (status, screen) = terminal.end()?;
    ensure!(
        status.success() && has_line(&screen, &["42 drops"]),
        "{status}: {screen}"
    );
    let disorder = terminal.disorder()?;
    ensure!(disorder.is_empty(), "{disorder:?}");
    Ok(())
}

/// A script that the terminal runs.
fn script(folder: &Folder, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.file(name);
    fs::write(&path, text)?;
    Ok(path)
}

fn the_terminal_plays_what_comes_once(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("replay-pipe")?;
    let file = folder.file("drops.ndr");
    recorded(bench, &lab, &file, "--anonymize")?;
    let (binary, name) = (bench.binary()?.display(), file.display());
    let piped = format!("cat {name} | {binary} watch --severity all --speed max --replay -\n");
    let piped = script(&folder, "piped", &piped)?;
    let shell = Path::new("/bin/sh");
    let arguments = piped.display().to_string();
    let mut terminal = Terminal::start(shell, &arguments, SMALL, &[])?;
    let host = nix::sys::utsname::uname()?;
    let host = host.nodename().to_string_lossy().into_owned();
    let screen = terminal.wait_for("end", |screen| {
        total(screen) == Some(42) && screen.contains(" END ") && screen.contains("replay of host1")
    })?;
    let first = screen.lines().next().unwrap_or_default();
    ensure!(
        !first.contains(&format!("replay of {host} ")) && !screen.contains(lab.b.name()),
        "names of this host:\n{screen}"
    );
    terminal.press(",")?;
    terminal.wait_for("refusal", |screen| {
        screen.contains("standard input cannot be read again")
    })?;
    terminal.press("/udp\r")?;
    terminal.wait_for("refusal in place", |screen| {
        has_line(screen, &["standard input cannot be read again", "filter"])
    })?;
    terminal.press("\x1b")?;
    terminal.wait_for("way back", |screen| !screen.contains("filter: udp"))?;
    terminal.press("q")?;
    let (status, screen) = terminal.end()?;
    ensure!(status.success(), "{status}: {screen}");
    let disorder = terminal.disorder()?;
    ensure!(disorder.is_empty(), "{disorder:?}");

    let bytes = fs::read(&file)?;
    let cut = folder.file("cut.ndr");
    fs::write(&cut, &bytes[..bytes.len() - 600])?;
    let arguments = format!(
        "watch --severity all --speed max --replay {}",
        cut.display()
    );
    let mut terminal = Terminal::start(bench.binary()?, &arguments, SMALL, &[])?;
    terminal.wait_for("cut", |screen| {
        screen.contains(" END  cut off") && screen.contains("cut off at byte")
    })?;
    terminal.signal(Signal::SIGTERM)?;
    let (status, screen) = terminal.end()?;
    ensure!(
        status.success() && screen.contains("cut off at byte"),
        "{status}: {screen}"
    );
    let disorder = terminal.disorder()?;
    ensure!(disorder.is_empty(), "{disorder:?}");
    Ok(())
}
