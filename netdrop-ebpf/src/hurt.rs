//! What followed the drops of a TCP connection: the table that the drop program
//! and the TCP hooks share.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Most connections watched for consequences at a time.
pub const HURT_ENTRIES: u32 = 16_384;

/// How long after a drop a retransmission or reset counts as its consequence,
/// in nanoseconds: a second, and as much as the kernel's timer wheel may be late
/// (an eighth, `LVL_GRAN` in kernel/time/timer.c) with a little more, because
/// the first retransmission of a SYN is due exactly a second after it.
pub const WINDOW: u64 = 1_200_000_000;

/// A drop so soon after another, in nanoseconds, does not write its time, so that
/// CPUs do not write to the same connection at every drop.
pub const STEP: u64 = 1_000_000;

/// A connection, whoever of its ends sent or received.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Connection {
    /// Addresses in network byte order, IPv4 as `::ffff:a.b.c.d`; the first is
    /// the one that [`is_swapped`] says.
    pub addresses: [[u32; 4]; 2],
    /// Ports in host byte order, in the order of `addresses`.
    pub ports: [u16; 2],
    /// Inode number of the network namespace.
    pub netns: u32,
}

const _: () = assert!(size_of::<Connection>() == 40);

/// The third word of an IPv4 address in IPv6 form.
pub const MAPPED: u32 = u32::from_be(0xFFFF);

/// Is the second of two ends the first in a [`Connection`]? Any order will do
/// that does not depend on the direction; `words` gives the ends' words of the
/// address, and is asked only where the ports are the same.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "part of a program, which 5.10 verifies faster than calls"
)]
pub fn is_swapped(ports: (u16, u16), words: impl Fn(usize) -> (u32, u32)) -> bool {
    if ports.0 != ports.1 {
        return ports.0 > ports.1;
    }
    for index in 0..4 {
        let (first, second) = words(index);
        if first != second {
            return first > second;
        }
    }
    false
}

/// What is known of a connection.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Hurt {
    /// When the last packet of the first and of the second end died:
    /// `CLOCK_MONOTONIC` in nanoseconds, up to a jiffy and [`STEP`] before it; 0
    /// for never.
    pub last: [u64; 2],
    /// Indexed by [`Consequence`], then by whose drops they followed: the
    /// first end's, the second's, both ends'. Only ever grows.
    pub followed: Followed,
    /// Always zero.
    pub reserved: u32,
}

const _: () = assert!(size_of::<Hurt>() == 56);

/// Counts by [`Consequence`], and by whose drops they followed.
pub type Followed = [[u32; 3]; 3];

/// Index into [`Hurt::followed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Consequence {
    /// A segment, SYN-ACKs included, was sent again.
    Retransmit,
    /// An RST was sent.
    ResetSent,
    /// An RST was received.
    ResetReceived,
}
