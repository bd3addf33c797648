//! An interval, and the whole run: totals, accounting, traffic and rows.

use jiff::Timestamp;
use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::FlowKey,
    hurt::Connection,
    site::{SiteKey, state},
};

use super::{
    accounting::{Accounting, Attached, HookCount, Traffic, sum},
    choose::choose,
    circumstances::Circumstances,
    consequences::{self, Consequences},
    group::Group,
    harm::{Harm, Here},
    histogram::{self, Histogram},
    key::By,
    names::{Names, Severity},
    protocol::{self, Ends},
    rank::Sort,
    row::Row,
    sheet::Sheet,
    show::Show,
    site::Sites,
    squeeze::{Squeeze, Squeezes},
    sums::{BySeverity, Sums},
};
use crate::{
    drops::advice::Advice,
    filter::plan::Plan,
    kernel::snapshot::{Aftermath, Snapshot},
    reconcile::Reconciliation,
};

/// All drops, whatever is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Drops, packets and bytes.
    pub sums: Sums,
    /// Drops that are in no row because of `--severity`.
    pub hidden: u64,
}

/// What happened in a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// Its end.
    pub time: Timestamp,
    /// Its measured length.
    pub seconds: f64,
    /// All drops.
    pub totals: Totals,
    /// How sure they are.
    pub accounting: Accounting,
    /// What passed.
    pub traffic: Traffic,
    /// Signs that CPUs did not keep up.
    pub squeeze: Squeeze,
    /// Runs of the other hooks.
    pub hooks: Vec<HookCount>,
    /// Drops by group; with `totals.hidden` they add up to `totals`.
    pub rows: Vec<Row>,
    /// What the drops of the first rows mean, where that was asked for.
    pub advice: Vec<Advice>,
    /// Histograms of what the kernel side counted, of `accounting.rejected` more
    /// drops, too; `None` where they were not counted.
    pub histograms: Option<Vec<Histogram>>,
    /// The kernel's counters of loss against the drops, where that was asked for.
    pub reconciliation: Option<Reconciliation>,
}

impl Period {
    /// Drops that are not benign per hundred passes. `None` without passes, where
    /// it would be more than all (drops that never passed, such as a queue that is
    /// purged), and where a filter left drops out, since passes are not filtered.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a percentage needs no more than 52 bits"
    )]
    pub fn drop_ratio(&self) -> Option<f64> {
        let sums = &self.totals.sums;
        let drops = sums.harmful + sums.suspicious;
        let passes = self.traffic.passes()?;
        let complete = self.accounting.filtered + self.accounting.undecided == 0;
        (complete && passes > 0 && drops <= passes).then(|| drops as f64 / passes as f64 * 100.0)
    }
}

/// What is grouped and shown.
#[derive(Clone, Debug)]
pub struct View {
    /// Keys of the rows.
    pub by: By,
    /// Rows shown at most, besides those that stand for others.
    pub top: usize,
    /// What comes first.
    pub sort: Sort,
    /// Severities shown.
    pub show: Show,
}

/// What is known about an interval besides its counts.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The wall clock at its end.
    pub time: Timestamp,
    /// Delta of `time_squeeze` by CPU; `None` when unknown.
    pub time_squeeze: Option<&'a [(u32, u64)]>,
    /// What the output lost since the interval before.
    pub output_lost: u64,
}

/// Turns snapshots into periods and adds them up.
#[derive(Debug)]
pub struct Tally {
    pub(super) view: View,
    attached: Attached,
    /// A filter that user space has a part in.
    filter: Option<Plan>,
    pub(super) sites: Sites,
    consequences: Consequences,
    pub(super) interval: Sheet,
    pub(super) run: Sheet,
    accounting: Option<Accounting>,
    traffic: Option<Traffic>,
    squeezes: Option<Squeezes>,
    hooks: Vec<HookCount>,
    histograms: Option<histogram::Sums>,
    /// Of the interval and of the run, where advice is asked for.
    circumstances: Option<[Circumstances; 2]>,
}

impl Tally {
    /// A tally in which nothing has happened.
    #[must_use]
    pub fn new(view: View, attached: Attached) -> Self {
        Self {
            hooks: attached.hook_counts(&Snapshot::default()),
            view,
            attached,
            filter: None,
            sites: Sites::default(),
            consequences: Consequences::default(),
            interval: Sheet::default(),
            run: Sheet::default(),
            accounting: None,
            traffic: None,
            squeezes: None,
            histograms: None,
            circumstances: None,
        }
    }

    /// From now on, periods come with advice.
    pub fn explain(&mut self) {
        self.circumstances = Some(<[Circumstances; 2]>::default());
    }

    /// From now on, only what the filter wants is counted.
    pub fn filter(&mut self, plan: &Plan) {
        self.filter = plan.asks_rows().then(|| plan.clone());
    }

