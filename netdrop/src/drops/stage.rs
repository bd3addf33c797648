//! The stages of the network stack, in the order a packet passes them.

use std::{fmt, str::FromStr, sync::LazyLock};

use super::catalogue::rows;

const TABLE: &str = include_str!("../../data/stages.tsv");

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
    pub counters: &'static str,
    /// What can be tuned.
    pub tunables: &'static str,
}

/// A name that is no stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown stage {0:?}; stages are named as `netdrop watch` names them")]
pub struct UnknownStage(pub String);

static STAGES: LazyLock<Vec<StageInfo>> = LazyLock::new(|| {
    let mut stages: Vec<_> = rows(TABLE).filter_map(StageInfo::parse).collect();
    stages.sort_by_key(|stage| stage.order);
    stages
});

static UNKNOWN: StageInfo = StageInfo {
    id: "unknown",
    order: u16::MAX,
    path: "side",
    name: "Unknown",
    meaning: "Neither reason nor function tells the stage",
    queue: "none",
    counters: "none",
    tunables: "none",
};

impl Stage {
    /// Every stage, in path order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self).take(STAGES.len())
    }

    /// Finds a stage by its id.
    #[must_use]
    pub fn find(id: &str) -> Option<Self> {
        Self::all().find(|stage| stage.id() == id)
    }

    /// The stage of what nothing is known about.
    #[must_use]
    pub fn unknown() -> Self {
        Self::find(UNKNOWN.id).unwrap_or(Self(u8::MAX))
    }

    /// Its name in every output.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// What is known of it.
    #[must_use]
    pub fn info(self) -> &'static StageInfo {
        STAGES.get(usize::from(self.0)).unwrap_or(&UNKNOWN)
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

impl StageInfo {
    fn parse(row: [&'static str; 8]) -> Option<Self> {
        let [id, order, path, name, meaning, queue, counters, tunables] = row;
        Some(Self {
            id,
            order: order.parse().ok()?,
            path,
            name,
            meaning,
            queue,
            counters,
            tunables,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{STAGES, Stage, TABLE};

    #[test]
    fn every_row_of_the_table_is_read_and_ids_and_orders_are_unique() {
        assert_eq!(STAGES.len(), TABLE.lines().count() - 1);
        assert!(STAGES.len() < usize::from(u8::MAX));
        assert!(STAGES.windows(2).all(|pair| pair[0].order < pair[1].order));
        for stage in Stage::all() {
            assert_eq!(stage.id().parse(), Ok(stage));
            assert!(["rx", "tx", "side"].contains(&stage.info().path));
        }
        assert!("nowhere".parse::<Stage>().is_err());
    }

    #[test]
    fn stages_sort_in_path_order() {
        let stage = |id| Stage::find(id).unwrap();
        assert!(stage("rx_nic") < stage("rx_ip"));
        assert!(stage("rx_sock") < stage("tx_qdisc"));
        assert_eq!(Stage::unknown(), stage("unknown"));
    }
}
