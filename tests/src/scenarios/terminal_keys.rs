//! What keys and the mouse do in the interface of `netdrop watch`: recordings,
//! last packets, the clipboard.

use std::{env, fs, path::Path, process};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::terminal::{drop_some, has_line, start};
use crate::{
    bench::Bench,
    lab::{B, Pair},
    scenario::Scenario,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "the_terminal_records",
        about: "recordings from inside: exact from key to key and to the end, nothing overwritten",
        run: the_terminal_records,
    },
    Scenario {
        name: "the_terminal_takes_the_mouse",
        about: "clicks while it is on, nothing of it while it is off; packets and commands of a flow",
        run: the_terminal_takes_the_mouse,
    },
];

/// Drops of a recording, and why it ended.
fn recorded(bench: &Bench, file: &Path) -> Result<(u64, String)> {
    let output = process::Command::new(bench.binary()?)
        .arg("report")
        .arg(file)
        .args(["--severity", "all", "--format", "json"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "report: {errors}");
    let page: Value = serde_json::from_str(text.lines().next().unwrap_or_default())?;
    let drops = &page["summary"]["totals"]["drops"];
    let end = page["recording"]["ended"]["why"]
        .as_str()
        .unwrap_or_default();
    let drops = drops
        .as_u64()
        .with_context(|| format!("no drops: {text}"))?;
    Ok((drops, end.to_owned()))
}

/// Single drops in a recording, with the packet's headers.
fn single_drops(bench: &Bench, file: &Path) -> Result<usize> {
    let output = process::Command::new(bench.binary()?)
        .arg("export")
        .arg(file)
        .args(["--to", "json", "--events", "--output", "-"])
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "export: {errors}");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let drops = lines.filter(|line: &Value| line["type"] == "drop" && line["headers"].is_string());
    Ok(drops.count())
}

fn the_terminal_records(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let file = env::temp_dir().join(format!("netdrop-lab-terminal-{}.ndr", process::id()));
    let outcome = record(bench, &lab, &file);
    let _ = fs::remove_file(&file);
    outcome
}

fn record(bench: &Bench, lab: &Pair, file: &Path) -> Result<()> {
    let name = file.display();
    let mut terminal = start(bench, lab, &[])?;
    drop_some(lab, 9, 20)?;
    terminal.press("r")?;
    terminal.wait_for("question", |screen| {
        screen.contains("record into: netdrop-")
    })?;
    // What is counted before the name is given is not in it.
    terminal.press(&format!("\x15{name}\r"))?;
    terminal.wait_for("recording", |screen| has_line(screen, &["REC", " 0 drops"]))?;
    drop_some(lab, 9, 37)?;
    terminal.wait_for("drops of the recording", |screen| {
        has_line(screen, &["REC", " 37 drops"]) && screen.contains("total 57")
    })?;
    terminal.press("r")?;
    terminal.wait_for("end of the recording", |screen| {
        screen.contains("recorded 37 drops") && !screen.contains("REC ")
    })?;
    drop_some(lab, 9, 5)?;
    terminal.wait_for("total", |screen| screen.contains("total 62"))?;
    let (drops, end) = recorded(bench, file)?;
    ensure!(drops == 37 && end == "key", "{drops} drops, ended by {end}");
    let single = single_drops(bench, file)?;
    ensure!((1..=37).contains(&single), "{single} single drops of 37");

    // The same name again: asked, refused, asked, agreed.
    let before = fs::read(file)?;
    terminal.press(&format!("r\x15{name}\r"))?;
    terminal.wait_for("question", |screen| screen.contains("Enter overwrites it"))?;
    terminal.press("\x1b")?;
    terminal.wait_for("path", |screen| {
        screen.contains("RX from wire") && !screen.contains("exists")
    })?;
    ensure!(fs::read(file)? == before, "overwritten unasked");
    terminal.press(&format!("r\x15{name}\r"))?;
    terminal.wait_for("question", |screen| screen.contains("Enter overwrites it"))?;
    terminal.press("\r")?;
    terminal.wait_for("recording", |screen| has_line(screen, &["REC", " 0 drops"]))?;
    drop_some(lab, 9, 11)?;
    terminal.wait_for("drops of the recording", |screen| {
        has_line(screen, &["REC", " 11 drops"])
    })?;
    // It ends with netdrop, with what came last.
    drop_some(lab, 9, 3)?;
    terminal.signal(Signal::SIGTERM)?;
    let (status, screen) = terminal.end()?;
    ensure!(
        status.success() && screen.contains("recorded 14 drops"),
        "{status}: {screen}"
    );
    let (drops, end) = recorded(bench, file)?;
    ensure!(
        drops == 14 && end == "signal",
        "{drops} drops, ended by {end}"
    );

    // Where it cannot be written, the question stays and says why.
    let mut terminal = start(bench, lab, &[])?;
    terminal.press("r\x15/no/such/folder/x.ndr\r")?;
    terminal.wait_for("reason", |screen| screen.contains("No such file"))?;
    terminal.press("\x15/dev/null\r")?;
    terminal.wait_for("reason", |screen| screen.contains("is no file"))?;
    terminal.press("\x1bq")?;
    Ok(())
}

fn the_terminal_takes_the_mouse(bench: &Bench) -> Result<()> {
    const ON: &str = "\x1b[?1000h";
    const OFF: &str = "\x1b[?1000l";
    let lab = Pair::new()?;
    let mut terminal = start(bench, &lab, &[])?;
    drop_some(&lab, 9, 6)?;
    terminal.wait_for("total", |screen| screen.contains("total 6"))?;
    ensure!(terminal.times(ON) == 0, "the mouse was not asked for");
    terminal.press("m")?;
    terminal.wait_for("mouse", |screen| screen.contains("mouse on"))?;
    ensure!(terminal.times(ON) == 1, "the terminal was not told");
    // Left button down and up on `3 flows`.
    let click =
        |column: usize, row: usize| format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m");
    terminal.press(&click(22, 5))?;
    let end = format!("{}:9", B.v4);
    let screen = terminal.wait_for("flow", |screen| has_line(screen, &[" 6 ", &end]))?;
    let row = screen.lines().position(|line| line.contains(&end));
    let row = row.context("no row")? + 1;
    // The first row is chosen already: a click looks into it.
    terminal.press(&click(10, row))?;
    terminal.wait_for("last packets", |screen| {
        screen.contains("last packets") && has_line(screen, &["TIME", "LENGTH"])
    })?;
    ensure!(terminal.times("\x1b]52;c;") == 0, "a clipboard unasked");
    terminal.press("y")?;
    terminal.wait_for("command", |screen| screen.contains("copied"))?;
    ensure!(terminal.times("\x1b]52;c;") == 1, "no clipboard");
    terminal.press("m")?;
    terminal.wait_for("mouse", |screen| screen.contains("mouse off"))?;
    ensure!(terminal.times(OFF) == 1, "the terminal was not told");
    terminal.press("mq")?;
    let (status, screen) = terminal.end()?;
    ensure!(status.success(), "{status}: {screen}");
    ensure!(terminal.times(OFF) == 2, "the mouse was left on");
    let wrong = terminal.disorder()?;
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}
