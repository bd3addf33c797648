//! One file: header, batches, end.

use std::{collections::HashMap, fs::File, io::Write as _, sync::Arc};

use arrow_array::RecordBatch;
use arrow_ipc::{
    CompressionType, MetadataVersion,
    writer::{IpcWriteOptions, StreamEncoder},
};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use jiff::Timestamp;

use super::{
    RecordError, Written,
    connections::Following,
    group::Group,
    sheet::{Sheet, Stamp},
    state::State,
};
use crate::recording::{
    anonymize::Anonymizer,
    checksum::{self, Chain},
    columns::{Columns, fields},
    header::{Header, KEY},
};

/// Room left for the end below a bound.
const END: u64 = 16 << 10;
/// Room that intervals which wait for others find for certain.
const ROOM: u64 = 128 << 10;
/// Intervals in which nothing died wait for others, so many seconds at most.
const PATIENCE: f64 = 5.0;

/// Turns rows into bytes, which have no checksums yet: a batch may go into several
/// files.
pub(super) struct Encoder {
    schema: SchemaRef,
    stream: StreamEncoder,
    anonymizer: Option<Anonymizer>,
}

impl Encoder {
    /// Of a file with this header. The first batch has it before it.
    pub(super) fn new(header: &Header) -> Result<Self, RecordError> {
        let metadata = HashMap::from([
            (KEY.to_owned(), header.encoded()?),
            (checksum::KEY.to_owned(), checksum::KIND.to_owned()),
        ]);
        let schema = Schema::new_with_metadata(fields(), metadata);
        let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)?
            .try_with_compression(Some(CompressionType::ZSTD))?;
        Ok(Self {
            stream: StreamEncoder::try_new_with_options(&schema, options)?,
            schema: Arc::new(schema),
            anonymizer: header.anonymizer.clone(),
        })
    }

    /// Intervals that share a batch of this file.
    pub(super) fn group(&self) -> Group {
        Group::new(self.anonymizer.clone())
    }

    /// Room for rows of this file.
    pub(super) fn columns(&self) -> Columns {
        Columns::new(self.anonymizer.clone())
    }

    /// Leaves the header out: batches of this go into several files, and each has its
    /// own.
    pub(super) fn leave_header(&mut self) -> Result<(), RecordError> {
        self.rows(&mut Columns::default(), &mut Vec::new())
    }

    /// Adds a batch.
    pub(super) fn batch(
        &mut self,
        batch: &RecordBatch,
        bytes: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        for buffer in self.stream.encode(batch)? {
            bytes.extend_from_slice(&buffer);
        }
        Ok(())
    }

    /// Makes a batch of all rows, and adds it.
    pub(super) fn rows(
        &mut self,
        columns: &mut Columns,
        bytes: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        let batch = columns.batch(Arc::clone(&self.schema))?;
        self.batch(&batch, bytes)
    }
}

/// A file that is being written.
pub struct Stream {
    file: File,
    encoder: Encoder,
    state: State,
    stamp: Stamp,
    /// Intervals in which nothing died, the last ones before the next batch.
    waiting: Group,
    most: Option<u64>,
    /// Whole intervals, in bytes.
    written: u64,
    /// Of what was written.
    chain: Chain,
}

/// Batches with their checksums, for one place of one file.
struct Sealed {
    bytes: Vec<u8>,
    /// Behind them.
    chain: Chain,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Stream")
            .field("written", &self.written)
            .field("stamp", &self.stamp)
            .finish_non_exhaustive()
    }
}

