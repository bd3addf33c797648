//! Drops that are traced beside counters which somebody else reads.

use std::time::Instant;

use super::{fault, resolve::Resolver, session};
use crate::{
    host::counters::Snapshot as Counters,
    kernel::capture::{Capture, CaptureConfig, Emit, Keep},
    output::escape::escape,
    reconcile::{Number, Reconciler, Reconciliation},
};

/// Room for the hints of an interval.
const RING_BYTES: u32 = 64 * 1024;

/// A capture, and what holds its drops against counters.
pub(super) struct Tracer {
    capture: Capture,
    names: Resolver,
    reconciler: Reconciler,
}

impl Tracer {
    /// Attaches; counters of this network namespace will be read.
    pub(super) fn start(netns: u32) -> anyhow::Result<Self> {
        let config = CaptureConfig {
            flows: None,
            emit: Emit::Hints,
            stack: false,
            headers: false,
            stacks: None,
            lite: true,
            histograms: false,
            ring_bytes: RING_BYTES,
            rules: crate::cli::filter::rules(None),
            // Counters of sockets and drivers are still to be read.
            keep: Keep::ToLoad,
        };
        let (capture, names) = session::capture(&config)?;
        for warning in capture.warnings() {
            fault::say(&format!("warning: {}", escape(warning)));
        }
        Ok(Self {
            capture,
            names,
            reconciler: Reconciler::new(netns),
        })
    }

    /// The counters at the start.
    pub(super) fn first(&mut self, counters: &Counters) {
        let end = counters.taken + counters.skew;
        let skew = end.saturating_duration_since(self.capture.since());
        read(&mut self.reconciler, counters, skew);
    }

    /// The counters at the end of an interval, which ends for the drops now.
    pub(super) fn interval(&mut self, counters: &Counters) -> anyhow::Result<Reconciliation> {
        let mut drops = self.capture.collect()?;
        let end: Instant = self.capture.since();
        let stacks = self.names.stacks();
        stacks.learn(std::mem::take(&mut drops.stacks));
        for hint in self.capture.events(usize::MAX)? {
            stacks.learn_hint(&hint);
        }
        self.names.learn_qdiscs(std::mem::take(&mut drops.qdiscs));
        self.reconciler.drops(&drops, &mut self.names);
        let skew = end.saturating_duration_since(counters.taken);
        read(&mut self.reconciler, counters, skew);
        if let Some(warning) = self.names.refresh() {
            fault::say(&format!("warning: {}", escape(&warning)));
        }
        Ok(self.reconciler.interval())
    }
}

fn read(reconciler: &mut Reconciler, counters: &Counters, skew: std::time::Duration) {
    let flat = counters.flat();
    let scopes: Vec<String> = flat
        .iter()
        .map(|counter| counter.scope.to_string())
        .collect();
    let numbers = flat.iter().zip(&scopes).map(|(counter, scope)| Number {
        scope,
        name: &counter.name,
        value: counter.value,
    });
    reconciler.numbers(numbers, Some(skew));
}
