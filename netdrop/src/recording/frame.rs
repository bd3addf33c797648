//! The messages of an Arrow IPC stream, each checked before anything is made of
//! it. A recording may be cut off anywhere, damaged, or made up by somebody who
//! wishes us ill: whatever it holds, memory is bounded by what it really holds
//! and by the limits here.

mod claims;
mod schema;

use std::{
    collections::HashMap,
    io::{self, Read},
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{
    Message, MessageHeader, MetadataVersion, reader::read_record_batch, root_as_message,
};
use arrow_schema::SchemaRef;

use self::{claims::check, schema::schema};
use super::checksum::{self, Chain};

/// Marks the start of a message.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];
/// Largest description of a batch or a schema, in bytes.
const MOST_METADATA: usize = 8 << 20;
/// Largest batch, in bytes, in the file as well as in memory.
pub(super) const MOST_BODY: usize = 64 << 20;
/// Most rows of a batch.
pub(super) const MOST_ROWS: i64 = 1 << 20;

/// Why there is no further message.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// The stream was closed.
    #[error("closed")]
    Closed,
    /// The file ends in the middle, or without being closed.
    #[error("cut off")]
    Cut,
    /// The file is not what it should be.
    #[error("{0}")]
    Damaged(String),
    /// It could not be read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A message and what belongs to it.
struct Raw {
    metadata: Vec<u8>,
    body: Vec<u8>,
}

/// A place between two messages.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Bytes before it.
    pub(super) whole: u64,
    chain: Chain,
}

/// Reads messages.
#[derive(Debug)]
pub(super) struct Frames<R> {
    reader: R,
    chain: Chain,
    /// Is there a checksum behind each batch? The header says so, and if that bit has
    /// changed, the first batch does.
    checked: bool,
    /// Was there a batch?
    begun: bool,
    /// Bytes up to the end of the last whole message.
    whole: u64,
    /// Bytes taken.
    taken: u64,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            chain: Chain::default(),
            checked: false,
            begun: false,
            whole: 0,
            taken: 0,
        }
    }

    /// Bytes up to the end of the last whole message.
    pub(super) fn whole(&self) -> u64 {
        self.whole
    }

    /// Where it is now.
    pub(super) fn place(&self) -> Place {
        Place {
            whole: self.whole,
            chain: self.chain.clone(),
        }
    }

    /// Goes on elsewhere in the same file.
    pub(super) fn go_on(&mut self, reader: R, place: Place) {
        self.reader = reader;
        self.chain = place.chain;
        (self.whole, self.taken) = (place.whole, place.whole);
    }

    /// Is there a checksum behind each batch?
    pub(super) fn is_checked(&self) -> bool {
        self.checked
    }

    /// The schema, which comes first.
    pub(super) fn schema(&mut self) -> Result<SchemaRef, Stop> {
        let raw = self.next()?;
        let message = message(&raw.metadata)?;
        if message.header_type() != MessageHeader::Schema {
            return Err(damaged("it does not begin with a schema"));
        }
        let schema = schema(&message)?;
        self.checked = schema
            .metadata()
            .get(checksum::KEY)
            .is_some_and(|kind| kind == checksum::KIND);
        self.whole = self.taken;
        Ok(Arc::new(schema))
    }

    /// The next batch, with all its columns.
    pub(super) fn batch(&mut self, schema: &SchemaRef) -> Result<RecordBatch, Stop> {
        self.decode(schema, None)
    }

    /// The next batch, with these columns, as far as they are not null throughout.
    pub(super) fn columns(
        &mut self,
        schema: &SchemaRef,
        wanted: &[bool],
    ) -> Result<RecordBatch, Stop> {
        self.decode(schema, Some(wanted))
    }

    fn decode(&mut self, schema: &SchemaRef, wanted: Option<&[bool]>) -> Result<RecordBatch, Stop> {
        let raw = self.next()?;
        let message = message(&raw.metadata)?;
        let batch = message
            .header_as_record_batch()
            .ok_or_else(|| damaged("a message is no batch of rows"))?;
        check(&batch, schema, &raw.body)?;
        let body = Buffer::from(raw.body);
        let projection = wanted.map(|wanted| {
            let nodes = batch.nodes().into_iter().flatten().zip(wanted);
            let told = nodes
                .enumerate()
                .filter(|(_, (node, is_wanted))| **is_wanted && node.null_count() < batch.length());
            told.map(|(column, _)| column).collect::<Vec<usize>>()
        });
        let batch = read_record_batch(
            &body,
            batch,
            Arc::clone(schema),
            &HashMap::new(),
            projection.as_deref(),
            &message.version(),
        )
        .map_err(|error| damaged(error.to_string()))?;
        self.whole = self.taken;
        Ok(batch)
    }

    fn next(&mut self) -> Result<Raw, Stop> {
        let mark = self.take(4)?;
        if mark != CONTINUATION {
            return Err(damaged("a message does not begin where it should"));
        }
        let length = self.take(4)?;
        self.pass(&mark);
        self.pass(&length);
        let length = <[u8; 4]>::try_from(length).map_or(-1, i32::from_le_bytes);
        if length == 0 {
            self.whole = self.taken;
            return Err(self.behind()?);
        }
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= MOST_METADATA)
            .ok_or_else(|| damaged("a message is too long"))?;
        let metadata = self.take(length)?;
        self.pass(&metadata);
        let body = usize::try_from(message(&metadata)?.bodyLength())
            .ok()
            .filter(|length| *length <= MOST_BODY)
            .ok_or_else(|| damaged("a batch is too long"))?;
        let body = self.take(body)?;
        // What has no rows has no checksum, and the next one is of it, too.
        if !body.is_empty() {
            self.checked |= !self.begun && checksum::is_marked(&body);
            self.begun = true;
            if self.checked && !self.chain.holds(&body) {
                return Err(damaged(
                    "its checksum tells that bytes have changed, or are missing before it",
                ));
            }
        }
        Ok(Raw { metadata, body })
    }

    fn pass(&mut self, bytes: &[u8]) {
        if self.checked || !self.begun {
            self.chain.pass(bytes);
        }
    }

    /// Is there nothing behind the mark that ends the stream?
    fn behind(&mut self) -> io::Result<Stop> {
        let mut next = Vec::new();
        self.reader.by_ref().take(4).read_to_end(&mut next)?;
        Ok(match &next[..] {
            [] => Stop::Closed,
            next if next == CONTINUATION => damaged(
                "another file was joined on behind its end: files are not to be joined, give \
                 each by itself",
            ),
            _ => damaged("it goes on behind its end"),
        })
    }

    /// Exactly so many bytes. Memory grows with what is really there.
    fn take(&mut self, count: usize) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::with_capacity(count.min(64 << 10));
        self.reader
            .by_ref()
            .take(count as u64)
            .read_to_end(&mut bytes)?;
        if bytes.len() < count {
            // A file that ends as it should is not cut off.
            return Err(if checksum::is_closed(&bytes) {
                damaged("a length in it is larger than the file")
            } else {
                Stop::Cut
            });
        }
        self.taken += count as u64;
        Ok(bytes)
    }
}

