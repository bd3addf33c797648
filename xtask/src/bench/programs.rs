//! What the kernel measured of programs: runs and nanoseconds, while its statistics are on.

use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::process;
use crate::command;

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// The kernel's statistics, on while this lives, then as they were.
pub(crate) struct Statistics {
    before: String,
}

impl Statistics {
    /// Turns them on.
    pub(crate) fn enable() -> Result<Self> {
        let before = fs::read_to_string(SWITCH).with_context(|| format!("cannot read {SWITCH}"))?;
        fs::write(SWITCH, "1").with_context(|| format!("cannot write {SWITCH}"))?;
        Ok(Self { before })
    }
}

impl Drop for Statistics {
    fn drop(&mut self) {
        if let Err(error) = fs::write(SWITCH, self.before.trim()) {
            eprintln!("bench: cannot restore {SWITCH}: {error}");
        }
    }
}

/// One program's statistics.
#[derive(Debug, PartialEq)]
pub(crate) struct Stats {
    /// Who loaded it.
    pub(crate) observer: &'static str,
    /// Its name in the kernel.
    pub(crate) name: String,
    /// How often it ran.
    pub(crate) runs: u64,
    /// Nanoseconds a run, the statistics' own cost included.
    pub(crate) per_run: f64,
}

/// The statistics of the programs that `pid` holds and that ran.
pub(crate) fn of(pid: u32, observer: &'static str) -> Result<Vec<Stats>> {
    Ok(held_by(pid)?
        .iter()
        .filter_map(|program| read(program, observer))
        .collect())
}

/// The kernel memory of the maps that the programs of `pid` use, in bytes.
pub(crate) fn map_bytes(pid: u32) -> Result<u64> {
    let programs = held_by(pid)?;
    let ids: BTreeSet<_> = programs
        .iter()
        .filter_map(|program| program["map_ids"].as_array())
        .flatten()
        .filter_map(Value::as_u64)
        .collect();
    Ok(bpftool("map")?
        .iter()
        .filter(|map| map["id"].as_u64().is_some_and(|id| ids.contains(&id)))
        .filter_map(|map| map["bytes_memlock"].as_u64())
        .sum())
}

fn held_by(pid: u32) -> Result<Vec<Value>> {
    let ids = process::program_ids(pid)?;
    let mut programs = bpftool("prog")?;
    programs.retain(|program| program["id"].as_u64().is_some_and(|id| ids.contains(&id)));
    Ok(programs)
}

fn bpftool(object: &str) -> Result<Vec<Value>> {
    let mut bpftool = command::installed("bpftool")?;
    let text = command::capture(bpftool.args([object, "show", "-j"]), "bpftool needs root")?;
    serde_json::from_str(&text).context("bpftool printed no JSON list")
}

fn read(program: &Value, observer: &'static str) -> Option<Stats> {
    let runs = program["run_cnt"].as_u64().filter(|runs| *runs > 0)?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let per_run = program["run_time_ns"].as_u64()? as f64 / runs as f64;
    Some(Stats {
        observer,
        name: program["name"].as_str().unwrap_or("?").to_owned(),
        runs,
        per_run,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_shared_out_among_the_runs() {
        let program = serde_json::json!({"name": "kfree_skb", "run_cnt": 4, "run_time_ns": 480});
        let stats = read(&program, "x").unwrap();
        assert!((stats.per_run - 120.0).abs() < 1e-9);
    }

    #[test]
    fn a_program_that_never_ran_has_no_statistics() {
        assert_eq!(read(&serde_json::json!({"name": "napi_poll"}), "x"), None);
    }
}
