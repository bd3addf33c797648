//! What `watch --reconcile` says of the counters that scenarios watch: delta,
//! traced and unexplained, adding up.

use std::{fs, io::Write as _};

use serde_json::Value;

use super::{Drops, witness::Watched};
use crate::{counter::Place, netdrop::record::Run};

/// Counters that scenarios watch and that count no loss.
const NO_LOSS: [&str; 4] = [
    "Tcp.OutRsts",
    "Tcp.RetransSegs",
    "TcpExt.DelayedACKLost",
    "TcpExt.TCPOFOMerge",
];

/// Where the tables of all scenarios are collected, for people.
const TABLES: &str = "NETDROP_TESTS_RECONCILIATION";

/// Options that let netdrop reconcile the namespace of the first counter.
pub(super) fn options(drops: &[Drops<'_>]) -> Option<String> {
    let mut places = drops.iter().filter_map(place);
    let first = places.next()?;
    Some(match &first.namespace {
        Some((name, _)) => format!("--reconcile --netns {name}"),
        None => "--reconcile".to_owned(),
    })
}

fn place<'d>(drops: &'d Drops<'_>) -> Option<&'d Place> {
    let place = drops.counter.as_ref()?.place.as_ref()?;
    (!NO_LOSS.contains(&place.name.as_str())).then_some(place)
}

/// Everything that does not add up.
pub(super) fn complaints(run: &Run, watched: &[Watched<'_>], first: &[Drops<'_>]) -> Vec<String> {
    let Some(asked) = first.iter().find_map(place) else {
        return Vec::new();
    };
    let Some(lines) = &run.summary.reconciliation else {
        return vec!["no reconciliation".to_owned()];
    };
    collect(lines);
    let mut complaints: Vec<String> = lines.iter().filter_map(adds_up).collect();
    for one in watched {
        let Some(place) = place(one.drops) else {
            continue;
        };
        let global = place.namespace.is_none();
        let inode = |place: &Place| place.namespace.as_ref().map(|(_, inode)| *inode);
        if !global && inode(place) != inode(asked) {
            continue;
        }
        let line = lines.iter().find(|line| {
            let scope = line["scope"].as_str().unwrap_or_default();
            line["counter"] == place.name.as_str() && scope.starts_with(&place.scope)
        });
        let Some(line) = line else {
            complaints.push(format!("no line of {place:?}: {lines:?}"));
            continue;
        };
        let number = |name: &str| line[name].as_u64().unwrap_or(u64::MAX);
        let (delta, rest) = (number("delta"), number("unexplained"));
        let counted = if global {
            delta >= one.moved
        } else {
            delta == one.moved
        };
        // A kernel with other reasons has less to tell.
        let told = one
            .seen
            .reason
            .is_some_and(|reason| reason != "NOT_SPECIFIED");
        if !counted || (told && !global && (rest > 0 || number("excess") > 0)) {
            complaints.push(format!("moved by {}, but {line}", one.moved));
        }
    }
    complaints
}

/// What is wrong with the sums of a line.
pub(crate) fn adds_up(line: &Value) -> Option<String> {
    let number = |name: &str| line[name].as_u64();
    let parts = line["by"].as_array()?.iter();
    let by: Option<u64> = parts.map(|part| part["drops"].as_u64()).sum();
    let sums = number("traced")
        .zip(number("unexplained"))
        .map(|(traced, rest)| traced + rest);
    let all = number("traced")
        .zip(number("excess"))
        .map(|(traced, excess)| traced + excess);
    let fits = number("delta") == sums && by == all && number("repeated") <= number("unexplained");
    (!fits).then(|| format!("does not add up: {line}"))
}

/// Adds the lines to the tables, where somebody wants them.
pub(crate) fn collect(lines: &[Value]) {
    let Some(path) = std::env::var_os(TABLES) else {
        return;
    };
    let Ok(mut file) = fs::OpenOptions::new().create(true).append(true).open(path) else {
        return;
    };
    for line in lines {
        let parts = line["by"].as_array().into_iter().flatten();
        let by: Vec<String> = parts
            .map(|part| format!("{} {} {}", part["reason"], part["function"], part["drops"]))
            .collect();
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        let _ = writeln!(
            file,
            "  {:28} {:22} delta {:>6} traced {:>6} unexplained {:>4} repeated {:>4} excess {:>3}  \
             {}  {}",
            text("counter"),
            text("scope"),
            line["delta"],
            line["traced"],
            line["unexplained"],
            line["repeated"],
            line["excess"],
            by.join(", "),
            text("note"),
        );
    }
}
