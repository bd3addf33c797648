//! `location_stage.tsv` and `location_overrides.tsv`.

use super::{
    problem::File,
    reasons::{Reason, SEVERITIES, WAYS},
    stages::{self, Stage},
    tsv,
};

/// Stands for kernels without reasons.
const REASONLESS: &str = "-";

/// A function that frees packets.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) stage: String,
    pub(super) way: String,
    pub(super) seen_in: String,
    pub(super) files: String,
}

/// A reason in one function, where it is something else than elsewhere.
#[derive(Debug)]
pub(super) struct Override {
    pub(super) function: String,
    pub(super) reason: String,
    pub(super) stage: String,
    pub(super) way: String,
    /// The note begins with it.
    pub(super) severity: Option<&'static str>,
    /// Without the severity.
    pub(super) note: String,
}

/// Reads and checks; the functions come by name.
pub(super) fn read(file: &mut File<'_>, stages: &[Stage]) -> Vec<Function> {
    let columns = [
        "function",
        "stage",
        "direction",
        "source",
        "seen_in",
        "files",
    ];
    let mut rows = tsv::rows(file, columns);
    rows.sort_by(|(_, a), (_, b)| a[0].cmp(&b[0]));
    let mut functions: Vec<Function> = Vec::with_capacity(rows.len());
    for (line, [name, stage, way, _, seen_in, files]) in rows {
        stages::check(file, line, stages, &stage);
        file.one_of(line, "direction", &way, &WAYS);
        check_name(file, line, &name);
        if functions.last().is_some_and(|last| last.name == name) {
            file.wrong(line, format!("function {name} stands twice"));
        }
        functions.push(Function {
            name,
            stage,
            way,
            seen_in,
            files,
        });
    }
    functions
}

/// Reads and checks; the rows come by function, then reason.
pub(super) fn read_overrides(
    file: &mut File<'_>,
    stages: &[Stage],
    reasons: &[Reason],
) -> Vec<Override> {
    let columns = ["reason", "function", "stage", "direction", "note"];
    let mut rows = tsv::rows(file, columns);
    rows.sort_by(|(_, a), (_, b)| (&a[1], &a[0]).cmp(&(&b[1], &b[0])));
    let mut overrides: Vec<Override> = Vec::with_capacity(rows.len());
    for (line, [reason, function, stage, way, note]) in rows {
        stages::check(file, line, stages, &stage);
        file.one_of(line, "direction", &way, &WAYS);
        file.not_empty(line, "the note", &note);
        if reason != REASONLESS && reasons.iter().all(|known| known.name != reason) {
            file.wrong(line, format!("unknown reason {reason:?}"));
        }
        check_name(file, line, &function);
        if overrides
            .last()
            .is_some_and(|last| last.function == function && last.reason == reason)
        {
            file.wrong(line, format!("{reason} in {function} stands twice"));
        }
        let (severity, note) = split(&note);
        overrides.push(Override {
            function,
            reason,
            stage,
            way,
            severity,
            note: note.to_owned(),
        });
    }
    overrides
}

fn check_name(file: &mut File<'_>, line: usize, name: &str) {
    if name.is_empty() {
        file.wrong(line, "has no function");
    } else if let Some((plain, suffix)) = name.split_once('.') {
        file.wrong(
            line,
            format!("function {name} has a compiler's suffix, .{suffix}; write {plain}"),
        );
    }
}

/// The severity that a note begins with, and the rest.
fn split(note: &str) -> (Option<&'static str>, &str) {
    for severity in SEVERITIES {
        if let Some(rest) = note.strip_prefix(severity)
            && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            return (
                Some(severity),
                rest.trim_start_matches([':', ',', ';', ' ']),
            );
        }
    }
    (None, note)
}
