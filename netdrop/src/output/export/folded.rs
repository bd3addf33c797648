//! Lines for flame graphs: frames from the outermost on, separated by
//! semicolons, and a count.

use std::io::{self, Write};

use super::{Exporter, Source};
use crate::{
    output::escape::escape,
    tally::{
        key::By,
        period::Period,
        row::{Row, Value},
    },
};

/// Fields that say more of another one, or are no place.
const BESIDE: [&str; 7] = [
    "stage_by",
    "engine",
    "qdisc",
    "ifindex",
    "netns_name",
    "netns_kind",
    "address",
];

/// Writes folded stacks.
#[derive(Debug, Default)]
pub struct Folded;

impl Exporter for Folded {
    fn keys(&self) -> &'static str {
        "stage,reason,function"
    }

    fn start(&mut self, _out: &mut dyn Write, _source: &Source<'_>, _by: &By) -> io::Result<()> {
        Ok(())
    }

    fn interval(&mut self, _out: &mut dyn Write, _period: &Period) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write, summary: &Period) -> io::Result<()> {
        for row in &summary.rows {
            writeln!(out, "{} {}", frames(row), row.sums.drops())?;
        }
        Ok(())
    }
}

fn frames(row: &Row) -> String {
    if let Some(other) = row.other {
        return format!("({})", other.as_str());
    }
    let get = |name: &str| row.fields.iter().find(|field| field.name == name);
    let mut frames = Vec::new();
    for field in &row.fields {
        // The hook is a part of its stage: a frame of its own, where there is one.
        let beside =
            BESIDE.contains(&field.name) || field.name == "hook" && field.value == Value::Null;
        if beside {
            continue;
        }
        let value = match (&field.value, field.name) {
            (Value::Null, "function") => get("address").map_or(&Value::Null, |it| &it.value),
            (value, _) => value,
        };
        frames.push(match value {
            Value::Null => "-".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) | Value::Lines(text) => {
                // A frame ends at a semicolon, and the last at a space.
                escape(text).replace([';', ' '], "_")
            }
        });
    }
    frames.join(";")
}
