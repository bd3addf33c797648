//! `netdrop watch` on a terminal: real drops on a screen that is read back.

use std::{thread, time::Duration};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::{
    bench::Bench,
    case::report,
    lab::{A, B, Pair},
    scenario::Scenario,
    sender::Datagrams,
    terminal::Terminal,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "the_terminal_shows_reason_and_total",
        about: "stage, reason, flow and exact total in the views; keys, a resize, q",
        run: the_terminal_shows_reason_and_total,
    },
    Scenario {
        name: "the_terminal_tells_the_sides_of_netfilter_apart",
        about: "datagrams dropped in output and in input: each on its side of the path",
        run: the_terminal_tells_the_sides_of_netfilter_apart,
    },
    Scenario {
        name: "the_terminal_is_given_back",
        about: "SIGTERM, SIGINT and SIGQUIT, in the middle of a view and of the filter",
        run: the_terminal_is_given_back,
    },
    Scenario {
        name: "the_terminal_filters",
        about: "a filter with a mistake, corrected: totals from zero, exact again",
        run: the_terminal_filters,
    },
    Scenario {
        name: "the_terminal_is_quiet",
        about: "paused: nothing is drawn, everything is counted; no colours with NO_COLOR",
        run: the_terminal_is_quiet,
    },
];

pub(super) const SMALL: (u16, u16) = (24, 80);

/// Where UDP datagrams to a closed port die, as the rows of any kernel say it.
const FUNCTION: &str = "__udp4_lib_rcv";

pub(super) fn drop_some(lab: &Pair, port: u16, times: u64) -> Result<()> {
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), port), 1, times)
        .send(&lab.a)
        .map(drop)
}

/// A netdrop on a terminal that counts nothing but the lab's datagrams.
pub(super) fn start(bench: &Bench, lab: &Pair, variables: &[(&str, &str)]) -> Result<Terminal> {
    let arguments = format!(
        "watch --severity all --interval 200ms netns {} and udp",
        lab.b.name()
    );
    let mut terminal = Terminal::start(bench.binary()?, &arguments, SMALL, variables)?;
    terminal.wait_for("total", |screen| screen.contains("total 0"))?;
    Ok(terminal)
}

/// Is there a line with all of these?
pub(super) fn has_line(screen: &str, words: &[&str]) -> bool {
    screen
        .lines()
        .any(|line| words.iter().all(|word| line.contains(word)))
}

/// Is there a sequence that chooses a colour?
fn is_coloured(formatted: &str) -> bool {
    let sequences = formatted
        .split("\x1b[")
        .filter_map(|rest| rest.split_once('m'));
    let numbers = sequences.flat_map(|(numbers, _)| numbers.split(';'));
    numbers
        .filter_map(|number| number.parse::<u8>().ok())
        .any(|number| matches!(number, 30..=38 | 40..=48 | 90..=107))
}

fn the_terminal_tells_the_sides_of_netfilter_apart(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let chain = |hook, port| {
        format!(
            "add chain ip drops {hook} {{ type filter hook {hook} priority 0; }}\n\
             add rule ip drops {hook} udp dport {port} drop\n"
        )
    };
    lab.b.nft(&format!(
        "add table ip drops\n{}{}",
        chain("input", 9),
        chain("output", 10)
    ))?;
    let mut terminal = start(bench, &lab, &[])?;
    drop_some(&lab, 9, 37)?;
    Datagrams::new((B.v4.into(), 4000), (A.v4.into(), 10), 1, 23)
        .send(&lab.b)
        .map(drop)?;
    // The receiving side stands in the left columns, the sending side in the right.
    let side = |screen: &str, right: bool, drops: &str| {
        screen.lines().any(|line| {
            let skipped = if right { 52 } else { 0 };
            let half: String = line.chars().skip(skipped).take(52).collect();
            half.contains("netfilter") && half.split_whitespace().any(|word| word == drops)
        })
    };
    terminal.wait_for("both sides with their totals", |screen| {
        screen.contains("total 60") && side(screen, false, "37") && side(screen, true, "23")
    })?;
    // To the first stage of the sending side, and down to its netfilter.
    terminal.press("\x1b[C\x1b[C")?;
    terminal.wait_for("the sending side", |screen| side(screen, true, "23"))?;
    terminal.press("jjjj\r")?;
    terminal.wait_for("the drops of that side only", |screen| {
        screen.contains("Netfilter, on the way out") && screen.contains(" 23 drops in the run")
    })?;
    terminal.press("q")?;
    let (status, rest) = terminal.end()?;
    ensure!(status.success(), "{status}: {rest}");
    Ok(())
}

