//! Writes a recording: a batch of rows for each interval, whole or not at all.

mod connections;
mod counts;
mod events;
mod group;
pub mod ring;
pub mod rows;
pub mod sheet;
mod sites;
pub mod state;
pub mod stream;

use std::{fs::File, io, sync::Arc};

use arrow_schema::ArrowError;
use jiff::Timestamp;

use self::{rows::Rows, state::State, stream::Stream};
use super::header::Header;
use crate::{
    filter::plan::Plan,
    kernel::{capture::Detail, snapshot::Snapshot},
    tally::{choose::Singles, names::Names, sampled::Sampled},
};

/// Why a recording cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The disk is full, for example.
    #[error("cannot write the recording: {0}; what was written before can be read")]
    Write(#[from] io::Error),
    /// A fault of ours.
    #[error("cannot encode the recording: {0}")]
    Encode(#[from] ArrowError),
    /// A fault of ours.
    #[error("cannot encode what is known of the host: {0}")]
    Header(#[from] serde_json::Error),
}

/// Has an interval been written?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It has.
    Yes,
    /// The file would grow beyond its bound.
    Full,
}

/// Counters of the host, as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCounter {
    /// Whose, for example `cpu 0`.
    pub scope: Arc<str>,
    /// Which.
    pub name: Arc<str>,
    /// Its value; `None` where it is unknown.
    pub value: Option<u64>,
}

/// What an interval is besides its counts.
#[derive(Clone, Copy, Debug)]
pub struct Instant<'a> {
    /// The wall clock at its end.
    pub time: Timestamp,
    /// Delta of `time_squeeze` by CPU; `None` when unknown.
    pub time_squeeze: Option<&'a [(u32, u64)]>,
    /// Counters of the host at its end.
    pub counters: &'a [HostCounter],
    /// Sampled drops of it.
    pub events: Events<'a>,
}

/// Sampled drops of an interval.
#[derive(Clone, Copy, Debug)]
pub enum Events<'a> {
    /// As the kernel tells them.
    Live {
        /// At most [`MOST_EVENTS`](super::event::MOST_EVENTS).
        details: &'a [Detail],
        /// The wall clock at `CLOCK_BOOTTIME` 0, which is their clock.
        boot: Timestamp,
    },
    /// As they were recorded.
    Recorded {
        /// All that are wanted, and perhaps others.
        drops: &'a [Sampled],
        /// How far they decided about the interval, where a filter asked them.
        singles: Option<Singles>,
    },
}

/// A recording that is written where it is counted, whatever that takes.
#[derive(Debug)]
pub struct Recorder {
    rows: Rows,
    stream: Stream,
}

impl Recorder {
    /// Writes the header and the host's counters at the start. `most` bounds the
    /// file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn start(
        file: File,
        header: &Header,
        most: Option<u64>,
        counters: &[HostCounter],
    ) -> Result<Self, RecordError> {
        Ok(Self {
            rows: Rows::new(header, counters),
            stream: Stream::start(file, header, most, State::new(counters))?,
        })
    }

    /// From now on, only what the filter wants is recorded.
    pub fn filter(&mut self, plan: &Plan) {
        self.rows.filter(plan);
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.stream.written()
    }

    /// Writes an interval.
    ///
    /// # Errors
    ///
    /// When the file cannot be written. It then ends behind the interval before.
    pub fn interval(
        &mut self,
        snapshot: &Snapshot,
        instant: &Instant<'_>,
        names: &mut dyn Names,
    ) -> Result<Written, RecordError> {
        let sheet = self.rows.interval(snapshot, instant, names)?;
        self.stream.sheet(sheet)
    }

    /// Closes the recording, saying why it ends.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(self, why: &str) -> Result<u64, RecordError> {
        self.stream.finish(why)
    }
}
