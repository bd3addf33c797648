//! What a whole run of the lab has shown of netdrop's attribution.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::netdrop::record::{Row, Run};

/// The places that were seen as expected, those that the kernel does not have,
/// and the drops of all summaries by stage.
#[derive(Debug, Default)]
pub(crate) struct Attributed {
    places: RefCell<BTreeSet<(String, String)>>,
    drops: RefCell<BTreeMap<String, u64>>,
    absent: RefCell<BTreeSet<String>>,
}

impl Attributed {
    /// Takes in a place that this kernel does not have.
    pub(crate) fn absent(&self, place: String) {
        self.absent.borrow_mut().insert(place);
    }

    /// Takes in rows that were as expected.
    pub(crate) fn as_expected<'a>(&self, rows: impl IntoIterator<Item = &'a Row>) {
        let place = |row: &Row| {
            let text = |key| row.key(key).as_str().unwrap_or("null").to_owned();
            (text("reason"), text("function"))
        };
        self.places.borrow_mut().extend(rows.into_iter().map(place));
    }

    /// Takes in the summary of a run whose rows have a stage.
    pub(crate) fn run(&self, run: &Run) {
        let mut drops = self.drops.borrow_mut();
        for row in &run.summary.rows {
            if let Some(stage) = row.key("stage").as_str() {
                *drops.entry(stage.to_owned()).or_default() += row.drops;
            }
        }
    }

    /// Whether fewer than 2 in 100 drops are of unknown stage.
    pub(crate) fn is_enough(&self) -> bool {
        let (all, unknown) = self.counts();
        unknown * 50 < all
    }

    fn counts(&self) -> (u64, u64) {
        let drops = self.drops.borrow();
        (
            drops.values().sum(),
            drops.get("unknown").copied().unwrap_or(0),
        )
    }
}

impl fmt::Display for Attributed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, unknown) = self.counts();
        // In hundredths of a percent.
        let share = (unknown * 10_000).checked_div(all).unwrap_or(0);
        write!(
            formatter,
            "{} pairs of reason and function as expected; {all} drops, {}.{:02} % of unknown stage",
            self.places.borrow().len(),
            share / 100,
            share % 100
        )?;
        let absent: Vec<String> = self.absent.borrow().iter().cloned().collect();
        if !absent.is_empty() {
            write!(formatter, "\nnot on this kernel: {}", absent.join(", "))?;
        }
        Ok(())
    }
}
