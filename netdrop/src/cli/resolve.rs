//! What this host calls things: the tally's [`Names`] over the kernel's symbols
//! and reasons, the catalogue of drops, and the host's devices.

use std::sync::Arc;

use log::warn;
use netdrop_ebpf::site::{NO_REASON, SiteKey};

use crate::{
    drops::attribution::attribute,
    host::{devices::Devices, softnet::Softnet},
    kernel::{btf::Btf, reasons::ReasonNames, symbols::Symbols},
    tally::names::{Attribution, Names, Place},
};

/// Everything that knows names.
#[derive(Debug)]
pub(super) struct Resolver {
    symbols: Symbols,
    reasons: ReasonNames,
    devices: Devices,
    warnings: Vec<String>,
}

/// Opens everything that needs a privilege which the capture gives up.
pub(super) fn open() -> anyhow::Result<Resolver> {
    // Read and dropped before the capture reads it for itself: it is large.
    let reasons = ReasonNames::load(&Btf::vmlinux()?);
    let mut warnings = Vec::new();
    let symbols = Symbols::load().unwrap_or_else(|error| {
        warnings.push(error.to_string());
        Symbols::none()
    });
    if symbols.is_restricted() {
        warnings.push(
            "the kernel hides the addresses in /proc/kallsyms: functions are shown as addresses; \
             run with CAP_SYSLOG"
                .to_owned(),
        );
    }
    Ok(Resolver {
        symbols,
        reasons,
        devices: Devices::new(),
        warnings,
    })
}

/// The sum of `time_squeeze` over all CPUs since boot.
pub(super) fn time_squeeze() -> Option<u64> {
    Softnet::read().ok().map(|found| found.sum().time_squeeze)
}

impl Resolver {
    /// The kernel's functions.
    pub(super) fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// Names that will be missing, and why.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Call this at the end of an interval: notices what was renamed.
    pub(super) fn refresh(&mut self) {
        self.devices.refresh();
        if let Some(warning) = self.devices.take_warning() {
            warn!("{warning}");
        }
    }
}

impl Names for Resolver {
    fn reason(&mut self, reason: u32) -> Option<Arc<str>> {
        if self.reasons.name(reason).is_none() {
            self.reasons.look_again(reason);
        }
        self.reasons.name(reason).map(Into::into)
    }

    fn function(&mut self, location: u64) -> Option<Place> {
        let Self { symbols, .. } = self;
        if symbols.resolve(location).is_none()
            && let Err(error) = symbols.reload_if_needed()
        {
            warn!("{error}");
        }
        symbols.resolve(location).map(|symbol| Place {
            function: symbol.name.into(),
            offset: symbol.offset,
        })
    }

    fn attribution(&mut self, site: &SiteKey) -> Attribution {
        let reason = Some(site.reason)
            .filter(|&reason| reason != NO_REASON)
            .and_then(|reason| self.reasons.name(reason));
        let function = self.symbols.resolve(site.location);
        let found = attribute(
            reason,
            function.map(|symbol| symbol.name),
            site.state,
            site.ethertype,
            site.protocol,
        );
        Attribution {
            stage: found.stage.id(),
            direction: found.direction.as_str(),
            severity: found.severity,
        }
    }

    fn device(&mut self, netns: u32, ifindex: u32) -> Option<Arc<str>> {
        self.devices.name(netns, ifindex)
    }

    fn netns_name(&mut self, inode: u32) -> Option<Arc<str>> {
        self.devices.netns_name(inode)
    }
}
