//! Exact counting: per-CPU slots first, a preallocated hash behind them, a
//! counted remainder when that is full.

use core::{
    intrinsics::{AtomicOrdering, atomic_xadd},
    ptr::{read_volatile, write_volatile},
};

use aya_ebpf::{
    EbpfContext, bindings::BPF_NOEXIST, helpers::generated::bpf_get_smp_processor_id, maps::HashMap,
};
use aya_log_ebpf::warn;
use netdrop_ebpf::{
    area::{Control, Counter, CpuArea, Slot, Weights},
    flow::FlowKey,
    site::SiteKey,
};
use zerocopy::transmute;

use crate::{
    constants::setting,
    maps::{AREAS, CONTROL, FLOWS_0, FLOWS_1, SITES_0, SITES_1},
};

/// What the kernel answers when a preallocated hash is full.
pub(crate) const E2BIG: i32 = -7;

/// Where a drop was counted; of a slot, its `claim`.
#[derive(Clone, Copy)]
pub(crate) enum Counted {
    /// In a slot just claimed for its key.
    First(*mut u32),
    /// In a slot that its key had.
    Again(*mut u32),
    /// In no slot.
    Elsewhere,
}

impl Counted {
    #[inline(always)]
    fn claim(self) -> Option<*mut u32> {
        match self {
            Self::First(claim) | Self::Again(claim) => Some(claim),
            Self::Elsewhere => None,
        }
    }
}

/// The area of the running CPU in the current generation.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    memory: *mut CpuArea,
    pub(crate) cpu: u32,
    generation: u32,
    control: *const Control,
}

impl Area {
    #[inline(always)]
    pub(crate) fn current() -> Option<Self> {
        let control = CONTROL.get_ptr(0)?;
        // SAFETY: a live map value; user space writes single words.
        let generation = unsafe { read_volatile(&raw const (*control).generation) } & 1;
        // SAFETY: the helper takes no arguments.
        let cpu = unsafe { bpf_get_smp_processor_id() };
        let memory = AREAS.get_ptr_mut(generation * setting!(cpus) + cpu)?;
        Some(Self {
            memory,
            cpu,
            generation,
            control,
        })
    }

    #[inline(always)]
    fn counter(self, counter: Counter) -> *mut u64 {
        // SAFETY: the area is a live map value and has an element for every
        // Counter.
        unsafe { (&raw mut (*self.memory).counters[counter as usize]) }
    }

    #[inline(always)]
    pub(crate) fn count(self, counter: Counter) {
        add(self.counter(counter), 1);
    }

    #[inline(always)]
    pub(crate) fn add(self, counter: Counter, amount: u64) {
        add(self.counter(counter), amount);
    }

    /// The generation counted into.
    #[inline(always)]
    pub(crate) fn generation(self) -> u32 {
        self.generation
    }

    /// What user space asked for.
    #[inline(always)]
    pub(crate) fn control(self) -> *const Control {
        self.control
    }

    /// May this CPU send another event in this generation?
    #[inline(always)]
    pub(crate) fn may_emit(self) -> bool {
        // SAFETY: a live map value; user space writes single words.
        let allowance = unsafe { read_volatile(&raw const (*self.control).allowance) };
        // SAFETY: counters of a live map value.
        let tried = unsafe {
            read_volatile(self.counter(Counter::Emitted))
                + read_volatile(self.counter(Counter::RingLost))
        };
        tried < u64::from(allowance)
    }

    /// Counts a drop that has no row.
    #[inline(always)]
    pub(crate) fn count_site_other(self, weights: Weights) {
        self.count(Counter::SiteOther);
        self.add(Counter::SiteOtherPackets, weights.packets);
        self.add(Counter::SiteOtherBytes, weights.bytes);
    }

    /// Counts a drop at its site.
    #[inline(always)]
    pub(crate) fn count_site(
        self,
        ctx: &impl EbpfContext,
        key: &SiteKey,
        weights: Weights,
    ) -> Counted {
        let words: [u64; 4] = transmute!(*key);
        let hash = hash(&words);
        // SAFETY: an array of the live map value.
        let slots = unsafe { &raw mut (*self.memory).sites };
        let counted = add_to_slot(slots, hash, &words, weights);
        if !matches!(counted, Counted::Elsewhere) {
            return counted;
        }
        let counted = add_to_slot(slots, hash >> 32, &words, weights);
        if !matches!(counted, Counted::Elsewhere) {
            return counted;
        }
        self.count(Counter::SiteSpilled);
        let spilled = if self.generation == 0 {
            spill(&SITES_0, key, weights)
        } else {
            spill(&SITES_1, key, weights)
        };
        if let Err(error) = spilled {
            self.count_site_other(weights);
            if error != E2BIG {
                warn!(ctx, "the site table refused an entry: error {}", error);
            }
        }
        Counted::Elsewhere
    }

