//! One type record of a BTF blob.

/// What a type is. The kinds netdrop has no use for are kept by their length
/// only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pointer,
    Array,
    Struct,
    Union,
    Enum,
    Enum64,
    Typedef,
    Qualifier,
    FunctionPrototype,
    Other,
}

impl Kind {
    /// The kind by its number (`BTF_KIND_*`) and the bytes that follow the
    /// record's head: a fixed part and one for each of `vlen` elements.
    pub(super) fn from_number(number: u8) -> Option<(Self, usize, usize)> {
        Some(match number {
            1 | 14 | 17 => (Self::Other, 4, 0), // INT, VAR, DECL_TAG
            2 => (Self::Pointer, 0, 0),
            3 => (Self::Array, 12, 0),
            4 => (Self::Struct, 0, 12),
            5 => (Self::Union, 0, 12),
            6 => (Self::Enum, 0, 8),
            7 | 12 | 16 => (Self::Other, 0, 0), // FWD, FUNC, FLOAT
            8 => (Self::Typedef, 0, 0),
            9..=11 | 18 => (Self::Qualifier, 0, 0), // VOLATILE, CONST, RESTRICT, TYPE_TAG
            13 => (Self::FunctionPrototype, 0, 8),
            15 => (Self::Other, 0, 12), // DATASEC
            19 => (Self::Enum64, 0, 12),
            _ => return None,
        })
    }

    pub(super) fn is_modifier(self) -> bool {
        matches!(self, Self::Typedef | Self::Qualifier)
    }

    pub(super) fn is_indexed(self) -> bool {
        matches!(
            self,
            Self::Struct | Self::Union | Self::Enum | Self::Enum64 | Self::Typedef
        )
    }
}

/// Bytes of a record's head.
pub(super) const HEAD: usize = 12;

/// A type: its head, and the bytes of its elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    /// String offset of the name; 0: unnamed.
    pub(super) name: u32,
    /// Number of members, enumerators or parameters.
    pub(super) length: u32,
    /// `kind_flag`: members carry bit-field widths, an enum is signed.
    pub(super) flag: bool,
    /// Size in bytes, or the type referred to.
    pub(super) size_or_type: u32,
    tail: &'a [u8],
}

/// A member as written: the offset still holds the width.
pub(super) struct RawMember {
    pub(super) name: u32,
    pub(super) of: u32,
    pub(super) bit_offset: u32,
    pub(super) bit_width: u32,
}

impl<'a> Record<'a> {
    /// Reads the record at the start of `bytes` and tells its length in bytes.
    /// `Err(Some(kind))` is an unknown kind, `Err(None)` a cut-off record.
    pub(super) fn read(bytes: &'a [u8]) -> Result<(Self, usize), Option<u8>> {
        let info = word(bytes, 4).ok_or(None)?;
        // Kind has had five bits and vlen sixteen; the bits between were zero
        // and are theirs in newer kernels.
        let number = (info >> 24 & 0x7f) as u8;
        let length = info & 0x00ff_ffff;
        let (kind, fixed, each) = Kind::from_number(number).ok_or(Some(number))?;
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_mul(each))
            .and_then(|elements| elements.checked_add(HEAD + fixed))
            .ok_or(None)?;
        let record = Self {
            kind,
            name: word(bytes, 0).ok_or(None)?,
            length: if each == 0 { 0 } else { length },
            flag: info >> 31 == 1,
            size_or_type: word(bytes, 8).ok_or(None)?,
            tail: bytes.get(HEAD..end).ok_or(None)?,
        };
        Ok((record, end))
    }

    /// The type referred to, if this is of the kind that refers.
    pub(super) fn target(&self, kind: Kind) -> Option<u32> {
        (self.kind == kind).then_some(self.size_or_type)
    }

    /// A member of a struct or union.
    pub(super) fn member(&self, index: u32) -> Option<RawMember> {
        let [name, of, offset] = self.words(index)?;
        let (bit_offset, bit_width) = if self.flag {
            (offset & 0x00ff_ffff, offset >> 24)
        } else {
            (offset, 0)
        };
        Some(RawMember {
            name,
            of,
            bit_offset,
            bit_width,
        })
    }

    /// Name and value of an enumerator.
    pub(super) fn enumerator(&self, index: u32) -> Option<(u32, i64)> {
        match self.kind {
            Kind::Enum => {
                let [name, value] = self.words(index)?;
                let value = if self.flag {
                    i64::from(value.cast_signed())
                } else {
                    i64::from(value)
                };
                Some((name, value))
            }
            Kind::Enum64 => {
                let [name, low, high] = self.words(index)?;
                let value = u64::from(high) << 32 | u64::from(low);
                Some((name, value.cast_signed()))
            }
            _ => None,
        }
    }

    fn words<const N: usize>(&self, index: u32) -> Option<[u32; N]> {
        let start = usize::try_from(index).ok()?.checked_mul(4 * N)?;
        let mut words = [0; N];
        for (position, out) in words.iter_mut().enumerate() {
            *out = word(self.tail, start.checked_add(4 * position)?)?;
        }
        Some(words)
    }
}

/// A 32-bit number in this machine's byte order.
pub(super) fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let end = offset.checked_add(4)?;
    let bytes = bytes.get(offset..end)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}
