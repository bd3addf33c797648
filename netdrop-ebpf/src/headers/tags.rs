//! VLAN tags, remembered for the filter.

use super::working::know;
use crate::{
    get,
    packet::{TAGS, known},
    put,
    scratch::Scratch,
};

/// How many tags are remembered, so that it is a place in the arrays. Read anew,
/// so that the mask stays: 5.10 does not carry a bound over from a comparison.
#[inline(always)]
fn place(s: *mut Scratch) -> usize {
    usize::from(get!(s, packet.depth)) & TAGS
}

/// Remembers a VLAN tag for the filter.
#[inline(always)]
pub(super) fn add_tag(s: *mut Scratch, ethertype: u16, control: u16) {
    if usize::from(get!(s, packet.depth)) >= TAGS {
        return;
    }
    let place = place(s);
    // SAFETY: fields of a live map value; the place is inside the arrays.
    unsafe {
        core::ptr::write_volatile(&raw mut (*s).packet.types[place], ethertype);
        core::ptr::write_volatile(&raw mut (*s).packet.tags[place], control & 0x0FFF);
    }
    put!(s, packet.depth, get!(s, packet.depth).wrapping_add(1));
}

/// Remembers the ethertype behind the tags for the filter.
#[inline(always)]
pub fn end_tags(s: *mut Scratch) {
    let ethertype = get!(s, key.site.ethertype);
    if ethertype != 0 {
        let place = place(s);
        // SAFETY: a field of a live map value; the place is inside the array.
        unsafe { core::ptr::write_volatile(&raw mut (*s).packet.types[place], ethertype) };
        know(s, known::TYPES);
    }
}
