//! Drops over time by stage and by CPU, in as few slices as a chart can show.

use std::{
    collections::BTreeMap,
    ops::{AddAssign, Sub},
};

use jiff::Timestamp;

use super::builder::before;
use crate::{
    drops::{
        side::{Passage, Side},
        stage::Stage,
    },
    tally::{
        key::{By, Key},
        period::{Period, View},
        rank::Sort,
        row::{Row, Value},
        show::Show,
        sums::Sums,
    },
};

/// Slices at most; neighbours become one beyond it.
const MOST_BINS: usize = 160;

/// Drops, apart by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Harmful drops.
    pub harmful: u64,
    /// Suspicious drops.
    pub suspicious: u64,
    /// Benign drops.
    pub benign: u64,
}

impl Drops {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.harmful + self.suspicious + self.benign
    }

    /// Those that are not benign.
    #[must_use]
    pub fn serious(&self) -> u64 {
        self.harmful + self.suspicious
    }
}

impl From<&Sums> for Drops {
    fn from(sums: &Sums) -> Self {
        Self {
            harmful: sums.harmful,
            suspicious: sums.suspicious,
            benign: sums.benign,
        }
    }
}

impl Sub for Drops {
    type Output = Self;

    fn sub(self, part: Self) -> Self {
        Self {
            harmful: self.harmful.saturating_sub(part.harmful),
            suspicious: self.suspicious.saturating_sub(part.suspicious),
            benign: self.benign.saturating_sub(part.benign),
        }
    }
}

impl AddAssign for Drops {
    fn add_assign(&mut self, other: Self) {
        self.harmful += other.harmful;
        self.suspicious += other.suspicious;
        self.benign += other.benign;
    }
}

/// A slice of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Bin {
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// Measured time in it: less than there is between the two where nothing was
    /// recorded.
    pub seconds: f64,
    /// Drops by stage; `None` without room in a table.
    pub stages: BTreeMap<Option<Stage>, Drops>,
    /// Of those, by stages of the receiving path that sent packets pass, too: the
    /// drops of packets on their way out.
    pub sent: BTreeMap<Stage, Drops>,
    /// Drops by CPU, likewise.
    pub cpus: BTreeMap<Option<u64>, Drops>,
}

impl Bin {
    /// `period` is grouped by [`view`].
    fn of(period: &Period) -> Self {
        let mut bin = Self {
            start: before(period.time, period.seconds),
            end: period.time,
            seconds: period.seconds,
            stages: BTreeMap::new(),
            sent: BTreeMap::new(),
            cpus: BTreeMap::new(),
        };
        for row in &period.rows {
            let drops = Drops::from(&row.sums);
            let stage = row.text("stage").and_then(Stage::find);
            *bin.stages.entry(stage).or_default() += drops;
            if let Some(stage) = stage.filter(|stage| is_sent(*stage, row)) {
                *bin.sent.entry(stage).or_default() += drops;
            }
            let cpu = match row.value("cpu") {
                Value::Number(cpu) => Some(*cpu),
                _ => None,
            };
            *bin.cpus.entry(cpu).or_default() += drops;
        }
        bin
    }

    fn add(&mut self, later: &Self) {
        self.end = later.end;
        self.seconds += later.seconds;
        for (stage, drops) in &later.stages {
            *self.stages.entry(*stage).or_default() += *drops;
        }
        for (stage, drops) in &later.sent {
            *self.sent.entry(*stage).or_default() += *drops;
        }
        for (cpu, drops) in &later.cpus {
            *self.cpus.entry(*cpu).or_default() += *drops;
        }
    }
}

/// Was a packet on its way out in a stage that belongs to the receiving path?
fn is_sent(stage: Stage, row: &Row) -> bool {
    let passage = Passage::of(stage, row.text("hook"), row.text("direction"));
    passage.side != Side::home(stage)
}

/// How periods are grouped that a chart is made of.
pub(super) fn view() -> View {
    View {
        by: By::of([Key::Stage, Key::Direction, Key::Cpu]),
        top: usize::MAX,
        sort: Sort::Drops,
        show: Show::All,
    }
}

