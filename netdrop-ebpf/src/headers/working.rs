//! The working memory in which headers are read, and its fields.

use super::Memory;
use crate::{
    get, put,
    scratch::{NO_HEADER, Scratch},
};

/// Notes what the filter may rely on.
#[inline(always)]
pub fn know(s: *mut Scratch, bits: u16) {
    put!(s, packet.known, get!(s, packet.known) | bits);
}

/// Forgets both addresses.
#[inline(always)]
pub fn clear_addresses(s: *mut Scratch) {
    put!(s, key.addrs.src, [0; 16]);
    put!(s, key.addrs.dst, [0; 16]);
}

/// Is this an IPv4 address in IPv6 form?
#[inline(always)]
#[must_use]
pub fn is_mapped(address: *const u8) -> bool {
    // SAFETY: callers point at 16 bytes of a live map value, aligned to four.
    let words: [u32; 3] = unsafe { core::ptr::read_volatile(address.cast()) };
    words[0] | words[1] == 0 && words[2] == u32::from_be(0xFFFF)
}

#[inline(always)]
pub(super) fn clear<M: Memory>(skb: M, s: *mut Scratch) {
    // SAFETY: the key is nine words of a live map value.
    let words = unsafe { (&raw mut (*s).key).cast::<u64>() };
    for i in 0..9 {
        // SAFETY: as above.
        unsafe { core::ptr::write_volatile(words.add(i), 0) };
    }
    put!(s, network, NO_HEADER);
    put!(s, header_bytes, 0);
    put!(s, tcp_flags, 0);
    put!(s, event_flags, 0);
    if skb.is_filtered() {
        // SAFETY: six words of a live map value.
        let words = unsafe { (&raw mut (*s).packet).cast::<u64>() };
        for i in 0..6 {
            // SAFETY: as above.
            unsafe { core::ptr::write_volatile(words.add(i), 0) };
        }
    }
}

/// Sets bits of the key's state.
#[inline(always)]
pub fn mark(s: *mut Scratch, bits: u16) {
    put!(s, key.site.state, get!(s, key.site.state) | bits);
}

#[inline(always)]
pub(super) fn small(s: *mut Scratch) -> *mut u8 {
    // SAFETY: a field of a live map value.
    unsafe { (&raw mut (*s).small).cast() }
}

#[inline(always)]
pub(super) fn window(s: *mut Scratch, offset: usize) -> *mut u8 {
    // SAFETY: callers stay inside the window.
    unsafe { (&raw mut (*s).window).cast::<u8>().add(offset) }
}

#[inline(always)]
pub(super) fn read_u8(at: *const u8) -> u8 {
    // SAFETY: callers point into a live map value.
    unsafe { core::ptr::read_volatile(at) }
}

#[inline(always)]
pub(super) fn read_be16(at: *const u8) -> u16 {
    // SAFETY: callers point at an even offset of a live map value.
    u16::from_be(unsafe { core::ptr::read_volatile(at.cast()) })
}

/// Copies `N` words of four bytes inside the scratch.
#[inline(always)]
pub(super) fn copy_words<const N: usize>(from: *const u8, to: *mut u8) {
    for i in 0..N {
        // SAFETY: callers point at multiples of four in a live map value.
        unsafe {
            let word = core::ptr::read_volatile(from.cast::<u32>().add(i));
            core::ptr::write_volatile(to.cast::<u32>().add(i), word);
        }
    }
}

/// Where source and destination address stand.
#[inline(always)]
pub fn addresses(s: *mut Scratch) -> (*mut u8, *mut u8) {
    // SAFETY: fields of a live map value.
    unsafe {
        (
            (&raw mut (*s).key.addrs.src).cast(),
            (&raw mut (*s).key.addrs.dst).cast(),
        )
    }
}
