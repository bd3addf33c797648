//! How far counters went.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    Number,
    known::{self, Known, Of},
};
use crate::host::counters::{
    Kind,
    renewed::{BEGAN, ENDED, GONE, INDEX, MADE, UNKNOWN, is_mark},
};

/// What passed, of a device or queueing discipline: where this falls, its counters
/// of loss began again, too, even those that have grown.
const PASSED: [&str; 5] = [
    "link.rx_bytes",
    "link.rx_packets",
    "link.tx_bytes",
    "link.tx_packets",
    "qdisc.bytes",
];

/// A counter: its scope, then its name.
type Key = (String, String);

/// What counters counted; `None` for those that began again meanwhile.
type Deltas = BTreeMap<Key, Option<u64>>;

/// What became of a scope since the last reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It goes on.
    On,
    /// What passed has fallen: its counters began again, unless they had counted
    /// nothing.
    Anew,
    /// It was made anew: other numbers tell what was counted until then, and what
    /// it began with.
    Made,
    /// It was removed: other numbers tell what was counted until then.
    Gone,
    /// It is not known.
    Unknown,
}

/// What counters counted in a period.
#[derive(Clone, Debug, Default)]
pub(super) struct Period {
    deltas: Deltas,
    /// Those that were first seen in it and had counted before.
    late: BTreeSet<Key>,
}

/// A counter of loss that counted something, or nothing.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) known: &'static Known,
    pub(super) scope: String,
    pub(super) name: String,
    pub(super) delta: u64,
}

/// Counters of loss, as they stood and as they moved.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved {
    begun: bool,
    /// By scope, then by name.
    last: HashMap<String, HashMap<String, u64>>,
    /// Queueing disciplines at the root of a device, or at its ingress.
    tops: HashMap<String, Of>,
    /// Devices of earlier readings.
    devices: HashSet<String>,
    /// Their names by index, those of devices that are gone, too.
    names: HashMap<u64, String>,
    interval: Period,
    run: Period,
}

impl Moved {
    /// The device that has this index or had it last.
    pub(super) fn device(&self, index: u32) -> Option<&str> {
        self.names.get(&index.into()).map(String::as_str)
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// What is read from now on is read after the start.
    pub(super) fn begin(&mut self) {
        self.begun = true;
    }

    pub(super) fn read<'a>(&mut self, numbers: impl IntoIterator<Item = Number<'a>>) {
        let numbers: Vec<Number<'a>> = numbers.into_iter().collect();
        let mut fates = self.fates(&numbers);
        for number in &numbers {
            if self.has_fallen(number) {
                fates.entry(number.scope).or_insert(Fate::Anew);
            }
        }
        for number in &numbers {
            let top = match number.name {
                "qdisc.root" => Some(Of::Qdisc),
                "qdisc.ingress" => Some(Of::Clsact),
                _ => None,
            };
            if let Some(top) = top {
                if number.value == 1 {
                    self.tops.insert(number.scope.to_owned(), top);
                } else if self.tops.get(number.scope) == Some(&top) {
                    self.tops.remove(number.scope);
                }
                continue;
            }
            if known::named(number.name).next().is_some() {
                let fate = fates.get(number.scope).copied().unwrap_or(Fate::On);
                self.step(number, fate);
            }
        }
        for (scope, fate) in fates {
            if fate != Fate::Anew {
                self.unread(scope, fate, &numbers);
            }
        }
        let devices = numbers
            .iter()
            .filter(|number| number.name.starts_with("link."))
            .map(|number| number.scope);
        for device in devices {
            if !self.devices.contains(device) {
                self.devices.insert(device.to_owned());
            }
        }
    }

