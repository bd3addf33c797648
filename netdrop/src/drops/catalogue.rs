//! What is known of reasons and functions: the tables of `netdrop/data`, part
//! of the program, parsed at first use.

use std::{collections::HashMap, sync::LazyLock};

use super::{direction::Way, severity::Severity, stage::Stage};

const REASONS: &str = include_str!("../../data/drop_reasons.tsv");
const MORE_REASONS: &str = include_str!("../../data/drop_reasons_extra.tsv");
const FUNCTIONS: &str = include_str!("../../data/location_stage.tsv");
const OVERRIDES: &str = include_str!("../../data/location_overrides.tsv");

/// What is known of a drop reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its name without `SKB_DROP_REASON_`; a final `*` stands for anything.
    pub name: &'static str,
    /// Kernel versions that have it.
    pub since: &'static str,
    /// Where it happens, unless the function says more.
    pub stage: Stage,
    /// Which way the packet was going.
    pub way: Way,
    /// How much it matters.
    pub severity: Severity,
    /// Counters that rise with it.
    pub counter: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to look at next.
    pub check_next: &'static str,
}

/// What is known of a function that frees packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name without the compiler's suffixes.
    pub name: &'static str,
    /// Where it works.
    pub stage: Stage,
    /// Which way the packet was going.
    pub way: Way,
    /// Kernel versions it was seen in, `?` when not known.
    pub seen_in: &'static str,
    /// Source files, `-` when not known.
    pub files: &'static str,
}

/// What is known of a reason in one function, where it differs from the two
/// apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// Where it happens.
    pub stage: Stage,
    /// Which way the packet was going.
    pub way: Way,
    /// How much it matters, if not what the reason says: the note begins with
    /// it.
    pub severity: Option<Severity>,
    /// What it means.
    pub note: &'static str,
}

/// A row of one of the tables, under the name it is looked up by.
trait Row<const N: usize>: Sized {
    type Key;

    fn parse(row: [&'static str; N]) -> Option<(Self::Key, Self)>;
}

static REASON_TABLE: LazyLock<HashMap<&str, Reason>> = LazyLock::new(|| {
    // The first table wins: it was checked against a running kernel.
    let mut table: HashMap<_, _> = rows(MORE_REASONS).filter_map(Reason::parse).collect();
    table.extend(rows(REASONS).filter_map(Reason::parse));
    table
});

static FUNCTION_TABLE: LazyLock<HashMap<&str, Function>> =
    LazyLock::new(|| rows(FUNCTIONS).filter_map(Function::parse).collect());

/// By function, then reason.
static OVERRIDE_TABLE: LazyLock<HashMap<&str, Vec<(&str, Override)>>> = LazyLock::new(|| {
    let mut table: HashMap<_, Vec<_>> = HashMap::new();
    for ((reason, function), found) in rows(OVERRIDES).filter_map(Override::parse) {
        table.entry(function).or_default().push((reason, found));
    }
    table
});

/// What is known of a reason, by its name without `SKB_DROP_REASON_`.
#[must_use]
pub fn reason(name: &str) -> Option<&'static Reason> {
    REASON_TABLE.get(name).or_else(|| {
        REASON_TABLE.values().find(|reason| {
            reason
                .name
                .strip_suffix('*')
                .is_some_and(|start| name.starts_with(start))
        })
    })
}

/// What is known of a function, by its name without the compiler's suffixes.
#[must_use]
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTION_TABLE.get(name)
}

/// What is known of a reason in a function. Reason `-` stands for kernels
/// without reasons.
#[must_use]
pub fn at(reason: &str, function: &str) -> Option<&'static Override> {
    let reasons = OVERRIDE_TABLE.get(function)?;
    let (_, found) = reasons.iter().find(|(name, _)| *name == reason)?;
    Some(found)
}

/// Every reason, by name.
#[must_use]
pub fn reasons() -> Vec<&'static Reason> {
    let mut all: Vec<_> = REASON_TABLE.values().collect();
    all.sort_by_key(|reason| reason.name);
    all
}

/// The rows of a table with `N` columns, without the head.
pub(super) fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().skip(1).filter_map(|line| {
        let mut cells = line.split('\t');
        let mut row = [""; N];
        for cell in &mut row {
            *cell = cells.next()?;
        }
        cells.next().is_none().then_some(row)
    })
}

impl Row<8> for Reason {
    type Key = &'static str;

    fn parse(row: [&'static str; 8]) -> Option<(Self::Key, Self)> {
        let [
            name,
            since,
            stage,
            way,
            severity,
            counter,
            meaning,
            check_next,
        ] = row;
        let reason = Self {
            name,
            since,
            stage: Stage::find(stage)?,
            way: Way::parse(way)?,
            severity: severity.parse().ok()?,
            counter,
            meaning,
            check_next,
        };
        Some((name, reason))
    }
}

impl Row<6> for Function {
    type Key = &'static str;

    fn parse(row: [&'static str; 6]) -> Option<(Self::Key, Self)> {
        let [name, stage, way, _source, seen_in, files] = row;
        let function = Self {
            name,
            stage: Stage::find(stage)?,
            way: Way::parse(way)?,
            seen_in,
            files,
        };
        Some((name, function))
    }
}

impl Row<5> for Override {
    type Key = (&'static str, &'static str);

    fn parse(row: [&'static str; 5]) -> Option<(Self::Key, Self)> {
        let [reason, function, stage, way, note] = row;
        let first = note.split([' ', ':', ',']).next().unwrap_or_default();
        let found = Self {
            stage: Stage::find(stage)?,
            way: Way::parse(way)?,
            severity: first.parse().ok(),
            note,
        };
        Some(((reason, function), found))
    }
}

#[cfg(test)]
mod tests;
