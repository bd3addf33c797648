//! How far counters went.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    Number,
    known::{self, Known, Of},
};
use crate::host::counters::Kind;

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
    interval: Period,
    run: Period,
}

impl Moved {
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// What is read from now on is read after the start.
    pub(super) fn begin(&mut self) {
        self.begun = true;
    }

    pub(super) fn read<'a>(&mut self, numbers: impl IntoIterator<Item = Number<'a>>) {
        let numbers: Vec<Number<'a>> = numbers.into_iter().collect();
        let anew: HashSet<&str> = numbers
            .iter()
            .filter(|number| self.has_fallen(number))
            .map(|number| number.scope)
            .collect();
        for number in &numbers {
            let top = match number.name {
                "qdisc.root" => Some(Of::Qdisc),
                "qdisc.ingress" => Some(Of::Clsact),
                _ => None,
            };
            if let Some(top) = top {
                if number.value == 1 {
                    self.tops.insert(number.scope.to_owned(), top);
                }
                continue;
            }
            if known::named(number.name).next().is_some() {
                self.step(number, anew.contains(number.scope));
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

    /// A counter's next value; `anew` when those of its scope began again.
    fn step(&mut self, number: &Number<'_>, anew: bool) {
        let Number { scope, name, value } = *number;
        let before = self.replace(scope, name, value);
        // Most stand still.
        if before == Some(value) && !anew {
            return;
        }
        let key = (scope.to_owned(), name.to_owned());
        let of_cpu = scope.starts_with("cpu ");
        let mut late = false;
        let delta = match before {
            // What counted nothing before has counted this since.
            Some(before) if anew && before > 0 => None,
            Some(before) => kind(name).since(before, value),
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
            if late {
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
