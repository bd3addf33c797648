//! Reads a recording back: interval by interval, as far as it goes.

pub mod bookmark;
mod end;
mod interval;
mod row;
mod truth;

use std::{collections::VecDeque, io::Read, sync::Arc};

use arrow_schema::{Schema, SchemaRef};

use self::{interval::Partial, truth::Truth};
use super::{
    anonymize::{self, Anonymizer},
    columns::{View, wanted},
    frame::{Frames, Stop},
    header::Header,
    names::Recorded,
    sound::{self, Sequence},
    write::HostCounter,
};
use crate::{
    filter::plan::Plan,
    kernel::{capture::HookStatus, hooks::HOOKS},
    tally::{accounting::Attached, choose::Singles},
};

pub use self::{
    end::{End, OpenError},
    interval::Interval,
};

/// Rows of an interval at most.
const MOST_ROWS: usize = 4 << 20;

/// A recording that is being read.
#[derive(Debug)]
pub struct Recording<R> {
    frames: Frames<R>,
    schema: SchemaRef,
    /// Which columns are read.
    columns: Vec<bool>,
    /// Are rows of events?
    events: bool,
    header: Header,
    /// The names read so far.
    pub names: Recorded,
    /// What is wanted of it.
    filter: Option<Plan>,
    /// Hides what is read from here on.
    anonymizer: Option<Anonymizer>,
    /// What is wanted, asked of what was recorded; only where that is hidden, or not
    /// told by rows.
    truth: Option<Box<Truth>>,
    /// Drops that rows did not decide about so far.
    singles: Option<Singles>,
    /// Counters of the host at the start.
    pub counters: Vec<HostCounter>,
    pending: VecDeque<Interval>,
    partial: Partial,
    /// Numbers of the intervals that are whole.
    sequence: Sequence,
    /// Everything counted, so that no sum of it can overflow.
    sum: u64,
    end: Option<End>,
}

