//! What the rules find.

use super::{
    Reading, apply,
    reach::Reach,
    rules::{self, Rule},
    values::Values,
};
use crate::{
    drops::{severity::Severity, stage::Stage},
    host::counters::{Scope, Snapshot, scope_of, sockets::Socket},
};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Where on the way.
    pub stage: Stage,
    /// What it was found at: a device, a CPU, a socket.
    pub scope: Scope,
    /// It rests on counters since boot: nobody knows when it happened.
    pub since_boot: bool,
    /// What is wrong.
    pub finding: String,
    /// Which numbers say so.
    pub evidence: String,
    /// What to do.
    pub remedy: String,
    /// How to undo that.
    pub undo: String,
}

/// Stands for what could not be found out.
const UNKNOWN: &str = "?";

/// Applies every rule; what matters most comes first.
pub(super) fn all(
    now: &Snapshot,
    readings: &[Reading],
    interval: bool,
    reach: &Reach,
) -> Vec<Finding> {
    let values = Values::of(readings, &now.tunables, interval);
    let mut found = Vec::new();
    for rule in rules::all() {
        let steps = if interval || rule.is_state {
            Some(rule.when)
        } else {
            rule.since_boot
        };
        let Some(steps) = steps else {
            continue;
        };
        for scope in values.scopes(rule.each) {
            let value = apply::value(
                steps,
                |name| values.number(scope, name),
                |over, name| values.over(scope, over, name),
            );
            if value.is_some_and(|value| value != 0.0) {
                let old = !interval && !rule.is_state;
                found.push(Finding::of(rule, scope, &values, now, old, reach));
            }
        }
    }
    // Rules stand in path order.
    found.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.stage));
    found
}

impl Finding {
    fn of(
        rule: &Rule,
        scope: &Scope,
        values: &Values<'_>,
        now: &Snapshot,
        since_boot: bool,
        reach: &Reach,
    ) -> Self {
        let socket = now.sockets.iter().find(|socket| scope_of(socket) == *scope);
        let fill = |text: &str| {
            fill(text, |gap| match gap {
                "here" => Some(reach.here.clone()),
                "first" => Some(reach.first.clone()),
                gap => gap_of(gap, scope, values, socket),
            })
        };
        let Rule {
            id,
            stage,
            severity,
            finding,
            evidence,
            remedy,
            undo,
            ..
        } = rule;
        Self {
            id,
            severity: *severity,
            stage: *stage,
            scope: scope.clone(),
            since_boot,
            finding: fill(finding),
            evidence: fill(evidence),
            remedy: fill(remedy),
            undo: fill(undo),
        }
    }
}

fn gap_of(
    gap: &str,
    scope: &Scope,
    values: &Values<'_>,
    socket: Option<&Socket>,
) -> Option<String> {
    match gap {
        "scope" => Some(scope.to_string()),
        "device" => scope.device().map(ToString::to_string),
        "cpu" => match scope {
            Scope::Cpu(cpu) => Some(cpu.to_string()),
            _ => None,
        },
        "address" => socket.map(|socket| socket.local.ip().to_string()),
        "port" => socket.map(|socket| socket.local.port().to_string()),
        "process" => Some(match socket.and_then(|socket| socket.holder.as_ref()) {
            Some(holder) => format!("{}[{}]", holder.command, holder.pid),
            None => "its process".to_owned(),
        }),
        name => match name.strip_prefix("twice ") {
            Some(name) => twice(values.text(scope, name)?),
            None => values.text(scope, name).map(str::to_owned),
        },
    }
}

/// The same numbers, the last of them doubled.
fn twice(text: &str) -> Option<String> {
    let start = text
        .rfind(|c: char| c.is_whitespace())
        .map_or(0, |at| at + 1);
    let (before, last) = text.split_at(start);
    let doubled = last.parse::<u64>().ok()?.checked_mul(2)?;
    Some(format!("{before}{doubled}"))
}

/// Fills the gaps; the build checked that each is closed.
fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut parts = text.split('{');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (gap, rest) = part.split_once('}').unwrap_or((part, ""));
        out.push_str(&value(gap).unwrap_or_else(|| UNKNOWN.to_owned()));
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::twice;

    #[test]
    fn the_last_number_is_doubled() {
        for (text, meant) in [
            ("8000", Some("16000")),
            ("4096\t131072\t33554432", Some("4096\t131072\t67108864")),
            ("4096 131072 6291456", Some("4096 131072 12582912")),
            ("0-3", None),
            ("", None),
        ] {
            assert_eq!(twice(text).as_deref(), meant, "{text}");
        }
    }
}
