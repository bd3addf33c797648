//! One drop in detail, through the ring: never waited for, always counted.

use aya_ebpf::{
    EbpfContext,
    helpers::{
        bpf_get_current_pid_tgid,
        generated::{
            bpf_get_current_cgroup_id, bpf_get_current_comm, bpf_get_stack, bpf_get_stackid,
            bpf_ktime_get_boot_ns,
        },
    },
    programs::BtfTracePointContext,
};
use netdrop_ebpf::{
    area::Counter,
    event::{EVENT_FRAME, EVENT_LINK_LAYER, Event, HEADER_BYTES, STACK_DEPTH},
    get,
    headers::Memory as _,
    put,
    scratch::{NO_HEADER, Scratch},
    site::state,
};

use crate::{
    account::Area,
    constants::setting,
    frame,
    maps::{EVENTS, STACKS},
    qdiscs,
    skb::{self, Skb, Sock},
};

/// `BPF_RB_NO_WAKEUP`: the reader comes by itself.
const NO_WAKEUP: u64 = 1;

#[repr(C)]
struct EventWithStack {
    event: Event,
    stack: [u64; STACK_DEPTH],
}

#[repr(C)]
struct EventWithHeaders {
    event: EventWithStack,
    headers: [u8; HEADER_BYTES],
}

#[inline(always)]
pub(crate) fn drop(ctx: &BtfTracePointContext, area: Area, skb: Skb, hint: bool, s: *mut Scratch) {
    let wants_stack = setting!(stack) != 0 || hint;
    let sent = if setting!(headers) != 0 {
        with_headers(ctx, area, skb, wants_stack, s)
    } else if wants_stack {
        with_stack(ctx, area, skb, s)
    } else {
        alone(ctx, area, skb, s)
    };
    area.count(match sent {
        Some(()) => Counter::Emitted,
        None => Counter::RingLost,
    });
}

/// Sends a stack as a hint. It is no detail that anyone waits for: a lost one
/// is not counted.
#[inline(always)]
pub(crate) fn hint(ctx: &BtfTracePointContext, area: Area, skb: Skb, s: *mut Scratch) {
    let _ = with_stack(ctx, area, skb, s);
}

#[inline(always)]
fn alone(ctx: &BtfTracePointContext, area: Area, skb: Skb, s: *mut Scratch) -> Option<()> {
    let mut entry = EVENTS.reserve::<Event>(0)?;
    fill(entry.as_mut_ptr(), ctx, area, skb, s);
    entry.submit(NO_WAKEUP);
    Some(())
}

#[inline(always)]
fn with_stack(ctx: &BtfTracePointContext, area: Area, skb: Skb, s: *mut Scratch) -> Option<()> {
    let mut entry = EVENTS.reserve::<EventWithStack>(0)?;
    let event = entry.as_mut_ptr();
    // SAFETY: the reservation is as large as the type.
    fill(unsafe { &raw mut (*event).event }, ctx, area, skb, s);
    add_stack(event, ctx);
    entry.submit(NO_WAKEUP);
    Some(())
}

/// Sends the first bytes of the packet, and a stack where one is asked for.
#[inline(always)]
fn with_headers(
    ctx: &BtfTracePointContext,
    area: Area,
    skb: Skb,
    wants_stack: bool,
    s: *mut Scratch,
) -> Option<()> {
    let mut entry = EVENTS.reserve::<EventWithHeaders>(0)?;
    let record = entry.as_mut_ptr();
    // SAFETY: the reservation is as large as the type.
    let (event, headers) = unsafe { (&raw mut (*record).event, &raw mut (*record).headers) };
    // SAFETY: as above.
    let detail = unsafe { &raw mut (*event).event };
    fill(detail, ctx, area, skb, s);
    if wants_stack {
        add_stack(event, ctx);
    }
    let mut start = u32::from(skb.mac_header());
    // Of a tunnel, what lies there is the outer packet.
    if matches!(get!(s, network).wrapping_sub(start), 14 | 18 | 22) {
        put!(detail, flags, get!(detail, flags) | EVENT_LINK_LAYER);
    } else {
        start = get!(s, network);
    }
    let length = skb.tail().wrapping_sub(start);
    // Behind the linear part lies struct skb_shared_info, which is longer than
    // what is copied, so the copy stays inside the buffer.
    if start != NO_HEADER
        && length.cast_signed() > 0
        && skb::copy::<HEADER_BYTES>(skb.head() + u64::from(start), headers.cast())
    {
        let length = if length > HEADER_BYTES as u32 {
            HEADER_BYTES as u32
        } else {
            length
        };
        put!(detail, headers_len, length as u16);
    }
    entry.submit(NO_WAKEUP);
    Some(())
}