    /// Counts a drop under its flow; returns the `claim` of its slot, if it has
    /// one.
    #[inline(always)]
    pub(crate) fn count_flow(
        self,
        ctx: &impl EbpfContext,
        key: &FlowKey,
        weights: Weights,
    ) -> Option<*mut u32> {
        let words: [u64; 9] = transmute!(*key);
        let hash = hash(&words);
        // SAFETY: an array of the live map value.
        let slots = unsafe { &raw mut (*self.memory).flows };
        let slot = add_to_slot(slots, hash, &words, weights).claim();
        if slot.is_some() {
            return slot;
        }
        let slot = add_to_slot(slots, hash >> 32, &words, weights).claim();
        if slot.is_some() {
            return slot;
        }
        self.count(Counter::FlowSpilled);
        let spilled = if self.generation == 0 {
            spill(&FLOWS_0, key, weights)
        } else {
            spill(&FLOWS_1, key, weights)
        };
        if let Err(error) = spilled {
            self.count(Counter::FlowOther);
            if error != E2BIG {
                warn!(ctx, "the flow table refused an entry: error {}", error);
            }
        }
        None
    }
}

/// Adds to the slot that the hash names, if it holds these words or can be
/// claimed for them.
///
/// Only runs on this CPU write the slot, and they nest: each one that
/// interrupts another ends before the other goes on. So whoever reads 1 right
/// after adding 1 owns the slot, and one that was interrupted between the two
/// reads more and leaves it (no compare-and-swap before 5.12).
#[inline(always)]
fn add_to_slot<K, const SLOTS: usize, const WORDS: usize>(
    slots: *mut [Slot<K>; SLOTS],
    hash: u64,
    words: &[u64; WORDS],
    weights: Weights,
) -> Counted {
    let counted;
    const { assert!(size_of::<K>() == size_of::<[u64; WORDS]>()) };
    // SAFETY: the index is below SLOTS, and a key is as large as the words.
    unsafe {
        let slot = slots.cast::<Slot<K>>().add(hash as usize % SLOTS);
        let key = (&raw mut (*slot).key).cast::<u64>();
        let claim = &raw mut (*slot).claim;
        if read_volatile(&raw const (*slot).ready) != 0 {
            let mut difference = 0;
            for (i, word) in words.iter().enumerate() {
                difference |= read_volatile(key.add(i)) ^ word;
            }
            if difference != 0 {
                return Counted::Elsewhere;
            }
            counted = Counted::Again(claim);
        } else {
            if read_volatile(claim) != 0 {
                return Counted::Elsewhere;
            }
            xadd32(claim, 1);
            if read_volatile(claim) != 1 {
                return Counted::Elsewhere;
            }
            for (i, word) in words.iter().enumerate() {
                write_volatile(key.add(i), *word);
            }
            write_volatile(&raw mut (*slot).ready, 1);
            counted = Counted::First(claim);
        }
        add_weights(&raw mut (*slot).weights, weights);
    }
    counted
}

/// Adds to a shared hash. An insert can fail because another CPU made the row
/// or holds the bucket, so look again before giving up.
#[inline(always)]
fn spill<K>(map: &HashMap<K, Weights>, key: &K, weights: Weights) -> Result<(), i32> {
    if let Some(row) = map.get_ptr_mut(key) {
        add_shared(row, weights);
        return Ok(());
    }
    let Err(error) = map.insert(key, weights, u64::from(BPF_NOEXIST)) else {
        return Ok(());
    };
    let Some(row) = map.get_ptr_mut(key) else {
        return Err(error);
    };
    add_shared(row, weights);
    Ok(())
}

/// Adds to a row of this CPU.
#[inline(always)]
fn add_weights(to: *mut Weights, weights: Weights) {
    // SAFETY: `to` is a live map value.
    unsafe {
        add(&raw mut (*to).drops, weights.drops);
        add(&raw mut (*to).packets, weights.packets);
        add(&raw mut (*to).bytes, weights.bytes);
    }
}

/// Adds to a row that other CPUs add to.
#[inline(always)]
fn add_shared(to: *mut Weights, weights: Weights) {
    // SAFETY: `to` is a live map value.
    unsafe {
        xadd(&raw mut (*to).drops, weights.drops);
        xadd(&raw mut (*to).packets, weights.packets);
        xadd(&raw mut (*to).bytes, weights.bytes);
    }
}

/// Adds to a word that only this program on this CPU writes. Without the
/// kernel's guard a nested run may come between reading and writing.
#[inline(always)]
pub(crate) fn add(to: *mut u64, amount: u64) {
    if setting!(guarded) == 0 {
        xadd(to, amount);
        return;
    }
    // SAFETY: `to` points into a live map value.
    unsafe { write_volatile(to, read_volatile(to).wrapping_add(amount)) };
}

/// One locked add; the result is unused, so it loads on 5.10.
#[inline(always)]
pub(crate) fn xadd(to: *mut u64, amount: u64) {
    // SAFETY: `to` points into a live map value.
    let _ = unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(to, amount) };
}

#[inline(always)]
pub(crate) fn xadd32(to: *mut u32, amount: u32) {
    // SAFETY: `to` points into a live map value.
    let _ = unsafe { atomic_xadd::<u32, u32, { AtomicOrdering::Relaxed }>(to, amount) };
}

/// A multilinear hash: the products do not wait for each other.
#[inline(always)]
fn hash<const N: usize>(words: &[u64; N]) -> u64 {
    let mut sum = 0_u64;
    let mut factor = 0x9E37_79B9_7F4A_7C15_u64;
    for word in words {
        sum = sum.wrapping_add(word.wrapping_mul(factor));
        factor = factor.wrapping_mul(0xD129_0399_3A46_2B35).wrapping_add(2);
    }
    sum ^= sum >> 29;
    sum = sum.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    sum ^ (sum >> 32)
}
