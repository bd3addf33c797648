//! Which columns of a table are looked at, where there is no room for all of them.

/// The columns of keys of the table or the flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Those scrolled away.
    pub skipped: usize,
    /// Are there more behind those that were drawn last?
    more: bool,
}

impl Columns {
    /// So many were not drawn, before and behind the others.
    pub fn drawn(&mut self, before: usize, behind: usize) {
        self.skipped = before;
        self.more = behind > 0;
    }

    /// Can one go to others?
    #[must_use]
    pub fn are_cut(&self) -> bool {
        self.more || self.skipped > 0
    }

    /// Goes a column to the right, if there is more.
    pub fn right(&mut self) {
        self.skipped += usize::from(self.more);
    }

    /// Goes a column to the left.
    pub fn left(&mut self) {
        self.skipped = self.skipped.saturating_sub(1);
    }
}
