//! The kernel's own counters in the interface of `netdrop watch`.

use std::{path::Path, thread, time::Duration};

use anyhow::{Result, ensure};

use super::terminal::{SMALL, drop_some, has_line};
use crate::{
    bench::Bench,
    lab::Pair,
    scenario::{Scenario, cannot},
    terminal::Terminal,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "the_terminal_reconciles",
        about: "--reconcile: a counter of a namespace, what drops explain of it, and no rest",
        run: the_terminal_reconciles,
    },
    Scenario {
        name: "the_terminal_reads_counters_when_asked",
        about: "counters from a key on; none while they are not looked at, and none with a filter",
        run: the_terminal_reads_counters_when_asked,
    },
];

/// The numbers of a counter's row: in the run, traced, unexplained.
fn numbers(screen: &str, counter: &str) -> Option<[u64; 3]> {
    let line = screen.lines().find(|line| line.contains(counter))?;
    let words = line
        .split_ascii_whitespace()
        .skip_while(|it| *it != counter);
    // The counter, whose it is, and its rate come before.
    let numbers: Vec<u64> = words.skip(3).map_while(|it| it.parse().ok()).collect();
    numbers.get(..3)?.try_into().ok()
}

/// The drops at a stage of the map; those of the host are among them.
fn at_stage(screen: &str, stage: &str) -> Option<u64> {
    let line = screen.lines().find(|line| line.contains(stage))?;
    let (_, behind) = line.split_once(stage)?;
    // Behind the rate.
    behind.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn the_terminal_reconciles(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let name = lab.b.name();
    let arguments = format!("watch --severity all --interval 200ms --reconcile --netns {name}");
    let mut terminal = Terminal::start(bench.binary()?, &arguments, SMALL, &[])?;
    terminal.wait_for("counters", |screen| {
        has_line(screen, &["kernel counters of", name, " and host since"])
    })?;
    drop_some(&lab, 9, 37)?;
    let counted = |wanted: u64| {
        move |screen: &str| numbers(screen, "Udp.NoPorts") == Some([wanted, wanted, 0])
    };
    let screen = terminal.wait_for("counter and its drops", counted(37))?;
    ensure!(
        screen.contains("RX from wire") && at_stage(&screen, "rx_lookup") >= Some(37),
        "no stage map:\n{screen}"
    );
    terminal.resize(50, 160)?;
    terminal.wait_for("larger picture", |screen| {
        screen.contains("Socket look-up") && counted(37)(screen)
    })?;
    drop_some(&lab, 9, 5)?;
    terminal.wait_for("counter that goes on", counted(42))?;
    terminal.resize(24, 80)?;
    terminal.wait_for("smaller picture", |screen| {
        !screen.contains("Socket look-up") && counted(42)(screen)
    })?;
    // A key that comes at the same moment as the new size waits for the next one.
    thread::sleep(Duration::from_millis(200));
    terminal.press("c")?;
    terminal.wait_for("all of it", |screen| {
        counted(42)(screen) && screen.contains("is explained") && !screen.contains("RX from wire")
    })?;
    terminal.press("\x1b")?;
    terminal.wait_for("way back", |screen| {
        counted(42)(screen) && screen.contains("RX from wire")
    })?;
    terminal.press("q")?;
    let (status, screen) = terminal.end()?;
    ensure!(
        status.success() && has_line(&screen, &["Udp.NoPorts", "netns", "42"]),
        "{status}: {screen}"
    );
    Ok(())
}

fn the_terminal_reads_counters_when_asked(bench: &Bench) -> Result<()> {
    let ip = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"];
    let Some(ip) = ip.into_iter().map(Path::new).find(|path| path.exists()) else {
        return cannot("no ip");
    };
    let lab = Pair::new()?;
    let (binary, name) = (bench.binary()?.display(), lab.b.name());
    let arguments = format!("netns exec {name} {binary} watch --severity all --interval 200ms");
    let mut terminal = Terminal::start(ip, &arguments, SMALL, &[])?;
    terminal.wait_for("path", |screen| screen.contains("RX from wire"))?;
    drop_some(&lab, 9, 20)?;
    terminal.wait_for("drops", |screen| has_line(screen, &["rx_lookup", " 20"]))?;
    ensure!(
        !terminal.screen().contains("kernel counters"),
        "counters that nobody asked for"
    );
    terminal.press("c")?;
    terminal.wait_for("counters", |screen| {
        screen.contains("no counter of loss moved") || screen.contains("COUNTER")
    })?;
    drop_some(&lab, 9, 31)?;
    let counted = |wanted: u64| {
        move |screen: &str| numbers(screen, "Udp.NoPorts") == Some([wanted, wanted, 0])
    };
    terminal.wait_for("what came since", counted(31))?;
    // Not read in another view, and nothing is lost by it.
    terminal.press("2")?;
    terminal.wait_for("table", |screen| screen.contains("TOTAL"))?;
    drop_some(&lab, 9, 8)?;
    terminal.wait_for("total", |screen| has_line(screen, &[" 59 "]))?;
    terminal.press("1")?;
    terminal.wait_for("everything since", counted(39))?;
    // A filter of user space and one of the kernel explain nothing alike.
    terminal.press("/udp\r")?;
    terminal.wait_for("reason", |screen| screen.contains("not with a filter"))?;
    drop_some(&lab, 9, 3)?;
    terminal.press("/\x15\r")?;
    terminal.wait_for("no filter", |screen| has_line(screen, &["filter ", "none"]))?;
    terminal.wait_for("counters anew", |screen| {
        screen.contains("no counter of loss moved") || screen.contains("COUNTER")
    })?;
    drop_some(&lab, 9, 6)?;
    terminal.wait_for("what came since", counted(6))?;
    terminal.press("q")?;
    let (status, screen) = terminal.end()?;
    ensure!(status.success(), "{status}: {screen}");
    Ok(())
}
