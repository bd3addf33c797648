//! However the interface of `netdrop watch` ends, the terminal is as it was; and
//! it takes no more of it than it needs.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::terminal::{SMALL, drop_some, has_line, start};
use crate::{
    bench::Bench,
    case::report,
    lab::Pair,
    scenario::{Scenario, cannot},
    terminal::Terminal,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "the_terminal_hangs_up",
        about: "SIGHUP gives the terminal back; a terminal that is gone ends the interface",
        run: the_terminal_hangs_up,
    },
    Scenario {
        name: "the_terminal_is_not_taken_in_vain",
        about: "without the right to load programs, an error and an untouched terminal",
        run: the_terminal_is_not_taken_in_vain,
    },
    Scenario {
        name: "the_terminal_is_drawn_seldom",
        about: "a quiet interface writes next to nothing, a busy one ten pictures a second",
        run: the_terminal_is_drawn_seldom,
    },
    Scenario {
        name: "the_terminal_may_be_slow",
        about: "a terminal that takes nothing for a while: exact counts, no backlog of pictures",
        run: the_terminal_may_be_slow,
    },
    Scenario {
        name: "the_terminal_has_any_size",
        about: "20 by 5, one by one, and back, with keys in between",
        run: the_terminal_has_any_size,
    },
    Scenario {
        name: "the_terminal_may_be_dumb",
        about: "where TERM is dumb or empty: text without a single escape sequence",
        run: the_terminal_may_be_dumb,
    },
];

/// Every picture begins with it.
const PICTURE: &str = "\x1b[?25l";

fn the_terminal_hangs_up(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut terminal = start(bench, &lab, &[])?;
    drop_some(&lab, 9, 11)?;
    terminal.wait_for("total", |screen| screen.contains("total 11"))?;
    terminal.signal(Signal::SIGHUP)?;
    let (status, screen) = terminal.end()?;
    let wrong = terminal.disorder()?;
    let mut complaints: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    if !status.success() || !has_line(&screen, &["summary", "11 drops"]) {
        complaints.push(format!("SIGHUP: {status}:\n{screen}"));
    }
    let mut terminal = start(bench, &lab, &[])?;
    terminal.hang_up()?;
    let asked = Instant::now();
    terminal.end()?;
    let taken = asked.elapsed();
    if taken > Duration::from_secs(10) {
        complaints.push(format!("it took {taken:?} to end without a terminal"));
    }
    report(&complaints)
}

