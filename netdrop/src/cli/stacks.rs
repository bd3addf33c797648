//! Stacks that came from the kernel: those in the keys of sites, and those of
//! single drops, which are hints for others of the same site.

use std::collections::HashMap;

use netdrop_ebpf::site::SiteKey;

use crate::kernel::capture::Detail;

/// Places with hints remembered; beyond it the memory starts afresh.
const MOST_PLACES: usize = 4096;

/// Different stacks remembered of a place.
const MOST_HINTS: usize = 4;

/// All stacks known.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    keyed: HashMap<u16, Vec<u64>>,
    hints: HashMap<SiteKey, Vec<Vec<u64>>>,
}

/// The CPU makes no difference to the way a packet takes.
fn place(site: &SiteKey) -> SiteKey {
    SiteKey { cpu: 0, ..*site }
}

impl Stacks {
    /// Learns the stacks behind numbers.
    pub(super) fn learn(&mut self, stacks: Vec<(u16, Vec<u64>)>) {
        self.keyed.extend(stacks);
    }

    /// Learns the stack of one drop.
    pub(super) fn learn_hint(&mut self, detail: &Detail) {
        let frames = detail.frames();
        if frames.is_empty() {
            return;
        }
        if self.hints.len() >= MOST_PLACES {
            self.hints.clear();
        }
        let hints = self.hints.entry(place(&detail.event.site)).or_default();
        if hints.len() < MOST_HINTS && !hints.contains(&frames) {
            hints.push(frames);
        }
    }

    /// The stack in the key of a site.
    pub(super) fn of(&self, site: &SiteKey) -> Option<&[u64]> {
        self.keyed.get(&site.stack).map(Vec::as_slice)
    }

    /// Stacks of other drops of the site.
    pub(super) fn hints(&self, site: &SiteKey) -> &[Vec<u64>] {
        self.hints.get(&place(site)).map_or(&[], Vec::as_slice)
    }
}
