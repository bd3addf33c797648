//! Does the filter want this drop?

use aya_ebpf::{
    EbpfContext as _,
    helpers::{bpf_get_current_pid_tgid, generated::bpf_get_current_comm},
    programs::BtfTracePointContext,
};
use netdrop_ebpf::{
    area::Counter,
    filter::{self, marks, needs, verdict},
    get,
    headers::know,
    packet::known,
    put,
    scratch::Scratch,
};

use crate::{
    account::Area,
    constants::{rules, setting},
    skb::{self, Skb},
    tags,
};

/// Decides about a drop whose headers are read, and counts it when it is not
/// wanted. What the filter's expressions say becomes part of the site.
#[inline(always)]
pub(crate) fn is_chosen(ctx: &BtfTracePointContext, area: Area, skb: Skb, s: *mut Scratch) -> bool {
    // SAFETY: a live static.
    let wanted = unsafe { core::ptr::read_volatile(&raw const rules().needs) };
    if wanted & needs::MARKS != 0 {
        put!(s, key.site.filter, marks(s));
        return true;
    }
    read_length(skb, s);
    if wanted & needs::SENDER != 0 {
        read_sender(ctx, area, skb, s);
    }
    // SAFETY: fields of a live map value that only this run uses.
    let values = unsafe { filter::run(rules(), &(*s).key.addrs, &(*s).packet, &mut (*s).machine) };
    put!(s, key.site.filter, values);
    match filter::decide(rules(), get!(s, key.site.filter)) {
        verdict::KEEP => true,
        verdict::UNDECIDED => {
            area.count(Counter::Undecided);
            false
        }
        _ => {
            area.count(Counter::Filtered);
            false
        }
    }
}

/// What a row cannot tell of its packets otherwise.
#[inline(always)]
fn marks(s: *mut Scratch) -> u8 {
    let mut found = 0;
    let bits = get!(s, packet.known);
    for (bit, mark) in [
        (known::LATER_FRAGMENT, marks::LATER_FRAGMENT),
        (known::PROTOCOL, marks::PROTOCOL),
        (known::TRANSPORT, marks::TRANSPORT),
        (known::TYPES, marks::TYPES),
    ] {
        if bits & bit != 0 {
            found |= mark;
        }
    }
    if get!(s, packet.depth) > get!(s, packet.stripped) {
        found |= marks::TAGGED;
    }
    found
}

/// Reads the bytes of the frame as a capture would have seen it: from the MAC
/// header on, where one is set. Behind the network header it is that of a packet
/// inside this one. A packet whose headers are not built yet has no length.
#[inline(always)]
fn read_length(skb: Skb, s: *mut Scratch) {
    let mac = u32::from(skb.mac_header());
    let mut network = u32::from(skb.network_header());
    if network == 0 || network == UNSET {
        network = u32::MAX;
    }
    let length = if mac != UNSET && mac <= network {
        length_from(skb, mac)
    } else if network != u32::MAX {
        length_from(skb, network)
    } else if is_local(s) {
        skb.len()
    } else {
        return;
    };
    put!(s, packet.length, length);
    know(s, known::LENGTH);
}

#[inline(always)]
fn length_from(skb: Skb, start: u32) -> u32 {
    skb.len()
        .wrapping_add(skb.data_offset())
        .wrapping_sub(start)
}

/// A header's offset that is not set.
const UNSET: u32 = 0xFFFF;

/// Does it belong to a socket of this host that sends no packets of a network,
/// as those of `AF_UNIX`?
#[inline(always)]
pub(crate) fn is_local(s: *mut Scratch) -> bool {
    get!(s, key.site.ethertype) == 0 && get!(s, key.site.protocol) != 0
}

/// Names the running task where it is the sender; a received packet has none.
/// Once a packet has got its device it may be another's that this task only
/// passes on, unless it was handed to the device just now.
#[inline(always)]
fn read_sender(ctx: &BtfTracePointContext, area: Area, skb: Skb, s: *mut Scratch) {
    if skb.iif() != 0 {
        know(s, known::NO_SENDER);
        return;
    }
    if skb.socket().is_none() || is_local(s) {
        return;
    }
    if let Some((ifindex, netns)) = skb.device().identity()
        && (setting!(tags) == 0 || !tags::is_tx(area.cpu, skb, ifindex, netns))
    {
        return;
    }
    // Through memory, because the verifier forbids arithmetic on the context
    // pointer.
    put!(s, receiver, ctx.as_ptr() as u64);
    if !skb::in_own_system_call(get!(s, receiver), setting!(thread_size)) {
        return;
    }
    put!(s, packet.pid, (bpf_get_current_pid_tgid() >> 32) as u32);
    // SAFETY: the helper writes the 16 bytes of the field.
    unsafe { bpf_get_current_comm((&raw mut (*s).packet.command).cast(), 16) };
    know(s, known::SENDER);
}
