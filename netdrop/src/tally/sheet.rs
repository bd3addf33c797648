//! Sums by group, of an interval or of the whole run.

use std::{borrow::Cow, collections::HashMap};

use super::{
    group::Group,
    harm::Counts,
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

/// Sums kept while counting: of an interval, or of the whole run.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) seconds: f64,
    pub(super) totals: Totals,
    groups: HashMap<Group, Sums>,
    /// What had no room in a table.
    pub(super) table: Sums,
}

impl Sheet {
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
        for (group, sums) in &other.groups {
            self.add(group, sums);
        }
        self.table += &other.table;
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
        } = self;
        (*seconds, *totals, *table) = (0.0, Totals::default(), Sums::default());
        groups.clear();
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
