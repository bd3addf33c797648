//! The kernel's counters beside the path. They are read while somebody looks at
//! them, or all the time with `--reconcile`; what drops explain is counted from
//! their first reading on.

use std::time::Instant;

use jiff::Timestamp;

use crate::{
    cli::counters::{Before, Counters},
    kernel::snapshot::Snapshot,
    reconcile::Reconciliation,
    tally::names::Names,
    tui::state::compared::Compared,
};

/// Counters, and what became of them.
#[derive(Debug)]
pub(super) struct Comparison {
    counters: Option<Counters>,
    /// `--reconcile`: all the time, and in the summary.
    pub(super) always: bool,
    since: Option<Timestamp>,
    /// Were they read when the last interval ended?
    fresh: bool,
}

impl Comparison {
    /// Nothing is read yet. `counters` are those of `--reconcile`; without it,
    /// somebody may ask for them later. Tells why that will not do, if so. Call it
    /// before capabilities are given up.
    pub(super) fn prepare(counters: Option<Counters>) -> (Self, Option<String>) {
        let always = counters.is_some();
        let (counters, why_not) = match counters.map_or_else(|| Counters::start(None), Ok) {
            Ok(counters) => (Some(counters), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let new = Self {
            counters,
            always,
            since: None,
            fresh: false,
        };
        (new, why_not)
    }

    /// Begins with the interval that began at `begun`.
    pub(super) fn begin(&mut self, begun: Instant, time: Timestamp) {
        if let Some(counters) = &mut self.counters {
            counters.again(begun, self.always);
            (self.since, self.fresh) = (Some(time), true);
        }
    }

    /// Has it begun?
    pub(super) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// Other drops are counted from now on.
    pub(super) fn forget(&mut self) {
        self.since = None;
    }

    /// Reads the counters just before an interval ends, if that is wanted.
    pub(super) fn before_end(&mut self, wanted: bool) -> Option<Before> {
        self.since.filter(|_| wanted)?;
        self.counters.as_mut()?.before_end()
    }

    /// Adds an interval that ended at `end`. Returns what there is to be seen, if
    /// that is something new.
    pub(super) fn interval(
        &mut self,
        before: Option<Before>,
        end: Instant,
        drops: &Snapshot,
        names: &mut dyn Names,
    ) -> Option<Compared> {
        self.since?;
        let was_fresh = std::mem::replace(&mut self.fresh, before.is_some());
        let counters = self.counters.as_mut()?;
        let now = counters.interval(before, end, drops, names)?;
        self.compared(was_fresh.then_some(now), names)
    }

    /// What there is to be seen when it has just begun.
    pub(super) fn nothing(&self, names: &mut dyn Names) -> Option<Compared> {
        self.compared(Some(Reconciliation::default()), names)
    }

    fn compared(&self, now: Option<Reconciliation>, names: &mut dyn Names) -> Option<Compared> {
        let (since, counters) = (self.since?, self.counters.as_ref()?);
        let netns = counters.netns();
        let name = names.netns_name(netns);
        Some(Compared {
            since,
            netns: name.map_or_else(|| format!("netns {netns}"), |name| name.name.to_string()),
            run: counters.so_far(),
            now,
        })
    }

    /// For a summary: only what is of the whole run.
    pub(super) fn so_far(&self) -> Option<Reconciliation> {
        self.since.filter(|_| self.always)?;
        self.counters.as_ref().map(Counters::so_far)
    }

    /// For the last summary, with what drivers say.
    pub(super) fn run(mut self) -> Option<Reconciliation> {
        self.since.filter(|_| self.always)?;
        self.counters.as_mut().map(Counters::run)
    }
}
