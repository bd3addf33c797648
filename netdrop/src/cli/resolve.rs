//! What this host calls things: the tally's [`Names`] over the kernel's symbols
//! and reasons, the catalogue of drops, and the host's devices.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use super::stacks::Stacks;

use netdrop_ebpf::site::{NO_REASON, SiteKey, facts};

use crate::{
    drops::{
        attribution::{self, Facts, Frames},
        hook::Hook,
        next,
        reclassified::Reclassified,
    },
    host::{
        addresses::Addresses,
        cgroups::Cgroups,
        devices::Devices,
        netfilter::{Netfilter, Nft},
        netns::{Identity, Namespace, NetnsKind},
        sockets::{Holder, Sockets},
        softnet::Softnet,
    },
    kernel::{
        btf::Btf,
        reasons::ReasonNames,
        symbols::{Symbol, Symbols, plain_name},
    },
    tally::{
        names::{Attribution, Names, NetnsName, Place, Process, ReasonLabel},
        stack::from_death,
    },
};

/// Everything that has names.
#[derive(Debug)]
pub(super) struct Resolver {
    symbols: Symbols,
    reasons: ReasonNames,
    devices: Devices,
    cgroups: Cgroups,
    sockets: Sockets,
    stacks: Stacks,
    netfilter: Netfilter,
    reclassified: Reclassified,
    addresses: Addresses,
    /// Kinds of qdiscs by CPU and the number there.
    qdiscs: HashMap<(u16, u16), Arc<str>>,
}

impl Resolver {
    /// Names from the kernel's symbols and type information.
    pub(super) fn new(symbols: Symbols, btf: &Btf<'_>) -> Self {
        let reasons = ReasonNames::load(btf);
        let nft = Nft::of(|name| reasons.has(name));
        Self {
            netfilter: Netfilter::new(nft, symbols.range("nft_do_chain").is_some()),
            symbols,
            reasons,
            devices: Devices::new(),
            cgroups: Cgroups::new(),
            sockets: Sockets::default(),
            stacks: Stacks::default(),
            reclassified: Reclassified::default(),
            addresses: Addresses::new(),
            qdiscs: HashMap::new(),
        }
    }

    /// From now on, the user's severities come before the catalogue's.
    pub(super) fn reclassify(&mut self, reclassified: Reclassified) {
        self.reclassified = reclassified;
    }

    /// The kernel's symbols.
    pub(super) fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// What is known of stacks.
    pub(super) fn stacks(&mut self) -> &mut Stacks {
        &mut self.stacks
    }

    /// Learns the kinds of qdiscs behind numbers of CPUs.
    pub(super) fn learn_qdiscs(&mut self, kinds: Vec<(u16, u16, String)>) {
        let kinds = kinds.into_iter();
        self.qdiscs
            .extend(kinds.map(|(cpu, number, kind)| ((cpu, number), kind.into())));
    }

    /// Ends an interval: looks for new names, and tells once what is missing.
    pub(super) fn refresh(&mut self) -> Option<String> {
        self.netfilter.next_interval();
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

    fn attribution(&mut self, site: &SiteKey, stack: Option<&[u64]>) -> Attribution {
        let Self {
            symbols,
            reasons,
            stacks,
            netfilter,
            reclassified,
            ..
        } = self;
        let reason = (site.reason != NO_REASON)
            .then(|| reasons.name(site.reason))
            .flatten();
        let function = symbols.resolve(site.location).map(|function| function.name);
        let named = |stack: &[u64]| -> Vec<&str> {
            from_death(stack, site.location)
                .iter()
                .filter_map(|address| Some(plain_name(symbols.resolve(*address)?.name)))
                .collect()
        };
        let with = |frames: Frames<'_>| {
            attribution::attribute(&Facts {
                reason,
                function,
                site,
                frames,
            })
        };
        let mut found = match stack {
            Some(stack) => with(Frames::Own(&named(stack))),
            None => with(Frames::None),
        };
        if found.is_open() && stack.is_none() {
            // Hints that contradict each other say nothing.
            let mut hints = stacks
                .hints(site)
                .iter()
                .map(|hint| with(Frames::Hint(&named(hint))));
            if let Some(hint) = hints.next()
                && hints.all(|other| other == hint)
            {
                found = hint;
            }
        }
        let engine = function
            .filter(|_| found.is_netfilter())
            .map(plain_name)
            .and_then(|function| netfilter.engine(used_in(site), function));
        Attribution {
            stage: found.stage.id(),
            hook: found.hook.map(Hook::as_str),
            engine,
            by: found.by,
            // What a hook's verdict was may be another engine's next time.
            open: found.is_open()
                || found.is_netfilter()
                    && (engine.is_none() || function.is_some_and(|it| it.contains("nf_hook_slow"))),
            direction: found.direction.as_str(),
            severity: reclassified
                .severity(reason, function)
                .unwrap_or(found.severity),
        }
    }

