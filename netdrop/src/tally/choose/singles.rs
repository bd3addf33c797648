//! Applies a filter that asks for what rows do not tell: a row that it cannot
//! decide about is decided drop by drop, as far as its drops were kept single.

use std::collections::HashMap;

use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::FlowKey,
    site::SiteKey,
};

use super::{Chosen, Judge, Verdicts, beyond_flows, has_flow, left};
use crate::{
    filter::plan::{Plan, Verdict},
    kernel::snapshot::Snapshot,
    tally::{names::Names, sampled::Sampled, site::Sites},
};

/// Drops that rows do not decide about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Singles {
    /// How many.
    pub asked: u64,
    /// Those of them that were kept single.
    pub kept: u64,
    /// Those of these about which the filter could decide.
    pub decided: u64,
}

impl Singles {
    /// Adds those of a later interval.
    pub fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.kept += other.kept;
        self.decided += other.decided;
    }

    /// Those that no filter can tell apart any more.
    #[must_use]
    pub fn untold(self) -> u64 {
        self.asked - self.decided
    }
}

/// What of a snapshot and its single drops a filter wants.
#[derive(Debug)]
pub(crate) struct ChosenSingles {
    pub(crate) chosen: Chosen,
    pub(crate) singles: Singles,
    /// For each of the single drops: is it wanted?
    pub(crate) wanted: Vec<bool>,
}

/// Drops that a table counted together.
struct Row {
    /// Without addresses where it is of the site table.
    key: FlowKey,
    /// Is it of the flow table?
    by_flow: bool,
    weights: Weights,
    verdict: Verdict,
    /// Its drops that were kept single: their places.
    singles: Vec<usize>,
}

impl Row {
    fn has_room(&self) -> bool {
        (self.singles.len() as u64) < self.weights.drops
    }
}

/// Keeps the rows that match, and of those that may match the single drops that
/// do. `place` leaves of a site only what the kernel told them apart by: names
/// that were found for a row may be others than those for a single drop of it.
pub(crate) fn choose_singles(
    plan: &Plan,
    snapshot: &Snapshot,
    events: &[Sampled],
    place: &dyn Fn(&SiteKey) -> SiteKey,
    sites: &mut Sites,
    names: &mut dyn Names,
) -> ChosenSingles {
    let mut judge = Judge {
        plan,
        sites,
        names,
        known: HashMap::new(),
    };
    let mut verdicts: Vec<Verdict> = events
        .iter()
        .map(|event| {
            let drop = &event.drop;
            plan.judge_single(&drop.into(), &drop.into(), &event.flow)
        })
        .collect();
    let mut rows = rows(snapshot, &mut judge);
    let placed: u64 = rows.iter().map(|row| row.weights.drops).sum();
    let counted = snapshot.counters.counted();
    // What had no room in any table.
    rows.push(Row {
        key: FlowKey::default(),
        by_flow: false,
        weights: Weights {
            drops: counted.saturating_sub(placed),
            ..Weights::default()
        },
        verdict: Verdict::Undecided,
        singles: Vec::new(),
    });
    assign(&mut rows, events, place);

    let mut sums = Verdicts::default();
    let mut singles = Singles::default();
    let mut kept = Kept {
        sites: Vec::new(),
        flows: snapshot.flows.is_some().then(Vec::new),
    };
    for row in &rows {
        if row.verdict != Verdict::Undecided {
            sums.add(row.verdict, row.weights.drops);
            if row.verdict == Verdict::Keep {
                kept.row(row);
            }
            // A single drop is where its row is.
            for single in &row.singles {
                verdicts[*single] = row.verdict;
            }
            continue;
        }
        singles.asked += row.weights.drops;
        singles.kept += row.singles.len() as u64;
        for single in &row.singles {
            let verdict = verdicts[*single];
            if verdict == Verdict::Undecided {
                continue;
            }
            singles.decided += 1;
            sums.add(verdict, 1);
            if verdict == Verdict::Keep {
                kept.single(&events[*single]);
            }
        }
    }
    sums.undecided = counted.saturating_sub(sums.kept + sums.filtered);
    let Kept { sites, flows } = kept;
    let mut snapshot = left(snapshot, sites, flows, &sums);
    // What followed the drops of a connection is not known of some of them.
    snapshot.aftermath = None;
    snapshot.counters.0[Counter::ConsequenceOther as usize] = 0;
    ChosenSingles {
        chosen: Chosen {
            snapshot,
            rejected: Vec::new(),
        },
        singles,
        wanted: verdicts
            .iter()
            .map(|verdict| *verdict == Verdict::Keep)
            .collect(),
    }
}

