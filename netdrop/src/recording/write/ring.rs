//! The last minutes of a recording, encoded, in bounded memory.

use std::{collections::VecDeque, fs::File};

use jiff::Timestamp;

use super::{
    HostCounter, RecordError,
    connections::Following,
    sheet::{Sheet, Stamp},
    state::State,
    stream::{Encoder, Stream},
};
use crate::recording::{columns::Columns, header::Header};

/// An interval.
struct Kept {
    stamp: Stamp,
    /// Its batches; without the last rows where there is something to follow.
    bytes: Vec<u8>,
    changed: Vec<HostCounter>,
    following: Option<Following>,
    size: usize,
}

/// How much a file holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// Intervals.
    pub intervals: u64,
    /// Their length.
    pub seconds: f64,
    /// Their drops.
    pub drops: u64,
    /// Bytes of it.
    pub bytes: u64,
}

/// Intervals, of which the oldest are let go.
pub struct Ring {
    kept: VecDeque<Kept>,
    /// What stood before the first of them.
    base: State,
    start: Timestamp,
    seconds: f64,
    bytes: usize,
    /// Let go of whatever is older, in seconds.
    keep: f64,
    /// Bytes at most.
    most: usize,
    crowded: u64,
    encoder: Encoder,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Ring")
            .field("intervals", &self.kept.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Ring {
    /// Keeps so many seconds in so many bytes, from what stands now on.
    ///
    /// # Errors
    ///
    /// When nothing can be encoded, which would be a fault of ours.
    pub fn new(header: &Header, base: State, keep: f64, most: usize) -> Result<Self, RecordError> {
        let mut encoder = Encoder::new(header)?;
        // The first batch has the header before it, which every file gets anew.
        encoder.rows(&mut Columns::default(), &mut Vec::new())?;
        Ok(Self {
            kept: VecDeque::new(),
            base,
            start: header.start.unwrap_or_default(),
            seconds: 0.0,
            bytes: 0,
            keep,
            most,
            crowded: 0,
            encoder,
        })
    }

    /// Takes an interval, and lets go of what is too old or too much.
    ///
    /// # Errors
    ///
    /// When it cannot be encoded, which would be a fault of ours.
    pub fn push(&mut self, sheet: Sheet) -> Result<(), RecordError> {
        let Sheet {
            stamp,
            full,
            mut columns,
            changed,
            following,
        } = sheet;
        let mut bytes = Vec::new();
        for batch in &full {
            self.encoder.batch(batch, &mut bytes)?;
        }
        let following = (!following.is_empty()).then_some(following);
        if following.is_none() {
            columns.push(&stamp.end());
        }
        self.encoder.rows(&mut columns, &mut bytes)?;
        bytes.shrink_to_fit();
        let counters = changed
            .iter()
            .map(|counter| size_of::<HostCounter>() + counter.scope.len() + counter.name.len());
        let size = size_of::<Kept>()
            + bytes.len()
            + counters.sum::<usize>()
            + following.as_ref().map_or(0, Following::size);
        self.seconds += stamp.seconds;
        self.bytes += size;
        self.kept.push_back(Kept {
            stamp,
            bytes,
            changed,
            following,
            size,
        });
        while let Some(first) = self.kept.front() {
            let is_old = self.seconds - first.stamp.seconds >= self.keep;
            let crowds = self.bytes > self.most && self.kept.len() > 1;
            if !is_old && !crowds {
                break;
            }
            self.crowded += u64::from(!is_old);
            self.let_go();
        }
        Ok(())
    }

    /// Lets go of the first interval.
    fn let_go(&mut self) {
        let Some(kept) = self.kept.pop_front() else {
            return;
        };
        self.seconds -= kept.stamp.seconds;
        self.bytes -= kept.size;
        self.start = kept.stamp.time;
        let following = kept.following.unwrap_or_default();
        self.base.advance(&kept.changed, &following);
    }

    /// Intervals let go before their time for want of memory.
    #[must_use]
    pub fn crowded(&self) -> u64 {
        self.crowded
    }

    /// How much there is.
    #[must_use]
    pub fn amount(&self) -> Amount {
        Amount {
            intervals: self.kept.len() as u64,
            seconds: self.seconds,
            drops: self.kept.iter().map(|kept| kept.stamp.drops).sum(),
            bytes: self.bytes as u64,
        }
    }

    /// Writes all there is as a recording that stands for itself.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn dump(&self, file: File, header: &Header, why: &str) -> Result<Amount, RecordError> {
        let header = Header {
            start: Some(self.start),
            ..header.clone()
        };
        let mut stream = Stream::start(file, &header, None, self.base.afresh())?;
        for kept in &self.kept {
            stream.encoded(kept.stamp, &kept.bytes, kept.following.as_ref())?;
        }
        Ok(Amount {
            bytes: stream.finish(why)?,
            ..self.amount()
        })
    }
}
