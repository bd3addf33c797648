//! What `netdrop path --format json` says.

use std::{
    cell::{Cell, RefCell},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{bench::Bench, lab::Namespace, netdrop::Netdrop};

/// One report.
pub(crate) struct Journey(pub(crate) Value);

impl Journey {
    /// What was counted since boot.
    pub(crate) fn since_boot(binary: &Path, namespace: &Namespace) -> Result<Self> {
        Self::of(binary, namespace.name())
    }

    /// The same of a namespace as `--netns` takes it.
    pub(crate) fn of(binary: &Path, namespace: &str) -> Result<Self> {
        let output = Command::new(binary)
            .args(["path", "--format", "json", "--netns", namespace])
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success() && stderr.is_empty(),
            "netdrop path: {stderr}"
        );
        Self::parse(&String::from_utf8_lossy(&output.stdout))
    }

    /// What was counted while something was done: the intervals from before it
    /// on, until one satisfies the wish. None before it may.
    pub(crate) fn during(
        bench: &Bench,
        namespace: &Namespace,
        act: impl FnOnce() -> Result<()>,
        wish: impl Fn(&Self) -> bool,
    ) -> Result<Self> {
        Self::during_noise(bench, namespace, act, wish, |early| {
            ensure!(
                !early,
                "found before anything was done, or done by somebody else"
            );
            Ok(())
        })
    }

    /// The same for what others on this host may do, too: told is whether the
    /// wish came true before anything was done.
    pub(crate) fn during_noise(
        bench: &Bench,
        namespace: &Namespace,
        act: impl FnOnce() -> Result<()>,
        wish: impl Fn(&Self) -> bool,
        before: impl FnOnce(bool) -> Result<()>,
    ) -> Result<Self> {
        let arguments = format!(
            "path --format json --netns {} --interval 1s --count 1000",
            namespace.name()
        );
        let mut netdrop = Netdrop::start(bench.binary()?, &arguments)?;
        // The second interval begins when the first is told.
        let early = Cell::new(false);
        netdrop.wait_for("first interval", |line| {
            early.set(Self::parse(line).is_ok_and(|journey| wish(&journey)));
            true
        })?;
        before(early.get())?;
        act()?;
        let found = RefCell::new(None);
        netdrop.wait_for("such an interval", |line| {
            let journey = Self::parse(line).ok().filter(|journey| wish(journey));
            journey.is_some_and(|journey| found.replace(Some(journey)).is_none())
        })?;
        found.into_inner().context("no interval")
    }

    pub(crate) fn parse(line: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(line.trim()).with_context(|| line.to_owned())?;
        ensure!(value["type"] == "path", "no path: {line}");
        Ok(Self(value))
    }

    /// Every number, those of stages and the others.
    pub(crate) fn counters(&self) -> impl Iterator<Item = &Value> {
        let Self(value) = self;
        let stages = list(&value["stages"]).flat_map(|stage| list(&stage["counters"]));
        stages.chain(list(&value["other_counters"]))
    }

    /// A number, or what it counted in the interval.
    pub(crate) fn number(&self, scope: &str, name: &str, field: &str) -> Option<u64> {
        self.counters()
            .find(|counter| counter["scope"] == scope && counter["name"] == name)?[field]
            .as_u64()
    }

    /// What a rule found, in the order of the report.
    pub(crate) fn findings<'a>(&'a self, rule: &'a str) -> impl Iterator<Item = &'a Value> {
        let Self(value) = self;
        list(&value["findings"]).filter(move |finding| finding["id"] == rule)
    }

    /// What was found at the namespace and what is in it. What the whole host
    /// shares, CPUs and tables, is others' business, too.
    pub(crate) fn found_here(&self) -> Vec<&Value> {
        let Self(value) = self;
        list(&value["findings"])
            .filter(|finding| {
                let scope = finding["scope"].as_str().unwrap_or_default();
                let id = finding["id"].as_str().unwrap_or_default();
                !scope.starts_with("cpu ") && !id.starts_with("neighbour_")
            })
            .collect()
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
