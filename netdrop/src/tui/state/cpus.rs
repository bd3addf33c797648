//! What each CPU lost, and when, and whether it kept up.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    host::softnet::Softnet,
    tally::{group::Group, period::Period, squeeze::Squeeze},
};

/// Intervals remembered.
pub const MOST: usize = 240;

/// One CPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Drops in the last intervals, the newest last.
    pub recent: VecDeque<u64>,
    /// Drops in the run.
    pub drops: u64,
    /// Polls of the run that used up their budget.
    pub full: u64,
    /// The same, in the last interval.
    pub full_now: u64,
    /// Times in the run that polling ended with work left.
    pub squeezed: u64,
    /// The same, in the last interval.
    pub squeezed_now: u64,
    /// Packets in its backlog when it was last looked at, as far as is known.
    pub queued: Option<u32>,
    /// Packets of the run that its backlog had no room for, or too many of one
    /// flow.
    pub unqueued: u64,
    /// The same, in the last interval.
    pub unqueued_now: u64,
}

/// All that were ever online or lost something, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpus(BTreeMap<u32, Cpu>);

impl Cpus {
    /// Adds an interval: drops by CPU, those online, and what is known of full
    /// rings in it and in the run.
    pub fn push(
        &mut self,
        drops: impl IntoIterator<Item = (Group, u64)>,
        online: impl IntoIterator<Item = u32>,
        now: &Period,
        run: &Period,
    ) {
        let Self(cpus) = self;
        for cpu in online {
            cpus.entry(cpu).or_default();
        }
        for cpu in cpus.values_mut() {
            cpu.recent.push_back(0);
        }
        for (group, drops) in drops {
            let Some(number) = group.cpu else { continue };
            let cpu = cpus.entry(number).or_default();
            match cpu.recent.back_mut() {
                Some(last) => *last += drops,
                None => cpu.recent.push_back(drops),
            }
            cpu.drops += drops;
        }
        for cpu in cpus.values_mut() {
            while cpu.recent.len() > MOST {
                cpu.recent.pop_front();
            }
            (cpu.full, cpu.full_now, cpu.squeezed, cpu.squeezed_now) = (0, 0, 0, 0);
        }
        self.squeezes(&now.squeeze, |cpu| {
            (&mut cpu.full_now, &mut cpu.squeezed_now)
        });
        self.squeezes(&run.squeeze, |cpu| (&mut cpu.full, &mut cpu.squeezed));
    }

    /// Adds what the backlogs did in an interval.
    pub fn backlogs(&mut self, softnet: &Softnet) {
        let Self(cpus) = self;
        for (number, counts) in &softnet.cpus {
            let cpu = cpus.entry(*number).or_default();
            cpu.unqueued_now = counts.dropped + counts.flow_limit;
            cpu.unqueued += cpu.unqueued_now;
            cpu.queued = None;
        }
        for (number, length) in &softnet.backlog {
            cpus.entry(*number).or_default().queued = Some(*length);
        }
    }

    fn squeezes(&mut self, squeeze: &Squeeze, of: impl Fn(&mut Cpu) -> (&mut u64, &mut u64)) {
        let Self(cpus) = self;
        for full in squeeze.full.iter().flatten() {
            *of(cpus.entry(full.cpu).or_default()).0 += full.polls;
        }
        for (cpu, times) in squeeze.cpus.iter().flatten() {
            *of(cpus.entry(*cpu).or_default()).1 += times;
        }
    }

    /// Each, by number.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, &Cpu)> {
        self.0.iter().map(|(number, cpu)| (*number, cpu))
    }

    /// The most drops of a CPU in an interval that is remembered.
    #[must_use]
    pub fn hottest(&self) -> u64 {
        let drops = self.0.values().flat_map(|cpu| &cpu.recent);
        drops.copied().max().unwrap_or_default()
    }
}
