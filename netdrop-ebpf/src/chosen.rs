//! Does the filter want this drop?

use aya_ebpf::{
    EbpfContext as _,
    helpers::{bpf_get_current_pid_tgid, generated::bpf_get_current_comm},
    programs::BtfTracePointContext,
};
use netdrop_ebpf::{
    area::Counter,
    filter::{self, needs, verdict},
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
};

/// Decides about a drop whose headers are read, and counts it when it is not
/// wanted. What the filter's expressions say becomes part of the site.
#[inline(always)]
pub(crate) fn is_chosen(ctx: &BtfTracePointContext, area: Area, skb: Skb, s: *mut Scratch) -> bool {
    put!(s, packet.length, frame_length(skb));
    know(s, known::LENGTH);
    // SAFETY: a live static.
    if unsafe { core::ptr::read_volatile(&raw const rules().needs) } & needs::SENDER != 0 {
        read_sender(ctx, skb, s);
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

/// Bytes of the frame as a capture would have seen it: from the MAC header on,
/// where one is set.
#[inline(always)]
fn frame_length(skb: Skb) -> u32 {
    let length = skb.len();
    let mac = skb.mac_header();
    let start = if mac == 0xFFFF {
        let network = skb.network_header();
        if network == 0 || network == 0xFFFF {
            return length;
        }
        network
    } else {
        mac
    };
    length
        .wrapping_add(skb.data_offset())
        .wrapping_sub(u32::from(start))
}

/// Names the running task where it is the sender; a received packet has none.
#[inline(always)]
fn read_sender(ctx: &BtfTracePointContext, skb: Skb, s: *mut Scratch) {
    if skb.iif() != 0 {
        know(s, known::NO_SENDER);
        return;
    }
    if skb.socket().is_none() {
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