#[inline(always)]
fn add_stack(event: *mut EventWithStack, ctx: &BtfTracePointContext) {
    // SAFETY: the helper writes at most the size of the array.
    let bytes = unsafe {
        bpf_get_stack(
            ctx.as_ptr(),
            (&raw mut (*event).stack).cast(),
            size_of::<[u64; STACK_DEPTH]>() as u32,
            0,
        )
    };
    // SAFETY: inside the reservation.
    unsafe { (*event).event.stack_len = if bytes > 0 { bytes as u16 } else { 0 } };
}

/// The stack's number in the table of stacks plus one; 0 when it is not asked
/// for or the table has no room.
#[inline(always)]
pub(crate) fn stack_number(ctx: &BtfTracePointContext) -> u16 {
    if setting!(stack_key) == 0 {
        return 0;
    }
    // SAFETY: a live stack map.
    let number = unsafe { bpf_get_stackid(ctx.as_ptr(), STACKS.as_ptr(), 0) };
    if number < 0 { 0 } else { number as u16 + 1 }
}

/// Fills a reservation.
#[inline(always)]
fn fill(event: *mut Event, ctx: &BtfTracePointContext, area: Area, skb: Skb, s: *mut Scratch) {
    // Word by word: through values they would lie on the small stack.
    // SAFETY: fields of a live map value and of the reservation.
    unsafe {
        (&raw const (*s).key.site).copy_to_nonoverlapping(&raw mut (*event).site, 1);
        (&raw const (*s).key.addrs).copy_to_nonoverlapping(&raw mut (*event).addrs, 1);
    }
    put!(event, length, get!(s, length));
    put!(event, segments, get!(s, packets) as u16);
    put!(event, tcp_flags, get!(s, tcp_flags) as u8);
    put!(event, flags, get!(s, event_flags) as u8);
    put!(event, stack_len, 0);
    put!(event, headers_len, 0);
    put!(event, generation, area.generation());
    put!(event, pid, 0);
    // SAFETY: inside the reservation.
    unsafe { (&raw mut (*event).command).write_bytes(0, 1) };
    put!(event, cgroup, 0);
    put!(event, receiver, 0);
    put!(
        event,
        qdisc,
        qdiscs::kind(area.cpu, get!(s, key.site.facts))
    );
    let (tag_type, tag_control) = skb.stripped_tag();
    put!(event, tag_type, tag_type);
    put!(event, tag_control, tag_control);
    put!(event, frame_length, 0);
    if let Some(length) = frame::length(skb, s) {
        put!(event, frame_length, length);
        put!(event, flags, get!(event, flags) | EVENT_FRAME);
    }
    if let Some(receiver) = Sock::at(get!(s, receiver)) {
        put!(event, receiver, receiver.inode());
    }
    if get!(s, key.site.state) & (state::SOCKET | state::RECEIVED) == state::SOCKET
        && !frame::is_local(s)
    {
        name_sender(event, ctx);
    }
    // SAFETY: the helper takes no arguments.
    put!(event, time, unsafe { bpf_ktime_get_boot_ns() });
}

/// Names the running task where it is the sender.
#[inline(always)]
fn name_sender(event: *mut Event, ctx: &BtfTracePointContext) {
    // Through memory, because the verifier forbids arithmetic on the context
    // pointer.
    put!(event, time, ctx.as_ptr() as u64);
    let context = get!(event, time);
    if !skb::in_own_system_call(context, setting!(thread_size)) {
        return;
    }
    put!(event, pid, (bpf_get_current_pid_tgid() >> 32) as u32);
    // SAFETY: the helper writes the 16 bytes of the field.
    unsafe { bpf_get_current_comm((&raw mut (*event).command).cast(), 16) };
    if setting!(cgroups) != 0 {
        // SAFETY: the helper takes no arguments.
        put!(event, cgroup, unsafe { bpf_get_current_cgroup_id() });
    }
}