fn the_terminal_is_not_taken_in_vain(bench: &Bench) -> Result<()> {
    let setpriv = Path::new("/usr/bin/setpriv");
    if !setpriv.exists() {
        return cannot("no setpriv");
    }
    let binary = bench.binary()?.display();
    let arguments = format!("--inh-caps=-all --bounding-set=-all {binary} watch");
    let mut terminal = Terminal::start(setpriv, &arguments, SMALL, &[])?;
    let (status, screen) = terminal.end()?;
    ensure!(!status.success(), "a success without rights: {screen}");
    ensure!(screen.contains("CAP_BPF"), "what is missing? {screen}");
    ensure!(terminal.times("\x1b[?1049h") == 0, "it was taken");
    let wrong = terminal.disorder()?;
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

fn the_terminal_is_drawn_seldom(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut terminal = start(bench, &lab, &[])?;
    drop_some(&lab, 9, 3)?;
    terminal.wait_for("total", |screen| screen.contains("total 3"))?;
    // A message goes away when it is old.
    terminal.press("j")?;
    thread::sleep(Duration::from_secs(1));
    let (bytes, pictures) = (terminal.bytes(), terminal.times(PICTURE));
    thread::sleep(Duration::from_secs(3));
    let bytes = terminal.bytes() - bytes;
    let pictures = terminal.times(PICTURE) - pictures;
    // Fifteen intervals of a clock and a share of a CPU.
    ensure!(pictures <= 18, "{pictures} pictures in fifteen intervals");
    ensure!(bytes <= 18 * 60, "{bytes} bytes of {pictures} pictures");
    let pictures = terminal.times(PICTURE);
    let begun = Instant::now();
    for _ in 0..200 {
        terminal.press("j")?;
        terminal.press("k")?;
        thread::sleep(Duration::from_millis(10));
    }
    let drawn = terminal.times(PICTURE) - pictures;
    let most = begun.elapsed().as_millis() / 100 + 2;
    ensure!(
        drawn > 3 && drawn as u128 <= most,
        "{drawn} pictures where {most} may be"
    );
    terminal.press("q")?;
    terminal.end()?;
    Ok(())
}

fn the_terminal_may_be_slow(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut terminal = start(bench, &lab, &[])?;
    terminal.resize(50, 160)?;
    drop_some(&lab, 9, 5)?;
    terminal.wait_for("total", |screen| screen.contains("total 5"))?;
    let pictures = terminal.times(PICTURE);
    let reading = terminal.reading();
    let stalled = Terminal::stall(&reading);
    // Every key is another picture of some thousand characters.
    for turn in 0..30 {
        terminal.press(["2", "1", "4", "?"][turn % 4])?;
        thread::sleep(Duration::from_millis(100));
    }
    drop_some(&lab, 9, 40)?;
    thread::sleep(Duration::from_millis(500));
    drop(stalled);
    terminal.press("1")?;
    terminal.wait_for("total", |screen| {
        screen.contains("total 45") && screen.contains("RX from wire")
    })?;
    let drawn = terminal.times(PICTURE) - pictures;
    // What fits the terminal's buffer, and what came since.
    ensure!(
        drawn <= 12,
        "{drawn} pictures for a terminal that took none"
    );
    terminal.press("q")?;
    let (status, screen) = terminal.end()?;
    ensure!(
        status.success() && has_line(&screen, &["summary", "45 drops"]),
        "{status}: {screen}"
    );
    let wrong = terminal.disorder()?;
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

fn the_terminal_has_any_size(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut terminal = start(bench, &lab, &[])?;
    drop_some(&lab, 9, 7)?;
    terminal.wait_for("total", |screen| screen.contains("total 7"))?;
    for (rows, columns) in [(5, 20), (1, 1), (2, 300), (12, 40), (5, 20)] {
        terminal.resize(rows, columns)?;
        thread::sleep(Duration::from_millis(150));
        terminal.press("2j\r")?;
        thread::sleep(Duration::from_millis(150));
        terminal.press("\x1b")?;
        thread::sleep(Duration::from_millis(150));
    }
    terminal.wait_for("reason", |screen| screen.contains("terminal is too"))?;
    terminal.resize(24, 80)?;
    // An escape that is still waiting would make one key of both.
    terminal.wait_for("a view", |screen| screen.contains("5 events"))?;
    thread::sleep(Duration::from_millis(200));
    terminal.press("1")?;
    terminal.wait_for("path again", |screen| {
        screen.contains("RX from wire") && screen.contains("total 7")
    })?;
    terminal.press("q")?;
    let (status, screen) = terminal.end()?;
    ensure!(status.success(), "{status}: {screen}");
    let wrong = terminal.disorder()?;
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

fn the_terminal_may_be_dumb(bench: &Bench) -> Result<()> {
    let binary = bench.binary()?;
    let mut complaints = Vec::new();
    for name in ["dumb", ""] {
        for arguments in [
            "watch --duration 300ms --interval 100ms",
            "trace --duration 100ms",
            "path",
            "doctor",
            "explain NO_SOCKET",
            "--help",
            "watch --help",
        ] {
            let mut terminal = Terminal::start(binary, arguments, SMALL, &[("TERM", name)])?;
            let (_, screen) = terminal.end()?;
            let escapes = terminal.times("\x1b");
            if escapes > 0 || screen.trim().is_empty() {
                complaints.push(format!(
                    "TERM={name}, {arguments}: {escapes} escapes:\n{screen}"
                ));
            }
        }
    }
    report(&complaints)
}