fn the_terminal_shows_reason_and_total(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut terminal = start(bench, &lab, &[])?;
    ensure!(terminal.is_apart(), "no alternate screen");
    drop_some(&lab, 9, 37)?;
    terminal.wait_for("stage with its total", |screen| {
        screen.contains("total 37") && has_line(screen, &["rx_lookup", " 37"])
    })?;
    terminal.press("2")?;
    let reason = if bench.kernel.has_reasons() {
        "NO_SOCKET"
    } else {
        FUNCTION
    };
    terminal.wait_for("reason with its total", |screen| {
        has_line(screen, &[" 37 ", reason]) && has_line(screen, &["TOTAL", "FUNCTION"])
    })?;
    // Other keys show the whole run at once.
    terminal.press("FD")?;
    terminal.wait_for("device with its total", |screen| {
        has_line(screen, &[" 37 ", B.device]) && !screen.contains("FUNCTION")
    })?;
    terminal.press("3")?;
    let (src, dst) = (format!("{}:4000", A.v4), format!("{}:9", B.v4));
    terminal.wait_for("flow with its total", |screen| {
        has_line(screen, &[" 37 ", &src, &dst])
    })?;
    terminal.press("\r")?;
    terminal.wait_for("packets of the flow", |screen| {
        screen.contains("37 drops in the run") && screen.contains("last packets")
    })?;
    terminal.press("\x1b[6~")?;
    terminal.wait_for("command about the flow", |screen| screen.contains("$ "))?;
    terminal.press("\x1b")?;
    terminal.wait_for("way back", |screen| has_line(screen, &["RETR", "DST"]))?;
    terminal.press("4")?;
    terminal.wait_for("CPU", |screen| has_line(screen, &["CPU", "squeeze"]))?;
    terminal.press("?")?;
    terminal.wait_for("help", |screen| screen.contains("this help"))?;
    terminal.press("\x1b")?;
    terminal.wait_for("way back", |screen| !screen.contains("this help"))?;
    terminal.press("1")?;
    terminal.wait_for("path", |screen| screen.contains("RX from wire"))?;
    terminal.resize(50, 160)?;
    terminal.wait_for("larger picture", |screen| {
        has_line(screen, &["rx_lookup", "Socket look-up", " 37"])
    })?;
    drop_some(&lab, 9, 5)?;
    terminal.wait_for("new total", |screen| screen.contains("total 42"))?;
    terminal.press("q")?;
    let (status, screen) = terminal.end()?;
    ensure!(status.success(), "{status}: {screen}");
    let mut complaints: Vec<String> = terminal
        .disorder()?
        .iter()
        .map(ToString::to_string)
        .collect();
    if !has_line(&screen, &["summary", "42 drops"]) || !has_line(&screen, &["42", "rx_lookup"]) {
        complaints.push(format!("no summary of 42 drops:\n{screen}"));
    }
    report(&complaints)
}

fn the_terminal_is_given_back(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut complaints = Vec::new();
    for (signal, keys) in [
        (Signal::SIGTERM, "2"),
        (Signal::SIGINT, "/udp"),
        (Signal::SIGTERM, "?"),
        (Signal::SIGQUIT, "3"),
    ] {
        let mut terminal = start(bench, &lab, &[])?;
        drop_some(&lab, 9, 11)?;
        terminal.wait_for("total", |screen| screen.contains("total 11"))?;
        terminal.press(keys)?;
        thread::sleep(Duration::from_millis(300));
        terminal.signal(signal)?;
        let (status, screen) = terminal.end()?;
        let wrong = terminal.disorder()?;
        complaints.extend(
            wrong
                .iter()
                .map(|wrong| format!("{signal}, {keys}: {wrong}")),
        );
        if !status.success() || !has_line(&screen, &["summary", "11 drops"]) {
            complaints.push(format!("{signal}, {keys}: {status}:\n{screen}"));
        }
    }
    report(&complaints)
}

