//! The maps. User space sets the sizes that depend on the machine.

use core::{cell::UnsafeCell, ffi::c_void};

use aya_ebpf::{
    bindings::{bpf_map_def, bpf_map_type::BPF_MAP_TYPE_STACK_TRACE},
    macros::map,
    maps::{Array, HashMap, RingBuf},
};
use netdrop_ebpf::{
    area::{Control, CpuArea, FLOW_ENTRIES, SITE_SPILL_ENTRIES, Tags, Weights},
    discipline::CpuQdiscs,
    event::STACK_DEPTH,
    flow::FlowKey,
    histogram::CpuHistograms,
    hurt::{Connection, HURT_ENTRIES, Hurt},
    site::SiteKey,
    squeeze::{NAPI_ENTRIES, NapiKey},
};

use crate::levels::CpuScratch;

/// `BPF_F_MMAPABLE` (include/uapi/linux/bpf.h, 5.5+).
const MMAPABLE: u32 = 1 << 10;

/// One entry.
#[map]
pub(crate) static CONTROL: Array<Control> = Array::with_max_entries(1, MMAPABLE);

/// Entry `generation * possible CPUs + CPU`.
#[map]
pub(crate) static AREAS: Array<CpuArea> = Array::with_max_entries(2, MMAPABLE);

/// Entry `generation * possible CPUs + CPU`, where histograms are asked for.
#[map]
pub(crate) static HISTOGRAMS: Array<CpuHistograms> = Array::with_max_entries(1, MMAPABLE);

/// Entry per possible CPU.
#[map]
pub(crate) static TAGS: Array<Tags> = Array::with_max_entries(1, 0);

/// Entry per possible CPU.
#[map]
pub(crate) static SCRATCH: Array<CpuScratch> = Array::with_max_entries(1, 0);

#[map]
pub(crate) static SITES_0: HashMap<SiteKey, Weights> =
    HashMap::with_max_entries(SITE_SPILL_ENTRIES, 0);

#[map]
pub(crate) static SITES_1: HashMap<SiteKey, Weights> =
    HashMap::with_max_entries(SITE_SPILL_ENTRIES, 0);

#[map]
pub(crate) static FLOWS_0: HashMap<FlowKey, Weights> = HashMap::with_max_entries(FLOW_ENTRIES, 0);

#[map]
pub(crate) static FLOWS_1: HashMap<FlowKey, Weights> = HashMap::with_max_entries(FLOW_ENTRIES, 0);

#[map]
pub(crate) static NAPIS_0: HashMap<NapiKey, u64> = HashMap::with_max_entries(NAPI_ENTRIES, 0);

#[map]
pub(crate) static NAPIS_1: HashMap<NapiKey, u64> = HashMap::with_max_entries(NAPI_ENTRIES, 0);

/// Entry per possible CPU, where the kernel tells of qdiscs.
#[map]
pub(crate) static QDISCS: Array<CpuQdiscs> = Array::with_max_entries(1, 0);

#[map]
pub(crate) static HURT: HashMap<Connection, Hurt> = HashMap::with_max_entries(HURT_ENTRIES, 0);

#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(4096, 0);

/// Stacks by number, filled only with `--stack`.
#[map]
pub(crate) static STACKS: Stacks = Stacks(UnsafeCell::new(bpf_map_def {
    type_: BPF_MAP_TYPE_STACK_TRACE,
    key_size: size_of::<u32>() as u32,
    value_size: size_of::<[u64; STACK_DEPTH]>() as u32,
    max_entries: 1,
    map_flags: 0,
    id: 0,
    pinning: 0,
}));

/// A stack map of [`STACK_DEPTH`] frames. Aya's has 127, which the kernel
/// refuses where `kernel.perf_event_max_stack` was lowered.
#[repr(transparent)]
pub(crate) struct Stacks(UnsafeCell<bpf_map_def>);

// SAFETY: only the loader reads it, before it becomes a map.
unsafe impl Sync for Stacks {}

impl Stacks {
    #[inline(always)]
    pub(crate) const fn as_ptr(&self) -> *mut c_void {
        self.0.get().cast()
    }
}
