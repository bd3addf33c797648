//! Applies the part of a filter that asks about rows to what the kernel counted.

mod singles;

use std::collections::HashMap;

use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::FlowKey,
    hurt::Connection,
    site::{SiteKey, state},
};

use super::{consequences, names::Names, site::Sites};
use crate::{
    drops::stage::Stage,
    filter::{
        plan::{Plan, Verdict},
        row::Row,
    },
    kernel::snapshot::Snapshot,
};

pub use singles::Singles;
pub(crate) use singles::{ChosenSingles, choose_singles};

/// What of a snapshot a filter wants.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The snapshot as if nothing else had been counted.
    pub(crate) snapshot: Snapshot,
    /// Connections whose packets died but are not wanted.
    pub(crate) rejected: Vec<Connection>,
}

/// Keeps the rows that match. Drops without a row cannot be asked about: they
/// are undecided.
pub(crate) fn choose(
    plan: &Plan,
    snapshot: &Snapshot,
    sites: &mut Sites,
    names: &mut dyn Names,
) -> Chosen {
    let mut judge = Judge {
        plan,
        sites,
        names,
        known: HashMap::new(),
    };
    let mut kept = Vec::new();
    let mut verdicts = Verdicts::default();
    let mut count = |verdict, key: SiteKey, weights: Weights| {
        verdicts.add(verdict, weights.drops);
        if verdict == Verdict::Keep {
            kept.push((key, weights));
        }
    };
    let by_flow = plan.needs_flows();
    let flows = snapshot.flows.as_deref();
    let known = flows.unwrap_or_default();
    let rows = if by_flow {
        beyond_flows(&snapshot.sites, known)
    } else {
        let mut rows = snapshot.sites.clone();
        rows.extend(without_site(&snapshot.sites, known));
        rows
    };
    for (key, weights) in rows {
        let verdict = if by_flow && has_flow(&key) {
            judge.without_flow(&key)
        } else {
            judge.site(&key)
        };
        count(verdict, key, weights);
    }
    let mut rejected = Vec::new();
    let flows = flows.map(|flows| {
        let mut kept = Vec::new();
        for (key, weights) in flows {
            let verdict = if by_flow {
                let verdict = judge.judge(key);
                count(verdict, key.site, *weights);
                verdict
            } else {
                judge.site(&key.site)
            };
            if verdict == Verdict::Keep {
                kept.push((*key, *weights));
            } else {
                rejected.extend(consequences::connection(key).map(|(connection, _)| connection));
            }
        }
        kept
    });

    // What has no row cannot be asked about.
    verdicts.undecided = snapshot
        .counters
        .counted()
        .saturating_sub(verdicts.kept + verdicts.filtered);
    Chosen {
        snapshot: left(snapshot, kept, flows, &verdicts),
        rejected,
    }
}

/// The snapshot as if only these rows had been counted.
fn left(
    snapshot: &Snapshot,
    kept: Vec<(SiteKey, Weights)>,
    flows: Option<Vec<(FlowKey, Weights)>>,
    verdicts: &Verdicts,
) -> Snapshot {
    let Verdicts {
        kept: wanted,
        filtered,
        undecided,
    } = *verdicts;
    let drops = |wanted: &dyn Fn(&SiteKey) -> bool| -> u64 {
        let rows = kept.iter().filter(|(key, _)| wanted(key));
        rows.map(|(_, weights)| weights.drops).sum()
    };
    let mut counters = snapshot.counters.clone();
    let mut set = |counter: Counter, value: u64| counters.0[counter as usize] = value;
    set(Counter::SiteOther, 0);
    set(Counter::SiteOtherPackets, 0);
    set(Counter::SiteOtherBytes, 0);
    set(
        Counter::Filtered,
        snapshot.counters.get(Counter::Filtered) + filtered,
    );
    set(
        Counter::Undecided,
        snapshot.counters.get(Counter::Undecided) + undecided,
    );
    set(Counter::Unparsed, drops(&SiteKey::is_unparsed));
    // Which of those were wanted is not known.
    let others = snapshot.counters.get(Counter::ConsequenceOther);
    set(Counter::ConsequenceOther, others.min(wanted));
    set(Counter::NoFlow, drops(&|key| !has_flow(key)));
    if let Some(flows) = &flows {
        let in_rows: u64 = flows.iter().map(|(_, weights)| weights.drops).sum();
        set(Counter::FlowOther, drops(&has_flow).saturating_sub(in_rows));
    }
    Snapshot {
        counters,
        sites: kept,
        flows,
        // A recording may have been filtered before.
        rejected: snapshot.rejected + filtered + undecided,
        ..snapshot.clone()
    }
}

