//! What a recording says about its host, for every command that writes one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use jiff::Timestamp;

use super::{counters::listener, record::sampling::Sampling};
use crate::{
    host::{
        counters::{Scope, Snapshot as Counters, Wanted, renewed::Listener},
        facts, netns,
        softnet::Softnet,
    },
    kernel::{capture::Capture, sys::clock},
    recording::{
        header::{ClockFact, DeviceFact, FORMAT, Header, HookFact, NamespaceFact},
        reconcile,
        write::HostCounter,
    },
};

/// What was asked for.
pub(super) struct Asked<'a> {
    /// Length of an interval.
    pub(super) interval: Duration,
    /// Flows kept of each interval.
    pub(super) top: u32,
    /// The filter's text.
    pub(super) filter: Option<&'a str>,
    /// What is kept of single drops, and how.
    pub(super) sampling: &'a Sampling,
}

/// What is recorded from now on, and on which host.
pub(super) fn header(
    asked: &Asked<'_>,
    capture: &Capture,
    warnings: &[String],
) -> anyhow::Result<Header> {
    let system = nix::sys::utsname::uname().context("cannot read the kernel's release")?;
    let mut header = Header {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        start: Some(Timestamp::now()),
        since: None,
        trigger: None,
        clock: "CLOCK_REALTIME".to_owned(),
        host: system.nodename().to_string_lossy().into_owned(),
        kernel: system.release().to_string_lossy().into_owned(),
        machine: system.machine().to_string_lossy().into_owned(),
        interval: Some(asked.interval.as_secs_f64()),
        top: Some(asked.top),
        filter: asked.filter.map(str::to_owned),
        max_events: Some(asked.sampling.max_events),
        payload: asked.sampling.payload,
        stacks: asked.sampling.stack,
        anonymizer: asked.sampling.anonymizer()?,
        anonymized: asked.sampling.anonymize,
        hooks: capture
            .hooks()
            .iter()
            .map(|hook| HookFact {
                name: hook.name.to_owned(),
                attached: hook.attached,
                why: hook.why.clone(),
            })
            .collect(),
        warnings: warnings.to_vec(),
        ..Header::default()
    };
    renew(&mut header);
    Ok(header)
}

/// What the host is now, as far as that may have changed since.
pub(super) fn renew(header: &mut Header) {
    header.facts_at = Some(Timestamp::now());
    header.clock_state = clock::state().ok().map(|state| ClockFact {
        synchronized: state.synchronized,
        max_error: state.max_error.as_secs_f64(),
    });
    header.cpus = Softnet::read()
        .ok()
        .and_then(|softnet| u32::try_from(softnet.cpus.len()).ok());
    let devices = facts::devices().into_iter();
    header.devices = devices
        .map(|device| DeviceFact {
            name: device.name,
            ifindex: device.ifindex,
            driver: device.driver,
            mtu: device.mtu,
        })
        .collect();
    header.namespaces = netns::named()
        .into_iter()
        .filter_map(|(inode, namespace)| {
            let identity = namespace.identity?;
            Some(NamespaceFact {
                inode,
                name: identity.name.to_string(),
                kind: identity.kind.as_str().to_owned(),
            })
        })
        .collect();
    header.namespaces.sort_by_key(|namespace| namespace.inode);
    header.sysctls = facts::sysctls();
}

/// Reads counters of the host and of the network namespace that netdrop runs in.
#[derive(Debug)]
pub(super) struct Reader(Option<Listener>);

impl Reader {
    /// Listens to what happens to devices from now on.
    pub(super) fn start() -> Self {
        Self(listener())
    }

    /// The counters as they stand; the drops were read at `drops`.
    pub(super) fn read(&mut self, drops: Instant) -> Vec<HostCounter> {
        let Self(listener) = self;
        counters(
            &Counters::after(&Wanted::default(), listener.as_mut()),
            drops,
        )
    }
}

fn counters(taken: &Counters, drops: Instant) -> Vec<HostCounter> {
    let skew = u64::try_from(drops.elapsed().as_nanos()).ok();
    let of_ours = [
        (reconcile::NETNS, Some(taken.netns.into())),
        (reconcile::SKEW, skew),
    ];
    let mut counters: Vec<HostCounter> = of_ours
        .into_iter()
        .map(|((scope, name), value)| HostCounter {
            scope: scope.into(),
            name: name.into(),
            value,
        })
        .collect();
    // They come scope by scope.
    let mut last: Option<(Scope, Arc<str>)> = None;
    counters.extend(taken.flat().into_iter().map(|counter| {
        let scope = match last.take() {
            Some((scope, text)) if scope == counter.scope => text,
            _ => counter.scope.to_string().into(),
        };
        last = Some((counter.scope, Arc::clone(&scope)));
        HostCounter {
            scope,
            name: counter.name,
            value: Some(counter.value),
        }
    }));
    counters
}
