//! What a process uses, by procfs.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};

/// CPU time of all its threads, in seconds.
///
/// From schedstat (kernel/sched), which counts nanoseconds; the ticks of `stat` miss what is
/// shorter than 10 ms.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/task");
    let tasks = fs::read_dir(&path).with_context(|| format!("cannot list {path}"))?;
    let nanoseconds: u64 = tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| on_cpu(&text))
        .sum();
    Ok(Duration::from_nanos(nanoseconds).as_secs_f64())
}

/// The first of three numbers: time on the CPU, time waiting for it, slices.
fn on_cpu(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

/// Memory it has resident, in bytes.
pub(crate) struct Resident {
    pub(crate) now: u64,
    /// The most it ever had.
    pub(crate) peak: u64,
}

pub(crate) fn resident(pid: u32) -> Result<Resident> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let bytes = |name| {
        field(&text, name)
            .map(|kilobytes| kilobytes * 1024)
            .with_context(|| format!("no {name} in {path}"))
    };
    Ok(Resident {
        now: bytes("VmRSS:")?,
        peak: bytes("VmHWM:")?,
    })
}

/// The ids of the programs it holds, or links to.
pub(crate) fn program_ids(pid: u32) -> Result<Vec<u64>> {
    let mut ids: Vec<_> = descriptors(pid)?
        .iter()
        .filter_map(|text| field(text, "prog_id:"))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn descriptors(pid: u32) -> Result<Vec<String>> {
    let path = format!("/proc/{pid}/fdinfo");
    let directory = fs::read_dir(&path).with_context(|| format!("cannot list {path}"))?;
    Ok(directory
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .collect())
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        line.strip_prefix(name)?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_on_the_cpu_comes_first() {
        assert_eq!(on_cpu("1234567 89 10\n"), Some(1_234_567));
    }

    #[test]
    fn fields_are_read_by_name() {
        let text = "pos:\t0\nmap_id:\t17\nmemlock:\t4096\n";
        assert_eq!(field(text, "map_id:"), Some(17));
        assert_eq!(field(text, "prog_id:"), None);
    }
}
