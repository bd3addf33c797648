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
                (_, true, None) => format!("{value} (since when is not known)"),
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
type Same<'a> = (&'a str, Vec<String>);

/// So many of those that share a value are named.
const NAMED: usize = 4;

/// What the sysctls for all devices together have in the place of a device's
/// name.
const ALL: &str = "all";

/// Settings, those with the same beginning together; those of several devices
/// that are the same once, and without the devices where they are the same for
/// all.
pub(super) fn settings(tunables: &[Tunable], devices: usize, all: bool) -> Vec<String> {
    let mut names: Vec<(String, Vec<Same<'_>>)> = Vec::new();
    for Tunable { scope, name, value } in tunables {
        let (name, owner) = owner(scope, name);
        let place = names.iter().position(|(known, _)| *known == name);
        let place = place.unwrap_or_else(|| {
            names.push((name, Vec::new()));
            names.len() - 1
        });
        let values = &mut names[place].1;
        match values.iter_mut().find(|(known, _)| known == value) {
            Some((_, owners)) => owners.extend(owner),
            None => values.push((value, owner.into_iter().collect())),
        }
    }
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, values) in &names {
        let (group, rest) = beginning(name);
        let text = format!("{} {}", escape(rest), told(values, devices, all));
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, members)) => members.push(text),
            None => groups.push((group, vec![text])),
        }
    }
    let line = |(group, members): (&str, Vec<String>)| match members.as_slice() {
        [one] => format!("{}{one}", escape(group)),
        several if group.is_empty() => several.join("; "),
        several => {
            let group = group.trim_end_matches(['.', '/']);
            format!("{}: {}", escape(group), several.join(", "))
        }
    };
    groups.into_iter().map(line).collect()
}

/// The name with `DEV` for a device, and whose setting it is.
fn owner(scope: &Scope, name: &str) -> (String, Option<String>) {
    const ALL_DEVICES: &str = ".all.";
    match scope {
        Scope::Netns if name.contains(ALL_DEVICES) => {
            (name.replacen(ALL_DEVICES, ".DEV.", 1), Some(ALL.to_owned()))
        }
        scope => (name.to_owned(), short(scope)),
    }
}

/// What a name has in common with its neighbours: all up to its last part.
fn beginning(name: &str) -> (&str, &str) {
    const INTERRUPTS: &str = "irq.affinity.";
    if name.starts_with(INTERRUPTS) {
        return name.split_at(INTERRUPTS.len());
    }
    let last = name.rfind(['.', '/']).map_or(0, |place| place + 1);
    name.split_at(last)
}

fn told(values: &[Same<'_>], devices: usize, all: bool) -> String {
    let texts: Vec<String> = values
        .iter()
        .map(|(value, owners)| {
            let value = escape(value);
            let whole = owners.iter().filter(|owner| *owner != ALL).count() == devices;
            if owners.is_empty() || whole && values.len() == 1 {
                return value.into_owned();
            }
            if whole && owners.len() == devices {
                return format!("{value} (each device)");
            }
            let mut shown = owners.as_slice();
            let mut more = String::new();
            if !all && owners.len() > NAMED {
                shown = &owners[..NAMED - 1];
                more = format!(" and {} more", owners.len() - shown.len());
            }
            format!("{value} ({}{more})", shown.join(", "))
        })
        .collect();
    texts.join(" ")
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