    fn stack(&mut self, site: &SiteKey) -> Option<Vec<u64>> {
        self.stacks.of(site).map(<[u64]>::to_vec)
    }

    fn device(&mut self, netns: u32, ifindex: u32) -> Option<Arc<str>> {
        self.devices.name(netns, ifindex)
    }

    fn netns_place(&mut self, inode: u32) -> next::Place {
        if inode == 0 {
            return next::Place::Unknown;
        }
        if self.devices.is_own(inode) {
            return next::Place::Here;
        }
        match self.devices.place(inode) {
            None => next::Place::Elsewhere(inode),
            Some(Namespace { identity, path }) => match identity {
                Some(Identity { name, kind, .. }) if *kind == NetnsKind::Named => {
                    next::Place::Named(name.to_string())
                }
                _ => next::Place::File(path.to_string_lossy().into_owned()),
            },
        }
    }

    fn netns_name(&mut self, inode: u32) -> Option<NetnsName> {
        let Identity { name, kind, .. } = self.devices.netns_name(inode)?;
        Some(NetnsName {
            name,
            kind: kind.as_str(),
        })
    }

    fn qdisc(&mut self, site: &SiteKey) -> Option<Arc<str>> {
        let number = facts::qdisc(site.facts);
        self.qdiscs.get(&(site.cpu, number)).cloned()
    }

    fn cgroup(&mut self, id: u64, pid: u32) -> Option<Arc<str>> {
        self.cgroups.path(id, pid)
    }

    fn holder(&mut self, socket: u64) -> Option<Process> {
        let Holder { pid, command } = self.sockets.holder(socket)?;
        Some(Process { pid, command })
    }

    fn is_local(&mut self, netns: u32, address: IpAddr) -> Option<bool> {
        let Self {
            devices, addresses, ..
        } = self;
        addresses.is_local(netns, address, || Some(devices.place(netns)?.path.clone()))
    }
}

/// The namespace whose engines of the IP layer can have dropped there; 0 for
/// none: what the bridge passes may be ebtables', which cannot be seen.
fn used_in(site: &SiteKey) -> u32 {
    let is = |fact| site.facts & fact != 0;
    let bridged = is(facts::BRIDGE_PORT) || (is(facts::BRIDGE) && !is(facts::IP_RECEIVED));
    if bridged { 0 } else { site.netns }
}

/// The stack's own counters, as far as they are shown.
#[derive(Debug)]
pub(super) struct Squeezes(Option<Softnet>);

impl Squeezes {
    /// Counts from now on.
    pub(super) fn start() -> Self {
        Self(Softnet::read().ok())
    }

    /// Everything since the last call.
    pub(super) fn softnet(&mut self) -> Option<Softnet> {
        let now = Softnet::read().ok();
        let before = std::mem::replace(&mut self.0, now);
        Some(self.0.as_ref()?.since(&before?))
    }

    /// `time_squeeze` since the last call, by CPU.
    pub(super) fn delta(&mut self) -> Option<Vec<(u32, u64)>> {
        let cpus = self.softnet()?.cpus.into_iter();
        Some(
            cpus.map(|(cpu, counts)| (cpu, counts.time_squeeze))
                .collect(),
        )
    }
}
