//! The numbers of a snapshot, and how far they went since an earlier one.

use super::Reading;
use crate::host::counters::{
    Counter, Scope, Snapshot,
    renewed::{self, BEGAN, ENDED, GONE, INDEX, MADE, UNKNOWN},
};

/// What became of a device or queueing discipline between two readings.
enum Fate {
    On,
    Made,
    Unknown,
}

fn fate(earlier: &[Counter], now: &[Counter], scope: &Scope) -> Fate {
    if scope.device().is_none() {
        return Fate::On;
    }
    let differs = |name: &str| value(earlier, scope, name) != value(now, scope, name);
    let now_differs = |name: &str| value(now, scope, name).is_some() && differs(name);
    if UNKNOWN.iter().any(|name| now_differs(name)) {
        Fate::Unknown
    } else if MADE.iter().any(|name| now_differs(name)) {
        Fate::Made
    } else if differs(INDEX) {
        Fate::Unknown
    } else {
        Fate::On
    }
}

/// A number of a sorted list.
fn value(of: &[Counter], scope: &Scope, name: &str) -> Option<u64> {
    let place = of.binary_search_by(|other| (&other.scope, &*other.name).cmp(&(scope, name)));
    place.ok().map(|place| of[place].value)
}

pub(super) fn readings(now: &Snapshot, before: Option<&Snapshot>) -> Vec<Reading> {
    let now = now.flat();
    let earlier = before.map(Snapshot::flat);
    let was_here = |counter: &Counter| {
        let Some(device) = counter.scope.device() else {
            return true;
        };
        let mut links = before.iter().flat_map(|before| &before.links);
        links.any(|link| link.name == *device)
    };
    let delta = |counter: &Counter| {
        let earlier = earlier.as_ref()?;
        // Both lists are sorted.
        let found = earlier.binary_search_by(|other| {
            (&other.scope, &other.name).cmp(&(&counter.scope, &counter.name))
        });
        match found {
            Ok(place) => match fate(earlier, &now, &counter.scope) {
                Fate::On => counter.since(earlier[place].value),
                // What its predecessor counted last is told beside.
                Fate::Made => {
                    let beside = |start| {
                        let name = format!("{start}{}", counter.name);
                        value(&now, &counter.scope, &name)
                    };
                    let last = counter.kind.since(earlier[place].value, beside(ENDED)?)?;
                    Some(last + counter.since(beside(BEGAN)?)?)
                }
                Fate::Unknown => None,
            },
            Err(_) if counter.value == 0 => counter.since(0),
            // A device may have been made, renamed, or come from another namespace.
            Err(_) if counter.scope.begins_at_zero() && was_here(counter) => counter.since(0),
            // A queue's interrupts on a CPU are told once there are some.
            Err(_) if counter.name.starts_with("irq.count.") => {
                let all =
                    |other: &Counter| other.scope == counter.scope && &*other.name == "irq.count";
                earlier.iter().any(all).then(|| counter.since(0)).flatten()
            }
            Err(_) => None,
        }
    };
    let mut found: Vec<Reading> = now
        .iter()
        .filter(|counter| !renewed::is_mark(&counter.name))
        .cloned()
        .map(|counter| Reading {
            delta: delta(&counter),
            counter,
        })
        .collect();
    if let Some(earlier) = &earlier {
        found.extend(gone(earlier, &now));
        found.sort_by(|a, b| {
            let key =
                |reading: &Reading| (reading.counter.scope.clone(), reading.counter.name.clone());
            key(a).cmp(&key(b))
        });
    }
    found
}

/// What was counted until its end by what is not there any more.
fn gone<'a>(earlier: &'a [Counter], now: &'a [Counter]) -> impl Iterator<Item = Reading> + 'a {
    let has_gone = |scope: &Scope| {
        let told = |name: &&str| value(now, scope, name).is_some();
        let mark = GONE.iter().find(|name| told(name));
        mark.is_some_and(|name| value(earlier, scope, name) != value(now, scope, name))
    };
    earlier
        .iter()
        .filter(move |counter| {
            value(now, &counter.scope, &counter.name).is_none() && has_gone(&counter.scope)
        })
        .filter_map(move |counter| {
            let end = value(now, &counter.scope, &format!("{ENDED}{}", counter.name))?;
            let counter = Counter {
                value: end,
                ..counter.clone()
            };
            let before = value(earlier, &counter.scope, &counter.name)?;
            Some(Reading {
                delta: counter.since(before),
                counter,
            })
        })
}
