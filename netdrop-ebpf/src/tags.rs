//! The packet each CPU has in hand, one tag per path.

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
    let tags = TAGS.get_ptr(cpu)?;
    // SAFETY: a map value of this CPU.
    let tag = unsafe { (*tags).rx };
    (tag.skb == skb.0 as u64 && tag.ifindex == iif && iif != 0).then_some(tag)
}

/// Does the TX tag name this packet?
#[inline(always)]
pub(crate) fn is_tx(cpu: u32, skb: Skb) -> bool {
    TAGS.get_ptr(cpu).is_some_and(|tags| {
        // SAFETY: a map value of this CPU.
        let tag = unsafe { (*tags).tx };
        tag.skb == skb.0 as u64
    })
}
