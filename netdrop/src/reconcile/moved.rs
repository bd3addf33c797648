//! How far counters went.

use std::collections::{BTreeMap, HashMap};

use super::{
    Number,
    known::{self, Known, Of},
};
use crate::host::counters::Kind;

/// A counter: its scope, then its name.
type Key = (String, String);

/// What counters counted; `None` for those that began again meanwhile.
pub(super) type Deltas = BTreeMap<Key, Option<u64>>;

/// A counter of loss that counted something, or nothing.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) known: &'static Known,
    pub(super) scope: String,
    pub(super) name: String,
    pub(super) delta: u64,
}

/// Counters of loss, as they stood and as they moved.
#[derive(Debug, Default)]
pub(super) struct Moved {
    begun: bool,
    /// By scope, then by name.
    last: HashMap<String, HashMap<String, u64>>,
    /// Queueing disciplines at the root of a device, or at its ingress.
    tops: HashMap<String, Of>,
    interval: Deltas,
    run: Deltas,
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
        for Number { scope, name, value } in numbers {
            let top = match name {
                "qdisc.root" => Some(Of::Qdisc),
                "qdisc.ingress" => Some(Of::Clsact),
                _ => None,
            };
            if let Some(top) = top {
                if value == 1 {
                    self.tops.insert(scope.to_owned(), top);
                }
                continue;
            }
            if known::named(name).next().is_some() {
                self.step(scope, name, value);
            }
        }
    }

    fn step(&mut self, scope: &str, name: &str, value: u64) {
        let known = self.last.get_mut(scope);
        let last = known.and_then(|names| names.get_mut(name));
        let before = last.map(|last| std::mem::replace(last, value));
        match before {
            // Most stand still.
            Some(before) if before == value => return,
            Some(_) => {}
            None => {
                let names = self.last.entry(scope.to_owned()).or_default();
                names.insert(name.to_owned(), value);
            }
        }
        let key = (scope.to_owned(), name.to_owned());
        let delta = match before {
            Some(before) => kind(name).since(before, value),
            // A CPU that comes online has counted before.
            None if !self.begun || scope.starts_with("cpu ") => Some(0),
            None => Some(value),
        };
        // The numbers of all CPUs are one: a packet is counted where it was to go.
        let key = if scope.starts_with("cpu ") {
            ("host".to_owned(), key.1)
        } else {
            key
        };
        for sums in [&mut self.interval, &mut self.run] {
            let sum = sums.entry(key.clone()).or_insert(Some(0));
            *sum = sum.zip(delta).map(|(sum, delta)| sum + delta);
        }
    }

    /// Begins an interval in which nothing has moved.
    pub(super) fn next(&mut self) {
        for delta in self.interval.values_mut() {
            *delta = Some(0);
        }
    }

    pub(super) fn interval(&self) -> &Deltas {
        &self.interval
    }

    pub(super) fn run(&self) -> &Deltas {
        &self.run
    }

    /// Counters of loss of which it is known how far they went, save those that
    /// stood still and that drops are not sure to move.
    pub(super) fn losses(&self, deltas: &Deltas) -> Vec<Loss> {
        let losses = deltas.iter().filter_map(|((scope, name), delta)| {
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

/// The counters that began again, as `SCOPE NAME`.
pub(super) fn resets(deltas: &Deltas) -> Vec<String> {
    let lost = deltas.iter().filter(|(_, delta)| delta.is_none());
    lost.map(|((scope, name), _)| format!("{scope} {name}"))
        .collect()
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
