//! One working memory for every run that may go on at the same time, and what a
//! CPU remembers from run to run.

use netdrop_ebpf::{hurt::Connection, scratch::Scratch};

use crate::{constants::setting, maps::SCRATCH};

/// Task, softirq, hard interrupt and NMI can interrupt each other on kernels
/// before 6.1; later ones run a program only once at a time on a CPU.
pub(crate) const LEVELS: usize = 4;

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
    /// Did the run interrupt another one?
    #[inline(always)]
    pub(crate) fn is_nested(&self) -> bool {
        setting!(guarded) == 0 && self.depth != 0
    }

    #[inline(always)]
    pub(crate) fn give_back(self) {
        if setting!(guarded) == 0 {
            // SAFETY: a live map value.
            unsafe { core::ptr::write_volatile(&raw mut (*self.owner).depth, self.depth) };
        }
    }
}
