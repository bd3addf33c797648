//! The stages of the network stack, in the order a packet passes them.

use std::{fmt, str::FromStr};

// `static STAGES: &[StageInfo]` in path order, and `Stage::RX_NIC` and so on,
// from `data/stages.toml`.
include!(concat!(env!("OUT_DIR"), "/stages.rs"));

/// A stage: a place in the table of stages. Stages sort in path order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stage(u8);

/// What is known of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageInfo {
    /// Name in every output, `rx_lookup` for example.
    pub id: &'static str,
    /// Rising along the path.
    pub order: u16,
    /// `rx`, `tx` or `side`.
    pub path: &'static str,
    /// Name for humans.
    pub name: &'static str,
    /// What happens there, and what a drop means.
    pub meaning: &'static str,
    /// The queue that can be full.
    pub queue: &'static str,
    /// Counters that see losses there.
    pub counters: &'static [&'static str],
    /// What can be tuned.
    pub tunables: &'static [&'static str],
    /// Commands to run next, with gaps as in [`super::next`].
    pub next: &'static [&'static str],
}

/// A name that is no stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown stage {0:?}; `netdrop explain` lists the stages")]
pub struct UnknownStage(pub String);

impl Stage {
    /// Every stage, in path order.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..=u8::MAX).take(STAGES.len()).map(Self)
    }

    /// Finds a stage by its id.
    #[must_use]
    pub fn find(id: &str) -> Option<Self> {
        Self::all().find(|stage| stage.id() == id)
    }

    /// The stage of what nothing is known about.
    #[must_use]
    pub const fn unknown() -> Self {
        Self::UNKNOWN
    }

    /// Its name in every output.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// What is known of it.
    #[must_use]
    pub fn info(self) -> &'static StageInfo {
        // Made only from places in the table.
        &STAGES[usize::from(self.0)]
    }

    /// The stage at a place in the table.
    pub(crate) const fn at(place: u8) -> Self {
        assert!((place as usize) < STAGES.len(), "no such stage");
        Self(place)
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Stage({})", self.id())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.id())
    }
}

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::find(id).ok_or_else(|| UnknownStage(id.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Stage;

    #[test]
    fn a_stage_is_found_by_its_id_and_has_a_constant() {
        for stage in Stage::all() {
            assert_eq!(stage.id().parse(), Ok(stage));
        }
        assert_eq!(Stage::RX_BACKLOG.id(), "rx_backlog");
        assert!("nowhere".parse::<Stage>().is_err());
    }

    #[test]
    fn stages_sort_in_path_order() {
        assert!(Stage::RX_NIC < Stage::RX_IP);
        assert!(Stage::RX_SOCK < Stage::TX_QDISC);
        assert!(Stage::all().is_sorted_by_key(|stage| stage.info().order));
    }
}
