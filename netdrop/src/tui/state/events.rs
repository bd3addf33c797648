//! The last drops, one by one.

use std::collections::VecDeque;

use crate::tally::packet::Drop;

/// Drops remembered.
pub const MOST: usize = 2000;

/// The last drops. What is looked at stays where it is while more come in.
#[derive(Clone, Debug, Default)]
pub struct Events {
    drops: VecDeque<Drop>,
    /// Drops that came in so far.
    seen: u64,
    /// What is looked at; `None`: always the newest.
    held: Option<Held>,
}

/// Numbers of drops, the first that came in being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    /// The one that is looked at.
    at: u64,
    /// The last one shown.
    last: u64,
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
        let newest = self.newest_held();
        self.held.get_or_insert(newest);
    }

    /// Follows the newest again.
    pub fn follow(&mut self) {
        self.held = None;
    }

    /// Goes so many drops back, or, if negative, forward; at the newest it
    /// follows again.
    pub fn back(&mut self, drops: i64) {
        let at = self.place().at.saturating_add_signed(-drops);
        self.to(at);
    }

    /// Looks at the drop of this number, or the nearest there is; at the newest
    /// it follows again.
    pub fn to(&mut self, number: u64) {
        let at = number.max(self.oldest());
        let last = self.place().last.max(at);
        self.held = (at < self.seen).then_some(Held { at, last });
    }

    /// The number of the drop that is looked at; `None` where there is none.
    #[must_use]
    pub fn chosen(&self) -> Option<u64> {
        let Held { at, last } = self.place();
        (at <= last && !self.is_empty()).then_some(at)
    }

    /// The drop that is looked at.
    #[must_use]
    pub fn drop(&self) -> Option<&Drop> {
        let back = usize::try_from(self.seen - self.chosen()?).ok()?;
        self.drops.iter().rev().nth(back)
    }

    /// Lets the drop that is looked at be one of so many that are shown.
    pub fn settle(&mut self, most: usize) {
        let Held { at, last } = self.place();
        let last = last.min(at + most.max(1) as u64 - 1);
        if let Some(held) = &mut self.held {
            held.last = last;
        }
    }

    /// Newer drops than those shown.
    #[must_use]
    pub fn newer(&self) -> u64 {
        self.seen - self.place().last
    }

    /// At most so many drops that are shown with their numbers, the newest last.
    pub fn shown(&self, most: usize) -> impl Iterator<Item = (u64, &Drop)> {
        let newer = usize::try_from(self.newer()).unwrap_or(usize::MAX);
        let end = self.drops.len().saturating_sub(newer);
        let start = end.saturating_sub(most);
        (self.oldest() + start as u64..).zip(self.drops.range(start..end))
    }

    /// All, the newest first, whatever is shown.
    pub fn newest(&self) -> impl Iterator<Item = &Drop> {
        self.drops.iter().rev()
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.drops.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drops.is_empty()
    }

    fn oldest(&self) -> u64 {
        self.seen - self.drops.len() as u64 + 1
    }

    /// What is looked at may be forgotten by now.
    fn place(&self) -> Held {
        let Held { at, last } = self.held.unwrap_or(self.newest_held());
        let oldest = self.oldest();
        Held {
            at: at.max(oldest).min(self.seen),
            // Nothing is shown where nothing was when it was held.
            last: if at == 0 { 0 } else { last.max(oldest) },
        }
    }

    fn newest_held(&self) -> Held {
        Held {
            at: self.seen,
            last: self.seen,
        }
    }
}
