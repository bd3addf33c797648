//! A BTF blob: where each type begins, and which types have which name.

use std::ops::Range;

use super::{
    BtfError,
    record::{HEAD, Record, word},
};

const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;

/// The bytes and the two tables made in one pass over them.
#[derive(Debug)]
pub(super) struct Blob {
    bytes: Vec<u8>,
    strings: Range<usize>,
    first_id: u32,
    first_string: u32,
    /// Where each type's record begins.
    starts: Vec<u32>,
    /// Hash of the name and id of structs, unions, enums and typedefs, sorted.
    index: Vec<(u32, u32)>,
}

impl Blob {
    pub(super) fn parse(
        mut bytes: Vec<u8>,
        first_id: u32,
        first_string: u32,
    ) -> Result<Self, BtfError> {
        bytes.shrink_to_fit();
        let (types, strings) = sections(&bytes)?;
        // A record takes 20 bytes or more on average.
        let mut starts = Vec::with_capacity(types.len() / 24);
        let mut index = Vec::new();
        let mut at = types.start;
        let mut id = first_id;
        while at < types.end {
            let (start, end) = (at, types.end);
            let cut_off = move || BtfError::Truncated {
                what: "a type",
                offset: start,
                length: end,
            };
            let (record, length) =
                Record::read(&bytes[at..types.end]).map_err(|kind| match kind {
                    Some(kind) => BtfError::Kind { id, kind },
                    None => cut_off(),
                })?;
            starts.push(u32::try_from(at).map_err(|_| cut_off())?);
            if record.kind.is_indexed()
                && let Some(name) = record.name.checked_sub(first_string)
                && let Some(name) = text(&bytes[strings.clone()], name)
                && !name.is_empty()
            {
                index.push((hash(name), id));
            }
            at += length;
            id = id.checked_add(1).ok_or_else(cut_off)?;
        }
        starts.shrink_to_fit();
        index.sort_unstable();
        index.shrink_to_fit();
        Ok(Self {
            bytes,
            strings,
            first_id,
            first_string,
            starts,
            index,
        })
    }

    pub(super) fn first_id(&self) -> u32 {
        self.first_id
    }

    pub(super) fn first_string(&self) -> u32 {
        self.first_string
    }

    /// The id of a module's first type.
    pub(super) fn next_id(&self) -> u32 {
        let count = u32::try_from(self.starts.len()).unwrap_or(u32::MAX);
        self.first_id.saturating_add(count)
    }

    /// The offset of a module's first string.
    pub(super) fn next_string(&self) -> u32 {
        let length = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        self.first_string.saturating_add(length)
    }

    /// Ids of the types that may have this name.
    pub(super) fn candidates(&self, name: &str) -> impl Iterator<Item = u32> {
        let hash = hash(name.as_bytes());
        let first = self.index.partition_point(|&(other, _)| other < hash);
        self.index[first..]
            .iter()
            .take_while(move |&&(other, _)| other == hash)
            .map(|&(_, id)| id)
    }

    pub(super) fn record(&self, id: u32) -> Option<Record<'_>> {
        let index = usize::try_from(id.checked_sub(self.first_id)?).ok()?;
        let start = usize::try_from(*self.starts.get(index)?).ok()?;
        let (record, _) = Record::read(self.bytes.get(start..)?).ok()?;
        Some(record)
    }

    pub(super) fn string(&self, offset: u32) -> Option<&str> {
        let strings = self.bytes.get(self.strings.clone())?;
        std::str::from_utf8(text(strings, offset.checked_sub(self.first_string)?)?).ok()
    }
}

/// The types and the strings.
fn sections(bytes: &[u8]) -> Result<(Range<usize>, Range<usize>), BtfError> {
    let cut_off = |what, offset| BtfError::Truncated {
        what,
        offset,
        length: bytes.len(),
    };
    let (&[a, b, version, _], _) = bytes
        .split_first_chunk()
        .ok_or_else(|| cut_off("the header", 0))?;
    let magic = u16::from_ne_bytes([a, b]);
    if magic != MAGIC {
        return Err(BtfError::Magic(magic));
    }
    if version != VERSION {
        return Err(BtfError::Version(version));
    }
    let field = |offset| {
        word(bytes, offset)
            .and_then(|value| usize::try_from(value).ok())
            .ok_or_else(|| cut_off("the header", offset))
    };
    let header = field(4)?;
    let section = |what, offset: usize, length: usize| {
        let start = header.checked_add(offset);
        let end = start.and_then(|start| start.checked_add(length));
        match (start, end) {
            (Some(start), Some(end)) if end <= bytes.len() => Ok(start..end),
            _ => Err(cut_off(what, offset)),
        }
    };
    let types = section("the types", field(8)?, field(12)?)?;
    let strings = section("the strings", field(16)?, field(20)?)?;
    if types.len() % 4 != 0 || (!types.is_empty() && types.len() < HEAD) {
        return Err(cut_off("the last type", types.end));
    }
    Ok((types, strings))
}

/// The zero-terminated string at `offset`.
fn text(strings: &[u8], offset: u32) -> Option<&[u8]> {
    let rest = strings.get(usize::try_from(offset).ok()?..)?;
    rest.get(..rest.iter().position(|&byte| byte == 0)?)
}

/// FNV-1a.
fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
