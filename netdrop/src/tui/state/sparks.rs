//! What the rows of a view lost in each of the last intervals.

use std::collections::{HashMap, VecDeque};

use crate::tally::group::Group;

/// Intervals remembered.
pub const MOST: usize = 64;
/// Rows remembered of an interval, those that lost most.
pub const ROWS: usize = 1000;

/// The last intervals, the newest last.
#[derive(Clone, Debug, Default)]
pub struct Sparks(VecDeque<HashMap<Group, u64>>);

impl Sparks {
    /// Adds an interval.
    pub fn push(&mut self, drops: HashMap<Group, u64>) {
        let Self(intervals) = self;
        if intervals.len() == MOST {
            intervals.pop_front();
        }
        intervals.push_back(drops);
    }

    /// Begins anew, since other rows are shown.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The drops of a row in the last intervals, at most so many, the newest
    /// last.
    #[must_use]
    pub fn of(&self, group: &Group, most: usize) -> Vec<u64> {
        let Self(intervals) = self;
        let skipped = intervals.len().saturating_sub(most);
        intervals
            .iter()
            .skip(skipped)
            .map(|drops| drops.get(group).copied().unwrap_or_default())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_intervals_are_remembered_and_a_row_that_was_absent_lost_nothing() {
        let group = Group {
            cpu: Some(3),
            ..Group::default()
        };
        let mut sparks = Sparks::default();
        for drops in 0..100 {
            let mut interval = HashMap::new();
            if drops % 2 == 0 {
                interval.insert(group, drops);
            }
            sparks.push(interval);
        }
        assert_eq!(sparks.of(&group, 4), [96, 0, 98, 0]);
        assert_eq!(sparks.of(&group, 1000).len(), MOST);
        sparks.clear();
        assert!(sparks.of(&group, 4).is_empty());
    }
}
