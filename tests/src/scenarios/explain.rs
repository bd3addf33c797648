//! What `netdrop explain` says, to anybody.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::refusals::{PublicCopy, says};
use crate::{bench::Bench, scenario::Scenario};

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
