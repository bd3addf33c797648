//! The checksum behind the rows of each batch: CRC-32 of everything in the file
//! before it, the header and all earlier batches too, so that none can be lost,
//! doubled or moved. Only the checksums themselves are left out: a CRC that goes on
//! over its own value forgets what was before.
//!
//! It stands in the last bytes of the body, which no column lies in. Readers of
//! Arrow streams pass over them.

use crc32fast::Hasher;

use super::frame::{self, CONTINUATION, Stop};

/// Under which the metadata of the schema tells that there are checksums.
pub(super) const KEY: &str = "checksum";
/// And of which kind.
pub(super) const KIND: &str = "crc32-chain";

/// Stands before a checksum.
const MARK: [u8; 4] = *b"SUM ";
/// Mark and checksum, as long as the end of a body is aligned.
const LENGTH: usize = MARK.len() + size_of::<u32>();

/// Of what was written or read so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain(Hasher);

impl Chain {
    /// Goes on over what is no batch with rows.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// These messages, with a checksum behind each batch that has rows.
    pub(super) fn sealed(&mut self, messages: &[u8]) -> Result<Vec<u8>, Stop> {
        let mut sealed = Vec::with_capacity(messages.len() + 16 * LENGTH);
        let mut rest = messages;
        while !rest.is_empty() {
            let measured = frame::measure(rest)?;
            let (message, behind) = rest.split_at(measured.length);
            rest = behind;
            let start = sealed.len();
            sealed.extend_from_slice(message);
            if measured.body == 0 {
                self.pass(message);
                continue;
            }
            let length = i64::try_from(measured.body + LENGTH).unwrap_or(i64::MAX);
            let place = start + measured.place;
            sealed[place..place + size_of::<i64>()].copy_from_slice(&length.to_le_bytes());
            sealed.extend(MARK);
            self.pass(&sealed[start..]);
            sealed.extend(self.sum().to_le_bytes());
        }
        Ok(sealed)
    }

    /// Takes the body of a batch; is it, and everything before it, as it was written?
    pub(super) fn holds(&mut self, body: &[u8]) -> bool {
        let Some((before, found)) = body.split_last_chunk() else {
            return false;
        };
        self.pass(before);
        before.ends_with(&MARK) && u32::from_le_bytes(*found) == self.sum()
    }

    fn sum(&self) -> u32 {
        self.0.clone().finalize()
    }
}

/// Does this body end with a checksum, right or wrong?
pub(super) fn is_marked(body: &[u8]) -> bool {
    let before = body.len().checked_sub(size_of::<u32>());
    before.is_some_and(|end| body[..end].ends_with(&MARK))
}

/// Do these bytes end as a file does that was closed: with a checksum, and the mark
/// that there is no further message?
pub(super) fn is_closed(bytes: &[u8]) -> bool {
    let end = [CONTINUATION, [0; 4]].concat();
    bytes.strip_suffix(&end[..]).is_some_and(is_marked)
}
