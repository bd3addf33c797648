//! The last drops, one by one.

use std::collections::VecDeque;

use crate::tally::packet::Drop;

/// Drops remembered.
pub const MOST: usize = 2000;

/// The last drops. What is looked at stays where it is while more come in.
#[derive(Debug, Default)]
pub struct Events {
    drops: VecDeque<Drop>,
    /// Drops that came in so far.
    seen: u64,
    /// The last one shown, counted like `seen`; `None`: always the newest.
    held: Option<u64>,
}

impl Events {
    /// Adds a drop.
    pub fn push(&mut self, drop: Drop) {
        if self.drops.len() == MOST {
            self.drops.pop_front();
        }
        self.drops.push_back(drop);
        self.seen += 1;
    }

    /// Stays where it is.
    pub fn hold(&mut self) {
        self.held.get_or_insert(self.seen);
    }

    /// Follows the newest again.
    pub fn follow(&mut self) {
        self.held = None;
    }

    /// Goes so many drops back, or, if negative, forward; at the newest it
    /// follows again.
    pub fn back(&mut self, drops: i64) {
        let oldest = self.seen - self.drops.len() as u64 + 1;
        let held = self.held.unwrap_or(self.seen);
        let held = held.saturating_add_signed(-drops).max(oldest);
        self.held = (held < self.seen).then_some(held);
    }

    /// Newer drops than those shown.
    #[must_use]
    pub fn newer(&self) -> u64 {
        self.seen - self.last()
    }

    /// At most so many drops that are shown, the newest last.
    pub fn shown(&self, most: usize) -> impl Iterator<Item = &Drop> {
        let newer = usize::try_from(self.newer()).unwrap_or(usize::MAX);
        let end = self.drops.len().saturating_sub(newer);
        self.drops.range(end.saturating_sub(most)..end)
    }

    /// All, the newest first, whatever is shown.
    pub fn newest(&self) -> impl Iterator<Item = &Drop> {
        self.drops.iter().rev()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drops.is_empty()
    }

    fn last(&self) -> u64 {
        self.held.unwrap_or(self.seen)
    }
}
