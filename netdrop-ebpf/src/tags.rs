//! The packet each CPU has in hand, one tag per path.

use core::ptr::read_volatile;

use netdrop_ebpf::area::Tag;

use crate::{maps::TAGS, skb::Skb};

#[inline(always)]
fn tag_of(skb: Skb) -> Tag {
    let (ifindex, netns) = skb.device().identity().unwrap_or((0, 0));
    Tag {
        skb: skb.0 as u64,
        ifindex,
        netns,
    }
}

/// Remembers what `netif_receive_skb` was given.
#[inline(always)]
pub(crate) fn set_rx(cpu: u32, skb: Skb) {
    if let Some(tags) = TAGS.get_ptr_mut(cpu) {
        // SAFETY: a map value of this CPU; a nested run replaces it whole.
        unsafe { (*tags).rx = tag_of(skb) };
    }
}

/// Remembers what `net_dev_queue` was given.
#[inline(always)]
pub(crate) fn set_tx(cpu: u32, skb: Skb) {
    if let Some(tags) = TAGS.get_ptr_mut(cpu) {
        // SAFETY: a map value of this CPU; a nested run replaces it whole.
        unsafe { (*tags).tx = tag_of(skb) };
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
