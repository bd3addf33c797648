//! The BPF programs and maps of one netdrop, and whether they are gone.

use std::{
    collections::BTreeSet,
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use super::Netdrop;
use crate::sys::{Object, bpf_ids};

/// Programs and maps by id.
pub(crate) type Objects = BTreeSet<(Object, u32)>;

/// What a running netdrop holds, as its descriptors tell.
pub(crate) fn held_by(netdrop: &Netdrop) -> Result<Objects> {
    held(&netdrop.pid().to_string())
}

fn held(pid: &str) -> Result<Objects> {
    let mut objects = Objects::new();
    for descriptor in fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
        let Ok(info) = fs::read_to_string(descriptor?.path()) else {
            continue;
        };
        for line in info.lines() {
            let object = match line.split_once(':') {
                Some(("prog_id", id)) => (Object::Program, id),
                Some(("map_id", id)) => (Object::Map, id),
                _ => continue,
            };
            objects.insert((object.0, object.1.trim().parse()?));
        }
    }
    Ok(objects)
}

/// Everything loaded on the host.
pub(crate) fn loaded() -> Result<Objects> {
    let of = |object| -> Result<Vec<(Object, u32)>> {
        Ok(bpf_ids(object)?
            .into_iter()
            .map(|id| (object, id))
            .collect())
    };
    Ok(of(Object::Program)?
        .into_iter()
        .chain(of(Object::Map)?)
        .collect())
}

/// Waits a bounded time until none of these objects is left: the kernel frees
/// them a grace period after the last descriptor.
pub(crate) fn wait_gone(objects: &Objects) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let left: Objects = loaded()?.intersection(objects).copied().collect();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("left behind in the kernel: {left:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}
