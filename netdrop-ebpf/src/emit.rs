//! One drop in detail, through the ring: never waited for, always counted.

use aya_ebpf::{
    EbpfContext,
    helpers::{
        bpf_get_current_pid_tgid,
        generated::{bpf_get_current_comm, bpf_get_stack, bpf_ktime_get_boot_ns},
    },
    programs::BtfTracePointContext,
};
use netdrop_ebpf::{
    area::Counter,
    config::{EMIT_NONE, EMIT_SAMPLED},
    event::{EVENT_TCP_FLAGS, Event, STACK_DEPTH},
    site::{SiteKey, state},
};

use crate::{account::Area, constants::setting, headers::Headers, maps::EVENTS, skb};

/// `BPF_RB_NO_WAKEUP`: the reader comes by itself.
const NO_WAKEUP: u64 = 1;

#[repr(C)]
struct EventWithStack {
    event: Event,
    stack: [u64; STACK_DEPTH],
}

#[inline(always)]
pub(crate) fn drop(
    ctx: &BtfTracePointContext,
    area: Area,
    site: &SiteKey,
    headers: &Headers,
    length: u32,
    packets: u32,
    new: bool,
) {
    let mode = setting!(emit);
    if mode == EMIT_NONE
        || (mode == EMIT_SAMPLED && !new && area.get(Counter::Emitted) >= area.event_budget)
    {
        area.count(Counter::SampledOut);
        return;
    }
    if setting!(stack) != 0 {
        let Some(mut entry) = EVENTS.reserve::<EventWithStack>(0) else {
            area.count(Counter::RingLost);
            return;
        };
        let event = entry.as_mut_ptr();
        // SAFETY: the reservation is as large as the type.
        unsafe { fill(&raw mut (*event).event, ctx, site, headers, length, packets) };
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
    } else {
        let Some(mut entry) = EVENTS.reserve::<Event>(0) else {
            area.count(Counter::RingLost);
            return;
        };
        // SAFETY: the reservation is as large as the type.
        unsafe { fill(entry.as_mut_ptr(), ctx, site, headers, length, packets) };
        entry.submit(NO_WAKEUP);
    }
    area.count(Counter::Emitted);
}

/// # Safety
///
/// `event` must be valid for writes.
#[inline(always)]
unsafe fn fill(
    event: *mut Event,
    ctx: &BtfTracePointContext,
    site: &SiteKey,
    headers: &Headers,
    length: u32,
    packets: u32,
) {
    let thread_size = u64::from(setting!(thread_size));
    // SAFETY: the caller's promise; the helpers take no pointers but the
    // command's, which is as long as the size says.
    unsafe {
        (*event).site = *site;
        (*event).addrs = headers.addrs;
        (*event).length = length;
        (*event).segments = packets as u16;
        (*event).tcp_flags = headers.tcp_flags.unwrap_or(0);
        (*event).flags = if headers.tcp_flags.is_some() {
            EVENT_TCP_FLAGS
        } else {
            0
        };
        (*event).stack_len = 0;
        (*event).reserved = 0;
        (*event).pid = 0;
        core::ptr::write_bytes(&raw mut (*event).command, 0, 1);
        if site.state & (state::SOCKET | state::RECEIVED) == state::SOCKET {
            // Through memory, because the verifier forbids arithmetic on the
            // context pointer.
            core::ptr::write_volatile(&raw mut (*event).time, ctx.as_ptr() as u64);
            let context = core::ptr::read_volatile(&raw const (*event).time);
            let stack = skb::user_task_stack();
            if stack != 0 && context.wrapping_sub(stack) < thread_size {
                (*event).pid = (bpf_get_current_pid_tgid() >> 32) as u32;
                bpf_get_current_comm((&raw mut (*event).command).cast(), 16);
            }
        }
        (*event).time = bpf_ktime_get_boot_ns();
    }
}
