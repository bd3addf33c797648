//! The maps. User space sets the sizes that depend on the machine.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, RingBuf},
};
use netdrop_ebpf::{
    area::{Control, CpuArea, FLOW_ENTRIES, SITE_SPILL_ENTRIES, Tags, Weights},
    flow::FlowKey,
    site::SiteKey,
};

use crate::scratch::CpuScratch;

/// `BPF_F_MMAPABLE` (include/uapi/linux/bpf.h, 5.5+).
const MMAPABLE: u32 = 1 << 10;

/// One entry.
#[map]
pub(crate) static CONTROL: Array<Control> = Array::with_max_entries(1, MMAPABLE);

/// Entry `generation * possible CPUs + CPU`.
#[map]
pub(crate) static AREAS: Array<CpuArea> = Array::with_max_entries(2, MMAPABLE);

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
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(4096, 0);
