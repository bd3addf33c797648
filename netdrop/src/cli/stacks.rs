//! Stacks that came from the kernel: those in the keys of sites, and those of
//! single drops, which are hints for others of the same site.

use std::collections::HashMap;

use netdrop_ebpf::site::SiteKey;

use crate::kernel::capture::Detail;

/// Hints remembered; beyond it the memory starts afresh.
const MOST_HINTS: usize = 4096;

/// All stacks known.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    keyed: HashMap<u16, Vec<u64>>,
    hints: HashMap<SiteKey, Vec<u64>>,
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

    /// Learns the stack of one drop; the first one of a place stays.
    pub(super) fn learn_hint(&mut self, detail: &Detail) {
        let frames = detail.frames();
        if frames.is_empty() {
            return;
        }
        if self.hints.len() >= MOST_HINTS {
            self.hints.clear();
        }
        let site = place(&detail.event.site);
        self.hints.entry(site).or_insert(frames);
    }

    /// The stack in the key of a site.
    pub(super) fn of(&self, site: &SiteKey) -> Option<&[u64]> {
        self.keyed.get(&site.stack).map(Vec::as_slice)
    }

    /// The stack of another drop of the site.
    pub(super) fn hint(&self, site: &SiteKey) -> Option<&[u64]> {
        self.hints.get(&place(site)).map(Vec::as_slice)
    }
}
