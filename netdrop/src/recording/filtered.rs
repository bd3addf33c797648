//! A recording as the table that it would be if only what a filter wants had been
//! recorded: the recorder's own rows, made once more of what was recorded.

mod watched;

use std::{collections::HashMap, fmt, io::Read, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema, SchemaRef};

use self::watched::Watched;
use super::{
    columns::{Columns, fields},
    header::{Header, KEY},
    read::{End, Interval, Recording},
    write::{
        Events, Instant, RecordError,
        rows::{BATCH, Rows},
        sheet::Stamp,
        state::State,
    },
};
use crate::tally::{choose::Singles, left_out::LeftOut};

/// The rows that a filter leaves of a recording that is being read.
pub struct Filtered<R> {
    recording: Recording<R>,
    schema: SchemaRef,
    rows: Rows,
    /// What the table tells so far.
    state: State,
    watched: Watched,
    /// Rows that are not enough for a batch yet.
    waiting: Columns,
    /// The last interval.
    stamp: Stamp,
    left_out: LeftOut,
    done: bool,
}

impl<R> fmt::Debug for Filtered<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Filtered")
            .field("stamp", &self.stamp)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Filtered<R> {
    /// Of a recording that was opened with a filter. `filter` tells what it was made
    /// with and what is wanted of it.
    ///
    /// # Errors
    ///
    /// When its header cannot be encoded, which would be a fault of ours.
    pub fn of(recording: Recording<R>, filter: Option<String>) -> Result<Self, RecordError> {
        let header = Header {
            filter,
            ..recording.header().clone()
        };
        let metadata = HashMap::from([(KEY.to_owned(), header.encoded()?)]);
        // Single drops have flows besides those that were recorded: all are kept.
        let unbounded = Header {
            top: Some(u32::MAX),
            ..header
        };
        let mut rows = Rows::new(&unbounded, &recording.counters);
        if let Some(plan) = recording.filter_ahead() {
            rows.filter(plan);
        }
        let state = State::new(&recording.counters);
        let stamp = Stamp::of(&unbounded);
        // What is read is hidden already where it is to be.
        let mut waiting = Columns::default();
        state.start(&mut waiting, &stamp);
        Ok(Self {
            recording,
            schema: Arc::new(Schema::new_with_metadata(fields(), metadata)),
            rows,
            state,
            watched: Watched::default(),
            waiting,
            stamp,
            left_out: LeftOut::default(),
            done: false,
        })
    }

    /// Its columns, with the header in their metadata.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows of the next intervals; none when there is no further one.
    ///
    /// # Errors
    ///
    /// When the columns do not fit together, which would be a fault of ours.
    pub fn next_rows(&mut self) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut found = Vec::new();
        while found.is_empty() && !self.done {
            if let Some(interval) = self.recording.next_interval() {
                self.interval(interval, &mut found)?;
                continue;
            }
            self.done = true;
            if let Some(End::Closed(why)) = self.recording.end() {
                self.waiting.push(&self.stamp.close(why));
            }
            self.turn(&mut found)?;
        }
        Ok(found)
    }

    /// How it ends; known once there are no further rows.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.recording.end()
    }

    /// How far single drops decided; `None` where the filter does not ask them.
    #[must_use]
    pub fn singles(&self) -> Option<Singles> {
        self.recording.singles()
    }

    /// What the filter left out so far, and the one that it was recorded with.
    #[must_use]
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    fn interval(
        &mut self,
        mut interval: Interval,
        found: &mut Vec<RecordBatch>,
    ) -> Result<(), ArrowError> {
        self.watched.complete(&mut interval.snapshot);
        if let Some(number) = interval.number {
            self.rows.number(number);
        }
        let instant = Instant {
            time: interval.time,
            time_squeeze: interval.time_squeeze.as_deref(),
            counters: &interval.counters,
            events: Events::Recorded {
                drops: &interval.events,
                singles: interval.singles,
            },
        };
        let names = &mut self.recording.names;
        let sheet = self.rows.interval(&interval.snapshot, &instant, names)?;
        self.stamp = sheet.stamp;
        self.left_out += self.rows.left_out();
        let (full, columns) = sheet.all(&mut self.state);
        if !full.is_empty() {
            self.turn(found)?;
            found.extend(full);
        }
        self.waiting.append(columns);
        if self.waiting.len() >= BATCH {
            self.turn(found)?;
        }
        Ok(())
    }

    /// Makes a batch of the rows that wait.
    fn turn(&mut self, found: &mut Vec<RecordBatch>) -> Result<(), ArrowError> {
        if self.waiting.len() > 0 {
            found.push(self.waiting.batch(Arc::clone(&self.schema))?);
        }
        Ok(())
    }
}