fn has_flow(key: &SiteKey) -> bool {
    key.state & state::FLOW != 0
}

/// What the site table has beyond the flow table: drops whose flow is not known.
fn beyond_flows(
    sites: &[(SiteKey, Weights)],
    flows: &[(FlowKey, Weights)],
) -> Vec<(SiteKey, Weights)> {
    let mut left: HashMap<SiteKey, Weights> = HashMap::new();
    let mut order = Vec::new();
    for (key, weights) in sites {
        let sum = left.entry(*key).or_insert_with(|| {
            order.push(*key);
            Weights::default()
        });
        sum.drops += weights.drops;
        sum.packets += weights.packets;
        sum.bytes += weights.bytes;
    }
    for (key, weights) in flows {
        if let Some(site) = left.get_mut(&key.site) {
            site.drops = site.drops.saturating_sub(weights.drops);
            site.packets = site.packets.saturating_sub(weights.packets);
            site.bytes = site.bytes.saturating_sub(weights.bytes);
        }
    }
    let rows = order.into_iter().map(|site| (site, left[&site]));
    rows.filter(|(_, weights)| weights.drops > 0).collect()
}

/// What the flow table has of sites beyond what the site table had room for.
fn without_site(
    sites: &[(SiteKey, Weights)],
    flows: &[(FlowKey, Weights)],
) -> Vec<(SiteKey, Weights)> {
    let mut missing: HashMap<SiteKey, Weights> = HashMap::new();
    let mut order = Vec::new();
    for (key, weights) in flows {
        let sum = missing.entry(key.site).or_insert_with(|| {
            order.push(key.site);
            Weights::default()
        });
        sum.drops += weights.drops;
        sum.packets += weights.packets;
        sum.bytes += weights.bytes;
    }
    for (key, weights) in sites {
        if let Some(sum) = missing.get_mut(key) {
            sum.drops = sum.drops.saturating_sub(weights.drops);
            sum.packets = sum.packets.saturating_sub(weights.packets);
            sum.bytes = sum.bytes.saturating_sub(weights.bytes);
        }
    }
    let rows = order.into_iter().map(|site| (site, missing[&site]));
    rows.filter(|(_, weights)| weights.drops > 0).collect()
}

/// Drops that the kernel counted, by what the filter says of them.
#[derive(Debug, Default)]
struct Verdicts {
    kept: u64,
    filtered: u64,
    undecided: u64,
}

impl Verdicts {
    fn add(&mut self, verdict: Verdict, drops: u64) {
        *match verdict {
            Verdict::Keep => &mut self.kept,
            Verdict::Filtered => &mut self.filtered,
            Verdict::Undecided => &mut self.undecided,
        } += drops;
    }
}

struct Judge<'a> {
    plan: &'a Plan,
    sites: &'a mut Sites,
    names: &'a mut dyn Names,
    /// What was decided about sites.
    known: HashMap<SiteKey, Verdict>,
}

impl Judge<'_> {
    fn site(&mut self, key: &SiteKey) -> Verdict {
        if let Some(verdict) = self.known.get(key) {
            return *verdict;
        }
        let flow = FlowKey {
            site: *key,
            ..FlowKey::default()
        };
        let verdict = self.judge(&flow);
        self.known.insert(*key, verdict);
        verdict
    }

    fn judge(&mut self, flow: &FlowKey) -> Verdict {
        let plan = self.plan;
        self.of(&flow.site, |row| plan.judge(row, flow))
    }

    /// About drops at a site that has flows, but not those of these drops.
    fn without_flow(&mut self, key: &SiteKey) -> Verdict {
        let plan = self.plan;
        self.of(key, |row| plan.judge_site(row, key))
    }

    fn of(&mut self, key: &SiteKey, judge: impl FnOnce(&Row<'_>) -> Verdict) -> Verdict {
        let Self { sites, names, .. } = self;
        let site = sites.site(key, *names);
        let device = sites.device(key, *names);
        sites.learn_netns(key.netns, *names);
        let netns = sites.netns(key.netns);
        let text = |name| &**sites.interner.text(name);
        let row = Row {
            reason: site.reason.map(text),
            stage: site.stage.map(text).and_then(Stage::find),
            function: site.function.map(text),
            device: device.map(text),
            netns: (key.netns != 0).then_some(key.netns),
            netns_name: netns.map(|netns| text(netns.name)),
            cpu: key.cpu,
            severity: site.severity,
        };
        judge(&row)
    }
}

#[cfg(test)]
mod tests;
