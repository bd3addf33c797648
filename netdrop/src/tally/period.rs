//! An interval, and the whole run: totals, accounting, traffic and rows.

use jiff::Timestamp;
use netdrop_ebpf::{area::Counter, hurt::Connection};

use super::{
    accounting::{Accounting, Attached, HookCount, Traffic, sum},
    choose::{Chosen, choose},
    circumstances::Circumstances,
    consequences::Consequences,
    histogram::{self, Histogram},
    key::By,
    names::Names,
    rank::Sort,
    row::Row,
    sheet::{LetGo, Sheet},
    show::Show,
    site::Sites,
    squeeze::{Squeeze, Squeezes},
    sums::Sums,
};
use crate::{
    drops::advice::Advice, filter::plan::Plan, kernel::snapshot::Snapshot,
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
#[derive(Clone, Debug)]
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

    /// Groups that the run keeps apart: what a copy of it takes.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.run.len()
    }

    /// From now on, the run keeps at most so many groups apart, those that matter
    /// most, instead of those that came first.
    pub fn bound(&mut self, most: usize) {
        self.run.most = Some(most);
    }

    /// Groups that gave way to others, where there is a bound.
    #[must_use]
    pub fn let_go(&self) -> LetGo {
        self.run.let_go
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
        self.interval_without(None, snapshot, moment, names)
    }

    /// The same; of a snapshot that a filter was applied to before, the connections
    /// whose drops it left out.
    pub(crate) fn interval_without(
        &mut self,
        left_out: Option<&[Connection]>,
        snapshot: &Snapshot,
        moment: &Moment<'_>,
        names: &mut dyn Names,
    ) -> Period {
        self.sites.next_interval();
        self.interval.clear();
        self.interval.seconds = snapshot.seconds;
        let chosen = match left_out {
            Some(left_out) => Some(Chosen {
                snapshot: snapshot.clone(),
                rejected: left_out.to_vec(),
            }),
            None => self
                .filter
                .as_ref()
                .map(|plan| choose(plan, snapshot, &mut self.sites, names)),
        };
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
}

mod fill;
#[cfg(test)]
mod tests;
