//! Reads a recording back: interval by interval, as far as it goes.

pub mod bookmark;
mod end;
mod interval;
mod row;
mod truth;

use std::{collections::VecDeque, io::Read, sync::Arc};

use arrow_schema::{Schema, SchemaRef};

use self::{interval::Partial, row::counted, truth::Truth};
use super::{
    anonymize::Anonymizer,
    columns::{View, wanted},
    frame::{Frames, Stop},
    header::Header,
    names::Recorded,
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
/// More than a host can count: sums stay below it.
const MOST_COUNTED: u64 = 1 << 62;

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
    /// Number of the last interval that is whole.
    last: Option<u32>,
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
        // Without them everything would read as nothing.
        for column in ["kind", "drops"] {
            if schema.column_with_name(column).is_none() {
                let why = format!("it is damaged: there is no column {column:?}");
                return Err(OpenError::NotOne(why));
            }
        }
        if let Some(anonymizer) = &anonymizer {
            anonymizer.header(&mut header);
        }
        let mut recording = Self {
            frames,
            columns: wanted(&schema, true),
            events: true,
            // What stands in its metadata is in the header.
            schema: Arc::new(Schema::new(schema.fields().clone())),
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
            last: None,
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
                let whole = self.frames.whole();
                self.end = Some(match (stop, self.end.take()) {
                    (Stop::Closed, Some(closed)) => closed,
                    (Stop::Closed, None) if self.frames.is_checked() => {
                        End::Damaged(whole, "nothing tells that it was closed".to_owned())
                    }
                    (Stop::Closed, None) => End::Closed("unknown".to_owned()),
                    (Stop::Cut, _) => End::Cut(whole),
                    (Stop::Damaged(why), _) => End::Damaged(whole, self.placed(why)),
                    (Stop::Io(error), _) => End::Damaged(whole, error.to_string()),
                });
                return;
            }
        };
        if let Err(why) = self.rows(&batch) {
            self.end = Some(End::Damaged(before, self.placed(why)));
        }
    }

    /// What is wrong, and behind which interval.
    fn placed(&self, why: String) -> String {
        match self.last {
            Some(last) => format!("behind interval {last}: {why}"),
            None => why,
        }
    }

    /// Does this interval come next? Blocks of a file may be lost between batches that
    /// are sound.
    fn follow(&mut self, number: Option<u32>) -> Result<(), String> {
        let next = self.last.and_then(|last| last.checked_add(1));
        match (next, number) {
            (Some(next), Some(number)) if next != number && self.frames.is_checked() => {
                Err(format!("interval {next} is missing"))
            }
            _ => {
                self.last = number;
                Ok(())
            }
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
            self.sum = counted(&line)
                .and_then(|count| self.sum.checked_add(count))
                .filter(|sum| *sum <= MOST_COUNTED)
                .ok_or("it counts more than there can be")?;
            match line.kind {
                Some("interval") => {
                    self.partial.check(&line)?;
                    self.follow(line.interval)?;
                    let interval = std::mem::take(&mut self.partial).close(&line);
                    let mut interval = interval.ok_or("an interval has no time")?;
                    if let Some(truth) = &mut self.truth {
                        truth.choose(&told, &mut interval, &mut self.names);
                    }
                    self.pending.push_back(interval);
                }
                Some("end") => closed = Some(line.name.unwrap_or("unknown").to_owned()),
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
            // Is there a mark that the stream was closed behind it?
            self.end = match self.frames.batch(&self.schema) {
                Err(Stop::Closed) => Some(End::Closed(why)),
                Ok(_) => Some(End::Damaged(
                    self.frames.whole(),
                    "it goes on behind its end".to_owned(),
                )),
                Err(Stop::Cut) => Some(End::Cut(self.frames.whole())),
                Err(Stop::Damaged(why)) => Some(End::Damaged(self.frames.whole(), why)),
                Err(Stop::Io(why)) => Some(End::Damaged(self.frames.whole(), why.to_string())),
            };
        }
        Ok(())
    }
}
