//! What a process uses, by procfs.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result};

/// CPU time in user space and in system calls, in seconds.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let ticks = ticks(&text).with_context(|| format!("cannot understand {path}"))?;
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)
        .context("cannot read the clock's ticks")?
        .and_then(|it| u32::try_from(it).ok())
        .unwrap_or(100);
    Ok(f64::from(ticks) / f64::from(per_second))
}

/// utime + stime: fields 14 and 15, counted behind the command's closing bracket.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The most memory it had resident, in bytes.
pub(crate) fn peak_resident(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kilobytes = field(&text, "VmHWM:").with_context(|| format!("no VmHWM in {path}"))?;
    Ok(kilobytes * 1024)
}

/// The kernel memory of the maps it holds, in bytes.
pub(crate) fn map_bytes(pid: u32) -> Result<u64> {
    let maps: BTreeMap<_, _> = descriptors(pid)?
        .iter()
        .filter_map(|text| Some((field(text, "map_id:")?, field(text, "memlock:")?)))
        .collect();
    Ok(maps.values().sum())
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
    fn cpu_time_is_read_behind_an_odd_command_name() {
        let stat = "42 (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 7 5 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Some(12));
    }

    #[test]
    fn fields_are_read_by_name() {
        let text = "pos:\t0\nmap_id:\t17\nmemlock:\t4096\n";
        assert_eq!(field(text, "map_id:"), Some(17));
        assert_eq!(field(text, "prog_id:"), None);
    }
}
