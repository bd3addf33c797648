//! Working memory of the drop program. It lies in a map, not on the stack: the
//! verifier does not follow values through maps, so the many ways to read a
//! packet meet again after each step instead of multiplying (5.10 and 6.1
//! refused the stack version at a million instructions).

use netdrop_ebpf::{
    flow::FlowKey,
    hurt::{Connection, Hurt},
};

use crate::{constants::setting, maps::SCRATCH};

/// Task, softirq, hard interrupt and NMI can interrupt each other on kernels
/// before 6.1; later ones run a program only once at a time on a CPU.
pub(crate) const LEVELS: usize = 4;

/// Bytes read at the network header in one go: IPv6 and a TCP header up to its
/// flags, and the room for a copied transport header.
pub(crate) const WINDOW: usize = 64;

/// What one run works on.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct Scratch {
    /// Complete once the headers are read and the site is known.
    pub(crate) key: FlowKey,
    /// The connection of a TCP packet, whichever way it was going.
    pub(crate) connection: Connection,
    /// What is first known of that connection.
    pub(crate) hurt: Hurt,
    /// Header bytes.
    pub(crate) window: [u8; WINDOW],
    /// A VLAN tag or IPv6 extension header.
    pub(crate) small: [u8; 8],
    /// The network header's offset from `head`, or [`NO_HEADER`].
    pub(crate) network: u32,
    /// Bytes from the network header to the payload, 0 when unknown.
    pub(crate) header_bytes: u32,
    /// Bytes from the network header on.
    pub(crate) length: u32,
    /// Packets on the wire.
    pub(crate) packets: u32,
    /// The TCP flags byte.
    pub(crate) tcp_flags: u32,
    /// Bits of an event's `flags`.
    pub(crate) event_flags: u32,
    /// Address of the receiving socket, 0 when unknown; set where events are
    /// sent.
    pub(crate) receiver: u64,
}

/// [`Scratch::network`] of a packet without a network header.
pub(crate) const NO_HEADER: u32 = u32::MAX;

/// One CPU's share.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct CpuScratch {
    depth: u64,
    levels: [Scratch; LEVELS],
    answered: Answered,
    clock: Clock,
}

/// The time, asked for once a jiffy.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    /// When `time` was asked for.
    pub(crate) jiffies: u64,
    /// `CLOCK_MONOTONIC` in nanoseconds.
    pub(crate) time: u64,
    /// The jiffies in which the table of consequences was last full.
    pub(crate) full: u64,
}

/// The last packet that was answered with an RST before it died.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct Answered {
    /// Address of the skb; only compared, never read through.
    pub(crate) skb: u64,
    /// Its connection.
    pub(crate) connection: Connection,
}

/// This CPU's clock.
#[inline(always)]
pub(crate) fn clock(cpu: u32) -> Option<*mut Clock> {
    let mine = SCRATCH.get_ptr_mut(cpu)?;
    // SAFETY: a field of a live map value.
    Some(unsafe { &raw mut (*mine).clock })
}

/// This CPU's packet.
#[inline(always)]
pub(crate) fn answered(cpu: u32) -> Option<*mut Answered> {
    let mine = SCRATCH.get_ptr_mut(cpu)?;
    // SAFETY: a field of a live map value.
    Some(unsafe { &raw mut (*mine).answered })
}

/// Reads a field of `*mut Scratch`, hiding from the compiler, and so from the
/// verifier, what was written before.
macro_rules! get {
    ($scratch:expr, $($field:tt)+) => {{
        // SAFETY: a Scratch is a live map value.
        unsafe { core::ptr::read_volatile(&raw const (*$scratch).$($field)+) }
    }};
}
pub(crate) use get;

/// Writes a field of `*mut Scratch`.
macro_rules! put {
    ($scratch:expr, $($field:ident).+, $value:expr) => {{
        let value = $value;
        // SAFETY: a Scratch is a live map value.
        unsafe { core::ptr::write_volatile(&raw mut (*$scratch).$($field).+, value) }
    }};
}
pub(crate) use put;

/// A scratch taken by a run.
pub(crate) struct Taken {
    pub(crate) scratch: *mut Scratch,
    owner: *mut CpuScratch,
    depth: u64,
}

/// A scratch of the run's own, to be given back; `None` when none is left.
#[inline(always)]
pub(crate) fn take(cpu: u32) -> Option<Taken> {
    let owner = SCRATCH.get_ptr_mut(cpu)?;
    // Runs on one CPU nest and end in reverse order, so plain reads and writes
    // are enough.
    let depth = if setting!(guarded) != 0 {
        0
    } else {
        // SAFETY: a live map value.
        unsafe { core::ptr::read_volatile(&raw const (*owner).depth) }
    };
    if depth >= LEVELS as u64 {
        return None;
    }
    if setting!(guarded) == 0 {
        // SAFETY: as above.
        unsafe { core::ptr::write_volatile(&raw mut (*owner).depth, depth + 1) };
    }
    // SAFETY: depth is below LEVELS.
    let scratch = unsafe {
        (&raw mut (*owner).levels)
            .cast::<Scratch>()
            .add(depth as usize)
    };
    Some(Taken {
        scratch,
        owner,
        depth,
    })
}

impl Taken {
    #[inline(always)]
    pub(crate) fn give_back(self) {
        if setting!(guarded) == 0 {
            // SAFETY: a live map value.
            unsafe { core::ptr::write_volatile(&raw mut (*self.owner).depth, self.depth) };
        }
    }
}
