//! One page of a tracefs ring buffer as `trace_pipe_raw` gives it out
//! (kernel: `include/linux/ring_buffer.h`, the same from 4.x to 7.x).

use anyhow::{Context as _, Result};

use super::format::PageFormat;

const PADDING: u32 = 29;
const TIME_EXTEND: u32 = 30;
const TIME_STAMP: u32 = 31;
const LENGTH: u64 = (1 << 30) - 1;
const MISSED_EVENTS: u64 = 1 << 31;

/// The records of a page.
pub(crate) struct Page<'a> {
    rest: &'a [u8],
    lost: bool,
}

impl<'a> Page<'a> {
    pub(crate) fn new(bytes: &'a [u8], format: &PageFormat) -> Result<Self> {
        let commit = format
            .commit
            .of(bytes)
            .context("a trace page without a head")?;
        let start = format.data.offset;
        let length = usize::try_from(commit & LENGTH)?;
        Ok(Self {
            rest: bytes
                .get(start..start + length)
                .context("a trace page cut short")?,
            lost: commit & MISSED_EVENTS != 0,
        })
    }

    /// Whether the ring overflowed before this page.
    pub(crate) fn lost(&self) -> bool {
        self.lost
    }

    /// The next record; an empty one for time stamps and padding.
    fn record(&mut self) -> Result<&'a [u8]> {
        let word = |at: usize| -> Result<u32> {
            let bytes = self
                .rest
                .get(at..at + 4)
                .context("a trace record cut short")?;
            Ok(u32::from_le_bytes(bytes.try_into()?))
        };
        let head = word(0)?;
        let (record, end) = match head & 0x1f {
            PADDING if head >> 5 == 0 => (0..0, self.rest.len()),
            PADDING => (0..0, 4 + word(4)? as usize),
            TIME_EXTEND | TIME_STAMP => (0..0, 8),
            0 => (8..4 + word(4)? as usize, 4 + word(4)? as usize),
            words => (4..4 + words as usize * 4, 4 + words as usize * 4),
        };
        let bytes = self.rest.get(record).context("a trace record cut short")?;
        self.rest = self.rest.get(end.next_multiple_of(4)..).unwrap_or_default();
        Ok(bytes)
    }
}

impl<'a> Iterator for Page<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| self.record())
    }
}
