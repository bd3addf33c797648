//! Members of structs and unions, found by name.

use super::{
    Btf,
    record::{Kind, RawMember},
};

/// Deepest nesting of unnamed members that is searched; the kernel has four.
const DEEPEST: u32 = 16;

/// Most members looked at for one name, so that a damaged blob whose types
/// contain each other ends the search.
const MOST_MEMBERS: u32 = 1 << 16;

/// Member whose own members count as the outer struct's: `sk_buff` groups its
/// header fields in it since 5.17.
const GROUP: &str = "headers";

/// Where a member lies in its struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Bits from the start of the struct. A bit-field counts from the least
    /// significant bit on little-endian machines.
    pub bit_offset: u32,
    /// Width in bits of a bit-field; 0 for an ordinary member.
    pub bit_width: u32,
}

impl Member {
    /// The byte in which the member begins.
    #[must_use]
    pub fn byte_offset(&self) -> u32 {
        self.bit_offset / 8
    }

    /// Bits of that byte below the member; 0 unless it is a bit-field.
    #[must_use]
    pub fn shift(&self) -> u32 {
        self.bit_offset % 8
    }
}

/// Finds the member `path` (names joined with dots) of the struct `id`.
pub(super) fn find(btf: &Btf<'_>, id: u32, path: &str) -> Option<Member> {
    let mut of = id;
    let mut found = Member {
        bit_offset: 0,
        bit_width: 0,
    };
    for name in path.split('.') {
        if name.is_empty() {
            return None;
        }
        let mut left = MOST_MEMBERS;
        let member = search(btf, of, name, DEEPEST, &mut left)?;
        of = member.of;
        found = Member {
            bit_offset: found.bit_offset.checked_add(member.bit_offset)?,
            bit_width: member.bit_width,
        };
    }
    Some(found)
}

fn search(btf: &Btf<'_>, id: u32, name: &str, depth: u32, left: &mut u32) -> Option<RawMember> {
    let record = btf.record(btf.plain(id)?)?;
    if !matches!(record.kind, Kind::Struct | Kind::Union) {
        return None;
    }
    let mut group = None;
    for index in 0..record.length {
        *left = left.checked_sub(1)?;
        let member = record.member(index)?;
        let found = match btf.string(member.name)? {
            found if found == name => return Some(member),
            "" if depth > 0 => within(btf, &member, name, depth - 1, left),
            GROUP if depth > 0 => {
                group = Some(member);
                None
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    within(btf, &group?, name, depth - 1, left)
}

fn within(
    btf: &Btf<'_>,
    outer: &RawMember,
    name: &str,
    depth: u32,
    left: &mut u32,
) -> Option<RawMember> {
    let inner = search(btf, outer.of, name, depth, left)?;
    Some(RawMember {
        bit_offset: outer.bit_offset.checked_add(inner.bit_offset)?,
        ..inner
    })
}
