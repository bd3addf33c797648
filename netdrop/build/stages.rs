//! `stages.toml`.

use serde::Deserialize;
use toml::Spanned;

use super::problem::File;

const PATHS: [&str; 3] = ["rx", "tx", "side"];

/// The stage of what nothing is known about, which the program counts on.
const UNKNOWN: &str = "unknown";

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stages {
    stage: Vec<Stage>,
}

/// A stage, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    pub(super) id: Spanned<String>,
    pub(super) order: Spanned<u16>,
    pub(super) path: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) meaning: Spanned<String>,
    pub(super) queue: String,
    pub(super) counters: Vec<String>,
    pub(super) tunables: Vec<String>,
    pub(super) next: Vec<Spanned<String>>,
}

/// Reads and checks; the stages come in path order.
pub(super) fn read(file: &mut File<'_>) -> Vec<Stage> {
    let Stages { stage: mut stages } = file.toml();
    stages.sort_by_key(|stage| *stage.order.get_ref());
    for (index, stage) in stages.iter().enumerate() {
        let line = file.line(&stage.id.span());
        let id = stage.id.get_ref();
        if id.is_empty()
            || !id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            file.wrong(line, format!("id {id:?} is not made of a-z, 0-9 and _"));
        }
        let before = &stages[..index];
        if before.iter().any(|other| other.id == stage.id) {
            file.wrong(line, format!("stage {id} stands twice"));
        }
        if before.iter().any(|other| other.order == stage.order) {
            let order = stage.order.get_ref();
            file.wrong(
                file.line(&stage.order.span()),
                format!("order {order} stands twice"),
            );
        }
        file.one_of(
            file.line(&stage.path.span()),
            "path",
            stage.path.get_ref(),
            &PATHS,
        );
        for (what, text) in [("name", &stage.name), ("meaning", &stage.meaning)] {
            file.not_empty(file.line(&text.span()), what, text.get_ref());
        }
        for next in &stage.next {
            file.gaps(file.line(&next.span()), next.get_ref());
        }
    }
    if place(&stages, UNKNOWN).is_none() {
        file.wrong(1, format!("there is no stage {UNKNOWN:?}"));
    }
    if stages.len() > usize::from(u8::MAX) {
        file.wrong(1, "there are more than 255 stages");
    }
    stages
}

/// Where a stage stands in the order of the path.
pub(super) fn place(stages: &[Stage], id: &str) -> Option<usize> {
    stages.iter().position(|stage| stage.id.get_ref() == id)
}

/// Checks the name of a stage that a row of another file gives.
pub(super) fn check(file: &mut File<'_>, line: usize, stages: &[Stage], id: &str) {
    if id.is_empty() {
        file.wrong(line, "has no stage");
    } else if place(stages, id).is_none() {
        file.wrong(line, format!("unknown stage {id:?}"));
    }
}
