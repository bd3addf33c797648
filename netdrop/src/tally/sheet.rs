//! Sums by group, of an interval or of the whole run.

use std::{borrow::Cow, cmp::Reverse, collections::HashMap};

use super::{
    group::Group,
    harm::{Counts, Harm},
    key::{By, Key},
    period::{Totals, View},
    rank,
    row::{Other, Row},
    site::Sites,
    sums::Sums,
};

/// Groups that the whole run keeps apart; what comes later is summed up in one
/// row. Just fits a hash table of 256 Ki buckets.
const MOST_GROUPS: usize = 229_376;
/// Room that is kept for groups that may come.
const MOST_IDLE: usize = 1024;

/// Groups that were let go, so that others had room. Their drops are summed up in
/// one row; a group that comes back counts from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LetGo {
    /// How often a group was.
    pub groups: u64,
    /// None of them had more drops.
    pub most: u64,
}

impl LetGo {
    fn add(&mut self, sums: &Sums) {
        self.groups += 1;
        self.most = self.most.max(sums.drops());
    }
}

/// Sums kept while counting: of an interval, or of the whole run.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    pub(super) seconds: f64,
    pub(super) totals: Totals,
    groups: HashMap<Group, Sums>,
    /// What had no room in a table.
    pub(super) table: Sums,
    /// Groups kept apart at most, those that matter most; `None`: those that came
    /// first, [`MOST_GROUPS`] of them.
    pub(super) most: Option<usize>,
    pub(super) let_go: LetGo,
}

