//! What this host calls things: the tally's [`Names`] over the kernel's symbols
//! and reasons, the catalogue of drops, and the host's devices.

use std::sync::Arc;

use netdrop_ebpf::site::{NO_REASON, SiteKey};

use crate::{
    drops::attribution,
    host::{devices::Devices, softnet::Softnet},
    kernel::{
        btf::Btf,
        reasons::ReasonNames,
        symbols::{Symbol, Symbols},
    },
    tally::names::{Attribution, Names, Place, ReasonLabel},
};

/// Everything that has names.
#[derive(Debug)]
pub(super) struct Resolver {
    symbols: Symbols,
    reasons: ReasonNames,
    devices: Devices,
}

impl Resolver {
    /// Names from the kernel's symbols and type information.
    pub(super) fn new(symbols: Symbols, btf: &Btf<'_>) -> Self {
        Self {
            symbols,
            reasons: ReasonNames::load(btf),
            devices: Devices::new(),
        }
    }

    /// The kernel's symbols.
    pub(super) fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// Ends an interval: looks for new names, and tells once what is missing.
    pub(super) fn refresh(&mut self) -> Option<String> {
        self.devices.refresh();
        self.devices.take_warning()
    }

    fn symbol(&mut self, location: u64) -> Option<Symbol<'_>> {
        if self.symbols.resolve(location).is_none() {
            // When the list cannot be read again, the old one stays.
            let _ = self.symbols.reload_if_needed();
        }
        self.symbols.resolve(location)
    }
}

impl Names for Resolver {
    fn reason(&mut self, reason: u32) -> ReasonLabel {
        let Self { reasons, .. } = self;
        let named = reasons.name(reason).is_some() || reasons.look_again(reason);
        ReasonLabel {
            text: reasons.label(reason).into(),
            named,
        }
    }

    fn function(&mut self, location: u64) -> Option<Place> {
        let symbol = self.symbol(location)?;
        Some(Place {
            function: symbol.name.into(),
            offset: symbol.offset,
        })
    }

    fn attribution(&mut self, site: &SiteKey) -> Attribution {
        let reason = (site.reason != NO_REASON)
            .then(|| self.reasons.name(site.reason))
            .flatten();
        let function = self.symbols.resolve(site.location);
        let attribution::Attribution {
            stage,
            direction,
            severity,
            by: _,
        } = attribution::attribute(
            reason,
            function.map(|function| function.name),
            site.state,
            site.ethertype,
            site.protocol,
        );
        Attribution {
            stage: stage.id(),
            direction: direction.as_str(),
            severity,
        }
    }

    fn device(&mut self, netns: u32, ifindex: u32) -> Option<Arc<str>> {
        self.devices.name(netns, ifindex)
    }

    fn netns_name(&mut self, inode: u32) -> Option<Arc<str>> {
        self.devices.netns_name(inode)
    }
}

/// The stack's own counters, as far as they are shown.
#[derive(Debug)]
pub(super) struct Squeezes(Option<Softnet>);

impl Squeezes {
    /// Counts from now on.
    pub(super) fn start() -> Self {
        Self(Softnet::read().ok())
    }

    /// `time_squeeze` since the last call, all CPUs together.
    pub(super) fn delta(&mut self) -> Option<u64> {
        let now = Softnet::read().ok();
        let before = std::mem::replace(&mut self.0, now);
        let delta = self.0.as_ref()?.since(&before?).sum();
        Some(delta.time_squeeze)
    }
}
