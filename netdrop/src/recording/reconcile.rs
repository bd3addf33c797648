//! The counters in a recording against the drops in it.

use std::{io::Read, time::Duration};

use super::{
    read::{Interval, Recording},
    write::HostCounter,
};
use crate::reconcile::{Number, Reconciler};

/// Scope and name of the number that tells which network namespace the counters
/// are of.
pub const NETNS: (&str, &str) = ("netns", "netns.inode");
/// Scope and name of the time in nanoseconds between the counters and the drops.
pub const SKEW: (&str, &str) = ("netdrop", "counters.skew");

impl<R: Read> Recording<R> {
    /// Something that holds the counters against the drops, from the start on.
    /// `None` where that is not possible: drops that were left out explain nothing.
    #[must_use]
    pub fn reconciler(&self) -> Option<Reconciler> {
        if self.header().filter.is_some() || self.filter().is_some() {
            return None;
        }
        let netns = value(&self.counters, NETNS)?;
        let mut reconciler = Reconciler::new(u32::try_from(netns).ok()?);
        reconciler.numbers(numbers(&self.counters), skew(&self.counters));
        Some(reconciler)
    }

    /// Adds an interval.
    pub fn reconcile(&mut self, interval: &Interval, reconciler: &mut Reconciler) {
        reconciler.drops(&interval.snapshot, &mut self.names);
        reconciler.numbers(numbers(&interval.counters), skew(&interval.counters));
    }
}

fn value(counters: &[HostCounter], (scope, name): (&str, &str)) -> Option<u64> {
    let mut counters = counters.iter();
    counters
        .find(|counter| (&*counter.scope, &*counter.name) == (scope, name))?
        .value
}

fn skew(counters: &[HostCounter]) -> Option<Duration> {
    value(counters, SKEW).map(Duration::from_nanos)
}

fn numbers(counters: &[HostCounter]) -> impl Iterator<Item = Number<'_>> {
    counters.iter().filter_map(|counter| {
        Some(Number {
            scope: &counter.scope,
            name: &counter.name,
            value: counter.value?,
        })
    })
}
