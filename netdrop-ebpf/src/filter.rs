//! The kernel's part of a filter: a table of rules and the one function that
//! applies it, here and in the tests on the host.
//!
//! An expression is a program without jumps for a stack of three-valued
//! numbers. User space compiles up to [`ROOTS`] expressions into it; their
//! values together are the index of the verdict.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

mod look;
mod machine;

pub use look::{is_tag, look};
pub use machine::{Machine, decide, run};

/// Room for instructions.
pub const INSTRUCTIONS: usize = 64;
/// Room on the stack.
pub const STACK: usize = 32;
/// Expressions whose values are kept apart, two bits each, in
/// [`SiteKey::filter`](crate::site::SiteKey::filter).
pub const ROOTS: usize = 4;

/// One step.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Instruction {
    /// What to look at, one of [`test`].
    pub test: u8,
    /// What to do with the value, one of [`join`].
    pub join: u8,
    /// 1 to turn the value around first.
    pub negate: u8,
    /// VLAN tags around the headers that are meant.
    pub depth: u8,
    /// Bits of [`direction`].
    pub direction: u8,
    /// Network protocols that are meant, bits of [`kind`].
    pub kinds: u8,
    /// IP protocol; [`ANY_PORTS`] for ports of any; field for bytes.
    pub protocol: u8,
    /// Which expression ends here.
    pub root: u8,
    /// Lowest number that matches.
    pub low: u32,
    /// Highest number that matches.
    pub high: u32,
    /// Bytes to compare with; the lower half of a set of byte values.
    pub value: [u8; 16],
    /// Bits to compare; the upper half of a set of byte values.
    pub mask: [u8; 16],
}

const _: () = assert!(size_of::<Instruction>() == 48);

/// Values of [`Instruction::test`].
pub mod test {
    /// Nothing: take the value on top of the stack.
    pub const TOP: u8 = 0;
    /// The value on top of the stack is that of an expression.
    pub const ROOT: u8 = 1;
    /// The ethertype is `low`.
    pub const TYPE: u8 = 2;
    /// There is a tag at `depth`, its identifier from `low` to `high`.
    pub const TAG: u8 = 3;
    /// Addresses under `mask` are `value`.
    pub const ADDRESS: u8 = 4;
    /// The IP protocol, or one before it, is `protocol`.
    pub const PROTOCOL: u8 = 5;
    /// Ports from `low` to `high`.
    pub const PORT: u8 = 6;
    /// The TCP flags byte is in the set.
    pub const TCP_FLAGS: u8 = 7;
    /// The ICMP type of `protocol` is in the set.
    pub const ICMP_TYPE: u8 = 8;
    /// The ICMP code of `protocol` is in the set.
    pub const ICMP_CODE: u8 = 9;
    /// Length from `low` to `high`.
    pub const LENGTH: u8 = 10;
    /// The sender's process is `low`.
    pub const PID: u8 = 11;
    /// The sender's command under `mask` is `value`.
    pub const COMMAND: u8 = 12;
    /// Always true.
    pub const ALWAYS: u8 = 13;
}

/// Values of [`Instruction::join`].
pub mod join {
    /// Onto the stack.
    pub const PUSH: u8 = 0;
    /// Into the top by *and*.
    pub const AND: u8 = 1;
    /// Into the top by *or*.
    pub const OR: u8 = 2;
}

/// Bits of [`Instruction::direction`]. With both bits either end may match.
pub mod direction {
    /// The source.
    pub const SOURCE: u8 = 1;
    /// The destination.
    pub const DESTINATION: u8 = 2;
    /// Both ends must match.
    pub const BOTH: u8 = 4;
}

/// Bits of [`Instruction::kinds`].
pub mod kind {
    /// IPv4.
    pub const IP: u8 = 1;
    /// IPv6.
    pub const IP6: u8 = 2;
    /// ARP.
    pub const ARP: u8 = 4;
    /// RARP.
    pub const RARP: u8 = 8;
}

/// [`Instruction::protocol`] of ports of TCP, UDP or SCTP.
pub const ANY_PORTS: u8 = 255;

/// A compiled filter; all zero is none.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Rules {
    /// How many instructions; 0 when there is no filter.
    pub length: u32,
    /// Bits of [`needs`].
    pub needs: u32,
    /// The program.
    pub instructions: [Instruction; INSTRUCTIONS],
    /// What follows from the values of all expressions, one of [`verdict`].
    pub verdicts: [u8; 1 << (2 * ROOTS)],
}

/// Bits of [`Rules::needs`]: what is read for the filter alone.
pub mod needs {
    /// The sender.
    pub const SENDER: u32 = 1 << 0;
    /// VLAN tags.
    pub const TAGS: u32 = 1 << 1;
    /// The kernel decides nothing, but leaves [`marks`] with each row, for a
    /// filter that is too large for its table.
    pub const MARKS: u32 = 1 << 2;
}

/// Bits of [`SiteKey::filter`](crate::site::SiteKey::filter) with
/// [`needs::MARKS`]: what a row cannot tell of its packets otherwise.
pub mod marks {
    /// [`known::LATER_FRAGMENT`](crate::packet::known::LATER_FRAGMENT).
    pub const LATER_FRAGMENT: u8 = 1 << 0;
    /// A VLAN tag lies in the frame.
    pub const TAGGED: u8 = 1 << 1;
    /// [`known::PROTOCOL`](crate::packet::known::PROTOCOL).
    pub const PROTOCOL: u8 = 1 << 2;
    /// [`known::TRANSPORT`](crate::packet::known::TRANSPORT).
    pub const TRANSPORT: u8 = 1 << 3;
    /// [`known::TYPES`](crate::packet::known::TYPES).
    pub const TYPES: u8 = 1 << 4;
}

/// Values of [`Rules::verdicts`].
pub mod verdict {
    /// The filter is not true, whatever else is known.
    pub const REJECT: u8 = 0;
    /// It may be true.
    pub const KEEP: u8 = 1;
    /// It cannot be decided, whatever else is known.
    pub const UNDECIDED: u8 = 2;
}

impl Rules {
    /// No filter.
    pub const NONE: Self = Self {
        length: 0,
        needs: 0,
        instructions: [Instruction {
            test: 0,
            join: 0,
            negate: 0,
            depth: 0,
            direction: 0,
            kinds: 0,
            protocol: 0,
            root: 0,
            low: 0,
            high: 0,
            value: [0; 16],
            mask: [0; 16],
        }; INSTRUCTIONS],
        verdicts: [0; 1 << (2 * ROOTS)],
    };
}
