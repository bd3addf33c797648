//! Intervals that share a batch. The description of a batch takes more room than
//! the rows of an interval in which little happens.

use super::{
    HostCounter,
    sheet::{Sheet, Stamp},
};
use crate::recording::{anonymize::Anonymizer, columns::Columns};

/// Rows that fill a batch: beyond that, sharing saves little.
const ENOUGH: usize = 1024;

/// Rows of intervals, one behind another, on their way into a batch.
pub(super) struct Group {
    columns: Columns,
    /// The last interval.
    pub(super) stamp: Option<Stamp>,
    pub(super) intervals: u64,
    pub(super) seconds: f64,
    pub(super) drops: u64,
    /// Counters of the host that changed.
    pub(super) changed: Vec<HostCounter>,
}

impl Group {
    pub(super) fn new(anonymizer: Option<Anonymizer>) -> Self {
        Self {
            columns: Columns::new(anonymizer),
            stamp: None,
            intervals: 0,
            seconds: 0.0,
            drops: 0,
            changed: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.intervals == 0
    }

    /// Adds an interval, or what is behind its full batches.
    pub(super) fn add(&mut self, stamp: Stamp, columns: Columns, changed: Vec<HostCounter>) {
        self.columns.append(columns);
        self.changed.extend(changed);
        self.intervals += 1;
        self.seconds += stamp.seconds;
        self.drops += stamp.drops;
        self.stamp = Some(stamp);
    }

    /// Is there no room for another interval like the last, if a batch is to hold
    /// so many seconds at most?
    pub(super) fn is_full(&self, seconds: f64) -> bool {
        let next = self.stamp.map_or(0.0, |stamp| stamp.seconds);
        self.columns.len() >= ENOUGH || self.seconds + next > seconds
    }

    /// All rows so far.
    pub(super) fn columns(&mut self) -> &mut Columns {
        &mut self.columns
    }
}

impl Sheet {
    /// Did nothing die in it, and is there little else?
    pub(super) fn is_quiet(&self) -> bool {
        self.stamp.drops == 0
            && self.full.is_empty()
            && self.following.is_empty()
            && self.columns.len() < ENOUGH
    }
}
