//! The packet each CPU has in hand, one tag per path.

use core::ptr::{read_volatile, write_volatile};

use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use netdrop_ebpf::area::Tag;

use crate::{constants::setting, maps::TAGS, skb::Skb};

#[inline(always)]
fn tag_of(skb: Skb) -> Tag {
    let (ifindex, netns) = skb.device().live_identity().unwrap_or((0, 0));
    Tag {
        skb: skb.0 as u64,
        ifindex,
        netns,
    }
}

/// Writes a tag and, where ages are counted, its time: never the time of one
/// beside the address of another.
///
/// # Safety
///
/// Both belong to a map value of this CPU.
#[inline(always)]
unsafe fn set(tag: *mut Tag, time: *mut u64, skb: Skb) {
    if setting!(histograms) == 0 {
        // SAFETY: of a live map value.
        unsafe { *tag = tag_of(skb) };
        return;
    }
    // SAFETY: of a live map value.
    unsafe {
        write_volatile(time, 0);
        write_volatile(tag, tag_of(skb));
        write_volatile(time, bpf_ktime_get_ns());
    }
}

/// Remembers what `netif_receive_skb` was given.
#[inline(always)]
pub(crate) fn set_rx(cpu: u32, skb: Skb) {
    if let Some(tags) = TAGS.get_ptr_mut(cpu) {
        // SAFETY: a map value of this CPU; a nested run replaces it whole.
        unsafe { set(&raw mut (*tags).rx, &raw mut (*tags).rx_time, skb) };
    }
}

/// Remembers what `net_dev_queue` was given.
#[inline(always)]
pub(crate) fn set_tx(cpu: u32, skb: Skb) {
    if let Some(tags) = TAGS.get_ptr_mut(cpu) {
        // SAFETY: a map value of this CPU; a nested run replaces it whole.
        unsafe { set(&raw mut (*tags).tx, &raw mut (*tags).tx_time, skb) };
    }
}

/// The RX tag, if it names this packet: the address alone may have been used
/// again, so the receiving interface must agree.
#[inline(always)]
pub(crate) fn rx(cpu: u32, skb: Skb, iif: u32) -> Option<Tag> {
    // SAFETY: a map value of this CPU.
    let tag = unsafe { &raw const (*TAGS.get_ptr(cpu)?).rx };
    // SAFETY: a map value of this CPU. A softirq may replace it in between, so
    // the address is looked at before and after.
    let (before, found, after) = unsafe {
        (
            read_volatile(&raw const (*tag).skb),
            read_volatile(tag),
            read_volatile(&raw const (*tag).skb),
        )
    };
    (before == skb.0 as u64 && after == before && found.ifindex == iif && iif != 0).then_some(found)
}

/// Does the TX tag name this packet? Its address alone may have been used again,
/// so its device must be the one it was sent by.
#[inline(always)]
pub(crate) fn is_tx(cpu: u32, skb: Skb, ifindex: u32, netns: u32) -> bool {
    TAGS.get_ptr(cpu).is_some_and(|tags| {
        // SAFETY: a map value of this CPU.
        let tag = unsafe { (*tags).tx };
        tag.skb == skb.0 as u64 && tag.ifindex == ifindex && tag.netns == netns
    })
}

/// The packets of a poll are no longer in hand once it has ended.
#[inline(always)]
pub(crate) fn end_poll(cpu: u32) {
    if let Some(tags) = TAGS.get_ptr_mut(cpu) {
        // SAFETY: a map value of this CPU.
        unsafe { write_volatile(&raw mut (*tags).rx_time, 0) };
    }
}

/// When a packet that has just died was handed to `netif_receive_skb` in the poll
/// that goes on, else to `net_dev_queue`, on this CPU; 0 when that is not known.
///
/// An address says little, because it may have been used again. A received packet
/// is believed to be the one in hand until the poll has ended. One that was sent
/// is known to have passed the hook on this CPU, since it was noted there right
/// before that this CPU sends it; so the last packet of that address which the
/// hook saw there was this one.
#[inline(always)]
pub(crate) fn since(cpu: u32, skb: Skb) -> u64 {
    if setting!(tags) == 0 {
        return 0;
    }
    let Some(tags) = TAGS.get_ptr_mut(cpu) else {
        return 0;
    };
    if skb.iif() != 0 {
        // SAFETY: fields of a map value of this CPU.
        let time = unsafe { take(&raw const (*tags).rx.skb, &raw mut (*tags).rx_time, skb) };
        if time != 0 {
            return time;
        }
    }
    if skb.sender_cpu() != cpu + 1 {
        return 0;
    }
    // SAFETY: as above.
    unsafe { take(&raw const (*tags).tx.skb, &raw mut (*tags).tx_time, skb) }
}

/// Takes the time of a tag of this address.
///
/// # Safety
///
/// Both belong to a map value of this CPU.
#[inline(always)]
unsafe fn take(address: *const u64, time: *mut u64, skb: Skb) -> u64 {
    // SAFETY: of a live map value. A softirq may set another tag in between, so
    // the address is looked at before and after.
    unsafe {
        let mine = skb.0 as u64;
        if read_volatile(address) != mine {
            return 0;
        }
        let found = read_volatile(time);
        if read_volatile(address) != mine {
            return 0;
        }
        write_volatile(time, 0);
        found
    }
}