/// What a message is made of.
pub(super) struct Measured {
    /// All its bytes.
    pub(super) length: usize,
    /// Those of its body, which come last.
    pub(super) body: usize,
    /// Where their number stands, if it is not 0.
    pub(super) place: usize,
}

/// The first of these messages, which are ours.
pub(super) fn measure(messages: &[u8]) -> Result<Measured, Stop> {
    let (prefix, behind) = messages.split_first_chunk::<8>().ok_or(Stop::Cut)?;
    let length = u32::from_le_bytes([prefix[4], prefix[5], prefix[6], prefix[7]]);
    let metadata = usize::try_from(length)
        .ok()
        .and_then(|length| behind.get(..length));
    let metadata = metadata.ok_or(Stop::Cut)?;
    let message = message(metadata)?;
    let body = usize::try_from(message.bodyLength()).map_err(|_| Stop::Cut)?;
    let length = prefix.len() + metadata.len() + body;
    if length > messages.len() {
        return Err(Stop::Cut);
    }
    let table = message._tab;
    let field = usize::from(table.vtable().get(Message::VT_BODYLENGTH));
    Ok(Measured {
        length,
        body,
        place: prefix.len() + table.loc() + field,
    })
}

fn damaged(why: impl Into<String>) -> Stop {
    Stop::Damaged(why.into())
}

fn message(metadata: &[u8]) -> Result<Message<'_>, Stop> {
    root_as_message(metadata)
        .ok()
        .filter(|message| message.version() == MetadataVersion::V5)
        .ok_or_else(|| damaged("the description of a message is broken"))
}
