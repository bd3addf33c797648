//! What the kernel itself says of the drops that a scenario expects: the
//! counter that moves with them, and the trace event.

use std::ptr;

use anyhow::Result;

use super::expected::{Count, Drops};
use crate::{
    bench::Bench,
    counter::Counter,
    events::Tally,
    netdrop::record::Row,
    scenario::cannot,
    site::{self, Seen},
};

/// Expected drops, how they look on this kernel, and how far their counter has
/// moved since the start.
pub(crate) struct Watched<'a> {
    pub(super) drops: &'a Drops<'a>,
    pub(super) seen: Seen,
    start: u64,
    pub(super) moved: u64,
}

/// What the witnesses have seen when everything has settled.
pub(crate) struct Witnessed<'a> {
    pub(crate) watched: Vec<Watched<'a>>,
    /// The host's events in the trace, as far as its ring kept them: a part of
    /// what netdrop must account for.
    pub(super) traced: u64,
}

impl<'a> Watched<'a> {
    /// Takes the counters' first reading. What this kernel does not have is left
    /// out; if that is everything, the scenario cannot be done.
    pub(super) fn all(drops: &'a [Drops<'a>], bench: &Bench) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for drops in drops {
            let Some(seen) = site::on(drops.site, &bench.kernel) else {
                bench.attributed.absent(site::name(drops.site));
                continue;
            };
            let start = drops.counter.as_ref().map_or(Ok(0), Counter::read)?;
            all.push(Self {
                drops,
                seen,
                start,
                moved: 0,
            });
        }
        if all.is_empty() && !drops.is_empty() {
            return cannot(format!("Linux {} has no such drop", bench.kernel.release));
        }
        Ok(all)
    }

    /// Takes another reading.
    pub(super) fn read(&mut self) -> Result<()> {
        if let Some(counter) = &self.drops.counter {
            self.moved = counter.read()?.saturating_sub(self.start);
        }
        Ok(())
    }

    /// The number of drops that must be seen.
    pub(crate) fn count(&self) -> u64 {
        match self.drops.count {
            Count::Exactly(count) => count,
            Count::AsCounted => self.moved,
        }
    }

    /// Whether the counter has come as far as it must.
    pub(super) fn is_counted(&self) -> bool {
        match (self.drops.count, &self.drops.counter) {
            (Count::Exactly(count), Some(_)) => self.moved >= count,
            (Count::Exactly(_), None) => true,
            (Count::AsCounted, _) => self.moved > 0,
        }
    }

    /// What the counter says against the expectation.
    pub(super) fn against_counter(&self) -> Option<String> {
        let counter = self.drops.counter.as_ref()?;
        let contradicts = match self.drops.count {
            Count::Exactly(count) => self.moved != count,
            Count::AsCounted => self.moved == 0,
        };
        contradicts.then(|| {
            format!(
                "witness: {} moved by {}, not as {:?}",
                counter.name, self.moved, self.drops.count
            )
        })
    }

    /// Whether a row that is split by reason and function belongs to the site.
    pub(crate) fn is_of(&self, row: &Row) -> bool {
        self.seen.is_of(row)
    }

    /// What netdrop's rows say against the expectation, `all` being the whole of
    /// it.
    pub(super) fn against_rows(&self, all: &[Self], rows: &[Row]) -> Vec<String> {
        let here = |other: &&Self| other.drops.netns == self.drops.netns;
        let beside = expected(all.iter().filter(here), &self.seen);
        let mut ours = self.rows(rows);
        let mut whole = self.drops.whole(self.count());
        let mut others: Vec<&Self> = all.iter().filter(|one| !ptr::eq(*one, self)).collect();
        // Who shares a row with any of them belongs to them.
        while let Some(next) = others
            .iter()
            .position(|other| shares(&ours, &other.rows(rows)))
        {
            let other = others.swap_remove(next);
            whole = whole + other.drops.whole(other.count());
            let theirs = other.rows(rows);
            let new = theirs.into_iter().filter(|row| !shares(&ours, &[row]));
            ours.extend(new.collect::<Vec<_>>());
        }
        self.drops.against(&self.seen, beside, &whole, &ours, rows)
    }

    /// The rows that are expected.
    pub(super) fn rows<'r>(&self, rows: &'r [Row]) -> Vec<&'r Row> {
        self.drops.rows(&self.seen, rows)
    }
}

/// Whether two lists have a row in common.
fn shares(left: &[&Row], right: &[&Row]) -> bool {
    left.iter()
        .any(|left| right.iter().any(|right| ptr::eq(*left, *right)))
}

/// Events of a site's functions and reason in the trace.
fn events(seen: &Seen, tally: &Tally) -> u64 {
    let matching = tally.drops.iter().filter(|((function, reason), _)| {
        seen.functions.contains(&function.as_str()) && reason.as_deref() == seen.reason
    });
    matching.map(|(_, count)| count).sum()
}

/// The drops that are expected at a place.
fn expected<'w, 'a: 'w>(watched: impl IntoIterator<Item = &'w Watched<'a>>, seen: &Seen) -> u64 {
    watched
        .into_iter()
        .filter(|other| other.seen.is_beside(seen))
        .map(Watched::count)
        .sum()
}

/// Whether the trace shows as many events as are expected.
pub(super) fn is_traced(watched: &[Watched], tally: &Tally) -> bool {
    watched
        .iter()
        .all(|one| events(&one.seen, tally) >= expected(watched, &one.seen))
}

/// What the trace says against the expectation. The trace knows no namespace,
/// so where a counter is exact, the host's other drops at the same site are no
/// contradiction, and where the ring overflowed it says nothing.
pub(super) fn against_events(watched: &[Watched], tally: &Tally) -> Vec<String> {
    let contradictions = watched.iter().filter_map(|one| {
        if tally.lost {
            let nobody_else = one.drops.counter.is_none();
            return nobody_else.then(|| "witness: the trace ring lost events".to_owned());
        }
        let (found, wanted) = (events(&one.seen, tally), expected(watched, &one.seen));
        let too_many = found > wanted && one.drops.counter.is_none() && !one.drops.crowded;
        (found < wanted || too_many).then(|| {
            let all: Vec<String> = tally
                .drops
                .iter()
                .map(|((function, reason), count)| {
                    format!(
                        "\n    {count} {} at {function}",
                        reason.as_deref().unwrap_or("null")
                    )
                })
                .collect();
            format!(
                "witness: {found} events, not {wanted}, of {:?}; in the trace are{}",
                one.seen,
                all.concat()
            )
        })
    });
    contradictions.collect()
}
