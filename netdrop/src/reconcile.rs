//! The kernel's counters of loss against the drops that were traced.
//!
//! Comes in: the counters as they stand at the ends of intervals, and the exact
//! counts of drops by site. Goes out: for each counter of `data/reconcile.toml`
//! how much of it the traced drops explain and what remains, with the causes that
//! no drop event shows.

mod explain;
mod fit;
mod known;
mod moved;
mod traced;

use std::time::Duration;

use self::{
    moved::{Moved, Period},
    traced::Traced,
};
use crate::{
    kernel::snapshot::Snapshot,
    tally::{names::Names, site::Sites},
};

/// A counter of loss and what it is made of: `delta` = `traced` + `unexplained`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The counter: `Udp.RcvbufErrors`, `link.rx_dropped`.
    pub counter: String,
    /// Whose it is: `netns`, `host`, `eth0`, `eth0 qdisc fq_codel 0:` (device names
    /// not escaped).
    pub scope: String,
    /// What it counted.
    pub delta: u64,
    /// How much of that traced drops explain.
    pub traced: u64,
    /// The rest.
    pub unexplained: u64,
    /// How much of the rest is also the rest of a more specific counter
    /// (`Udp.RcvbufErrors` of `Udp.InErrors`): the same loss, counted twice.
    pub repeated: u64,
    /// Traced drops that belong to this counter and were not counted by it; with
    /// `traced` they are the drops in `by`.
    pub excess: u64,
    /// The traced drops, those that are most first.
    pub by: Vec<Part>,
    /// What no drop event shows, where something remains and it is known.
    pub note: Option<String>,
}

/// Traced drops behind a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Why; `None` where the kernel gives no reason.
    pub reason: Option<String>,
    /// In which function; `None` where it is unknown.
    pub function: Option<String>,
    /// At which stage.
    pub stage: String,
    /// How many.
    pub drops: u64,
}

/// The counters of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// Counters that counted something, those with the greatest rest first.
    pub lines: Vec<Line>,
    /// How far to trust them.
    pub terms: Terms,
}

impl Reconciliation {
    /// Adds a later period.
    pub fn add(&mut self, later: Self) {
        let Self { lines, terms } = later;
        for line in lines {
            let same =
                |known: &&mut Line| known.counter == line.counter && known.scope == line.scope;
            match self.lines.iter_mut().find(same) {
                Some(known) => known.add(line),
                None => self.lines.push(line),
            }
        }
        self.lines
            .sort_by_key(|line| std::cmp::Reverse((line.unexplained, line.delta)));
        self.terms.add(terms);
    }
}

impl Line {
    fn add(&mut self, later: Self) {
        self.delta += later.delta;
        self.traced += later.traced;
        self.unexplained += later.unexplained;
        self.repeated += later.repeated;
        self.excess += later.excess;
        self.note = self.note.take().or(later.note);
        for part in later.by {
            let same = |known: &&mut Part| {
                (&known.reason, &known.function, &known.stage)
                    == (&part.reason, &part.function, &part.stage)
            };
            match self.by.iter_mut().find(same) {
                Some(known) => known.drops += part.drops,
                None => self.by.push(part),
            }
        }
        self.by.sort_by_key(|part| std::cmp::Reverse(part.drops));
    }
}

impl Terms {
    fn add(&mut self, later: Self) {
        self.netns = later.netns;
        self.skew = self.skew.max(later.skew);
        self.uncounted += later.uncounted;
        self.untold += later.untold;
        self.reset.extend(later.reset);
        self.late.extend(later.late);
    }
}

/// How far to trust a reconciliation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The network namespace that counters of `netns` and devices are of.
    pub netns: u32,
    /// Counters and drops are not read at one moment: at each end of the period
    /// they are at most so far apart. What happens meanwhile may stand on either
    /// side. `None` where it is not known.
    pub skew: Option<Duration>,
    /// Traced drops of the namespace, benign ones left out, that no counter
    /// counted.
    pub uncounted: u64,
    /// Drops that were counted without their keys, because a table was full: they
    /// explain nothing.
    pub untold: u64,
    /// Counters that began again (a driver that was loaded anew), as `SCOPE NAME`:
    /// what they counted is not known.
    pub reset: Vec<String>,
    /// Counters that were first seen in the period and had already counted
    /// something (a device that was renamed, came from another namespace or was
    /// made), as `SCOPE NAME`: when is not known, and they count from then on.
    pub late: Vec<String>,
}

