//! The way of a packet through this host, stage by stage.
//!
//! Comes in: one snapshot of the kernel's counters and settings, or two. Goes
//! out: the stages of the catalogue with what was counted and what is set at
//! each, and what the rules find wrong.

mod apply;
pub mod finding;
mod place;
mod reach;
mod readings;
mod rules;
pub(crate) mod step;
mod values;

use std::{path::PathBuf, time::Duration};

use self::readings::readings;
pub use self::{finding::Finding, reach::Reach};
use crate::{
    drops::stage::Stage,
    host::counters::{Counter, Kind, Snapshot, Unread, Wanted, sockets::Socket, tunables::Tunable},
    reconcile::Reconciliation,
};

/// What is known of a packet's way.
#[derive(Debug)]
pub struct Journey {
    /// The network namespace.
    pub netns: u32,
    /// Time between two snapshots; `None` since boot.
    pub interval: Option<Duration>,
    /// Devices of the namespace.
    pub devices: usize,
    /// Seconds since boot.
    pub uptime: Option<u64>,
    /// Receiving, then sending, in path order.
    pub stages: Vec<At>,
    /// Numbers that belong to no stage.
    pub other: Vec<Reading>,
    /// Listeners, and sockets that dropped something.
    pub sockets: Vec<Socket>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// The counters of loss against drops, where those were traced.
    pub reconciliation: Option<Reconciliation>,
}

/// A stage on this host.
#[derive(Debug)]
pub struct At {
    /// Which.
    pub stage: Stage,
    /// What was counted.
    pub counters: Vec<Reading>,
    /// What is set.
    pub tunables: Vec<Tunable>,
}

impl At {
    /// Does a counter of this stage tell of what passes, rather than of what may
    /// be lost?
    #[must_use]
    pub fn is_traffic(&self, counter: &Counter) -> bool {
        place::is_beside(self.stage, &counter.name)
    }
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// As it stands now.
    pub counter: Counter,
    /// What was counted in the interval; `None` without one, for quantities, and
    /// where it cannot be known.
    pub delta: Option<u64>,
}

impl Reading {
    /// What happened: in the interval, or since boot. `None` where it is not
    /// known.
    #[must_use]
    pub fn happened(&self, interval: bool) -> Option<u64> {
        if interval && self.counter.kind != Kind::Gauge {
            self.delta
        } else {
            Some(self.counter.value)
        }
    }
}

/// What the journey needs of a snapshot; `host` as in [`Wanted`].
#[must_use]
pub fn wanted(host: Option<(u32, PathBuf)>) -> Wanted<'static> {
    Wanted {
        tunables: place::settings(),
        drivers: true,
        sockets: true,
        brief: false,
        host,
    }
}

impl Journey {
    /// Puts a snapshot in order; `before` is one taken earlier in the same
    /// namespace. Commands that are proposed go by `reach`.
    #[must_use]
    pub fn of(now: &Snapshot, before: Option<&Snapshot>, reach: &Reach) -> Self {
        let interval = before.map(|before| now.taken.duration_since(before.taken));
        let readings = readings(now, before);
        let mut stages = Vec::new();
        let mut placed = vec![false; readings.len()];
        for stage in Stage::all().filter(|stage| stage.info().path != "side") {
            let place = place::Place::of(stage);
            let mut counters = Vec::new();
            for (reading, placed) in readings.iter().zip(&mut placed) {
                if place.has_counter(&reading.counter) {
                    *placed = true;
                    counters.push(reading.clone());
                }
            }
            let tunables = now.tunables.iter();
            stages.push(At {
                stage,
                counters,
                tunables: tunables
                    .filter(|tunable| place.has_setting(&tunable.name))
                    .cloned()
                    .collect(),
            });
        }
        let findings = finding::all(now, &readings, interval.is_some(), reach);
        let other = readings
            .into_iter()
            .zip(placed)
            .filter_map(|(reading, placed)| (!placed).then_some(reading));
        Self {
            netns: now.netns,
            interval,
            devices: now.links.len(),
            uptime: now.uptime,
            stages,
            other: other.collect(),
            sockets: now.sockets.clone(),
            findings,
            unread: now.unread.clone(),
            reconciliation: None,
        }
    }
}

#[cfg(test)]
mod tests;
