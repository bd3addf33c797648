//! What `netdrop explain` says, to anybody.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::refusals::{PublicCopy, says};
use crate::{
    bench::Bench,
    lab::{A, B, Pair},
    netdrop::{Ended, Netdrop},
    scenario::Scenario,
    sender::Datagrams,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "explain_needs_no_privileges",
        about: "as nobody: a reason, a function and a stage, in any case and spelling",
        run: explain_needs_no_privileges,
    },
    Scenario {
        name: "explain_alone_is_the_map",
        about: "every stage once, receiving before sending, each with its reasons",
        run: explain_alone_is_the_map,
    },
    Scenario {
        name: "watch_explains_the_first_rows",
        about: "--explain: meaning and commands in the namespace of the drops, once",
        run: watch_explains_the_first_rows,
    },
];

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "trace_explains_the_first_drop_of_a_kind",
        about: "--explain: meaning and commands with the drop's own port, once",
        run: trace_explains_the_first_drop_of_a_kind,
    },
    Scenario {
        name: "explain_offers_what_was_meant",
        about: "an unknown name: exit 2 and the nearest name",
        run: |bench| {
            says(
                &explain(bench.binary()?, &["NETFILTER_DRPO"])?,
                2,
                &["NETFILTER_DRPO", "did you mean NETFILTER_DROP"],
            )
        },
    },
];

/// Datagrams of each burst.
const BURST: u64 = 20;

/// Drops again and again until netdrop has explained them, and returns all that
/// it printed.
fn explained(bench: &Bench, command: &str, lab: &Pair) -> Result<Vec<String>> {
    // A drop of the host's of the same kind would be explained instead.
    let arguments = format!("{command} --explain netns {}", lab.b.inode());
    let mut netdrop = Netdrop::start(bench.binary()?, &arguments)?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let sending = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, BURST).send(&lab.a)?;
                thread::sleep(Duration::from_millis(100));
            }
            anyhow::Ok(())
        });
        let wish = format!("$ ip netns exec {} ", lab.b.name());
        let found = netdrop.wait_for("explanation", |line| line.contains(&wish));
        done.store(true, Ordering::Relaxed);
        sending.join().map_err(|_| anyhow!("the sender died"))??;
        found
    })?;
    netdrop.signal(Signal::SIGINT)?;
    let Ended { status, lines, .. } = netdrop.wait()?;
    ensure!(status.success(), "{status}");
    Ok(lines)
}

/// What stands above the explanation of a datagram for a closed port.
fn heading(bench: &Bench) -> &'static str {
    if bench.kernel.has_reasons() {
        "  NO_SOCKET in rx_lookup (suspicious)"
    } else {
        "  no reason given, in rx_lookup (suspicious)"
    }
}

fn watch_explains_the_first_rows(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let lines = explained(bench, "watch --interval 200ms", &lab)?;
    let heading = heading(bench);
    let below = lines.iter().skip_while(|line| *line != heading);
    let commands = below
        .skip(1)
        .take_while(|line| line.starts_with("    "))
        .filter(|line| line.starts_with("    $ "))
        .count();
    ensure!(commands > 0, "no commands below {heading}: {lines:#?}");
    // Each block says it once: a block begins with its number of drops.
    for block in lines.split(|line| line.contains(" drops, ") || line.contains(" drop, ")) {
        let times = block.iter().filter(|line| *line == heading).count();
        ensure!(times <= 1, "{times} times in one block: {block:#?}");
    }
    Ok(())
}

fn trace_explains_the_first_drop_of_a_kind(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let lines = explained(bench, "trace", &lab)?;
    let heading = heading(bench);
    let times = lines.iter().filter(|line| *line == heading).count();
    let drops = lines.iter().filter(|line| line.contains(" > 10.")).count();
    ensure!(
        times == 1 && drops > 1,
        "{heading} stands {times} times among {drops} drops: {lines:#?}"
    );
    let own = lines
        .iter()
        .any(|line| line.starts_with("    $ ") && line.contains(":9"));
    ensure!(
        own || !bench.kernel.has_reasons(),
        "no command names the port: {lines:#?}"
    );
    Ok(())
}

const NOBODY: u32 = 65534;

/// Runs `netdrop explain` as nobody.
fn explain(binary: &Path, arguments: &[&str]) -> Result<Output> {
    let PublicCopy(path) = &PublicCopy::of(binary)?;
    Ok(Command::new(path)
        .arg("explain")
        .args(arguments)
        .stdin(Stdio::null())
        .current_dir("/")
        .gid(NOBODY)
        .uid(NOBODY)
        .output()?)
}

/// The lines of `netdrop explain --format json`.
pub(super) fn objects(binary: &Path, names: &[&str]) -> Result<Vec<Value>> {
    let arguments = [&["--format", "json"], names].concat();
    let output = explain(binary, &arguments)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {stderr}", output.status);
    ensure!(stderr.is_empty(), "standard error: {stderr}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

fn explain_needs_no_privileges(bench: &Bench) -> Result<()> {
    let names = [
        "skb_drop_reason_netfilter_drop",
        "TCP_V4_RCV.constprop.0",
        "Rx_Backlog",
    ];
    let found = objects(bench.binary()?, &names)?;
    let told: Vec<_> = found
        .iter()
        .map(|object| (object["kind"].as_str(), object["name"].as_str()))
        .collect();
    ensure!(
        told == [
            (Some("reason"), Some("NETFILTER_DROP")),
            (Some("function"), Some("tcp_v4_rcv")),
            (Some("stage"), Some("rx_backlog")),
        ],
        "{told:?}"
    );
    // What the kernel itself calls it.
    let number = bench
        .kernel
        .format
        .reasons
        .iter()
        .find_map(|(number, name)| (name == "NETFILTER_DROP").then_some(*number));
    let said = &found[0]["kernel"];
    ensure!(
        said["number"] == Value::from(number) && said["present"] == number.is_some(),
        "{said}, but the kernel's number is {number:?}"
    );
    Ok(())
}

fn explain_alone_is_the_map(bench: &Bench) -> Result<()> {
    let stages = objects(bench.binary()?, &[])?;
    let output = explain(bench.binary()?, &[])?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut before = 0;
    for path in ["rx", "tx", "side"] {
        let of_path: Vec<_> = stages
            .iter()
            .filter(|stage| stage["path"] == path)
            .collect();
        ensure!(!of_path.is_empty(), "no stage of {path}");
        for stage in of_path {
            let name = stage["name"].as_str().unwrap_or_default();
            let place = text.find(&format!("\n  {name} "));
            ensure!(
                place.is_some_and(|place| place >= before),
                "{name} is not in its place: {text}"
            );
            before = place.unwrap_or_default();
            for reason in stage["reasons"].as_array().into_iter().flatten() {
                let reason = reason.as_str().unwrap_or_default();
                ensure!(text[before..].contains(reason), "no {reason} below {name}");
            }
        }
    }
    ensure!(stages.len() > 40, "only {} stages", stages.len());
    Ok(())
}