fn the_terminal_filters(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut terminal = start(bench, &lab, &[])?;
    drop_some(&lab, 9, 20)?;
    terminal.wait_for("total", |screen| screen.contains("total 20"))?;
    terminal.press("/ and poort 53")?;
    terminal.press("\r")?;
    let screen = terminal.wait_for("refusal", |screen| screen.contains("`port`?"))?;
    let place = |text: &str| {
        let mut places = screen.lines().map(|line| line.find(text));
        places.find_map(|place| place)
    };
    ensure!(
        place("^^^^^") == place("poort") && place("poort").is_some(),
        "the mark is not below the mistake:\n{screen}"
    );
    terminal.press("\x1b[C\x1b[3~\r")?;
    terminal.wait_for("new filter", |screen| {
        has_line(screen, &["filter ", "port 53"]) && screen.contains("total 0")
    })?;
    drop_some(&lab, 9, 20)?;
    drop_some(&lab, 53, 6)?;
    terminal.wait_for("total of the filter", |screen| screen.contains("total 6 "))?;
    // A mistake that is given up changes nothing, and Ctrl-C there is no end.
    terminal.press("/ and\r")?;
    thread::sleep(Duration::from_millis(300));
    terminal.press("\x03")?;
    thread::sleep(Duration::from_millis(300));
    drop_some(&lab, 53, 1)?;
    terminal.wait_for("total of the filter", |screen| screen.contains("total 7 "))?;
    // The messages stand at the end of the help.
    terminal.press("?")?;
    terminal.wait_for("help", |screen| screen.contains("Esc close"))?;
    for _ in 0..3 {
        terminal.press("\x1b[6~")?;
        thread::sleep(Duration::from_millis(100));
    }
    terminal.wait_for("what is decided where", |screen| {
        screen.contains("filter, decided in the kernel: ") && screen.contains("port 53")
    })?;
    terminal.press("\x1b")?;
    thread::sleep(Duration::from_millis(300));
    terminal.press("q")?;
    let (status, screen) = terminal.end()?;
    ensure!(
        status.success() && has_line(&screen, &["summary", "7 drops"]),
        "{status}: {screen}"
    );
    Ok(())
}

fn the_terminal_is_quiet(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut terminal = start(bench, &lab, &[("NO_COLOR", "1")])?;
    drop_some(&lab, 9, 3)?;
    terminal.wait_for("total", |screen| screen.contains("total 3"))?;
    ensure!(
        !is_coloured(&terminal.formatted()),
        "colours in spite of NO_COLOR"
    );
    let mut other = start(bench, &lab, &[])?;
    ensure!(is_coloured(&other.formatted()), "no colours at all");
    drop(other);
    terminal.press(" ")?;
    terminal.wait_for("pause", |screen| screen.contains("PAUSED"))?;
    thread::sleep(Duration::from_millis(500));
    let before = terminal.bytes();
    drop_some(&lab, 9, 4)?;
    thread::sleep(Duration::from_secs(1));
    let drawn = terminal.bytes() - before;
    ensure!(drawn == 0, "{drawn} bytes drawn while paused");
    ensure!(
        terminal.screen().contains("total 3"),
        "a paused display that goes on"
    );
    terminal.press(" ")?;
    terminal.wait_for("everything counted", |screen| screen.contains("total 7"))?;
    terminal.press("\x03")?;
    let (status, screen) = terminal.end()?;
    ensure!(
        status.success() && has_line(&screen, &["summary", "7 drops"]),
        "{status}: {screen}"
    );
    Ok(())
}
