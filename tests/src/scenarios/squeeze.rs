//! A CPU that does not keep up with its rings.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    bench::Bench,
    case::{BY, report, watch},
    lab::{A, B, GlobalSysctl, Pair},
    netdrop::identity::{self, Allow},
    scenario::Scenario,
    sender::{self, Datagrams},
};

pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "full_polls_are_told_by_cpu_and_instance",
    about: "a backlog that may take one packet a poll, and softirqs of one packet",
    run: full_polls_are_told_by_cpu_and_instance,
}];

/// Packets for the first and for the last CPU.
const SHARES: [u64; 2] = [300, 100];

/// Something counted by CPU.
type ByCpu = BTreeMap<u64, u64>;

/// `napi:napi_poll` in a trace instance of its own. Removed when dropped.
struct Polls(PathBuf);

impl Polls {
    fn start(name: &str) -> Result<Self> {
        let path = Path::new("/sys/kernel/tracing/instances")
            .join(format!("netdrop-tests-{}-{name}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let polls = Self(path);
        let Self(path) = &polls;
        fs::write(path.join("buffer_size_kb"), "4096")?;
        fs::write(
            path.join("events/napi/napi_poll/filter"),
            "budget > 0 && work > 0",
        )?;
        fs::write(path.join("events/napi/napi_poll/enable"), "1")?;
        Ok(polls)
    }

    /// Ends the trace; full polls of instances without a device, by CPU.
    fn full(self) -> Result<ByCpu> {
        let Self(path) = &self;
        fs::write(path.join("events/napi/napi_poll/enable"), "0")?;
        let mut full = ByCpu::new();
        for entry in fs::read_dir(path.join("per_cpu"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let cpu: u64 = name.trim_start_matches("cpu").parse()?;
            let stats = fs::read_to_string(entry.path().join("stats"))?;
            ensure!(
                stats.lines().any(|line| line == "overrun: 0"),
                "witness: the trace ring lost events"
            );
            let trace = fs::read_to_string(entry.path().join("trace"))?;
            let count = trace.lines().filter(|line| is_full(line)).count();
            full.insert(cpu, count as u64);
        }
        Ok(full)
    }
}

impl Drop for Polls {
    fn drop(&mut self) {
        let Self(path) = self;
        if let Err(error) = fs::remove_dir(&*path) {
            eprintln!("cannot remove {}: {error}", path.display());
        }
    }
}

/// `… for device (no_device) work 1 budget 1`
fn is_full(line: &str) -> bool {
    let Some((_, rest)) = line.split_once(" for device (no_device) work ") else {
        return false;
    };
    rest.split_once(" budget ")
        .is_some_and(|(work, budget)| work == budget.trim())
}

/// `time_squeeze` of `/proc/net/softnet_stat`.
fn squeezed() -> Result<ByCpu> {
    let text = fs::read_to_string("/proc/net/softnet_stat")?;
    text.lines()
        .map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let number = |column: usize| -> Result<u64> {
                let text = columns.get(column).context("too few columns")?;
                Ok(u64::from_str_radix(text, 16)?)
            };
            Ok((number(12)?, number(2)?))
        })
        .collect()
}

fn delta(after: &ByCpu, before: &ByCpu) -> ByCpu {
    let moved = |(cpu, now): (&u64, &u64)| (*cpu, now - before.get(cpu).unwrap_or(now));
    after.iter().map(moved).collect()
}

fn flood(lab: &Pair) -> Result<()> {
    let last = thread::available_parallelism()?.get() - 1;
    for (cpu, times) in [0, last].into_iter().zip(SHARES) {
        lab.a.inside(|| {
            sender::pin_to(cpu)?;
            let sent =
                Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, times).send_here()?;
            ensure!(sent == times, "{sent} of {times} datagrams were sent");
            Ok(())
        })?;
    }
    thread::sleep(Duration::from_millis(200));
    Ok(())
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn entries(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Every full poll is told, in every interval.
fn add_up(traffic: &Value) -> Option<String> {
    let told: u64 = entries(&traffic["squeeze"])
        .map(|instance| number(&instance["polls_full"]))
        .sum();
    let cut: u64 = entries(&traffic["time_squeeze_cpus"])
        .map(|cpu| number(&cpu["time_squeeze"]))
        .sum();
    let adds_up = told + number(&traffic["squeeze_other"]) == number(&traffic["napi_full"])
        && cut == number(&traffic["time_squeeze"]);
    (!adds_up).then(|| format!("does not add up: {traffic}"))
}

fn by_cpu<'a>(list: impl Iterator<Item = &'a Value>, count: &str) -> ByCpu {
    let mut sums = ByCpu::new();
    for entry in list {
        *sums.entry(number(&entry["cpu"])).or_default() += number(&entry[count]);
    }
    sums
}

/// Complains of CPUs whose count is not between what was surely and what was
/// perhaps in netdrop's time.
fn between(what: &str, least: &ByCpu, told: &ByCpu, most: &ByCpu) -> Vec<String> {
    let complaints = most.iter().filter_map(|(cpu, most)| {
        let [least, told] = [least, told].map(|map| map.get(cpu).copied().unwrap_or_default());
        (told < least || told > *most)
            .then(|| format!("{told} {what} on CPU {cpu}, not {least} to {most}"))
    });
    complaints.collect()
}

fn full_polls_are_told_by_cpu_and_instance(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _weight = GlobalSysctl::set("net.core.dev_weight", "1")?;
    let _budget = GlobalSysctl::set("net.core.netdev_budget", "1")?;
    // A backlog learns its new weight in its next poll.
    flood(&lab)?;
    let (outer, outer_before) = (Polls::start("outer")?, squeezed()?);
    let netdrop = bench.start(&watch("200ms"))?;
    let (inner, inner_before) = (Polls::start("inner")?, squeezed()?);
    flood(&lab)?;
    let (inner, inner_after) = (inner.full()?, squeezed()?);
    let last = thread::available_parallelism()?.get() as u64 - 1;
    for (cpu, share) in [0, last].into_iter().zip(SHARES) {
        let share = if last == 0 {
            SHARES.iter().sum()
        } else {
            share
        };
        let full = inner.get(&cpu).copied().unwrap_or_default();
        ensure!(
            full >= share,
            "witness: {full} full polls on CPU {cpu}, not {share} or more"
        );
    }
    let Some(mut netdrop) = netdrop else {
        return Ok(());
    };
    netdrop.signal(Signal::SIGINT)?;
    let ended = netdrop.wait()?;
    let (outer, outer_after) = (outer.full()?, squeezed()?);
    let lines = ended
        .lines
        .iter()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect::<Result<Vec<Value>>>()?;
    let traffic: Vec<&Value> = lines
        .iter()
        .map(|line| &line["traffic"])
        .filter(|traffic| traffic.is_object())
        .collect();
    let mut complaints = identity::complaints(&ended.run()?, BY, Allow::default());
    complaints.extend(traffic.iter().filter_map(|traffic| add_up(traffic)));
    let summary = traffic.last().context("no summary")?;
    let backlogs = entries(&summary["squeeze"]).filter(|instance| {
        instance["device"] == "backlog"
            && instance["poll"] == "process_backlog"
            && instance["ifindex"].is_null()
    });
    let told = by_cpu(backlogs, "polls_full");
    complaints.extend(between("full polls", &inner, &told, &outer));
    complaints.extend(between(
        "softirqs cut short",
        &delta(&inner_after, &inner_before),
        &by_cpu(entries(&summary["time_squeeze_cpus"]), "time_squeeze"),
        &delta(&outer_after, &outer_before),
    ));
    if number(&summary["time_squeeze"]) < SHARES.iter().sum() {
        complaints.push(format!("too few softirqs cut short: {summary}"));
    }
    report(&complaints)
}

#[cfg(test)]
mod tests {
    use super::is_full;

    #[test]
    fn a_poll_is_full_when_it_used_its_weight() {
        let line = "x-1 [000] ..s1. 1.0: napi_poll: napi poll on napi struct 00ab for device";
        assert!(is_full(&format!("{line} (no_device) work 8 budget 8")));
        assert!(!is_full(&format!("{line} (no_device) work 7 budget 8")));
        assert!(!is_full(&format!("{line} eth0 work 8 budget 8")));
    }
}