    /// What comes next is from another recording of the same host: what its
    /// connections went through is counted from zero again.
    pub fn next_recording(&mut self, attached: Attached) {
        self.attached = attached;
        self.consequences = Consequences::default();
    }

    /// The names met so far, for events between intervals.
    pub fn sites(&mut self) -> &mut Sites {
        &mut self.sites
    }

    /// Events handed to the ring so far.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.accounting.map_or(0, |run| run.delivered)
    }

    /// Groups an interval and adds it to the run.
    pub fn interval(
        &mut self,
        snapshot: &Snapshot,
        moment: &Moment<'_>,
        names: &mut dyn Names,
    ) -> Period {
        self.sites.next_interval();
        self.interval.clear();
        self.interval.seconds = snapshot.seconds;
        let chosen = self
            .filter
            .as_ref()
            .map(|plan| choose(plan, snapshot, &mut self.sites, names));
        let chosen = chosen.map(|mut chosen| {
            if !self.view.by.needs_flows() {
                // They were counted for the filter alone.
                chosen.snapshot.flows = None;
                chosen.snapshot.aftermath = None;
            }
            chosen
        });
        let (snapshot, rejected) = match &chosen {
            Some(chosen) => (&chosen.snapshot, &*chosen.rejected),
            None => (snapshot, &[][..]),
        };
        self.fill(snapshot, rejected, names);
        self.consequences.settle(&mut self.interval, &mut self.run);
        self.run.add_sheet(&self.interval);
        self.learn_circumstances(snapshot, names);

        let accounting = Accounting::of(snapshot, moment.output_lost);
        let cpus = moment.time_squeeze;
        let time_squeeze = cpus.map(|cpus| cpus.iter().map(|(_, times)| times).sum());
        let traffic = self.attached.traffic(snapshot, time_squeeze);
        let (squeeze, by_key) = Squeeze::of(
            self.attached.full_polls(snapshot),
            snapshot.counters.get(Counter::NapiOther),
            cpus,
            names,
        );
        let hooks = self.attached.hook_counts(snapshot);
        match &mut self.accounting {
            Some(run) => run.add(&accounting),
            None => self.accounting = Some(accounting),
        }
        match &mut self.squeezes {
            Some(run) => run.add(by_key),
            None => self.squeezes = Some(by_key),
        }
        match &mut self.traffic {
            Some(run) => run.add(&traffic),
            None => self.traffic = Some(traffic),
        }
        for (run, interval) in self.hooks.iter_mut().zip(&hooks) {
            run.count = sum(run.count, interval.count);
        }
        if let Some(histograms) = &snapshot.histograms {
            self.histograms.get_or_insert_default().add(histograms);
        }
        let rows = self.interval.rows(&self.view, &self.sites);
        let circumstances = self.circumstances.as_ref();
        Period {
            advice: circumstances
                .map(|[interval, _]| interval.advice(&rows, &self.sites))
                .unwrap_or_default(),
            time: moment.time,
            seconds: snapshot.seconds,
            totals: self.interval.totals,
            accounting,
            traffic,
            squeeze,
            hooks,
            rows,
            histograms: snapshot.histograms.clone(),
            reconciliation: None,
        }
    }

    /// The whole run so far.
    #[must_use]
    pub fn summary(&self, time: Timestamp, output_lost: u64) -> Period {
        let mut accounting = self.accounting.unwrap_or_default();
        accounting.output_lost = output_lost;
        let rows = self.run.rows(&self.view, &self.sites);
        let circumstances = self.circumstances.as_ref();
        Period {
            advice: circumstances
                .map(|[_, run]| run.advice(&rows, &self.sites))
                .unwrap_or_default(),
            time,
            seconds: self.run.seconds,
            totals: self.run.totals,
            accounting,
            traffic: self.traffic.unwrap_or_default(),
            squeeze: self
                .squeezes
                .as_ref()
                .map(Squeezes::squeeze)
                .unwrap_or_default(),
            hooks: self.hooks.clone(),
            rows,
            histograms: self.histograms.as_ref().map(histogram::Sums::histograms),
            reconciliation: None,
        }
    }

    /// What the drops of these rows mean, over the whole run; nothing unless
    /// [`Tally::explain`] was asked for.
    #[must_use]
    pub fn advice(&self, rows: &[Row]) -> Vec<Advice> {
        let circumstances = self.circumstances.as_ref();
        circumstances
            .map(|[_, run]| run.advice(rows, &self.sites))
            .unwrap_or_default()
    }

    fn learn_circumstances(&mut self, snapshot: &Snapshot, names: &mut dyn Names) {
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
    fn fill(&mut self, snapshot: &Snapshot, rejected: &[Connection], names: &mut dyn Names) {
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

#[cfg(test)]
mod tests;
