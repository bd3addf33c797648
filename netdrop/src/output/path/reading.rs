//! Counters and settings in a line.

use crate::{
    host::counters::{Counter, Kind, Scope, tunables::Tunable},
    output::escape::escape,
    path::Reading,
};

/// What was counted, what there is now, each name with its scopes; and how many
/// counters counted nothing.
pub(super) fn grouped(
    readings: &[&Reading],
    interval: bool,
    all: bool,
) -> (Vec<String>, Vec<String>, usize) {
    let (mut counted, mut now, mut quiet) = (Vec::new(), Vec::new(), 0);
    let mut names: Vec<&str> = readings
        .iter()
        .map(|reading| &*reading.counter.name)
        .collect();
    names.sort_unstable();
    names.dedup();
    // In the order in which they were first found.
    names.sort_by_key(|name| readings.iter().position(|one| &*one.counter.name == *name));
    for name in names {
        let (mut counts, mut gauges) = (Vec::new(), Vec::new());
        for reading in readings.iter().filter(|one| &*one.counter.name == name) {
            let happened = reading.happened(interval);
            if happened == Some(0) && !all {
                quiet += usize::from(reading.counter.kind != Kind::Gauge);
                continue;
            }
            let Counter {
                scope, kind, value, ..
            } = &reading.counter;
            let number = match (kind, interval, happened) {
                (Kind::Gauge, ..) | (_, false, _) => value.to_string(),
                (_, true, Some(delta)) => format!("+{delta}"),
                (_, true, None) => format!("{value} (was reset)"),
            };
            let list = if *kind == Kind::Gauge {
                &mut gauges
            } else {
                &mut counts
            };
            list.push(of(scope, &number));
        }
        for (list, lines) in [(counts, &mut counted), (gauges, &mut now)] {
            if !list.is_empty() {
                lines.push(format!("{} {}", escape(name), list.join(", ")));
            }
        }
    }
    (counted, now, quiet)
}

/// A value, and whose it is.
type Same<'a> = (&'a str, Vec<&'a Scope>);

/// Settings, those of several devices that are the same once, and without the
/// devices where they are the same for all.
pub(super) fn settings(tunables: &[Tunable], devices: usize) -> Vec<String> {
    let mut lines: Vec<(&str, Vec<Same<'_>>)> = Vec::new();
    for Tunable { scope, name, value } in tunables {
        let place = lines.iter().position(|(known, _)| known == name);
        let place = place.unwrap_or_else(|| {
            lines.push((name, Vec::new()));
            lines.len() - 1
        });
        let values = &mut lines[place].1;
        match values.iter_mut().find(|(known, _)| known == value) {
            Some((_, scopes)) => scopes.push(scope),
            None => values.push((value, vec![scope])),
        }
    }
    lines
        .into_iter()
        .map(|(name, values)| {
            let values: Vec<String> = values
                .into_iter()
                .map(|(value, scopes)| {
                    let scopes: Vec<String> = scopes.into_iter().filter_map(short).collect();
                    if scopes.is_empty() || scopes.len() == devices {
                        escape(value).into_owned()
                    } else {
                        format!("{} ({})", escape(value), scopes.join(", "))
                    }
                })
                .collect();
            format!("{} {}", escape(name), values.join(", "))
        })
        .collect()
}

fn of(scope: &Scope, number: &str) -> String {
    match short(scope) {
        Some(scope) => format!("{number} ({scope})"),
        None => number.to_owned(),
    }
}

fn short(scope: &Scope) -> Option<String> {
    match scope {
        Scope::Host | Scope::Netns => None,
        other => Some(escape(&other.to_string()).into_owned()),
    }
}
