//! The kernel's own counters of loss beside the path: whether they are asked for,
//! and what they say.

use jiff::Timestamp;

use super::{State, View};
use crate::reconcile::{Line, Reconciliation};

/// How much room the counters get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Room {
    /// None: they are not read.
    #[default]
    None,
    /// Below the path.
    Below,
    /// All of the view.
    All,
}

impl Room {
    fn next(self) -> Self {
        match self {
            Self::None => Self::Below,
            Self::Below => Self::All,
            Self::All => Self::None,
        }
    }
}

/// Counters held against drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Since when.
    pub since: Timestamp,
    /// The network namespace they are of (not escaped).
    pub netns: String,
    /// From then on.
    pub run: Reconciliation,
    /// The last interval; `None` where they were not read at both of its ends.
    pub now: Option<Reconciliation>,
}

impl Compared {
    /// What this counter counted in the last interval.
    #[must_use]
    pub fn now(&self, of: &Line) -> Option<u64> {
        let mut lines = self.now.as_ref()?.lines.iter();
        let same = |line: &&Line| (&line.counter, &line.scope) == (&of.counter, &of.scope);
        Some(lines.find(same).map_or(0, |line| line.delta))
    }
}

/// The counters' part of the path view.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// How much room they get.
    pub room: Room,
    /// Lines scrolled away, where they have all of it.
    pub scroll: usize,
    /// Why they cannot be read, if they cannot.
    pub why_not: Option<String>,
    /// What they said last, on display or not.
    pub(super) last: Option<Compared>,
}

impl State {
    /// Is somebody looking at the counters? With a filter they explain nothing.
    #[must_use]
    pub fn compares(&self) -> bool {
        self.counters.room != Room::None && self.view == View::Path && self.filter.is_none()
    }

    /// What the counters say at the end of the interval that is fed next.
    pub fn feed_counters(&mut self, compared: Option<Compared>) {
        self.counters.last = compared;
    }

    /// Gives the counters more room, or none.
    pub(super) fn next_room(&mut self) {
        self.counters.room = self.counters.room.next();
        self.counters.scroll = 0;
    }

    /// Have the counters all of the view?
    pub(super) fn is_all_counters(&self) -> bool {
        self.view == View::Path && self.counters.room == Room::All
    }
}
