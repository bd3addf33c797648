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
    event::{Event, STACK_DEPTH},
    get, put,
    scratch::Scratch,
    site::state,
};

use crate::{
    account::Area,
    constants::setting,
    maps::{EVENTS, STACKS},
    qdiscs,
    skb::{self, Sock},
};

/// `BPF_RB_NO_WAKEUP`: the reader comes by itself.
const NO_WAKEUP: u64 = 1;

#[repr(C)]
struct EventWithStack {
    event: Event,
    stack: [u64; STACK_DEPTH],
}

#[inline(always)]
pub(crate) fn drop(ctx: &BtfTracePointContext, area: Area, hint: bool, s: *mut Scratch) {
    let sent = if setting!(stack) != 0 || hint {
        with_stack(ctx, area, s)
    } else {
        alone(ctx, area, s)
    };
    area.count(match sent {
        Some(()) => Counter::Emitted,
        None => Counter::RingLost,
    });
}

/// Sends a stack as a hint. It is no detail that anyone waits for: a lost one
/// is not counted.
#[inline(always)]
pub(crate) fn hint(ctx: &BtfTracePointContext, area: Area, s: *mut Scratch) {
    let _ = with_stack(ctx, area, s);
}

#[inline(always)]
fn alone(ctx: &BtfTracePointContext, area: Area, s: *mut Scratch) -> Option<()> {
    let mut entry = EVENTS.reserve::<Event>(0)?;
    fill(entry.as_mut_ptr(), ctx, area, s);
    entry.submit(NO_WAKEUP);
    Some(())
}

#[inline(always)]
fn with_stack(ctx: &BtfTracePointContext, area: Area, s: *mut Scratch) -> Option<()> {
    let mut entry = EVENTS.reserve::<EventWithStack>(0)?;
    let event = entry.as_mut_ptr();
    // SAFETY: the reservation is as large as the type.
    fill(unsafe { &raw mut (*event).event }, ctx, area, s);
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
    unsafe { (*event).event.stack_len = if bytes > 0 { bytes as u32 } else { 0 } };
    entry.submit(NO_WAKEUP);
    Some(())
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
fn fill(event: *mut Event, ctx: &BtfTracePointContext, area: Area, s: *mut Scratch) {
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
    if let Some(receiver) = Sock::at(get!(s, receiver)) {
        put!(event, receiver, receiver.inode());
    }
    if get!(s, key.site.state) & (state::SOCKET | state::RECEIVED) == state::SOCKET {
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