/// The rows of both tables, every drop in one of them at most.
fn rows(snapshot: &Snapshot, judge: &mut Judge<'_>) -> Vec<Row> {
    let flows = snapshot.flows.as_deref();
    let mut rows = Vec::new();
    for (key, weights) in flows.unwrap_or_default() {
        rows.push(Row {
            key: *key,
            by_flow: true,
            weights: *weights,
            verdict: judge.judge(key),
            singles: Vec::new(),
        });
    }
    for (site, weights) in beyond_flows(&snapshot.sites, flows.unwrap_or_default()) {
        rows.push(Row {
            key: FlowKey {
                site,
                ..FlowKey::default()
            },
            by_flow: false,
            weights,
            verdict: if has_flow(&site) {
                judge.without_flow(&site)
            } else {
                judge.site(&site)
            },
            singles: Vec::new(),
        });
    }
    rows
}

/// Gives every single drop to the row that it was counted in. The last row is for
/// those that were in none.
fn assign(rows: &mut [Row], events: &[Sampled], place: &dyn Fn(&SiteKey) -> SiteKey) {
    let placed = |flow: &FlowKey, by_flow: bool| {
        let site = place(&flow.site);
        if by_flow {
            (FlowKey { site, ..*flow }, true)
        } else {
            let alone = FlowKey {
                site,
                ..FlowKey::default()
            };
            (alone, false)
        }
    };
    let mut found: HashMap<(FlowKey, bool), Vec<usize>> = HashMap::new();
    let last = rows.len() - 1;
    for (number, row) in rows[..last].iter().enumerate() {
        let same = found.entry(placed(&row.key, row.by_flow)).or_default();
        same.push(number);
    }
    for (number, event) in events.iter().enumerate() {
        let candidates = |by_flow| found.get(&placed(&event.flow, by_flow)).into_iter();
        let room = |wanted: &dyn Fn(&Row) -> bool| {
            candidates(true)
                .chain(candidates(false))
                .flatten()
                .copied()
                .find(|row| rows[*row].has_room() && wanted(&rows[*row]))
        };
        let exact = |row: &Row| row.key.site == event.flow.site;
        let row = room(&exact).or_else(|| room(&|_| true));
        let row = row.or_else(|| rows[last].has_room().then_some(last));
        if let Some(row) = row {
            rows[row].singles.push(number);
        }
    }
}

/// Rows that are left.
struct Kept {
    sites: Vec<(SiteKey, Weights)>,
    flows: Option<Vec<(FlowKey, Weights)>>,
}

impl Kept {
    fn row(&mut self, row: &Row) {
        self.sites.push((row.key.site, row.weights));
        if row.by_flow
            && let Some(flows) = &mut self.flows
        {
            flows.push((row.key, row.weights));
        }
    }

    fn single(&mut self, event: &Sampled) {
        let weights = Weights {
            drops: 1,
            packets: event.drop.segments.into(),
            bytes: event.drop.length.into(),
        };
        self.sites.push((event.flow.site, weights));
        if has_flow(&event.flow.site)
            && let Some(flows) = &mut self.flows
        {
            flows.push((event.flow, weights));
        }
    }
}
