//! `qdisc:qdisc_drop`: a queueing discipline gives up a packet, which dies
//! after.

use core::ptr::{read_volatile, write_volatile};

use aya_ebpf::programs::BtfTracePointContext;
use netdrop_ebpf::{
    area::Counter,
    discipline::{CpuQdiscs, KINDS, Kind, MARKS, Mark},
    get, put,
    scratch::Scratch,
    site::facts,
};

use crate::{
    account::Area,
    constants::setting,
    maps::QDISCS,
    skb::{Qdisc, Skb},
};

/// Places where a kind may stand.
const PROBES: u64 = 8;

#[inline(always)]
pub(crate) fn run(ctx: &BtfTracePointContext) -> Option<()> {
    let area = Area::current()?;
    area.count(Counter::QdiscDrop);
    let qdiscs = QDISCS.get_ptr_mut(area.cpu)?;
    let mut id = [0_u64; 2];
    if !Qdisc(ctx.arg(0)).kind(id.as_mut_ptr().cast()) {
        return None;
    }
    let kind = number(qdiscs, id)?;
    // SAFETY: a field of a live map value of this CPU.
    let skb = unsafe { number_of(&raw mut (*qdiscs).dropping, ctx.arg(3)) };
    // SAFETY: inside a live map value of this CPU.
    unsafe { write_volatile(mark(qdiscs, skb), Mark { skb, kind }) };
    Some(())
}

/// Puts the number of the qdisc's kind into the site of a packet that one
/// dropped.
#[inline(always)]
pub(crate) fn name(cpu: u32, skb: Skb, s: *mut Scratch) {
    if setting!(qdiscs) == 0 {
        return;
    }
    let Some(qdiscs) = QDISCS.get_ptr_mut(cpu) else {
        return;
    };
    // SAFETY: a field of a live map value of this CPU.
    let skb = unsafe { number_of(&raw mut (*qdiscs).dying, skb.0 as u64) };
    let mark = mark(qdiscs, skb);
    // SAFETY: inside a live map value of this CPU.
    let found = unsafe { read_volatile(mark) };
    if found.skb != skb {
        return;
    }
    // The address will be another packet's.
    // SAFETY: as above.
    unsafe { write_volatile(&raw mut (*mark).skb, 0) };
    let bits = get!(s, key.site.facts) | ((found.kind as u16) << facts::QDISC_SHIFT);
    put!(s, key.site.facts, bits);
}

/// The kind that a number in a site stands for.
#[inline(always)]
pub(crate) fn kind(cpu: u32, bits: u16) -> Kind {
    let number = facts::qdisc(bits);
    if setting!(qdiscs) == 0 || number == 0 {
        return [0; 16];
    }
    let Some(qdiscs) = QDISCS.get_ptr(cpu) else {
        return [0; 16];
    };
    let index = usize::from(number - 1) & (KINDS - 1);
    // SAFETY: inside a live map value.
    unsafe { read_volatile((&raw const (*qdiscs).kinds).cast::<Kind>().add(index)) }
}

/// An address as a number to calculate with. Through memory, because the
/// verifier forbids that with pointers.
///
/// # Safety
///
/// `through` points into a live map value, to a word of this program's own.
#[inline(always)]
unsafe fn number_of(through: *mut u64, address: u64) -> u64 {
    // SAFETY: as the caller promises.
    unsafe { write_volatile(through, address) };
    // SAFETY: as above.
    unsafe { read_volatile(through) }
}

#[inline(always)]
fn mark(qdiscs: *mut CpuQdiscs, skb: u64) -> *mut Mark {
    // The products of a multiplication are mixed best at its top.
    let index = (skb.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize % MARKS;
    // SAFETY: the index is below MARKS.
    unsafe { (&raw mut (*qdiscs).marks).cast::<Mark>().add(index) }
}

/// The number of a kind on this CPU; a new one gets the first free place.
#[inline(always)]
fn number(qdiscs: *mut CpuQdiscs, id: [u64; 2]) -> Option<u64> {
    let start = (id[0] ^ id[1]).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    for probe in 0..PROBES {
        let index = (start + probe) & (KINDS as u64 - 1);
        // SAFETY: the index is below KINDS.
        let place = unsafe {
            (&raw mut (*qdiscs).kinds)
                .cast::<[u64; 2]>()
                .add(index as usize)
        };
        // SAFETY: inside a live map value of this CPU.
        let there = unsafe { read_volatile(place) };
        if there == id {
            return Some(index + 1);
        }
        if there == [0, 0] {
            // SAFETY: as above.
            unsafe { write_volatile(place, id) };
            return Some(index + 1);
        }
    }
    None
}
