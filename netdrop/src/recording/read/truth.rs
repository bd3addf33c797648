//! Applies a filter to what was recorded, before it is hidden: a question about a
//! host or a device is about its own address and name, not about those that stand
//! for them.

use std::collections::HashMap;

use netdrop_ebpf::{flow::FlowKey, hurt::Connection, site::SiteKey};

use super::interval::{Excess, Interval, Partial};
use crate::{
    filter::plan::{Plan, Verdict},
    kernel::snapshot::Snapshot,
    recording::{columns::Line, names::Recorded},
    tally::{
        choose::{Chosen, choose},
        consequences::connection,
        site::Sites,
    },
};

/// The rows as they were recorded, and what is wanted of them.
#[derive(Debug)]
pub(super) struct Truth {
    plan: Plan,
    names: Recorded,
    sites: Sites,
    partial: Partial,
}

impl Truth {
    pub(super) fn of(plan: Plan) -> Self {
        Self {
            plan,
            names: Recorded::default(),
            sites: Sites::default(),
            partial: Partial::default(),
        }
    }

    /// Adds a row that is not hidden.
    pub(super) fn add(&mut self, line: &Line<'_>) -> Result<(), Excess> {
        self.partial.add(line, &mut self.names)
    }

    /// Leaves of an interval what is wanted. `hidden` was put together of the same
    /// rows in the same order, hidden.
    pub(super) fn choose(&mut self, line: &Line<'_>, hidden: &mut Interval) {
        let Some(told) = std::mem::take(&mut self.partial).close(line) else {
            return;
        };
        self.sites.next_interval();
        let Chosen { snapshot, rejected } =
            choose(&self.plan, &told.snapshot, &mut self.sites, &mut self.names);
        let same = Same::of(&told.snapshot, &hidden.snapshot);
        let all = hidden.snapshot.clone();
        hidden.snapshot = Snapshot {
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
            ..all
        };
        let rejected = rejected.iter();
        hidden.rejected = Some(
            rejected
                .filter_map(|connection| same.connections.get(connection).copied())
                .collect(),
        );
        let mut told = told.events.iter();
        hidden.events.retain(|_| {
            told.next().is_some_and(|event| {
                self.plan.judge(&(&event.drop).into(), &event.flow) == Verdict::Keep
            })
        });
    }
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
    fn of(told: &Snapshot, hidden: &Snapshot) -> Self {
        let mut same = Self::default();
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
