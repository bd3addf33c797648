//! The frame around a packet, as a capture would have seen it.

use netdrop_ebpf::{get, scratch::Scratch};

use crate::skb::Skb;

/// A header's offset that is not set.
const UNSET: u32 = 0xFFFF;

/// Its bytes: from the MAC header on, where one is set. Behind the network header
/// it is that of a packet inside this one. A packet whose headers are not built yet
/// has no length.
#[inline(always)]
pub(crate) fn length(skb: Skb, s: *mut Scratch) -> Option<u32> {
    let mac = u32::from(skb.mac_header());
    let mut network = u32::from(skb.network_header());
    if network == 0 || network == UNSET {
        network = u32::MAX;
    }
    if mac != UNSET && mac <= network {
        Some(length_from(skb, mac))
    } else if network != u32::MAX {
        Some(length_from(skb, network))
    } else if is_local(s) {
        Some(skb.len())
    } else {
        None
    }
}

#[inline(always)]
fn length_from(skb: Skb, start: u32) -> u32 {
    skb.len()
        .wrapping_add(skb.data_offset())
        .wrapping_sub(start)
}

/// Does it belong to a socket of this host that sends no packets of a network,
/// as those of `AF_UNIX`?
#[inline(always)]
pub(crate) fn is_local(s: *mut Scratch) -> bool {
    get!(s, key.site.ethertype) == 0 && get!(s, key.site.protocol) != 0
}