impl Sheet {
    /// Groups kept apart.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn add(&mut self, group: &Group, sums: &Sums) {
        if let Some(row) = self.groups.get_mut(group) {
            *row += sums;
        } else if self.groups.len() < MOST_GROUPS {
            self.groups.insert(*group, *sums);
        } else {
            self.table += sums;
        }
    }

    /// Adds to a group's harm, if it is one of its own.
    pub(super) fn credit(&mut self, group: &Group, counts: Counts) {
        if let Some(row) = self.groups.get_mut(group) {
            row.harm.credit(counts);
        }
    }

    pub(super) fn add_sheet(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.totals.sums += &other.totals.sums;
        self.totals.hidden += other.totals.hidden;
        self.table += &other.table;
        match self.most {
            Some(most) if self.groups.len() + other.groups.len() > most => {
                self.add_bounded(&other.groups, most);
            }
            _ => {
                for (group, sums) in &other.groups {
                    self.add(group, sums);
                }
            }
        }
    }

    /// Adds groups, of which there may be too many: then those that were not
    /// dropped from now and lost least give way, and of the new ones those that
    /// lost least are not kept apart.
    fn add_bounded(&mut self, others: &HashMap<Group, Sums>, most: usize) {
        let mut new: Vec<(&Group, &Sums)> = Vec::new();
        for (group, sums) in others {
            match self.groups.get_mut(group) {
                Some(row) => *row += sums,
                None => new.push((group, sums)),
            }
        }
        if self.groups.len() + new.len() > most {
            self.make_room(others, most / 2);
        }
        let room = most.saturating_sub(self.groups.len());
        if new.len() > room && room > 0 {
            new.select_nth_unstable_by_key(room - 1, |(_, sums)| Reverse(sums.drops()));
        }
        for (at, (group, sums)) in new.into_iter().enumerate() {
            if at < room {
                self.groups.insert(*group, *sums);
            } else {
                self.table += sums;
                self.let_go.add(sums);
            }
        }
    }

    /// Lets go of the groups that matter least, down to so many, but of none that
    /// is busy now.
    fn make_room(&mut self, busy: &HashMap<Group, Sums>, left: usize) {
        let worth = |sums: &Sums| (sums.harm.sum() > 0, sums.drops());
        let idle = self.groups.iter().filter(|(it, _)| !busy.contains_key(it));
        let mut idle: Vec<(bool, u64)> = idle.map(|(_, sums)| worth(sums)).collect();
        let mut surplus = self.groups.len().saturating_sub(left).min(idle.len());
        if surplus == 0 {
            return;
        }
        let (_, limit, _) = idle.select_nth_unstable(surplus - 1);
        let limit = *limit;
        let Self {
            groups,
            table,
            let_go,
            ..
        } = self;
        groups.retain(|group, sums| {
            let goes = surplus > 0 && worth(sums) <= limit && !busy.contains_key(group);
            if goes {
                surplus -= 1;
                let_go.add(sums);
                *table += &Sums {
                    harm: Harm::default(),
                    ..*sums
                };
            }
            !goes
        });
    }

    /// Every group and its sums.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&Group, &Sums)> {
        self.groups.iter()
    }

    pub(super) fn clear(&mut self) {
        let Self {
            seconds,
            totals,
            groups,
            table,
            most: _,
            let_go,
        } = self;
        (*seconds, *totals, *table) = (0.0, Totals::default(), Sums::default());
        *let_go = LetGo::default();
        let had = groups.len();
        groups.clear();
        // What a flood took is given back.
        groups.shrink_to(had.max(MOST_IDLE));
    }

    /// The groups; those of a device that was renamed under its new name.
    pub(super) fn present_groups(&self, by: &By, sites: &Sites) -> Cow<'_, HashMap<Group, Sums>> {
        if !by.has(Key::Device) || !sites.any_renamed() {
            return Cow::Borrowed(&self.groups);
        }
        let mut groups: HashMap<Group, Sums> = HashMap::with_capacity(self.groups.len());
        for (group, sums) in &self.groups {
            *groups.entry(sites.present(group)).or_default() += sums;
        }
        Cow::Owned(groups)
    }

    pub(super) fn rows(&self, view: &View, sites: &Sites) -> Vec<Row> {
        let View { by, top, sort, .. } = view;
        let groups = self.present_groups(by, sites);
        let (first, rest) = rank::first(&groups, *top, *sort, by, &sites.interner);
        let more = groups.len() - first.len();
        let mut rows: Vec<Row> = first
            .into_iter()
            .map(|(group, sums)| Row::new(by, group, *sums, sites))
            .collect();
        for (other, sums) in [(Other::Top(more), rest), (Other::Table, self.table)] {
            if sums.drops() > 0 {
                rows.push(Row::other(by, other, sums));
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(number: u32) -> Group {
        Group {
            cpu: Some(number),
            ..Group::default()
        }
    }

    /// An interval with these drops of flows.
    fn interval(drops: impl IntoIterator<Item = (u32, u64)>) -> Sheet {
        let mut sheet = Sheet::default();
        for (number, drops) in drops {
            let sums = Sums {
                harmful: drops,
                packets: drops,
                ..Sums::default()
            };
            sheet.add(&flow(number), &sums);
            sheet.totals.sums += &sums;
        }
        sheet
    }

    #[test]
    fn of_many_flows_those_that_lose_most_are_kept_and_every_drop_is_counted() {
        const MOST: usize = 100;
        let mut run = Sheet {
            most: Some(MOST),
            ..Sheet::default()
        };
        // One that lost much long ago, one that loses little all the time, one
        // that comes late, and 90 random ones in every interval.
        for number in 0..50_u32 {
            let random = (0..90).map(|flow| (1000 + 90 * number + flow, 1 + u64::from(flow % 2)));
            let old = (number == 0).then_some((1, 500));
            let late = (number >= 40).then_some((3, 7));
            run.add_sheet(&interval(random.chain([(2, 1)]).chain(old).chain(late)));
            assert!(run.groups.len() <= MOST);
            let apart: u64 = run.groups.values().map(Sums::drops).sum();
            assert_eq!(apart + run.table.drops(), run.totals.sums.drops());
            assert_eq!(run.table.packets, run.table.drops());
        }
        let drops = |number| run.groups.get(&flow(number)).map(Sums::drops);
        assert_eq!([1, 2, 3].map(drops), [Some(500), Some(50), Some(70)]);
        let LetGo { groups, most } = run.let_go;
        let gone = 50 * 90 + 3 - run.groups.len() as u64;
        assert_eq!((groups, most), (gone, 2));
    }

    #[test]
    fn where_an_interval_has_too_many_flows_those_that_lose_most_have_rows() {
        let mut run = Sheet {
            most: Some(10),
            ..Sheet::default()
        };
        let many = (0..1000).map(|number| (number, if number >= 995 { 50 } else { 3 }));
        run.add_sheet(&interval(many));
        assert_eq!(run.groups.len(), 10);
        for number in 995..1000 {
            assert!(run.groups.contains_key(&flow(number)));
        }
        assert_eq!(
            run.let_go,
            LetGo {
                groups: 990,
                most: 3
            }
        );
        assert_eq!(run.table.drops(), 990 * 3);
    }
}
