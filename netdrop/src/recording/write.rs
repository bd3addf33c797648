//! Writes a recording: a batch of rows for each interval, whole or not at all.

mod connections;
mod counts;
mod sites;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write as _},
    sync::Arc,
};

use arrow_ipc::{
    CompressionType, MetadataVersion,
    writer::{IpcWriteOptions, StreamEncoder},
};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use jiff::Timestamp;
use netdrop_ebpf::hurt::Connection;

use super::{
    columns::{Columns, Line, fields},
    connection::Known,
    header::{Header, KEY},
};
use crate::{
    filter::plan::Plan,
    kernel::snapshot::Snapshot,
    tally::{choose::choose, names::Names, site::Sites},
};

/// Rows of a batch at most.
const BATCH: usize = 8192;
/// Room left for the end below `--max-size`.
const END: u64 = 16 << 10;

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
    /// Whose, for example `softnet/0`.
    pub scope: String,
    /// Which.
    pub name: String,
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
}

/// A recording that is being written.
pub struct Recorder {
    file: File,
    schema: SchemaRef,
    encoder: Option<StreamEncoder>,
    columns: Columns,
    /// Whole batches, in bytes.
    written: u64,
    most: Option<u64>,
    top: usize,
    sites: Sites,
    connections: HashMap<Connection, Known>,
    counters: HashMap<(String, String), Option<u64>>,
    attached: Vec<String>,
    filter: Option<Plan>,
    interval: u32,
    seconds: f64,
    time: Timestamp,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Recorder")
            .field("written", &self.written)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
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
        let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(header)?)]);
        let schema = Schema::new_with_metadata(fields(), metadata);
        let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)?
            .try_with_compression(Some(CompressionType::ZSTD))?;
        let encoder = StreamEncoder::try_new_with_options(&schema, options)?;
        let mut recorder = Self {
            file,
            schema: Arc::new(schema),
            encoder: Some(encoder),
            columns: Columns::default(),
            written: 0,
            most,
            top: header.top.map_or(0, |top| top as usize),
            sites: Sites::default(),
            connections: HashMap::new(),
            counters: HashMap::new(),
            attached: header
                .hooks
                .iter()
                .filter(|hook| hook.attached)
                .map(|hook| hook.name.clone())
                .collect(),
            filter: None,
            interval: 0,
            seconds: 0.0,
            time: header.start.unwrap_or_default(),
        };
        recorder.push_counters(counters);
        let mut bytes = Vec::new();
        recorder.encode(&mut bytes)?;
        recorder.append(&bytes)?;
        Ok(recorder)
    }

    /// From now on, only what the filter wants is recorded.
    pub fn filter(&mut self, plan: &Plan) {
        self.filter = plan.asks_rows().then(|| plan.clone());
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
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
        self.sites.next_interval();
        self.seconds = snapshot.seconds;
        self.time = instant.time;
        let chosen = self
            .filter
            .as_ref()
            .map(|plan| choose(plan, snapshot, &mut self.sites, names));
        let snapshot = chosen.as_ref().map_or(snapshot, |chosen| &chosen.snapshot);
        let mut bytes = Vec::new();
        self.sites_of(snapshot, names, &mut bytes)?;
        let cut = self.flows_of(snapshot, names, &mut bytes)?;
        self.polls_of(snapshot, names);
        self.push_counts(snapshot, instant.time_squeeze, cut);
        self.push_counters(instant.counters);
        let line = Line {
            drops: Some(snapshot.counters.counted()),
            ..self.line("interval")
        };
        self.columns.push(&line);
        self.encode(&mut bytes)?;
        let size = self.written + bytes.len() as u64 + END;
        if self.most.is_some_and(|most| size > most) {
            return Ok(Written::Full);
        }
        self.append(&bytes)?;
        self.interval += 1;
        Ok(Written::Yes)
    }

    /// Closes the recording, saying why it ends.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(mut self, why: &str) -> Result<u64, RecordError> {
        let line = Line {
            name: Some(why),
            ..self.line("end")
        };
        self.columns.push(&line);
        let mut bytes = Vec::new();
        self.encode(&mut bytes)?;
        if let Some(encoder) = self.encoder.take() {
            for buffer in encoder.finish()? {
                bytes.extend_from_slice(&buffer);
            }
        }
        self.append(&bytes)?;
        // A pipe has nothing to be synchronised with.
        let _ = self.file.sync_all();
        Ok(self.written)
    }

    /// Turns the rows so far into a batch behind what is already encoded.
    fn encode(&mut self, bytes: &mut Vec<u8>) -> Result<(), RecordError> {
        let batch = self.columns.batch(Arc::clone(&self.schema))?;
        if let Some(encoder) = &mut self.encoder {
            for buffer in encoder.encode(&batch)? {
                bytes.extend_from_slice(&buffer);
            }
        }
        Ok(())
    }

    fn encode_full(&mut self, bytes: &mut Vec<u8>) -> Result<(), RecordError> {
        if self.columns.len() >= BATCH {
            self.encode(bytes)?;
        }
        Ok(())
    }

    /// Writes whole batches, or takes back what was written of them.
    fn append(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        if let Err(error) = self.file.write_all(bytes) {
            // Where it cannot be taken back, as in a pipe, readers tell the rest
            // from a whole batch themselves.
            let _ = self.file.set_len(self.written);
            return Err(error.into());
        }
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn line<'a>(&self, kind: &'a str) -> Line<'a> {
        Line {
            kind: Some(kind),
            time: Some(self.time.as_microsecond()),
            interval: Some(self.interval),
            seconds: Some(self.seconds),
            ..Line::default()
        }
    }
}