    /// What the marks among the numbers tell, of scopes that do not just go on.
    fn fates<'a>(&mut self, numbers: &[Number<'a>]) -> HashMap<&'a str, Fate> {
        let mut fates = HashMap::new();
        let mut others = Vec::new();
        for number in numbers {
            let Number { scope, name, value } = *number;
            if !is_mark(name) {
                continue;
            }
            let before = self.replace(scope, name, value);
            if before == Some(value) {
                continue;
            }
            if name == INDEX {
                self.names.insert(value, scope.to_owned());
            }
            if name == INDEX && before.is_some() {
                others.push(scope);
            } else if MADE.contains(&name) {
                fates.entry(scope).or_insert(Fate::Made);
            } else if GONE.contains(&name) {
                fates.entry(scope).or_insert(Fate::Gone);
            } else if UNKNOWN.contains(&name) {
                fates.insert(scope, Fate::Unknown);
            }
        }
        for device in others {
            // Another device: nothing may tell how the one before ended.
            if !fates.contains_key(device) {
                self.forget(device);
            }
        }
        fates
    }

    /// Another device has this name: what the one before and its queueing
    /// disciplines counted last is not known, and it is seen for the first time.
    fn forget(&mut self, device: &str) {
        let Self {
            last,
            devices,
            tops,
            interval,
            run,
            ..
        } = self;
        devices.remove(device);
        for (scope, names) in last {
            let of_device = scope.split_once(" qdisc ").map_or(&**scope, |it| it.0);
            if of_device != device {
                continue;
            }
            tops.remove(scope);
            for name in names.keys().filter(|name| !is_mark(name)) {
                if known::named(name).next().is_some() {
                    let key = (scope.clone(), name.clone());
                    interval.deltas.insert(key.clone(), None);
                    run.deltas.insert(key, None);
                }
            }
            names.retain(|name, _| is_mark(name));
        }
    }

    /// The counters of a scope that are not among the numbers: it is not there any
    /// more, or they stand as they stood.
    fn unread(&mut self, scope: &str, fate: Fate, numbers: &[Number<'_>]) {
        let Some(names) = self.last.get(scope) else {
            return;
        };
        let read: HashSet<&str> = numbers
            .iter()
            .filter(|number| number.scope == scope)
            .map(|number| number.name)
            .collect();
        let counters = names.iter().filter(|(name, _)| {
            known::named(name).next().is_some() && !is_mark(name) && !read.contains(&***name)
        });
        let counters: Vec<(String, u64, Option<u64>)> = counters
            .map(|(name, value)| {
                let ended = names.get(&format!("{ENDED}{name}")).copied();
                (name.clone(), *value, ended)
            })
            .collect();
        for (name, value, ended) in counters {
            let (value, fate) = match (fate, ended) {
                (Fate::Gone, Some(ended)) => (ended, Fate::On),
                (Fate::Made, Some(_)) => (value, Fate::Made),
                // What has counted nothing so far has not been missed.
                _ if value == 0 && !scope.contains(" qdisc ") => continue,
                _ => (value, Fate::Unknown),
            };
            let name = &name;
            self.step(&Number { scope, name, value }, fate);
        }
    }

    /// Does what passed tell that everything of this scope began again?
    fn has_fallen(&mut self, number: &Number<'_>) -> bool {
        let Number { scope, name, value } = *number;
        if !PASSED.contains(&name) {
            return false;
        }
        // Some count in 32 bits.
        self.replace(scope, name, value).is_some_and(|before| {
            value < before
                && (before > u32::MAX.into() || Kind::Count32.since(before, value).is_none())
        })
    }

    /// The value before this one.
    fn replace(&mut self, scope: &str, name: &str, value: u64) -> Option<u64> {
        let known = self.last.get_mut(scope);
        if let Some(last) = known.and_then(|names| names.get_mut(name)) {
            return Some(std::mem::replace(last, value));
        }
        let names = self.last.entry(scope.to_owned()).or_default();
        names.insert(name.to_owned(), value)
    }

    /// What was counted where the one that counted was made anew.
    fn over_the_end(&self, number: &Number<'_>, before: u64) -> Option<u64> {
        let Number { scope, name, value } = *number;
        let numbers = self.last.get(scope)?;
        let ended = *numbers.get(&format!("{ENDED}{name}"))?;
        let began = *numbers.get(&format!("{BEGAN}{name}"))?;
        let kind = kind(name);
        Some(kind.since(before, ended)? + kind.since(began, value)?)
    }

    /// A counter's next value.
    fn step(&mut self, number: &Number<'_>, fate: Fate) {
        let Number { scope, name, value } = *number;
        let before = self.replace(scope, name, value);
        // Most stand still.
        let stood_at_zero = value == 0 && fate == Fate::Unknown && !scope.contains(" qdisc ");
        if before == Some(value) && (fate == Fate::On || stood_at_zero) {
            return;
        }
        let key = (scope.to_owned(), name.to_owned());
        let of_cpu = scope.starts_with("cpu ");
        let mut late = false;
        let delta = match before {
            Some(before) => match fate {
                Fate::Made => self.over_the_end(number, before),
                Fate::Gone | Fate::Unknown => None,
                // What counted nothing before has counted this since.
                Fate::Anew if before > 0 => None,
                Fate::Anew | Fate::On => kind(name).since(before, value),
            },
            // A CPU that comes online has counted before.
            None if !self.begun || of_cpu => Some(0),
            None if self.began_at_zero(scope) => Some(value),
            // A device may have been made just now, or have come with another name
            // or from another namespace: nothing tells.
            None => {
                late = value > 0;
                Some(0)
            }
        };
        // The numbers of all CPUs are one: a packet is counted where it was to go.
        let key = if of_cpu {
            ("host".to_owned(), key.1)
        } else {
            key
        };
        for period in [&mut self.interval, &mut self.run] {
            let sum = period.deltas.entry(key.clone()).or_insert(Some(0));
            *sum = sum.zip(delta).map(|(sum, delta)| sum + delta);
            if late && sum.is_some() {
                period.late.insert(key.clone());
            }
        }
    }

    /// Began the numbers of a scope at zero when it was not there before? Those of a
    /// queueing discipline that a known device was given.
    fn began_at_zero(&self, scope: &str) -> bool {
        let qdisc = scope.split_once(" qdisc ");
        qdisc.is_some_and(|(device, _)| self.devices.contains(device))
    }

    /// Begins an interval in which nothing has moved.
    pub(super) fn next(&mut self) {
        for delta in self.interval.deltas.values_mut() {
            *delta = Some(0);
        }
        self.interval.late.clear();
    }

    pub(super) fn interval(&self) -> &Period {
        &self.interval
    }

    pub(super) fn run(&self) -> &Period {
        &self.run
    }

    /// Counters of loss of which it is known how far they went, save those that
    /// stood still and that drops are not sure to move.
    pub(super) fn losses(&self, period: &Period) -> Vec<Loss> {
        let losses = period.deltas.iter().filter_map(|((scope, name), delta)| {
            let (known, delta) = (self.known(scope, name)?, (*delta)?);
            (delta > 0 || !known.drops.is_empty()).then(|| Loss {
                known,
                scope: scope.clone(),
                name: name.clone(),
                delta,
            })
        });
        losses.collect()
    }

    fn known(&self, scope: &str, name: &str) -> Option<&'static Known> {
        known::named(name).find(|known| match known.of {
            Of::Qdisc | Of::Clsact => self.tops.get(scope) == Some(&known.of),
            Of::Netns | Of::Host | Of::Device => true,
        })
    }
}

impl Period {
    /// The counters that began again, as `SCOPE NAME`.
    pub(super) fn resets(&self) -> Vec<String> {
        let lost = self.deltas.iter().filter(|(_, delta)| delta.is_none());
        lost.map(|(key, _)| told(key)).collect()
    }

    /// The counters that were first seen and had counted before, as `SCOPE NAME`.
    pub(super) fn late(&self) -> Vec<String> {
        self.late.iter().map(told).collect()
    }
}

fn told((scope, name): &Key) -> String {
    format!("{scope} {name}")
}

/// How a counter of loss behaves at the end of its range. Columns of
/// `/proc/net/stat` are sums over CPUs of 32 bits each: when one of these wraps,
/// the sum falls by 2^32. Neighbour tables count in 64, where this does no harm.
fn kind(name: &str) -> Kind {
    const SUMS: [&str; 4] = ["conntrack.", "rt_cache.", "arp_cache.", "ndisc_cache."];
    let is_sum = SUMS.iter().any(|start| name.starts_with(start));
    if is_sum || ["softnet.dropped", "qdisc.drops"].contains(&name) {
        Kind::Count32
    } else {
        Kind::Count
    }
}
