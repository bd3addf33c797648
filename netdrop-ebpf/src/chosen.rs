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
    frame,
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
    if let Some(length) = frame::length(skb, s) {
        put!(s, packet.length, length);
        know(s, known::LENGTH);
    }
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

/// Names the running task where it is the sender; a received packet has none.
/// Once a packet has got its device it may be another's that this task only
/// passes on, unless it was handed to the device just now.
#[inline(always)]
fn read_sender(ctx: &BtfTracePointContext, area: Area, skb: Skb, s: *mut Scratch) {
    if skb.iif() != 0 {
        know(s, known::NO_SENDER);
        return;
    }
    if skb.socket().is_none() || frame::is_local(s) {
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
