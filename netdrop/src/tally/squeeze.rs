//! Signs that a CPU did not keep up with its rings. What a full ring loses has
//! no skb, so no drop event tells of it; these hints do.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use netdrop_ebpf::squeeze::NapiKey;

use super::{accounting::sum, names::Names};

/// Instances kept apart over a run; polls of later ones are in `other`.
const MOST_INSTANCES: usize = 4096;

/// The poll function of every CPU's backlog (`net/core/dev.c`, 5.10 to 7.2).
const BACKLOG_POLL: &str = "process_backlog";

/// A NAPI instance whose polls used their whole weight, on one CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullPolls {
    /// The CPU.
    pub cpu: u32,
    /// The device, `backlog` for the CPU's own queue; `None` when unknown.
    pub device: Option<Arc<str>>,
    /// Its index.
    pub ifindex: Option<u32>,
    /// Inode number of its network namespace.
    pub netns: Option<u32>,
    /// Its NAPI number, as `netdev` netlink and drivers know it.
    pub napi_id: Option<u32>,
    /// Its poll function.
    pub poll: Option<Arc<str>>,
    /// Polls that used their whole weight: the ring was not drained.
    pub polls: u64,
}

/// What was squeezed in a period: two different things, both on each CPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Squeeze {
    /// Full polls by instance, most first; `None` where polls are not counted.
    /// `napi_full` = their sum + `other`.
    pub full: Option<Vec<FullPolls>>,
    /// Full polls for which the table had no room.
    pub other: Option<u64>,
    /// How often softirq work of a CPU was cut short, by CPU, without those
    /// where it was not; `None` when unknown.
    pub cpus: Option<Vec<(u32, u64)>>,
}

/// What was squeezed, by key, to be added up over a run.
#[derive(Clone, Debug)]
pub(super) struct Squeezes {
    full: Option<HashMap<NapiKey, FullPolls>>,
    other: Option<u64>,
    cpus: Option<BTreeMap<u32, u64>>,
}

impl Squeeze {
    /// What was squeezed in an interval.
    pub(super) fn of(
        napis: Option<&[(NapiKey, u64)]>,
        other: u64,
        cpus: Option<&[(u32, u64)]>,
        names: &mut dyn Names,
    ) -> (Self, Squeezes) {
        let mut by_key = |napis: &[(NapiKey, u64)]| {
            let pairs = napis.iter();
            pairs
                .map(|(key, polls)| (*key, name(key, *polls, names)))
                .collect()
        };
        let all = Squeezes {
            full: napis.map(&mut by_key),
            other: napis.map(|_| other),
            cpus: cpus.map(|cpus| {
                cpus.iter()
                    .copied()
                    .filter(|(_, times)| *times > 0)
                    .collect()
            }),
        };
        (all.squeeze(), all)
    }
}

impl Squeezes {
    /// Adds a later interval: known only where both are.
    pub(super) fn add(&mut self, interval: Self) {
        self.other = sum(self.other, interval.other);
        match (&mut self.full, interval.full) {
            (Some(run), Some(full)) => {
                let without_room = full
                    .into_iter()
                    .map(|(key, full)| count(run, key, full))
                    .sum();
                self.other = sum(self.other, Some(without_room));
            }
            (run, _) => *run = None,
        }
        match (&mut self.cpus, interval.cpus) {
            (Some(run), Some(cpus)) => {
                for (cpu, times) in cpus {
                    *run.entry(cpu).or_default() += times;
                }
            }
            (run, _) => *run = None,
        }
    }

    /// The sums, in order.
    pub(super) fn squeeze(&self) -> Squeeze {
        let Self { full, other, cpus } = self;
        Squeeze {
            full: full.as_ref().map(|full| {
                let mut sorted: Vec<_> = full.iter().collect();
                sorted.sort_unstable_by_key(|(key, full)| (std::cmp::Reverse(full.polls), **key));
                sorted.into_iter().map(|(_, full)| full.clone()).collect()
            }),
            other: *other,
            cpus: cpus
                .as_ref()
                .map(|cpus| cpus.iter().map(|(&cpu, &times)| (cpu, times)).collect()),
        }
    }
}

