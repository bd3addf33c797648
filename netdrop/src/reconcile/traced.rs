//! Traced drops by what tells which counter counts them.

use std::collections::HashMap;

use netdrop_ebpf::area::Counter;

use crate::{
    kernel::snapshot::Snapshot,
    tally::{
        intern::{Interner, Name},
        names::{Names, Severity},
        site::Sites,
    },
};

/// Where and as what packets died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Site {
    /// 0 when unknown.
    pub(super) netns: u32,
    pub(super) device: Option<Name>,
    pub(super) reason: Option<Name>,
    pub(super) function: Option<Name>,
    pub(super) stage: Option<Name>,
    pub(super) direction: Option<Name>,
    pub(super) protocol: Option<Name>,
    pub(super) ethertype: u16,
    pub(super) severity: Severity,
}

/// Drops of a period.
#[derive(Clone, Debug, Default)]
pub(super) struct Traced {
    pub(super) drops: HashMap<Site, u64>,
    /// Drops without keys.
    pub(super) untold: u64,
}

impl Traced {
    pub(super) fn clear(&mut self) {
        self.drops.clear();
        self.untold = 0;
    }

    /// `device` names a device that is gone and that nobody had asked for.
    pub(super) fn add(
        &mut self,
        snapshot: &Snapshot,
        sites: &mut Sites,
        names: &mut dyn Names,
        device: impl Fn(u32, u32) -> Option<String>,
    ) {
        self.untold += snapshot.counters.get(Counter::SiteOther);
        for (key, weights) in &snapshot.sites {
            if weights.drops == 0 {
                continue;
            }
            let found = sites.site(key, names);
            let device = sites.device(key, names).or_else(|| {
                let name = device(key.netns, key.ifindex)?;
                sites.interner.intern(&name)
            });
            let site = Site {
                netns: key.netns,
                device,
                reason: found.reason,
                function: found.function,
                stage: found.stage,
                direction: found.direction,
                protocol: found.protocol,
                ethertype: key.ethertype,
                severity: found.severity,
            };
            *self.drops.entry(site).or_default() += weights.drops;
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        self.untold += other.untold;
        for (site, drops) in &other.drops {
            *self.drops.entry(*site).or_default() += drops;
        }
    }
}

/// What names mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a>(pub(super) &'a Interner);

impl<'a> Texts<'a> {
    pub(super) fn text(self, name: Option<Name>) -> Option<&'a str> {
        let Self(interner) = self;
        name.map(|name| &**interner.text(name))
    }
}
