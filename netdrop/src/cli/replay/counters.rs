//! The counters of the host in a recording, beside its drops.

use jiff::Timestamp;

use super::{backlogs::Backlogs, source::Bytes};
use crate::{
    host::softnet::Softnet,
    reconcile::{Reconciler, Reconciliation},
    recording::read::{Interval, Recording},
    tally::names::Names as _,
    tui::state::compared::Compared,
};

/// The counters up to an interval.
#[derive(Clone, Debug)]
pub(super) struct Counters {
    since: Timestamp,
    reconciler: Option<Reconciler>,
    now: Option<Reconciliation>,
    /// Name of their network namespace.
    netns: String,
    backlogs: Backlogs,
}

impl Counters {
    /// At the start.
    pub(super) fn of(recording: &Recording<Bytes>) -> Self {
        Self {
            since: recording.header().start.unwrap_or_default(),
            reconciler: recording.reconciler(),
            now: None,
            netns: String::new(),
            backlogs: Backlogs::of(&recording.counters),
        }
    }

    /// Why they cannot be held against drops, where no filter keeps from it.
    pub(super) fn why_not(&self) -> Option<String> {
        self.reconciler.is_none().then(|| {
            "the recording does not tell which network namespace its counters are of".to_owned()
        })
    }

    /// Adds an interval; returns what its backlogs refused.
    pub(super) fn interval(
        &mut self,
        recording: &mut Recording<Bytes>,
        interval: &Interval,
    ) -> Option<Softnet> {
        if let Some(reconciler) = &mut self.reconciler {
            recording.reconcile(interval, reconciler);
            self.now = Some(reconciler.interval());
            let netns = reconciler.netns();
            let name = recording.names.netns_name(netns);
            self.netns = name.map_or_else(|| format!("netns {netns}"), |it| it.name.to_string());
        }
        self.backlogs.interval(&interval.counters)
    }

    /// What there is to be seen.
    pub(super) fn compared(&self) -> Option<Compared> {
        let reconciler = self.reconciler.as_ref()?;
        Some(Compared {
            since: self.since,
            netns: self.netns.clone(),
            run: reconciler.run(),
            now: self.now.clone(),
        })
    }
}
