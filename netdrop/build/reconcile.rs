//! `reconcile.toml`.

use std::fmt::Write as _;

use serde::Deserialize;
use toml::Spanned;

use super::{
    problem::File,
    reasons::{Reason, SEVERITIES},
    stages::{self, Stage},
};

/// What a counter's numbers belong to.
const SCOPES: [&str; 5] = ["netns", "host", "device", "qdisc", "clsact"];
const DIRECTIONS: [&str; 3] = ["rx", "tx", "forward"];
const FAMILIES: [&str; 2] = ["ipv4", "ipv6"];

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counters {
    #[serde(default)]
    counter: Vec<Row>,
}

/// A counter, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: Spanned<String>,
    scope: Spanned<String>,
    source: Spanned<String>,
    #[serde(default)]
    includes: Vec<Spanned<String>>,
    #[serde(default)]
    drops: Vec<Spanned<Fit>>,
    #[serde(default)]
    maybe: Vec<Spanned<Fit>>,
    note: Option<Spanned<String>>,
}

/// Which drops: every key must fit, in a list one of the words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fit {
    reasons: Vec<String>,
    not_reasons: Vec<String>,
    functions: Vec<String>,
    stages: Vec<String>,
    protocols: Vec<String>,
    not_protocols: Vec<String>,
    directions: Vec<String>,
    severities: Vec<String>,
    family: Option<String>,
    elsewhere: bool,
}

/// A counter that was checked.
#[derive(Debug)]
pub(super) struct Known {
    name: String,
    scope: String,
    includes: Vec<String>,
    drops: Vec<Fit>,
    maybe: Vec<Fit>,
    note: Option<String>,
}

/// Reads and checks; in the order of the file.
pub(super) fn read(file: &mut File<'_>, stages: &[Stage], reasons: &[Reason]) -> Vec<Known> {
    let Counters { counter: rows } = file.toml();
    let mut found: Vec<Known> = Vec::new();
    for row in &rows {
        let line = file.line(&row.name.span());
        let (name, scope) = (row.name.get_ref(), row.scope.get_ref());
        file.not_empty(line, "the name", name);
        let same = |other: &Known| (&other.name, &other.scope) == (name, scope);
        if found.iter().any(same) {
            file.wrong(line, format!("counter {name} of {scope} stands twice"));
        }
        let line = file.line(&row.scope.span());
        file.one_of(line, "scope", scope, &SCOPES);
        let line = file.line(&row.source.span());
        file.not_empty(line, "the source", row.source.get_ref());
        for included in &row.includes {
            let named = |row: &Row| row.name.get_ref() == included.get_ref();
            if !rows.iter().any(named) {
                let line = file.line(&included.span());
                file.wrong(line, format!("unknown counter {:?}", included.get_ref()));
            }
        }
        for fit in row.drops.iter().chain(&row.maybe) {
            let line = file.line(&fit.span());
            check(file, line, fit.get_ref(), stages, reasons);
        }
        if let Some(note) = &row.note {
            let line = file.line(&note.span());
            file.not_empty(line, "the note", note.get_ref());
        }
        let fits = |fits: &[Spanned<Fit>]| fits.iter().map(|fit| fit.get_ref().clone()).collect();
        found.push(Known {
            name: name.clone(),
            scope: scope.clone(),
            includes: row
                .includes
                .iter()
                .map(|name| name.get_ref().clone())
                .collect(),
            drops: fits(&row.drops),
            maybe: fits(&row.maybe),
            note: row.note.as_ref().map(|note| note.get_ref().clone()),
        });
    }
    found
}

fn check(file: &mut File<'_>, line: usize, fit: &Fit, stages: &[Stage], reasons: &[Reason]) {
    let Fit {
        reasons: names,
        not_reasons,
        functions,
        stages: places,
        protocols: _,
        not_protocols: _,
        directions,
        severities,
        family,
        elsewhere: _,
    } = fit;
    if names.is_empty() && functions.is_empty() && places.is_empty() {
        file.wrong(line, "names no reason, function or stage");
    }
    for name in names.iter().chain(not_reasons) {
        let known = |reason: &Reason| match reason.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => reason.name == *name,
        };
        if !reasons.iter().any(known) {
            file.wrong(line, format!("unknown reason {name:?}"));
        }
    }
    for stage in places {
        stages::check(file, line, stages, stage);
    }
    for direction in directions {
        file.one_of(line, "direction", direction, &DIRECTIONS);
    }
    for severity in severities {
        file.one_of(line, "severity", severity, &SEVERITIES);
    }
    if let Some(family) = family {
        file.one_of(line, "family", family, &FAMILIES);
    }
}

/// `KNOWN`.
pub(super) fn source(counters: &[Known]) -> String {
    let mut out = String::from("/// Every counter of loss.\nstatic KNOWN: &[Known] = &[\n");
    for counter in counters {
        let Known {
            name,
            scope,
            includes,
            drops,
            maybe,
            note,
        } = counter;
        let capital = |word: &str| {
            let (first, rest) = word.split_at(1.min(word.len()));
            first.to_ascii_uppercase() + rest
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "Known {{ name: {name:?}, of: Of::{}, includes: &{includes:?}, drops: &[{}], \
             maybe: &[{}], note: {note:?} }},",
            capital(scope),
            fits(drops),
            fits(maybe),
        );
    }
    out.push_str("];\n");
    out
}

fn fits(fits: &[Fit]) -> String {
    let mut out = String::new();
    for fit in fits {
        let Fit {
            reasons,
            not_reasons,
            functions,
            stages,
            protocols,
            not_protocols,
            directions,
            severities,
            family,
            elsewhere,
        } = fit;
        let ethertype = match family.as_deref() {
            Some("ipv4") => "Some(0x0800)",
            Some(_) => "Some(0x86dd)",
            None => "None",
        };
        let _ = write!(
            out,
            "Fit {{ reasons: &{reasons:?}, not_reasons: &{not_reasons:?}, functions: &{functions:?}, \
             stages: &{stages:?}, protocols: &{protocols:?}, not_protocols: &{not_protocols:?}, \
             directions: &{directions:?}, severities: &{severities:?}, ethertype: {ethertype}, \
             elsewhere: {elsewhere} }}, "
        );
    }
    out
}
