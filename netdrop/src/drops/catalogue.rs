//! What is known of reasons and functions.
//!
//! The knowledge is data (`netdrop/data`), which the build checks and turns into
//! tables, so that nothing is parsed at start.

use super::{direction::Way, severity::Severity, stage::Stage};

// `REASONS`, `PREFIXES`, `FUNCTIONS` and `OVERRIDES`, sorted.
include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// What is known of a drop reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its name without `SKB_DROP_REASON_`; a final `*` stands for anything.
    pub name: &'static str,
    /// Kernel versions that have it.
    pub since: &'static str,
    /// Part of the kernel that numbers it: `core`, `mac80211` and so on.
    pub subsystem: &'static str,
    /// Where it happens, unless the function says more.
    pub stage: Stage,
    /// Which way the packet was going.
    pub way: Way,
    /// How much it matters.
    pub severity: Severity,
    /// Why it matters so much.
    pub why: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Counters that rise with it.
    pub counters: &'static [&'static str],
    /// What it usually comes from.
    pub causes: &'static [&'static str],
    /// Commands to run next, with gaps as in [`super::next`].
    pub next: &'static [&'static str],
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
    /// The function.
    pub function: &'static str,
    /// The reason; `-` stands for kernels without reasons.
    pub reason: &'static str,
    /// Where it happens.
    pub stage: Stage,
    /// Which way the packet was going.
    pub way: Way,
    /// How much it matters, if not what the reason says.
    pub severity: Option<Severity>,
    /// What it means.
    pub note: &'static str,
}

/// What is known of a reason, by its name without `SKB_DROP_REASON_`.
#[must_use]
pub fn reason(name: &str) -> Option<&'static Reason> {
    if let Ok(place) = REASONS.binary_search_by(|reason| reason.name.cmp(name)) {
        return Some(&REASONS[place]);
    }
    PREFIXES.iter().find(|reason| {
        let start = reason.name.strip_suffix('*');
        start.is_some_and(|start| name.starts_with(start))
    })
}

/// What is known of a function, by its name without the compiler's suffixes.
#[must_use]
pub fn function(name: &str) -> Option<&'static Function> {
    let place = FUNCTIONS.binary_search_by(|function| function.name.cmp(name));
    place.ok().map(|place| &FUNCTIONS[place])
}

/// What is known of a reason in a function. Reason `-` stands for kernels
/// without reasons.
#[must_use]
pub fn at(reason: &str, function: &str) -> Option<&'static Override> {
    let place =
        OVERRIDES.binary_search_by(|row| (row.function, row.reason).cmp(&(function, reason)));
    place.ok().map(|place| &OVERRIDES[place])
}

/// Every reason by name, then those that stand for many.
pub fn reasons() -> impl Iterator<Item = &'static Reason> {
    REASONS.iter().chain(PREFIXES)
}

/// Every function, by name.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter()
}

/// What differs from reason and function apart, by function, then reason.
pub fn overrides() -> impl Iterator<Item = &'static Override> {
    OVERRIDES.iter()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
use super::next::template;
#[cfg(test)]
use crate::path::step;

/// What the build does with the data.
#[cfg(test)]
#[path = "../../build/catalogue.rs"]
pub(crate) mod build;