impl Stream {
    /// Writes the header and the host's counters. `most` bounds the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn start(
        file: File,
        header: &Header,
        most: Option<u64>,
        state: State,
    ) -> Result<Self, RecordError> {
        let encoder = Encoder::new(header)?;
        let mut stream = Self {
            file,
            waiting: encoder.group(),
            encoder,
            state,
            stamp: Stamp::of(header),
            most,
            written: 0,
            chain: Chain::default(),
        };
        let mut columns = stream.encoder.columns();
        stream.state.start(&mut columns, &stream.stamp);
        let mut bytes = Vec::new();
        stream.encoder.rows(&mut columns, &mut bytes)?;
        stream.append(stream.seal(&bytes)?)?;
        Ok(stream)
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// What a file would build on that begins now.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The end of the last interval.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.stamp.time
    }

    /// Takes an interval. One in which something died is written at once, with
    /// those that wait; one in which nothing did may wait for others.
    ///
    /// # Errors
    ///
    /// When the file cannot be written. It then ends behind the batch before.
    pub fn sheet(&mut self, sheet: Sheet) -> Result<Written, RecordError> {
        let waits = sheet.is_quiet()
            && self
                .most
                .is_none_or(|most| self.written + ROOM + END < most);
        let Sheet {
            stamp,
            full,
            mut columns,
            changed,
            following,
        } = sheet;
        if !waits && (self.most.is_some() || !full.is_empty()) {
            self.write_waiting()?;
        }
        let mut bytes = Vec::new();
        for batch in &full {
            self.encoder.batch(batch, &mut bytes)?;
        }
        following.end(&mut self.state, &mut columns, &stamp);
        self.waiting.add(stamp, columns, Vec::new());
        if !waits || self.waiting.is_full(PATIENCE) {
            self.encoder.rows(self.waiting.columns(), &mut bytes)?;
            self.waiting = self.encoder.group();
            let sealed = self.seal(&bytes)?;
            if self
                .most
                .is_some_and(|most| self.written + sealed.bytes.len() as u64 + END > most)
            {
                return Ok(Written::Full);
            }
            self.append(sealed)?;
        }
        self.stamp = stamp;
        for counter in &changed {
            self.state.learn(counter);
        }
        Ok(Written::Yes)
    }

    /// Writes the intervals that wait.
    fn write_waiting(&mut self) -> Result<(), RecordError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        self.encoder.rows(self.waiting.columns(), &mut bytes)?;
        self.waiting = self.encoder.group();
        self.append(self.seal(&bytes)?)
    }

    /// Writes an interval that is encoded but for these rows.
    pub(super) fn encoded(
        &mut self,
        stamp: Stamp,
        body: &[u8],
        tail: Option<&Following>,
    ) -> Result<(), RecordError> {
        self.append(self.seal(body)?)?;
        if let Some(following) = tail {
            let mut columns = self.encoder.columns();
            following.end(&mut self.state, &mut columns, &stamp);
            let mut bytes = Vec::new();
            self.encoder.rows(&mut columns, &mut bytes)?;
            self.append(self.seal(&bytes)?)?;
        }
        self.stamp = stamp;
        Ok(())
    }

    /// Closes the recording, saying why it ends.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(mut self, why: &str) -> Result<u64, RecordError> {
        self.write_waiting()?;
        let mut columns = self.encoder.columns();
        columns.push(&self.stamp.close(why));
        let mut bytes = Vec::new();
        self.encoder.rows(&mut columns, &mut bytes)?;
        let mut bytes = self.seal(&bytes)?.bytes;
        for buffer in self.encoder.stream.finish()? {
            bytes.extend_from_slice(&buffer);
        }
        write(&mut self.file, self.written, &bytes)?;
        // A pipe has nothing to be synchronised with.
        let _ = self.file.sync_all();
        Ok(self.written + bytes.len() as u64)
    }

    /// Gives batches the checksums that they have at the file's end.
    fn seal(&self, batches: &[u8]) -> Result<Sealed, RecordError> {
        let mut chain = self.chain.clone();
        let bytes = chain
            .sealed(batches)
            .map_err(|stop| ArrowError::IpcError(stop.to_string()))?;
        Ok(Sealed { bytes, chain })
    }

    fn append(&mut self, Sealed { bytes, chain }: Sealed) -> Result<(), RecordError> {
        write(&mut self.file, self.written, &bytes)?;
        self.written += bytes.len() as u64;
        self.chain = chain;
        Ok(())
    }
}

/// Writes whole batches behind so many bytes, or takes back what was written of
/// them.
fn write(file: &mut File, before: u64, bytes: &[u8]) -> Result<(), RecordError> {
    if let Err(error) = file.write_all(bytes) {
        // Where it cannot be taken back, as in a pipe, readers tell the rest
        // from a whole batch themselves.
        let _ = file.set_len(before);
        return Err(error.into());
    }
    Ok(())
}
