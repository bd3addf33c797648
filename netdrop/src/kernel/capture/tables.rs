//! Reading what a retired generation counted, and the tables that its keys
//! refer to.

use std::{borrow::Cow, collections::HashSet};

use aya::{
    Ebpf,
    maps::{Array, StackTraceMap},
};
use netdrop_ebpf::{
    area::{CpuArea, Slot, Weights},
    discipline::{CpuQdiscs, Kind},
    flow::FlowKey,
    site::{SiteKey, facts as bits},
};
use zerocopy::FromBytes as _;

use crate::kernel::snapshot::Counters;

/// What has been read of tables that only grow.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Stacks, by number.
    stacks: HashSet<u16>,
    /// Kinds of qdiscs, by CPU and number.
    qdiscs: HashSet<(u16, u16)>,
}

impl Known {
    /// The stacks of these sites that were not read before. One that cannot be
    /// read is left out.
    pub(super) fn new_stacks(
        &mut self,
        ebpf: &Ebpf,
        sites: &[(SiteKey, Weights)],
    ) -> Vec<(u16, Vec<u64>)> {
        let mut found = Vec::new();
        for (SiteKey { stack, .. }, _) in sites {
            if *stack == 0 || !self.stacks.insert(*stack) {
                continue;
            }
            let map = ebpf.map("STACKS");
            let Some(Ok(map)) = map.map(StackTraceMap::try_from) else {
                continue;
            };
            if let Ok(trace) = map.get(&u32::from(stack - 1), 0) {
                found.push((
                    *stack,
                    trace.frames().iter().map(|frame| frame.ip).collect(),
                ));
            }
        }
        found
    }

    /// The kinds of qdiscs of these sites that were not read before. One that
    /// cannot be read is left out.
    pub(super) fn new_qdiscs(
        &mut self,
        ebpf: &Ebpf,
        sites: &[(SiteKey, Weights)],
    ) -> Vec<(u16, u16, String)> {
        let mut found = Vec::new();
        for (SiteKey { cpu, facts, .. }, _) in sites {
            let number = bits::qdisc(*facts);
            if number == 0 || self.qdiscs.contains(&(*cpu, number)) {
                continue;
            }
            let map = ebpf.map("QDISCS");
            let Some(Ok(map)) = map.map(Array::<_, [u8; size_of::<CpuQdiscs>()]>::try_from) else {
                continue;
            };
            // Copied, because the bytes need not be aligned.
            let kinds = map.get(&u32::from(*cpu), 0).ok();
            let kinds = kinds.and_then(|bytes| CpuQdiscs::read_from_bytes(&bytes).ok());
            if let Some(kind) = kinds
                .as_ref()
                .and_then(|all| all.kinds.get(usize::from(number - 1)))
            {
                found.push((*cpu, number, kind_name(kind).into_owned()));
                self.qdiscs.insert((*cpu, number));
            }
        }
        found
    }
}

/// The name of a kind of qdisc (not escaped).
#[must_use]
pub fn kind_name(kind: &Kind) -> Cow<'_, str> {
    let name = kind.split(|byte| *byte == 0).next();
    String::from_utf8_lossy(name.unwrap_or_default())
}

/// Adds what an area counted, and clears it.
pub(super) fn read_area(
    area: &mut CpuArea,
    counters: &mut Counters,
    sites: &mut Vec<(SiteKey, Weights)>,
    flows: &mut Vec<(FlowKey, Weights)>,
) {
    for (sum, counter) in counters.0.iter_mut().zip(&mut area.counters) {
        *sum += std::mem::take(counter);
    }
    take(&mut area.sites, sites);
    take(&mut area.flows, flows);
}

/// Takes the rows out of slots and leaves them free.
fn take<K: Copy>(slots: &mut [Slot<K>], rows: &mut Vec<(K, Weights)>) {
    for slot in slots.iter_mut().filter(|slot| slot.claim != 0) {
        if slot.ready != 0 {
            rows.push((slot.key, slot.weights));
        }
        slot.claim = 0;
        slot.ready = 0;
        slot.weights = Weights::default();
    }
}
