//! What the rules find.

use super::{
    Reading, apply,
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
pub(super) fn all(now: &Snapshot, readings: &[Reading], interval: bool) -> Vec<Finding> {
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
                found.push(Finding::of(rule, scope, &values, now, old));
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
    ) -> Self {
        let socket = now.sockets.iter().find(|socket| scope_of(socket) == *scope);
        let fill = |text: &str| fill(text, |gap| gap_of(gap, scope, values, socket));
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
        name => values.text(scope, name).map(str::to_owned),
    }
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