/// Adds to an instance; returns the polls for which there was no room.
fn count(run: &mut HashMap<NapiKey, FullPolls>, key: NapiKey, full: FullPolls) -> u64 {
    let room = run.len() < MOST_INSTANCES;
    match run.get_mut(&key) {
        Some(seen) => {
            *seen = FullPolls {
                device: full.device.or_else(|| seen.device.take()),
                polls: seen.polls + full.polls,
                ..full
            };
        }
        None if room => {
            run.insert(key, full);
        }
        None => return full.polls,
    }
    0
}

fn name(key: &NapiKey, polls: u64, names: &mut dyn Names) -> FullPolls {
    let NapiKey {
        cpu,
        ifindex,
        netns,
        napi_id,
        poll,
    } = *key;
    let known = |number| (number != 0).then_some(number);
    let poll = known_function(poll, names);
    let device = match known(ifindex) {
        Some(ifindex) => names.device(netns, ifindex),
        None => poll
            .as_deref()
            .filter(|poll| *poll == BACKLOG_POLL)
            .map(|_| "backlog".into()),
    };
    FullPolls {
        cpu,
        device,
        ifindex: known(ifindex),
        netns: known(netns),
        napi_id: known(napi_id),
        poll,
        polls,
    }
}

/// The symbol at exactly this address.
fn known_function(address: u64, names: &mut dyn Names) -> Option<Arc<str>> {
    if address == 0 {
        return None;
    }
    let place = names.function(address)?;
    (place.offset == 0).then_some(place.function)
}

#[cfg(test)]
mod tests {
    use super::{super::names::canned::Canned, *};

    const BACKLOG: NapiKey = NapiKey {
        cpu: 1,
        ifindex: 0,
        netns: 0,
        napi_id: 0,
        poll: 0x300,
    };
    const CARD: NapiKey = NapiKey {
        cpu: 0,
        ifindex: 2,
        netns: 4,
        napi_id: 8193,
        poll: 0x400,
    };

    fn full_polls(squeeze: &Squeeze) -> u64 {
        let full = squeeze.full.iter().flatten();
        full.map(|full| full.polls).sum::<u64>() + squeeze.other.unwrap_or_default()
    }

    #[test]
    fn instances_are_named_and_come_by_their_polls() {
        let napis = [(CARD, 3), (BACKLOG, 5)];
        let (squeeze, _) = Squeeze::of(Some(&napis), 2, Some(&[(0, 0), (1, 7)]), &mut Canned);
        let full = squeeze.full.as_ref().unwrap();
        assert_eq!((full[0].cpu, full[0].polls), (1, 5));
        assert_eq!(full[0].ifindex, None);
        assert_eq!(full[1].device.as_deref(), Some("eth2"));
        assert_eq!(full[1].napi_id, Some(8193));
        assert_eq!(full[1].poll.as_deref(), Some("function_4.constprop.0"));
        assert_eq!(full_polls(&squeeze), 10);
        assert_eq!(squeeze.cpus, Some(vec![(1, 7)]));
    }

    #[test]
    fn a_run_is_the_sum_of_its_intervals_and_what_has_no_room_is_counted() {
        let (_, mut run) = Squeeze::of(Some(&[]), 0, Some(&[]), &mut Canned);
        for interval in 0..3_u32 {
            let napis: Vec<_> = (0..2000)
                .map(|napi_id| NapiKey {
                    napi_id: napi_id + interval * 1500,
                    ..CARD
                })
                .map(|key| (key, 2))
                .collect();
            let (_, all) = Squeeze::of(Some(&napis), 1, Some(&[(3, 1)]), &mut Canned);
            run.add(all);
        }
        let squeeze = run.squeeze();
        assert_eq!(full_polls(&squeeze), 3 * (4000 + 1));
        assert_eq!(squeeze.full.as_ref().unwrap().len(), MOST_INSTANCES);
        // 904 instances had no room.
        assert_eq!(squeeze.other, Some(3 + 2 * 904));
        assert_eq!(squeeze.cpus, Some(vec![(3, 3)]));
    }

    #[test]
    fn what_is_not_counted_is_unknown_and_not_zero() {
        let (squeeze, all) = Squeeze::of(None, 0, None, &mut Canned);
        assert_eq!(squeeze, Squeeze::default());
        let (_, mut run) = Squeeze::of(Some(&[(CARD, 1)]), 0, Some(&[(0, 1)]), &mut Canned);
        run.add(all);
        assert_eq!(run.squeeze(), Squeeze::default());
    }
}
