//! The counts behind every view: tallies of the same snapshots by as many keys
//! as there are, which views sum up by fewer. So a view shows the whole run as
//! soon as it is looked at, and nothing is counted twice or guessed.

use jiff::Timestamp;

use crate::{
    drops::advice::Advice,
    filter::plan::Plan,
    kernel::snapshot::Snapshot,
    tally::{
        accounting::Attached,
        group::Group,
        key::{By, Key},
        names::Names,
        packet::Drop,
        period::{Moment, Period, Tally, View},
        rank::Sort,
        regroup::{Line, Order, Within},
        row::Row,
        sheet::LetGo,
        show::Show,
        site::Sites,
    },
};
use std::collections::HashMap;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `--by`, `--top`, `--sort` and `--severity`.
    pub view: View,
    /// `--explain`: the summary comes with advice.
    pub explain: bool,
}

/// Keys of sites; the stack only where it is asked for.
const SITE: [Key; 9] = [
    Key::Stage,
    Key::Reason,
    Key::Function,
    Key::Device,
    Key::Netns,
    Key::Cpu,
    Key::Protocol,
    Key::Direction,
    Key::Severity,
];

/// Groups that each tally keeps apart: as many as a hash table of 64 Ki buckets
/// holds. Views show some dozens.
const MOST_GROUPS: usize = 57_344;

/// The tallies.
#[derive(Clone, Debug)]
pub struct Counts {
    asked: Asked,
    /// By all that a site knows: exact whatever happens.
    sites: Tally,
    /// By flow: knows what followed.
    flows: Tally,
    /// By flow and all that a site knows.
    both: Tally,
    /// As the command line asks, where that is something else.
    own: Option<Tally>,
    flow: By,
}

impl Counts {
    /// Counts from now on.
    #[must_use]
    pub fn new(asked: Asked, attached: &Attached, plan: Option<&Plan>) -> Self {
        let stack = asked.view.by.has(Key::Stack).then_some(Key::Stack);
        let site = || SITE.into_iter().chain(stack);
        let flow = By::flow();
        let tally = |view| {
            let mut tally = Tally::new(view, attached.clone());
            tally.bound(MOST_GROUPS);
            if let Some(plan) = plan {
                tally.filter(plan);
            }
            tally
        };
        // Rows come from `Tally::lines`.
        let by = |by| View {
            by,
            top: 0,
            sort: Sort::Drops,
            show: asked.view.show,
        };
        let mut sites = tally(by(By::of(site())));
        sites.explain();
        Self {
            flows: tally(by(flow.clone())),
            both: tally(by(By::of(flow.keys().iter().copied().chain(site())))),
            own: (asked.view.by.needs_flows() && asked.view.by != flow)
                .then(|| tally(asked.view.clone())),
            sites,
            flow,
            asked,
        }
    }

    /// Groups kept apart, in all tallies: what a copy takes.
    #[must_use]
    pub fn groups(&self) -> usize {
        let all = [&self.sites, &self.flows, &self.both].into_iter();
        all.chain(&self.own).map(Tally::groups).sum()
    }

    /// What the command line asks for.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Adds an interval; returns it without rows.
    pub fn feed(
        &mut self,
        snapshot: &Snapshot,
        moment: &Moment<'_>,
        names: &mut dyn Names,
    ) -> Period {
        let Self {
            sites,
            flows,
            both,
            own,
            ..
        } = self;
        for tally in [flows, both].into_iter().chain(own) {
            tally.interval(snapshot, moment, names);
        }
        let mut period = sites.interval(snapshot, moment, names);
        period.rows.clear();
        period
    }

    /// The run so far, without rows.
    #[must_use]
    pub fn run(&self, time: Timestamp) -> Period {
        let mut period = self.sites.summary(time, 0);
        period.rows.clear();
        period
    }

    /// The run so far as the command line asks for it.
    #[must_use]
    pub fn summary(&self, time: Timestamp) -> Period {
        let View { by, top, sort, .. } = &self.asked.view;
        let order = match sort {
            Sort::Drops => Order::Drops,
            Sort::Hurt => Order::Hurt,
        };
        let mut period = self.sites.summary(time, 0);
        period.rows = self
            .lines(by, order, *top, None)
            .into_iter()
            .map(|line| line.run)
            .collect();
        if self.asked.explain {
            period.advice = self.advice(&period.rows);
        }
        period
    }

    /// Rows by these keys.
    #[must_use]
    pub fn lines(
        &self,
        by: &By,
        order: Order,
        most: usize,
        within: Option<Within<'_>>,
    ) -> Vec<Line> {
        self.tally(by, within).lines(by, order, most, within)
    }

    /// The drops of the last interval by these keys.
    #[must_use]
    pub fn last(&self, by: &By, most: usize) -> HashMap<Group, u64> {
        self.tally(by, None).last(by, most)
    }

    /// Rows by these keys that gave way to others.
    #[must_use]
    pub fn let_go(&self, by: &By) -> LetGo {
        self.tally(by, None).let_go()
    }

    /// What the drops of these rows mean.
    #[must_use]
    pub fn advice(&self, rows: &[Row]) -> Vec<Advice> {
        self.sites.advice(rows)
    }

    /// The names met so far, for events.
    pub fn names(&mut self) -> &mut Sites {
        self.sites.sites()
    }

    /// The drop, unless the command line hides its severity.
    #[must_use]
    pub fn shows(&self, drop: &Drop) -> bool {
        let show: Show = self.asked.view.show;
        show.includes(drop.severity)
    }

    fn tally(&self, by: &By, within: Option<Within<'_>>) -> &Tally {
        let Self {
            asked,
            sites,
            flows,
            both,
            own,
            flow,
        } = self;
        let needs_flows = |by: &By| by.needs_flows();
        // Only this one tells of harm.
        if *by == *flow && within.is_none_or(|within| *within.by == *flow) {
            return flows;
        }
        match own {
            Some(own) if within.is_none() && *by == asked.view.by => own,
            _ if needs_flows(by) || within.is_some_and(|within| needs_flows(within.by)) => both,
            _ => sites,
        }
    }
}