impl<R: Read> Recording<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When the file is no recording, or one that only a later version reads.
    pub fn open(reader: R) -> Result<Self, OpenError> {
        Self::open_with(reader, None, None)
    }

    /// The same; of what is read, only what the filter wants is looked at, and all
    /// of it is hidden by the anonymizer.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(
        reader: R,
        filter: Option<Plan>,
        anonymizer: Option<Anonymizer>,
    ) -> Result<Self, OpenError> {
        let mut frames = Frames::new(reader);
        let schema = frames.schema().map_err(|stop| match stop {
            Stop::Io(error) => OpenError::Io(error),
            Stop::Cut => OpenError::Empty,
            Stop::Closed => OpenError::NotOne("it is empty".to_owned()),
            Stop::Damaged(why) => OpenError::NotOne(why),
        })?;
        let mut header = Header::of(&schema)?;
        OpenError::unless_counts(&schema)?;
        if let Some(anonymizer) = &anonymizer {
            anonymizer.header(&mut header);
        }
        let mut recording = Self {
            frames,
            columns: wanted(&schema, true),
            events: true,
            // What stands in its metadata is in the header.
            schema: Arc::new(Schema::new(schema.fields().clone())),
            sequence: Sequence::of(&header),
            header,
            names: Recorded::default(),
            truth: filter
                .clone()
                .filter(|plan| anonymizer.is_some() || plan.asks_singles())
                .map(|plan| Box::new(Truth::of(plan, anonymizer.is_some()))),
            singles: filter
                .as_ref()
                .is_some_and(Plan::asks_singles)
                .then(Singles::default),
            filter,
            anonymizer,
            counters: Vec::new(),
            pending: VecDeque::new(),
            partial: Partial::default(),
            sum: 0,
            end: None,
        };
        // The first batch holds what the host counted before.
        recording.batch();
        if recording.pending.is_empty() {
            recording.counters = std::mem::take(&mut recording.partial.counters);
        }
        Ok(recording)
    }

    /// From here on, no events are read: nothing is shown of them, and reading them
    /// takes longer than all the rest. Where the filter asks them, they are.
    #[must_use]
    pub fn without_events(mut self) -> Self {
        if self.singles.is_some() {
            return self;
        }
        self.columns = wanted(&self.schema, false);
        self.events = false;
        self
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is wanted of it.
    #[must_use]
    pub fn filter(&self) -> Option<&Plan> {
        self.filter.as_ref()
    }

    /// The same in words, which are hidden where the recording is.
    #[must_use]
    pub fn wanted(&self) -> Option<&str> {
        let text = self.filter.as_ref()?.user()?;
        Some(if self.anonymizer.is_some() {
            anonymize::FILTER
        } else {
            text
        })
    }

    /// What a tally still has to leave out: nothing where that is done before.
    pub(super) fn filter_ahead(&self) -> Option<&Plan> {
        self.filter.as_ref().filter(|_| self.truth.is_none())
    }

    /// Of the intervals so far, the drops that rows did not decide about; `None`
    /// where the filter asks for nothing that rows do not tell.
    #[must_use]
    pub fn singles(&self) -> Option<Singles> {
        self.singles
    }

    /// Which hooks were attached.
    #[must_use]
    pub fn attached(&self) -> Attached {
        Attached::of(&self.hooks())
    }

    /// The hooks that this version knows, as they were.
    #[must_use]
    pub fn hooks(&self) -> Vec<HookStatus> {
        HOOKS
            .iter()
            .filter_map(|known| {
                let found = self.header.hooks.iter().find(|it| it.name == known.name)?;
                Some(HookStatus {
                    name: known.name,
                    attached: found.attached,
                    why: found.why.clone(),
                })
            })
            .collect()
    }

    /// The next interval that is whole.
    pub fn next_interval(&mut self) -> Option<Interval> {
        loop {
            if let Some(interval) = self.pending.pop_front() {
                if let (Some(all), Some(singles)) = (&mut self.singles, interval.singles) {
                    all.add(singles);
                }
                return Some(interval);
            }
            if self.end.is_some() {
                return None;
            }
            self.batch();
        }
    }

    /// How it ends; known once there is no further interval.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Bytes read so far, in whole batches.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.frames.whole()
    }

    /// Reads a batch.
    fn batch(&mut self) {
        let before = self.frames.whole();
        let batch = match self.frames.columns(&self.schema, &self.columns) {
            Ok(batch) => batch,
            Err(stop) => {
                self.end = Some(End::of(stop, &self.frames, &self.sequence));
                return;
            }
        };
        if let Err(why) = self.rows(&batch) {
            self.end = Some(End::Damaged(before, self.sequence.placed(why)));
        }
    }

    fn rows(&mut self, batch: &arrow_array::RecordBatch) -> Result<(), String> {
        let view = View::of(batch).map_err(|wrong| wrong.to_string())?;
        let mut closed = None;
        for row in 0..view.len() {
            self.partial.rows += 1;
            if self.partial.rows > MOST_ROWS {
                return Err("an interval has too many rows".to_owned());
            }
            if !self.events && view.is_event(row) {
                continue;
            }
            let told = view.line(row);
            let hidden = self
                .anonymizer
                .as_ref()
                .map(|anonymizer| anonymizer.hide(&told));
            let line = hidden.as_ref().map_or(told, |hidden| hidden.line(&told));
            sound::count(&mut self.sum, &line)?;
            match line.kind {
                Some("interval") => {
                    self.partial.check(&line)?;
                    self.sequence
                        .follow(line.interval, self.frames.is_checked())?;
                    let interval = std::mem::take(&mut self.partial).close(&line);
                    let mut interval = interval.ok_or("an interval has no time")?;
                    if let Some(truth) = &mut self.truth {
                        truth.choose(&told, &mut interval, &mut self.names);
                    }
                    self.pending.push_back(interval);
                }
                Some("end") => {
                    self.sequence
                        .ends(line.interval, self.frames.is_checked())?;
                    closed = Some(line.name.unwrap_or("unknown").to_owned());
                }
                // Rows of kinds that this version does not know are left out.
                _ => {
                    let added = self.partial.add(&line, &mut self.names);
                    added.map_err(|error| error.to_string())?;
                    if let Some(truth) = &mut self.truth {
                        truth.add(&told).map_err(|error| error.to_string())?;
                    }
                }
            }
        }
        if let Some(why) = closed {
            self.end = Some(End::behind(why, &mut self.frames, &self.schema));
        }
        Ok(())
    }
}
