//! Which row is looked at: the same one after the next interval, wherever it has
//! gone.

use crate::tally::{group::Group, regroup::Line};

/// A place in a list of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    at: usize,
    group: Option<Group>,
}

impl Cursor {
    /// The place, counted from the first row.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Finds its row among those that are shown now. One that never moved stays
    /// at the first row.
    pub fn settle(&mut self, lines: &[Line]) {
        let found = self.group.and_then(|group| {
            let mut lines = lines.iter();
            lines.position(|line| line.group == group && line.run.other.is_none())
        });
        self.at = found.unwrap_or(self.at.min(lines.len().saturating_sub(1)));
    }

    /// Moves so many rows down.
    pub fn by(&mut self, rows: isize, lines: &[Line]) {
        self.to(self.at.saturating_add_signed(rows), lines);
    }

    /// Moves to a row, or to the last one.
    pub fn to(&mut self, at: usize, lines: &[Line]) {
        self.at = at.min(lines.len().saturating_sub(1));
        self.group = lines
            .get(self.at)
            .filter(|line| line.run.other.is_none())
            .map(|line| line.group);
    }

    /// Goes back to the first row.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The row.
    #[must_use]
    pub fn line<'a>(&self, lines: &'a [Line]) -> Option<&'a Line> {
        lines.get(self.at)
    }
}
