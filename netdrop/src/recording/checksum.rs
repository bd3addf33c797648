//! The checksum behind the rows of each batch: CRC-32 of everything since the one
//! before, so that of the first batch is of the header, too.
//!
//! It stands in the last bytes of the body, which no column lies in. Readers of
//! Arrow streams pass over them, and so do versions of netdrop that know of none.

use crc32fast::Hasher;

use super::frame::{self, Stop};

/// Under which the metadata of the schema tells that there are checksums.
pub(super) const KEY: &str = "checksum";
/// And of which kind.
pub(super) const KIND: &str = "crc32";

/// Stands before a checksum.
const MARK: [u8; 4] = *b"CRC ";
/// Mark and checksum, as long as the end of a body is aligned.
const LENGTH: usize = MARK.len() + size_of::<u32>();

/// Of what was written or read since the last checksum.
#[derive(Clone, Debug, Default)]
pub(super) struct Since(Hasher);

impl Since {
    /// Nothing is before.
    pub(super) fn anew(&mut self) {
        self.0.reset();
    }

    /// Goes on over what is no batch with rows.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds the checksum to the last one of these messages, if that is a batch with
    /// rows.
    pub(super) fn seal(&mut self, messages: &mut Vec<u8>) -> Result<(), Stop> {
        let Some((last, place)) = frame::last_body(messages)? else {
            self.pass(messages);
            return Ok(());
        };
        let length = i64::try_from(messages.len() - last + LENGTH).unwrap_or(i64::MAX);
        messages[place..place + size_of::<i64>()].copy_from_slice(&length.to_le_bytes());
        messages.extend(MARK);
        self.pass(messages);
        let sum = std::mem::take(&mut self.0).finalize();
        messages.extend(sum.to_le_bytes());
        Ok(())
    }

    /// Takes the body of a batch; is it, and everything since the last one, as it was
    /// written?
    pub(super) fn holds(&mut self, body: &[u8]) -> bool {
        let Some((before, found)) = body.split_last_chunk() else {
            return false;
        };
        self.pass(before);
        let sum = std::mem::take(&mut self.0).finalize();
        before.ends_with(&MARK) && u32::from_le_bytes(*found) == sum
    }
}
