//! Applies a filter to what was recorded, while it is read. Before it is hidden: a
//! question about a host or a device is about its own address and name, not about
//! those that stand for them. And once: what rows do not tell takes a look at every
//! single drop.

use std::collections::HashMap;

use netdrop_ebpf::{flow::FlowKey, hurt::Connection, site::SiteKey};

use super::interval::{Excess, Interval, Partial};
use crate::{
    filter::plan::{Plan, Verdict},
    kernel::snapshot::Snapshot,
    recording::{columns::Line, names::Recorded},
    tally::{
        choose::{Chosen, ChosenSingles, Singles, choose, choose_singles},
        consequences::connection,
        sampled::Sampled,
        site::Sites,
    },
};

/// What is wanted of the rows.
#[derive(Debug)]
pub(super) struct Truth {
    plan: Plan,
    sites: Sites,
    /// The rows as they were recorded, where they are hidden.
    told: Option<Told>,
}

#[derive(Debug, Default)]
struct Told {
    names: Recorded,
    partial: Partial,
}

impl Truth {
    /// `hidden`: are other names to stand for those that were recorded?
    pub(super) fn of(plan: Plan, hidden: bool) -> Self {
        Self {
            plan,
            sites: Sites::default(),
            told: hidden.then(Told::default),
        }
    }

    /// Are the rows hidden?
    pub(super) fn hides(&self) -> bool {
        self.told.is_some()
    }

    /// Adds a row that is not hidden.
    pub(super) fn add(&mut self, line: &Line<'_>) -> Result<(), Excess> {
        match &mut self.told {
            Some(Told { names, partial }) => partial.add(line, names),
            None => Ok(()),
        }
    }

    /// Leaves of an interval what is wanted. `interval` was put together of the same
    /// rows in the same order, hidden where that is wanted, with these names.
    pub(super) fn choose(
        &mut self,
        line: &Line<'_>,
        interval: &mut Interval,
        names: &mut Recorded,
    ) {
        let Self { plan, sites, told } = self;
        sites.next_interval();
        let Some(Told { names, partial }) = told else {
            let wanted = Wanted::of(plan, interval, sites, names);
            interval.snapshot = wanted.chosen.snapshot;
            interval.rejected = Some(wanted.chosen.rejected);
            interval.singles = wanted.singles;
            keep(&mut interval.events, &wanted.events);
            return;
        };
        let Some(told) = std::mem::take(partial).close(line) else {
            return;
        };
        let Wanted {
            chosen: Chosen { snapshot, rejected },
            singles,
            events,
        } = Wanted::of(plan, &told, sites, names);
        let same = Same::of(&told, interval);
        let all = interval.snapshot.clone();
        interval.snapshot = Snapshot {
            counters: snapshot.counters,
            rejected: snapshot.rejected,
            sites: snapshot
                .sites
                .into_iter()
                .filter_map(|(key, weights)| Some((*same.sites.get(&key)?, weights)))
                .collect(),
            flows: snapshot.flows.map(|flows| {
                let flows = flows.into_iter();
                flows
                    .filter_map(|(key, weights)| Some((*same.flows.get(&key)?, weights)))
                    .collect()
            }),
            aftermath: all.aftermath.filter(|_| snapshot.aftermath.is_some()),
            ..all
        };
        let rejected = rejected.iter();
        interval.rejected = Some(
            rejected
                .filter_map(|connection| same.connections.get(connection).copied())
                .collect(),
        );
        interval.singles = singles;
        keep(&mut interval.events, &events);
    }
}

/// What a filter wants of an interval.
struct Wanted {
    chosen: Chosen,
    singles: Option<Singles>,
    /// For each of the single drops: is it wanted?
    events: Vec<bool>,
}

impl Wanted {
    fn of(plan: &Plan, interval: &Interval, sites: &mut Sites, names: &mut Recorded) -> Self {
        let Interval {
            snapshot, events, ..
        } = interval;
        if !plan.asks_singles() {
            return Self {
                chosen: choose(plan, snapshot, sites, names),
                singles: None,
                events: events
                    .iter()
                    .map(|event| plan.judge(&(&event.drop).into(), &event.flow) == Verdict::Keep)
                    .collect(),
            };
        }
        let singles = events.iter().map(|event| event.flow.site);
        let alone = snapshot.sites.iter().map(|(key, _)| *key);
        let flows = snapshot.flows.iter().flatten().map(|(key, _)| key.site);
        let places: HashMap<SiteKey, SiteKey> = singles
            .chain(alone)
            .chain(flows)
            .map(|site| (site, names.place(&site)))
            .collect();
        let place = |site: &SiteKey| places.get(site).copied().unwrap_or(*site);
        let ChosenSingles {
            chosen,
            singles,
            wanted,
        } = choose_singles(plan, snapshot, events, &place, sites, names);
        Self {
            chosen,
            singles: Some(singles),
            events: wanted,
        }
    }
}

/// Leaves of single drops those that are wanted.
fn keep(events: &mut Vec<Sampled>, wanted: &[bool]) {
    let mut wanted = wanted.iter();
    events.retain(|_| wanted.next().is_some_and(|wanted| *wanted));
}

/// What is hidden as what. Numbers of names may differ, too: those of several
/// recordings go on.
#[derive(Default)]
struct Same {
    sites: HashMap<SiteKey, SiteKey>,
    flows: HashMap<FlowKey, FlowKey>,
    connections: HashMap<Connection, Connection>,
}

impl Same {
    fn of(told: &Interval, hidden: &Interval) -> Self {
        let mut same = Self::default();
        let events = told.events.iter().zip(&hidden.events);
        for (told, hidden) in events {
            same.flows.insert(told.flow, hidden.flow);
            same.sites.insert(told.flow.site, hidden.flow.site);
        }
        let (told, hidden) = (&told.snapshot, &hidden.snapshot);
        for ((told, _), (hidden, _)) in told.sites.iter().zip(&hidden.sites) {
            same.sites.insert(*told, *hidden);
        }
        let [told, hidden] =
            [told, hidden].map(|snapshot| snapshot.flows.as_deref().unwrap_or_default());
        for ((told, _), (hidden, _)) in told.iter().zip(hidden) {
            same.flows.insert(*told, *hidden);
            same.sites.insert(told.site, hidden.site);
            if let (Some((told, _)), Some((hidden, _))) = (connection(told), connection(hidden)) {
                same.connections.insert(told, hidden);
            }
        }
        same
    }
}
