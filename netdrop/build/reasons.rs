//! `reasons.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{
    problem::File,
    stages::{self, Stage},
};

pub(super) const WAYS: [&str; 3] = ["rx", "tx", "both"];
pub(super) const SEVERITIES: [&str; 3] = ["harmful", "suspicious", "benign"];

/// What the kernel puts in front of names, which the file leaves out.
const PREFIX: &str = "SKB_DROP_REASON_";

/// A reason and its name.
#[derive(Debug)]
pub(super) struct Reason {
    /// A final `*` stands for the rest of a name.
    pub(super) name: String,
    pub(super) row: Row,
}

/// A reason, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) since: Spanned<String>,
    pub(super) subsystem: Spanned<String>,
    pub(super) stage: Spanned<String>,
    pub(super) way: Spanned<String>,
    pub(super) severity: Spanned<String>,
    pub(super) why: Spanned<String>,
    pub(super) meaning: Spanned<String>,
    pub(super) counters: Vec<String>,
    pub(super) causes: Vec<String>,
    pub(super) next: Vec<Spanned<String>>,
}

/// Reads and checks; the reasons come by name.
pub(super) fn read(file: &mut File<'_>, stages: &[Stage]) -> Vec<Reason> {
    let rows: BTreeMap<Spanned<String>, Row> = file.toml();
    rows.into_iter()
        .map(|(name, row)| {
            check_name(file, &name);
            check(file, &row, stages);
            Reason {
                name: name.into_inner(),
                row,
            }
        })
        .collect()
}

fn check_name(file: &mut File<'_>, name: &Spanned<String>) {
    let line = file.line(&name.span());
    let name = name.get_ref();
    let plain = name.strip_suffix('*').unwrap_or(name);
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if plain.is_empty() || !plain.bytes().all(is_plain) {
        file.wrong(line, format!("{name:?} is no name of a reason"));
    }
    if plain.starts_with(PREFIX) {
        file.wrong(line, format!("{name}: write it without {PREFIX}"));
    }
}

fn check(file: &mut File<'_>, row: &Row, known: &[Stage]) {
    let stage = &row.stage;
    stages::check(file, file.line(&stage.span()), known, stage.get_ref());
    for (what, word, known) in [
        ("way", &row.way, &WAYS),
        ("severity", &row.severity, &SEVERITIES),
    ] {
        file.one_of(file.line(&word.span()), what, word.get_ref(), known);
    }
    for (what, text) in [
        ("since", &row.since),
        ("subsystem", &row.subsystem),
        ("why", &row.why),
        ("meaning", &row.meaning),
    ] {
        file.not_empty(file.line(&text.span()), what, text.get_ref());
    }
    for next in &row.next {
        file.gaps(file.line(&next.span()), next.get_ref());
    }
}