/// What all slices have, by key.
pub(crate) fn sum<K: Ord + Copy>(
    bins: &[Bin],
    of: impl Fn(&Bin) -> &BTreeMap<K, Drops>,
) -> Vec<(K, Drops)> {
    let mut sums: BTreeMap<K, Drops> = BTreeMap::new();
    for bin in bins {
        for (key, drops) in of(bin) {
            *sums.entry(*key).or_default() += *drops;
        }
    }
    sums.into_iter().collect()
}

/// Slices in the making.
#[derive(Debug, Default)]
pub(super) struct Chart {
    pub(super) bins: Vec<Bin>,
    /// How often neighbours were joined: a slice is 2 to the power of this many
    /// intervals.
    joined: u32,
    /// Intervals in the last slice.
    last: usize,
}

impl Chart {
    pub(super) fn add(&mut self, period: &Period) {
        let bin = Bin::of(period);
        if let Some(last) = self.bins.last_mut()
            && self.last < 1 << self.joined
        {
            last.add(&bin);
            self.last += 1;
            return;
        }
        if self.bins.len() >= MOST_BINS {
            let pairs = self.bins.chunks(2);
            self.bins = pairs
                .map(|pair| {
                    let mut sum = pair[0].clone();
                    pair[1..].iter().for_each(|second| sum.add(second));
                    sum
                })
                .collect();
            self.joined += 1;
        }
        self.bins.push(bin);
        self.last = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{output::samples, tally::row::Field};

    #[test]
    fn a_long_chart_gets_coarser_and_loses_nothing() {
        let mut chart = Chart::default();
        let mut period = samples::period();
        let field = |name, value| Field { name, value };
        for (row, stage) in period.rows.iter_mut().zip(["rx_sock", "rx_lookup", "-"]) {
            row.fields = vec![
                field("stage", Value::Text(stage.into())),
                field("cpu", Value::Number(1)),
            ];
        }
        let (drops, times) = (36, 10_000);
        for _ in 0..times {
            chart.add(&period);
        }
        assert!(chart.bins.len() <= MOST_BINS, "{}", chart.bins.len());
        let stages = sum(&chart.bins, |bin| &bin.stages);
        let all: u64 = stages.iter().map(|(_, drops)| drops.all()).sum();
        assert_eq!(
            all,
            times * (drops - 6),
            "20 + 6 + 4 drops in each interval"
        );
        let sock = (
            Some(Stage::RX_SOCK),
            Drops {
                harmful: times * 20,
                ..Drops::default()
            },
        );
        assert!(stages.contains(&sock), "{stages:?}");
        let cpus = sum(&chart.bins, |bin| &bin.cpus);
        assert_eq!(cpus.len(), 1);
        assert_eq!(cpus[0].1.all(), times * 30);
        assert!(chart.bins.iter().all(|bin| bin.sent.is_empty()));
        let seconds: f64 = chart.bins.iter().map(|bin| bin.seconds).sum();
        assert!((seconds - 20_000.0).abs() < 0.1, "{seconds}");
    }

    #[test]
    fn a_stage_of_both_ways_is_told_apart_by_hook_or_direction() {
        let text = |name, value: &str| Field {
            name,
            value: Value::Text(value.into()),
        };
        let mut period = samples::period();
        let sums = period.rows[0].sums;
        let row = |stage, hook: Option<&str>, direction| Row {
            fields: [
                Some(text("stage", stage)),
                hook.map(|hook| text("hook", hook)),
                Some(text("direction", direction)),
            ]
            .into_iter()
            .flatten()
            .collect(),
            sums,
            tells_harm: false,
            other: None,
        };
        period.rows = vec![
            row("netfilter", Some("output"), "tx"),
            row("netfilter", Some("postrouting"), "forward"),
            row("netfilter", Some("input"), "rx"),
            row("netfilter", Some("forward"), "forward"),
            row("xfrm", None, "tx"),
            row("xfrm", None, "rx"),
            row("tx_qdisc", None, "tx"),
        ];
        let mut chart = Chart::default();
        chart.add(&period);
        let sent = sum(&chart.bins, |bin| &bin.sent);
        let drops: Vec<_> = sent
            .iter()
            .map(|(stage, drops)| (stage.id(), drops.all() / sums.drops()))
            .collect();
        assert_eq!(drops, [("netfilter", 2), ("xfrm", 1)]);
    }
}
