//! The tables as Rust sources.

use std::fmt::Write as _;

use super::{
    functions::{Function, Override},
    reasons::Reason,
    stages::{self, Stage},
};

/// `STAGES` in path order, and a constant for each.
pub(super) fn stages(stages: &[Stage]) -> String {
    let mut out =
        String::from("/// Every stage, in path order.\nstatic STAGES: &[StageInfo] = &[\n");
    for stage in stages {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "StageInfo {{ id: {:?}, order: {}, path: {:?}, name: {:?}, meaning: {:?}, queue: {:?}, \
             counters: &{:?}, tunables: &{:?}, next: &{:?} }},",
            stage.id.get_ref(),
            stage.order.get_ref(),
            stage.path.get_ref(),
            stage.name.get_ref(),
            stage.meaning.get_ref(),
            stage.queue,
            stage.counters,
            stage.tunables,
            plain(&stage.next),
        );
    }
    out.push_str("];\n\nimpl Stage {\n");
    for (index, stage) in stages.iter().enumerate() {
        let id = stage.id.get_ref();
        let _ = writeln!(
            out,
            "/// The stage `{id}`.\npub const {}: Self = Self({index});",
            id.to_ascii_uppercase(),
        );
    }
    out.push_str("}\n");
    out
}

/// `REASONS`, `PREFIXES`, `FUNCTIONS` and `OVERRIDES`, each sorted by what it is
/// looked up by.
pub(super) fn catalogue(
    stages: &[Stage],
    reasons: &[Reason],
    functions: &[Function],
    overrides: &[Override],
) -> String {
    let stage = |id: &str| {
        format!(
            "Stage::at({})",
            stages::place(stages, id).unwrap_or(usize::MAX)
        )
    };
    let (mut prefixes, exact): (Vec<&Reason>, Vec<_>) = reasons
        .iter()
        .partition(|reason| reason.name.ends_with('*'));
    // The longest that fits tells most.
    prefixes.sort_by_key(|reason| std::cmp::Reverse(reason.name.len()));
    let mut out = String::new();
    for (doc, name, reasons) in [
        ("Reasons by name.", "REASONS", exact),
        (
            "Reasons with a final `*`, the longest first.",
            "PREFIXES",
            prefixes,
        ),
    ] {
        let _ = writeln!(out, "/// {doc}\nstatic {name}: &[Reason] = &[");
        for Reason { name, row } in reasons {
            let _ = writeln!(
                out,
                "Reason {{ name: {name:?}, since: {:?}, subsystem: {:?}, stage: {}, way: {}, \
                 severity: {}, why: {:?}, meaning: {:?}, counters: &{:?}, causes: &{:?}, next: &{:?} }},",
                row.since.get_ref(),
                row.subsystem.get_ref(),
                stage(row.stage.get_ref()),
                variant("Way", row.way.get_ref()),
                variant("Severity", row.severity.get_ref()),
                row.why.get_ref(),
                row.meaning.get_ref(),
                row.counters,
                row.causes,
                plain(&row.next),
            );
        }
        out.push_str("];\n\n");
    }
    out.push_str("/// Functions by name.\nstatic FUNCTIONS: &[Function] = &[\n");
    for function in functions {
        let _ = writeln!(
            out,
            "Function {{ name: {:?}, stage: {}, way: {}, seen_in: {:?}, files: {:?} }},",
            function.name,
            stage(&function.stage),
            variant("Way", &function.way),
            function.seen_in,
            function.files,
        );
    }
    out.push_str("];\n\n/// By function, then reason.\nstatic OVERRIDES: &[Override] = &[\n");
    for row in overrides {
        let severity = row.severity.map_or_else(
            || "None".to_owned(),
            |severity| format!("Some({})", variant("Severity", severity)),
        );
        let _ = writeln!(
            out,
            "Override {{ function: {:?}, reason: {:?}, stage: {}, way: {}, severity: {severity}, note: {:?} }},",
            row.function,
            row.reason,
            stage(&row.stage),
            variant("Way", &row.way),
            row.note,
        );
    }
    out.push_str("];\n");
    out
}

/// `Way::Rx` from `rx`.
fn variant(of: &str, word: &str) -> String {
    let (first, rest) = word.split_at(1.min(word.len()));
    format!("{of}::{}{rest}", first.to_ascii_uppercase())
}

fn plain(texts: &[toml::Spanned<String>]) -> Vec<&str> {
    texts.iter().map(|text| text.get_ref().as_str()).collect()
}
