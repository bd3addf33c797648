//! Where the fields of `skb:kfree_skb` and of a ring buffer page lie, read from
//! the `format` files, which differ between kernels.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
};

use anyhow::{Context as _, Result};

/// A field's place within a record, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl Field {
    /// The little-endian number in this place.
    pub(crate) fn of(self, record: &[u8]) -> Option<u64> {
        let Self { offset, size } = self;
        let mut number = [0; 8];
        number
            .get_mut(..size)?
            .copy_from_slice(record.get(offset..offset + size)?);
        Some(u64::from_le_bytes(number))
    }
}

/// The event's number, its fields and the names of the reasons.
pub(crate) struct Format {
    id: u64,
    kind: Field,
    location: Field,
    pub(crate) reason: Option<Field>,
    pub(crate) reasons: BTreeMap<u32, String>,
    pub(crate) page: PageFormat,
}

/// The head of a page of the ring buffer.
pub(crate) struct PageFormat {
    pub(crate) commit: Field,
    pub(crate) data: Field,
}

/// What a record of `skb:kfree_skb` says.
pub(crate) struct Dropped {
    pub(crate) location: u64,
    pub(crate) reason: Option<u32>,
}

impl Format {
    /// Reads the formats of the running kernel.
    pub(crate) fn read() -> Result<Self> {
        let read = |path: &str| {
            read_at_once(&format!("/sys/kernel/tracing/events/{path}"))
                .with_context(|| format!("cannot read tracefs events/{path}"))
        };
        Self::parse(&read("skb/kfree_skb/format")?, &read("header_page")?)
    }

    fn parse(event: &str, page: &str) -> Result<Self> {
        let id = event.lines().find_map(|line| line.strip_prefix("ID: "));
        Ok(Self {
            id: id.context("no ID in the format")?.trim().parse()?,
            kind: field(event, "common_type").context("no common_type")?,
            location: field(event, "location").context("no location")?,
            reason: field(event, "reason"),
            reasons: reasons(event),
            page: PageFormat {
                commit: field(page, "commit").context("no commit in header_page")?,
                data: field(page, "data").context("no data in header_page")?,
            },
        })
    }

    /// Decodes a record; `None` when it is another event's.
    pub(crate) fn drop(&self, record: &[u8]) -> Option<Dropped> {
        let Self {
            id,
            kind,
            location,
            reason,
            ..
        } = self;
        (kind.of(record)? == *id).then_some(())?;
        Some(Dropped {
            location: location.of(record)?,
            reason: match reason {
                Some(reason) => u32::try_from(reason.of(record)?).ok(),
                None => None,
            },
        })
    }

    /// The name of a reason, or its number where the kernel prints no name.
    pub(crate) fn reason_name(&self, number: u32) -> String {
        self.reasons
            .get(&number)
            .cloned()
            .unwrap_or_else(|| format!("{number:#x}"))
    }
}

/// Reads by large reads only: `header_page` gives nothing after a short first
/// read, as `fs::read_to_string` makes it.
fn read_at_once(path: &str) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut text, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            length => text.extend(&buffer[..length]),
        }
    }
}

/// `field:void * location; offset:16; size:8; signed:0;`, with tabs between.
fn field(format: &str, name: &str) -> Option<Field> {
    format.lines().find_map(|line| {
        let mut parts = line
            .trim()
            .strip_prefix("field:")?
            .split(';')
            .map(str::trim);
        let declared = parts.next()?.rsplit([' ', '*']).next()?;
        (declared.split('[').next()? == name).then_some(())?;
        let mut number = |key| parts.next()?.strip_prefix(key)?.parse().ok();
        Some(Field {
            offset: number("offset:")?,
            size: number("size:")?,
        })
    })
}

/// `{ 3, "NO_SOCKET" }, …` of the print format.
fn reasons(format: &str) -> BTreeMap<u32, String> {
    format
        .split('{')
        .filter_map(|entry| {
            let (number, rest) = entry.trim().split_once(',')?;
            let name = rest.trim().strip_prefix('"')?.split('"').next()?;
            Some((number.trim().parse().ok()?, name.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;
\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;
";

    #[test]
    fn a_kernel_without_reasons_has_only_the_location() {
        let event = "name: kfree_skb\nID: 1234\nformat:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:void * skbaddr;\toffset:8;\tsize:8;\tsigned:0;
\tfield:void * location;\toffset:16;\tsize:8;\tsigned:0;
print fmt: \"skbaddr=%p protocol=%u location=%p\", REC->skbaddr";
        let format = Format::parse(event, PAGE).unwrap();
        assert_eq!(format.reason, None);
        assert_eq!(
            format.location,
            Field {
                offset: 16,
                size: 8
            }
        );
        assert!(format.reasons.is_empty());
        assert_eq!(format.page.data.offset, 16);
    }

    #[test]
    fn reasons_are_named_by_the_print_format() {
        let event = "ID: 7
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:void * location;\toffset:16;\tsize:8;\tsigned:0;
\tfield:enum skb_drop_reason reason;\toffset:36;\tsize:4;\tsigned:0;
print fmt: \"%s\", __print_symbolic(REC->reason, { 2, \"NOT_SPECIFIED\" }, { 3, \"NO_SOCKET\" })";
        let format = Format::parse(event, PAGE).unwrap();
        assert_eq!(
            format.reason,
            Some(Field {
                offset: 36,
                size: 4
            })
        );
        assert_eq!(format.reason_name(3), "NO_SOCKET");
        assert_eq!(format.reason_name(0x2_0001), "0x20001");
    }
}
