//! The rows of an interval, on their way into files.

use arrow_array::RecordBatch;
use jiff::Timestamp;

use super::{HostCounter, connections::Following, state::State};
use crate::recording::{
    columns::{Columns, Line},
    header::Header,
};

/// Which interval rows belong to.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Its number, from 0 on.
    pub number: u32,
    /// The wall clock at its end.
    pub time: Timestamp,
    /// Its measured length.
    pub seconds: f64,
    /// All its drops.
    pub drops: u64,
}

impl Stamp {
    /// Before the first interval of a file with this header.
    pub(in crate::recording) fn of(header: &Header) -> Self {
        Self {
            number: 0,
            time: header.start.unwrap_or_default(),
            seconds: 0.0,
            drops: 0,
        }
    }

    /// A row of it.
    pub(super) fn line<'a>(&self, kind: &'a str) -> Line<'a> {
        Line {
            kind: Some(kind),
            time: Some(self.time.as_microsecond()),
            interval: Some(self.number),
            seconds: Some(self.seconds),
            ..Line::default()
        }
    }

    /// The row behind all its rows.
    pub(super) fn end(&self) -> Line<'static> {
        Line {
            drops: Some(self.drops),
            ..self.line("interval")
        }
    }

    /// The last row of a file of which this is the last interval, and why it ends.
    pub(in crate::recording) fn close<'a>(&self, why: &'a str) -> Line<'a> {
        Line {
            name: Some(why),
            ..self.line("end")
        }
    }
}

/// An interval that only lacks the rows that depend on the file: of connections,
/// and the last one.
pub struct Sheet {
    /// Which.
    pub stamp: Stamp,
    /// Full batches.
    pub(super) full: Vec<RecordBatch>,
    /// The rows behind those.
    pub(super) columns: Columns,
    /// Counters of the host that changed; their rows are there.
    pub(super) changed: Vec<HostCounter>,
    pub(super) following: Following,
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Sheet")
            .field("stamp", &self.stamp)
            .finish_non_exhaustive()
    }
}

impl Sheet {
    /// All its rows, in a file in which so much stands: full batches, and those behind.
    pub(in crate::recording) fn all(self, state: &mut State) -> (Vec<RecordBatch>, Columns) {
        let Self {
            stamp,
            full,
            mut columns,
            changed: _,
            following,
        } = self;
        following.end(state, &mut columns, &stamp);
        (full, columns)
    }
}
