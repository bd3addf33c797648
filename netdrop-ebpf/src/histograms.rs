//! Histograms of drops and polls, where user space asks for them.

use core::ptr::{read_volatile, write_volatile};

use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use netdrop_ebpf::histogram::{BURST_GAP, Bursts, CpuHistograms, bucket, work_bucket};

use crate::{
    account::{Area, add},
    constants::setting,
    maps::HISTOGRAMS,
    skb::Skb,
    tags,
};

/// Adds a drop that is counted. `nested`: its run interrupted another one on
/// this CPU.
#[inline(always)]
pub(crate) fn add_drop(area: Area, skb: Skb, length: u32, nested: bool) {
    if setting!(histograms) == 0 {
        return;
    }
    let Some(mine) = of(area) else { return };
    // SAFETY: the helper takes no arguments.
    let now = unsafe { bpf_ktime_get_ns() };
    // SAFETY: a field of a live map value.
    count(
        unsafe { &raw mut (*mine).packet_size },
        bucket(u64::from(length)),
    );
    match tags::since(area.cpu, skb) {
        // SAFETY: as above.
        0 => add(unsafe { &raw mut (*mine).age_unknown }, 1),
        since => count(
            // SAFETY: as above.
            unsafe { &raw mut (*mine).age },
            bucket(now.saturating_sub(since)),
        ),
    }
    add_to_burst(mine, now, nested);
}

/// Adds a poll, whose packets are no longer in hand.
#[inline(always)]
pub(crate) fn add_poll(area: Area, work: i32) {
    if setting!(histograms) == 0 {
        return;
    }
    tags::end_poll(area.cpu);
    let Some(mine) = of(area) else { return };
    if work < 0 {
        // SAFETY: a field of a live map value.
        add(unsafe { &raw mut (*mine).napi_work_unknown }, 1);
    } else {
        // SAFETY: as above.
        let to = unsafe { &raw mut (*mine).napi_work };
        count(to, work_bucket(u64::from(work as u32)));
    }
}

#[inline(always)]
fn of(area: Area) -> Option<*mut CpuHistograms> {
    HISTOGRAMS.get_ptr_mut(area.generation() * setting!(cpus) + area.cpu)
}

/// A drop belongs to the burst of the one before, unless that is too long ago.
/// One whose run interrupts another happens at the same time.
#[inline(always)]
fn add_to_burst(mine: *mut CpuHistograms, now: u64, nested: bool) {
    // SAFETY: a field of a live map value.
    let bursts: *mut Bursts = unsafe { &raw mut (*mine).bursts };
    // SAFETY: as above.
    let open = unsafe { &raw mut (*bursts).open };
    if nested {
        add(open, 1);
        return;
    }
    // SAFETY: as above; only runs that interrupt nothing write these words, and
    // they do not interrupt each other.
    unsafe {
        let last = read_volatile(&raw const (*bursts).last);
        let mut more = 1;
        if read_volatile(&raw const (*bursts).first) == 0 {
            write_volatile(&raw mut (*bursts).first, now);
        } else if now.saturating_sub(last) > BURST_GAP {
            let ended = read_volatile(open);
            if read_volatile(&raw const (*bursts).head) == 0 {
                write_volatile(&raw mut (*bursts).head, ended);
            } else {
                count(&raw mut (*mine).burst, bucket(ended));
            }
            more = 1_u64.wrapping_sub(ended);
        }
        add(open, more);
        write_volatile(&raw mut (*bursts).last, now);
    }
}

/// Adds one to an element. The index goes through memory, so that the compiler
/// does not take for known what the verifier has to see.
#[inline(always)]
fn count<const N: usize>(of: *mut [u64; N], index: u64) {
    const { assert!(N.is_power_of_two()) };
    // SAFETY: a live local.
    let index = unsafe { read_volatile(&raw const index) };
    // SAFETY: the index is below N.
    let element = unsafe { of.cast::<u64>().add(index as usize & (N - 1)) };
    add(element, 1);
}
