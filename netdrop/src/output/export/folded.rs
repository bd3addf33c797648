//! Lines for flame graphs: frames from the outermost on, separated by
//! semicolons, and a count.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{Exporter, Source};
use crate::{
    output::escape::escape,
    recording::header::Header,
    tally::{
        key::By,
        packet::Drop,
        period::Period,
        row::{Row, Value},
    },
};

/// Fields that say more of another one, or are no place.
const BESIDE: [&str; 8] = [
    "stage_by",
    // A part of its stage.
    "hook",
    "engine",
    "qdisc",
    "ifindex",
    "netns_name",
    "netns_kind",
    "address",
];

/// Different stacks at most.
const MOST: usize = 1 << 16;

/// Writes folded stacks: of the sampled drops where they have some, else of all
/// drops, as far as rows tell.
#[derive(Debug, Default)]
pub struct Folded {
    /// Only what rows tell.
    rows: bool,
    stacks: BTreeMap<String, u64>,
    beyond: u64,
}

impl Folded {
    /// Of all drops, as far as rows tell.
    #[must_use]
    pub fn of_rows() -> Self {
        Self {
            rows: true,
            ..Self::default()
        }
    }
}

impl Exporter for Folded {
    fn keys(&self) -> &'static str {
        "stage,reason,function"
    }

    fn uses_events(&self, header: &Header) -> bool {
        header.stacks && !self.rows
    }

    fn start(&mut self, _out: &mut dyn Write, _source: &Source<'_>, _by: &By) -> io::Result<()> {
        Ok(())
    }

    fn event(&mut self, _out: &mut dyn Write, drop: &Drop) -> io::Result<()> {
        let Some(stack) = drop.stack.as_ref().filter(|_| !self.rows) else {
            return Ok(());
        };
        let frames = stacked(drop, stack);
        if self.stacks.len() < MOST || self.stacks.contains_key(&frames) {
            *self.stacks.entry(frames).or_default() += 1;
        } else {
            self.beyond += 1;
        }
        Ok(())
    }

    fn interval(&mut self, _out: &mut dyn Write, _period: &Period) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write, summary: &Period) -> io::Result<()> {
        if !self.stacks.is_empty() {
            for (frames, count) in &self.stacks {
                writeln!(out, "{frames} {count}")?;
            }
            if self.beyond > 0 {
                writeln!(out, "(table) {}", self.beyond)?;
            }
            return Ok(());
        }
        for row in &summary.rows {
            writeln!(out, "{} {}", frames(row), row.sums.drops())?;
        }
        Ok(())
    }
}

/// Stage, reason and function, then the stack from its outermost frame on.
fn stacked(drop: &Drop, stack: &[String]) -> String {
    let place = |name: &Option<std::sync::Arc<str>>| frame(name.as_deref().unwrap_or("-"));
    let function = match (&drop.function, drop.address) {
        (None, Some(address)) => format!("{address:#x}"),
        (function, _) => place(function),
    };
    let mut frames = vec![
        staged(place(&drop.stage), drop.hook.as_deref()),
        place(&drop.reason),
        function,
    ];
    frames.extend(stack.iter().rev().map(|name| {
        // The distance into a function would tell apart what is one frame.
        let name = name
            .rsplit_once("+0x")
            .map_or(name.as_str(), |(name, _)| name);
        frame(name)
    }));
    frames.join(";")
}

/// A stage with its hook, as in `netfilter/input`.
fn staged(stage: String, hook: Option<&str>) -> String {
    match hook {
        Some(hook) => format!("{stage}/{}", frame(hook)),
        None => stage,
    }
}

/// A frame ends at a semicolon, and the last at a space.
fn frame(name: &str) -> String {
    escape(name).replace([';', ' '], "_")
}

fn frames(row: &Row) -> String {
    if let Some(other) = row.other {
        return format!("({})", other.as_str());
    }
    let get = |name: &str| row.fields.iter().find(|field| field.name == name);
    let mut frames = Vec::new();
    for field in &row.fields {
        if BESIDE.contains(&field.name) {
            continue;
        }
        let value = match (&field.value, field.name) {
            (Value::Null, "function") => get("address").map_or(&Value::Null, |it| &it.value),
            (value, _) => value,
        };
        frames.push(match value {
            Value::Null => "-".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) | Value::Lines(text) if field.name == "stage" => {
                let hook = get("hook").and_then(|hook| match &hook.value {
                    Value::Text(hook) => Some(&**hook),
                    _ => None,
                });
                staged(frame(text), hook)
            }
            Value::Text(text) | Value::Lines(text) => frame(text),
        });
    }
    frames.join(";")
}
