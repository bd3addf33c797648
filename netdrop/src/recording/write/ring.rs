//! The last minutes of a recording, encoded, in bounded memory.

use std::{
    collections::{HashSet, VecDeque},
    fs::File,
};

use jiff::Timestamp;

use super::{
    HostCounter, RecordError,
    connections::Following,
    group::Group,
    sheet::{Sheet, Stamp},
    state::State,
    stream::{Encoder, Stream},
};
use crate::recording::header::Header;

/// A batch is to hold this part of the whole at most, so that little more is kept
/// than was asked for,
const PART: f64 = 1.0 / 20.0;
/// and so many seconds.
const LONGEST: f64 = 10.0;

/// Intervals, mostly as one batch.
struct Kept {
    /// Of the last one.
    stamp: Stamp,
    intervals: u64,
    seconds: f64,
    drops: u64,
    /// Their batches; without the last rows where there is something to follow.
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
    /// Intervals that are not encoded yet.
    open: Group,
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
        encoder.leave_header()?;
        Ok(Self {
            kept: VecDeque::new(),
            base,
            start: header.start.unwrap_or_default(),
            seconds: 0.0,
            bytes: 0,
            keep,
            most,
            crowded: 0,
            open: encoder.group(),
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
        if !full.is_empty() {
            self.close(Vec::new(), None)?;
        }
        let mut bytes = Vec::new();
        for batch in &full {
            self.encoder.batch(batch, &mut bytes)?;
        }
        let following = (!following.is_empty()).then_some(following);
        if following.is_none() {
            columns.push(&stamp.end());
        }
        self.open.add(stamp, columns, changed);
        let longest = LONGEST.min(self.keep * PART);
        if following.is_some() || !full.is_empty() || self.open.is_full(longest) {
            self.close(bytes, following)?;
        }
        while let Some(first) = self.kept.front() {
            let is_old = self.seconds + self.open.seconds - first.seconds >= self.keep;
            let crowds = self.bytes > self.most && self.kept.len() > 1;
            if !is_old && !crowds {
                break;
            }
            self.crowded += if is_old { 0 } else { first.intervals };
            self.let_go();
        }
        Ok(())
    }

    /// Encodes the intervals that are not, behind the first batches of the only
    /// one. `following` is what the rows of the last one are not complete without.
    fn close(
        &mut self,
        mut bytes: Vec<u8>,
        following: Option<Following>,
    ) -> Result<(), RecordError> {
        let anew = self.encoder.group();
        let mut group = std::mem::replace(&mut self.open, anew);
        let Some(stamp) = group.stamp else {
            return Ok(());
        };
        self.encoder.rows(group.columns(), &mut bytes)?;
        bytes.shrink_to_fit();
        let changed = last_of_each(group.changed);
        let counters = changed
            .iter()
            .map(|counter| size_of::<HostCounter>() + counter.scope.len() + counter.name.len());
        let size = size_of::<Kept>()
            + bytes.len()
            + counters.sum::<usize>()
            + following.as_ref().map_or(0, Following::size);
        self.seconds += group.seconds;
        self.bytes += size;
        self.kept.push_back(Kept {
            stamp,
            intervals: group.intervals,
            seconds: group.seconds,
            drops: group.drops,
            bytes,
            changed,
            following,
            size,
        });
        Ok(())
    }

    /// Lets go of the first intervals.
    fn let_go(&mut self) {
        let Some(kept) = self.kept.pop_front() else {
            return;
        };
        self.seconds -= kept.seconds;
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
            intervals: self.sum(|kept| kept.intervals) + self.open.intervals,
            seconds: self.seconds + self.open.seconds,
            drops: self.sum(|kept| kept.drops) + self.open.drops,
            bytes: self.bytes as u64,
        }
    }

    fn sum(&self, of: impl Fn(&Kept) -> u64) -> u64 {
        self.kept.iter().map(of).sum()
    }

    /// Writes all there is as a recording that stands for itself.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn dump(&mut self, file: File, header: &Header, why: &str) -> Result<Amount, RecordError> {
        self.close(Vec::new(), None)?;
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

/// Counters as they stood last.
fn last_of_each(mut changed: Vec<HostCounter>) -> Vec<HostCounter> {
    let mut met = HashSet::new();
    changed.reverse();
    changed.retain(|counter| met.insert((counter.scope.clone(), counter.name.clone())));
    changed.reverse();
    changed
}