/// What remains of all counters, no loss counted twice.
#[must_use]
pub fn unexplained(lines: &[Line]) -> u64 {
    let rest = |line: &Line| line.unexplained.saturating_sub(line.repeated);
    lines.iter().map(rest).sum()
}

/// A number of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    /// What it belongs to, as [`Scope`](crate::host::counters::Scope) spells it.
    pub scope: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: u64,
}

/// Holds counters against drops, interval by interval.
///
/// In each interval [`Reconciler::drops`] and [`Reconciler::numbers`] come before
/// [`Reconciler::interval`]; the first numbers of all, at the start, come before
/// any drops.
#[derive(Clone, Debug)]
pub struct Reconciler {
    netns: u32,
    sites: Sites,
    moved: Moved,
    interval: Traced,
    run: Traced,
    skew: Ends,
}

/// Skews at the ends of periods.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    first: Option<Duration>,
    before: Option<Duration>,
    last: Option<Duration>,
}

impl Ends {
    fn of(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
        Some(one?.max(other?))
    }
}

impl Reconciler {
    /// For counters of this network namespace.
    #[must_use]
    pub fn new(netns: u32) -> Self {
        Self {
            netns,
            sites: Sites::default(),
            moved: Moved::default(),
            interval: Traced::default(),
            run: Traced::default(),
            skew: Ends::default(),
        }
    }

    /// The network namespace whose counters these are.
    #[must_use]
    pub fn netns(&self) -> u32 {
        self.netns
    }

    /// The counters at an end of an interval, or those that are no longer as they
    /// were; `skew` is the time between their reading and that of the drops.
    pub fn numbers<'a>(
        &mut self,
        numbers: impl IntoIterator<Item = Number<'a>>,
        skew: Option<Duration>,
    ) {
        self.moved.read(numbers);
        let Ends {
            first,
            before,
            last,
        } = &mut self.skew;
        if !self.moved.has_begun() {
            *first = skew;
        }
        *before = *last;
        *last = skew;
        self.moved.begin();
    }

    /// Numbers that nobody waited for (of drivers), at the end of all intervals.
    pub fn late<'a>(&mut self, numbers: impl IntoIterator<Item = Number<'a>>) {
        self.moved.read(numbers);
    }

    /// The drops of an interval.
    pub fn drops(&mut self, snapshot: &Snapshot, names: &mut dyn Names) {
        self.sites.next_interval();
        self.interval.clear();
        let Self {
            netns,
            sites,
            moved,
            interval,
            ..
        } = self;
        interval.add(snapshot, sites, names, |inode, index| {
            let name = (inode == *netns).then(|| moved.device(index)).flatten();
            name.map(str::to_owned)
        });
        self.run.add_all(&self.interval);
    }

    /// The interval that has ended; the next one begins.
    pub fn interval(&mut self) -> Reconciliation {
        let skew = Ends::of(self.skew.before, self.skew.last);
        let found = self.explained(self.moved.interval(), &self.interval, skew);
        self.moved.next();
        found
    }

    /// All intervals that have ended.
    #[must_use]
    pub fn run(&self) -> Reconciliation {
        let skew = Ends::of(self.skew.first, self.skew.last);
        self.explained(self.moved.run(), &self.run, skew)
    }

    fn explained(
        &self,
        period: &Period,
        traced: &Traced,
        skew: Option<Duration>,
    ) -> Reconciliation {
        let (lines, uncounted) = explain::all(
            &self.moved.losses(period),
            traced,
            self.netns,
            &self.sites.interner,
        );
        Reconciliation {
            lines,
            terms: Terms {
                netns: self.netns,
                skew,
                uncounted,
                untold: traced.untold,
                reset: period.resets(),
                late: period.late(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
