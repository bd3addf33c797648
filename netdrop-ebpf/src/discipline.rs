//! Which queueing discipline dropped a packet: `qdisc:qdisc_drop` tells it
//! before the packet dies, on the same CPU.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::site::facts::{QDISC_MASK, QDISC_SHIFT};

/// Kinds of qdiscs that a CPU can tell apart: a power of two, since the verifier
/// knows the bounds of a mask but not of a remainder, whose numbers fit into
/// [`facts`](crate::site::facts).
pub const KINDS: usize = 16;

const _: () = assert!(KINDS.is_power_of_two() && KINDS <= (QDISC_MASK >> QDISC_SHIFT) as usize);

/// Packets that a CPU remembers between their drop and their death.
pub const MARKS: usize = 256;

/// `Qdisc_ops.id`, zero-padded: what `tc` calls the kind, for example `tbf`.
pub type Kind = [u8; 16];

/// A packet that a qdisc has dropped and not yet freed.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Mark {
    /// Address of the skb; only compared, never read through.
    pub skb: u64,
    /// Number of the qdisc's kind, from 1 on.
    pub kind: u64,
}

/// What one CPU knows of qdiscs. Only programs on this CPU write it.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct CpuQdiscs {
    /// Kinds met; number 1 stands first.
    pub kinds: [Kind; KINDS],
    /// By a hash of the skb's address.
    pub marks: [Mark; MARKS],
    /// The skb that a program has in hand.
    pub dropping: u64,
    /// The skb that another program has in hand.
    pub dying: u64,
}

const _: () = assert!(size_of::<CpuQdiscs>() == 16 * (KINDS + MARKS + 1));
