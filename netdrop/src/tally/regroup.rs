//! The same counts under other keys: what a [`Tally`] counted by many keys is
//! summed up by some of them, whenever somebody looks.

use std::{borrow::Cow, collections::HashMap};

use super::{
    group::Group,
    harm::Harm,
    key::By,
    period::Tally,
    rank::{self, Sort},
    row::{Other, Row},
    sheet::Sheet,
    site::Sites,
    sums::Sums,
};

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Most drops in the run.
    #[default]
    Drops,
    /// Most drops in the last interval, then in the run.
    Rate,
    /// Most retransmissions and resets in the run, then most drops.
    Hurt,
}

/// A row of the run, and what the last interval had of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What the row stands for; empty where it stands for others.
    pub group: Group,
    /// The run so far.
    pub run: Row,
    /// The last interval.
    pub now: Sums,
}

/// Which drops are asked for: those whose values of these keys are those of one
/// of the groups.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// The keys.
    pub by: &'a By,
    /// Their values.
    pub groups: &'a [Group],
}

impl Tally {
    /// The first rows of the run so far by these keys, which must be among those
    /// that the tally groups by, and a row for what is beyond them. Only the
    /// tally's own keys tell of harm: a connection's stands in each of its rows,
    /// so rows that are summed up cannot tell.
    #[must_use]
    pub fn lines(
        &self,
        by: &By,
        order: Order,
        most: usize,
        within: Option<Within<'_>>,
    ) -> Vec<Line> {
        let Self {
            view,
            sites,
            interval,
            run,
            ..
        } = self;
        let own = *by == view.by;
        let now = regrouped(interval, by, own, within, sites);
        let all = regrouped(run, by, own, within, sites);
        let sort = match order {
            Order::Drops | Order::Rate => Sort::Drops,
            Order::Hurt => Sort::Hurt,
        };
        let first = |groups, sort| rank::first(groups, most, sort, by, &sites.interner).0;
        let mut chosen: Vec<&Group> = Vec::new();
        if order == Order::Rate {
            chosen.extend(first(&now, sort).into_iter().map(|(group, _)| group));
        }
        if chosen.len() < most {
            for (group, _) in first(&all, sort) {
                if chosen.len() < most && !now_has(order, &now, group) {
                    chosen.push(group);
                }
            }
        }
        let mut lines: Vec<Line> = chosen
            .into_iter()
            .filter_map(|group| {
                let mut row = Row::new(by, group, *all.get(group)?, sites);
                row.tells_harm &= own;
                Some(Line {
                    group: *group,
                    run: row,
                    now: now.get(group).copied().unwrap_or_default(),
                })
            })
            .collect();
        let more = all.len() - lines.len();
        let left = Line {
            group: Group::default(),
            run: Row::other(
                by,
                Other::Top(more),
                rest(&all, &lines, |line| line.run.sums),
            ),
            now: rest(&now, &lines, |line| line.now),
        };
        let full = Line {
            group: Group::default(),
            run: Row::other(by, Other::Table, run.table),
            now: interval.table,
        };
        // What had no room in a table has no keys to be asked for.
        let others = if within.is_some() {
            vec![left]
        } else {
            vec![left, full]
        };
        lines.extend(others.into_iter().filter(|line| line.run.sums.drops() > 0));
        lines
    }

    /// The drops of the last interval by these keys, for the groups that had
    /// most.
    #[must_use]
    pub fn last(&self, by: &By, most: usize) -> HashMap<Group, u64> {
        let Self {
            view,
            sites,
            interval,
            ..
        } = self;
        let now = regrouped(interval, by, *by == view.by, None, sites);
        let (first, _) = rank::first(&now, most, Sort::Drops, by, &sites.interner);
        first
            .into_iter()
            .map(|(group, sums)| (*group, sums.drops()))
            .collect()
    }
}

/// Does the interval's order have the group already?
fn now_has(order: Order, now: &HashMap<Group, Sums>, group: &Group) -> bool {
    order == Order::Rate && now.contains_key(group)
}

fn rest(all: &HashMap<Group, Sums>, lines: &[Line], of: impl Fn(&Line) -> Sums) -> Sums {
    let mut sums = Sums::default();
    for part in all.values() {
        sums += part;
    }
    for line in lines {
        let shown = of(line);
        sums.packets -= shown.packets;
        sums.bytes -= shown.bytes;
        sums.harmful -= shown.harmful;
        sums.suspicious -= shown.suspicious;
        sums.benign -= shown.benign;
    }
    sums.harm = Harm::default();
    sums
}

/// Every group by these keys. Those of the tally itself are lent: there may be
/// very many, and somebody looks every second.
fn regrouped<'a>(
    sheet: &'a Sheet,
    by: &By,
    own: bool,
    within: Option<Within<'_>>,
    sites: &Sites,
) -> Cow<'a, HashMap<Group, Sums>> {
    if own && within.is_none() {
        return sheet.present_groups(by, sites);
    }
    let mut groups: HashMap<Group, Sums> = HashMap::new();
    for (group, sums) in sheet.groups() {
        let group = if sites.any_renamed() {
            sites.present(group)
        } else {
            *group
        };
        if within.is_some_and(|within| !within.groups.contains(&group.only(within.by))) {
            continue;
        }
        let sums = if own {
            *sums
        } else {
            Sums {
                harm: Harm::default(),
                ..*sums
            }
        };
        *groups.entry(group.only(by)).or_default() += &sums;
    }
    Cow::Owned(groups)
}

#[cfg(test)]
mod tests;
