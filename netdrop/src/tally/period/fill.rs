//! Rows of a snapshot into their groups.

use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::FlowKey,
    hurt::Connection,
    site::{SiteKey, state},
};

use super::Tally;
use crate::{
    kernel::snapshot::{Aftermath, Snapshot},
    tally::{
        consequences,
        group::Group,
        harm::{Harm, Here},
        names::{Names, Severity},
        protocol::{self, Ends},
        sheet::Sheet,
        sums::{BySeverity, Sums},
    },
};

impl Tally {
    pub(super) fn learn_circumstances(&mut self, snapshot: &Snapshot, names: &mut dyn Names) {
        let Self {
            circumstances,
            sites,
            ..
        } = self;
        let Some([interval, run]) = circumstances else {
            return;
        };
        interval.clear();
        for (key, weights) in &snapshot.sites {
            let site = sites.site(key, names);
            interval.add(key, &site, weights.drops, sites, names);
        }
        run.add_all(interval);
    }

    /// Adds every row of the snapshot to its group. What the tables had no
    /// room for is the counters' remainder.
    pub(super) fn fill(
        &mut self,
        snapshot: &Snapshot,
        rejected: &[Connection],
        names: &mut dyn Names,
    ) {
        let count = |counter| snapshot.counters.get(counter);
        let mut by_site = BySeverity::default();
        let mut all_sites = Weights::default();
        for (key, weights) in &snapshot.sites {
            by_site.add(self.sites.site(key, names).severity, weights);
            all_sites.packets += weights.packets;
            all_sites.bytes += weights.bytes;
        }
        let mut seen = BySeverity::default();
        let flows = if self.view.by.needs_flows() {
            snapshot.flows.as_deref()
        } else {
            None
        };
        let aftermath = snapshot.aftermath.as_ref();
        if let Some(aftermath) = aftermath {
            self.consequences.read(aftermath);
        }
        for connection in rejected {
            self.consequences.hidden(connection);
        }
        for (key, weights) in flows.unwrap_or_default() {
            self.add_flow(key, weights, aftermath, &mut seen, names);
        }
        for (key, weights) in &snapshot.sites {
            if flows.is_none() || key.state & state::FLOW == 0 {
                let (ends, harm) = (Ends::default(), Harm::default());
                self.add(key, &ends, weights, harm, &mut seen, names);
            }
        }
        let all = [Severity::Benign, Severity::Suspicious, Severity::Harmful];
        let sum = |of: fn(&Weights) -> u64| all.map(|severity| of(seen.get(severity))).iter().sum();
        let left = Weights {
            drops: snapshot
                .counters
                .counted()
                .saturating_sub(sum(|weights| weights.drops)),
            packets: (all_sites.packets + count(Counter::SiteOtherPackets))
                .saturating_sub(sum(|weights| weights.packets)),
            bytes: (all_sites.bytes + count(Counter::SiteOtherBytes))
                .saturating_sub(sum(|weights| weights.bytes)),
        };
        let rest = BySeverity::remainder(&by_site, &seen, &left);
        for severity in all {
            let sums = Sums::of(severity, None, rest.get(severity));
            let Sheet { totals, table, .. } = &mut self.interval;
            totals.sums += &sums;
            if self.view.show.includes(severity) {
                *table += &sums;
            } else {
                totals.hidden += sums.drops();
            }
        }
    }

    fn add_flow(
        &mut self,
        key: &FlowKey,
        weights: &Weights,
        aftermath: Option<&Aftermath>,
        seen: &mut BySeverity,
        names: &mut dyn Names,
    ) {
        let ends = Ends::of(&key.site, &key.addrs);
        let connection = consequences::connection(key);
        let harm = if protocol::is_tcp(&key.site) {
            let here = here(key.site.netns, &ends, names);
            let shows = |all: fn(&Aftermath) -> bool| {
                aftermath.is_some_and(all)
                    && connection
                        .is_some_and(|(connection, _)| self.consequences.knows(&connection))
            };
            Harm::of_flow(
                here,
                shows(|aftermath| aftermath.all_retransmits),
                shows(|aftermath| aftermath.all_resets),
            )
        } else {
            Harm::default()
        };
        let group = self.add(&key.site, &ends, weights, harm, seen, names);
        match (group, connection) {
            (Some(group), Some((connection, end))) => {
                self.consequences
                    .dropped(&connection, end, harm.here(), &group);
            }
            (None, Some((connection, _))) => self.consequences.hidden(&connection),
            (_, None) => {}
        }
    }

    /// Adds drops; returns their group if they are shown.
    fn add(
        &mut self,
        key: &SiteKey,
        ends: &Ends,
        weights: &Weights,
        harm: Harm,
        seen: &mut BySeverity,
        names: &mut dyn Names,
    ) -> Option<Group> {
        if weights.drops == 0 {
            return None;
        }
        let Self {
            view,
            sites,
            interval,
            ..
        } = self;
        let site = sites.site(key, names);
        let mut sums = Sums::of(site.severity, Some(site.by), weights);
        sums.harm = harm;
        seen.add(site.severity, weights);
        interval.totals.sums += &sums;
        if view.show.includes(site.severity) {
            let group = Group::of(&view.by, key, &site, ends, sites, names);
            interval.add(&group, &sums);
            Some(group)
        } else {
            interval.totals.hidden += sums.drops();
            None
        }
    }
}

/// Which ends live in the namespace; `None` unless known of both.
fn here(netns: u32, ends: &Ends, names: &mut dyn Names) -> Option<Here> {
    if netns == 0 {
        return None;
    }
    let src = names.is_local(netns, ends.src?)?;
    let dst = names.is_local(netns, ends.dst?)?;
    Some(Here::of(src, dst))
}
