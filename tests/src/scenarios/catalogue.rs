//! The catalogue against the running kernel.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::explain::objects;
use crate::{
    bench::Bench,
    scenario::{Scenario, cannot},
};

pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "the_catalogue_knows_every_reason_of_this_kernel",
    about: "the names in tracefs against explain and doctor",
    run: the_catalogue_knows_every_reason_of_this_kernel,
}];

/// tracefs prints core reasons only, and as the kernel was built, so it is a
/// witness that netdrop does not read.
fn the_catalogue_knows_every_reason_of_this_kernel(bench: &Bench) -> Result<()> {
    let mut reasons = bench.kernel.format.reasons.clone();
    // Marks the end of the list.
    reasons.retain(|_, name| name != "MAX");
    if reasons.is_empty() {
        return cannot("this kernel gives no reasons");
    }
    let names: Vec<&str> = reasons.values().map(String::as_str).collect();
    let told = objects(bench.binary()?, &names)?;
    let missing: Vec<&str> = told
        .iter()
        .filter(|object| object["kind"] == "reason" && object["catalogued"] != true)
        .filter_map(|object| object["name"].as_str())
        .collect();
    ensure!(
        missing.is_empty(),
        "not in the catalogue: {}",
        missing.join(", ")
    );
    for (number, name) in &reasons {
        let told = told
            .iter()
            .find(|object| object["kind"] == "reason" && object["name"] == name.as_str())
            .with_context(|| format!("nothing is said of {name}"))?;
        ensure!(
            told["kernel"]["number"] == *number,
            "{name} is {number}, but {}",
            told["kernel"]
        );
        ensure!(!told["stage"].is_null(), "{name} has no stage");
    }
    doctor_agrees(bench, names.len())
}

fn doctor_agrees(bench: &Bench, least: usize) -> Result<()> {
    let output = Command::new(bench.binary()?)
        .args(["doctor", "--format", "json"])
        .output()?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let check = report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|check| check["name"] == "catalogue")
        .context("doctor has no check of the catalogue")?;
    ensure!(check["status"] == "ok", "{check}");
    // Reasons of subsystems come on top.
    let known = check["detail"]
        .as_str()
        .and_then(|detail| detail.split(' ').next())
        .and_then(|known| known.parse().ok());
    ensure!(
        known.is_some_and(|known: usize| known >= least),
        "less than {least} reasons: {check}"
    );
    Ok(())
}
