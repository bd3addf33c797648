//! What a reason, a function or a stage means, for people.

pub mod json;

use super::{page::Page, text::Layout};
use crate::drops::{
    catalogue::{Override, Reason},
    direction::Way,
    explain::{Elsewhere, Explanation, FunctionEntry, Present, ReasonEntry, Running, StageEntry},
    next::Values,
    severity::Severity,
    stage::{Stage, StageInfo},
};

/// Stands for kernels without reasons in the catalogue.
const REASONLESS: &str = "-";

/// Explanations, with an empty line between.
#[must_use]
pub fn text(found: &[Explanation], running: &Running, layout: Layout) -> String {
    let mut page = Page::new(layout);
    for (index, explanation) in found.iter().enumerate() {
        if index > 0 {
            page.gap();
        }
        match explanation {
            Explanation::Reason(entry) => reason(&mut page, entry, running),
            Explanation::Function(entry) => function(&mut page, entry),
            Explanation::Stage(entry) => stage(&mut page, entry),
        }
    }
    page.finish()
}

/// Every stage along the path with its reasons, and the reasons of the running
/// kernel that have none.
#[must_use]
pub fn map(stages: &[StageEntry], running: &Running, layout: Layout) -> String {
    let mut page = Page::new(layout);
    for (path, title) in [
        ("rx", "Receiving"),
        ("tx", "Sending"),
        ("side", "Beside the path"),
    ] {
        page.title(title);
        for StageEntry { stage, reasons, .. } in stages
            .iter()
            .filter(|entry| entry.stage.info().path == path)
        {
            page.stage(stage.id(), stage.info().name);
            let names: Vec<_> = reasons
                .iter()
                .map(|reason| (reason.name, Some(reason.severity)))
                .collect();
            page.names(&names);
        }
        page.gap();
    }
    let missing: Vec<_> = running.uncatalogued().map(|name| (name, None)).collect();
    if !missing.is_empty() {
        page.title("Reasons of this kernel that are not in the catalogue");
        page.names(&missing);
        page.gap();
    }
    page.note(
        "Reasons stand where they happen unless the function says otherwise. \
         `netdrop explain NAME` explains a stage, a reason or a function.",
    );
    page.finish()
}

fn reason(page: &mut Page, entry: &ReasonEntry, running: &Running) {
    let ReasonEntry {
        name,
        known,
        subsystem,
        present,
        elsewhere,
    } = entry;
    page.heading(name, "drop reason", known.map(|known| known.severity));
    if let Some(known) = known {
        let Reason {
            stage,
            way,
            severity,
            why,
            meaning,
            counters,
            causes,
            ..
        } = known;
        page.paragraph(meaning);
        page.gap();
        page.field("stage", &placed(*stage, *way));
        page.severity(*severity, why);
        page.bullets("counters", counters);
        page.bullets("causes", causes);
    } else {
        page.paragraph(
            "Not in the catalogue: the kernel is newer than this netdrop. Its drops are counted \
             and placed by the function that drops; `netdrop trace --stack` shows how the kernel \
             got there.",
        );
        page.gap();
    }
    page.field("kernel", &in_kernel(present, running));
    let since = known.map(|known| known.since);
    let part = subsystem.as_deref().filter(|part| *part != "core");
    match (since, part) {
        (Some(since), Some(part)) => page.field("since", &format!("{since}, in {part}")),
        (Some(since), None) => page.field("since", since),
        (None, Some(part)) => page.field("part of", part),
        (None, None) => {}
    }
    if let Some(known) = known {
        next(page, known.next);
        if known.name != name {
            page.field("known as", known.name);
        }
    }
    if !elsewhere.is_empty() {
        page.gap();
        page.title("It means something of its own in these functions");
        let mut last = None;
        for Elsewhere {
            stage,
            severity,
            note,
            functions,
            ..
        } in elsewhere
        {
            let label = if last == Some(stage) { "" } else { stage.id() };
            last = Some(stage);
            page.about(label, functions, &noted(*severity, note));
        }
    }
}

fn noted(severity: Option<Severity>, note: &str) -> String {
    match severity {
        Some(severity) => format!("{}: {note}", severity.as_str()),
        None => note.to_owned(),
    }
}

fn in_kernel(present: &Present, running: &Running) -> String {
    let release = &running.release;
    match present {
        Present::Number(number) if *number >= 1 << 16 => {
            format!("Linux {release} has it, as number {number:#x}")
        }
        Present::Number(number) => format!("Linux {release} has it, as number {number}"),
        Present::No => format!("not in Linux {release}, which runs here"),
        Present::NoReasons => format!(
            "Linux {release}, which runs here, gives no drop reasons: the function tells the stage"
        ),
        Present::NotLoaded(module) => {
            format!(
                "not known: Linux {release} has its name in the types of the module {module}, which is \
             not loaded, or was built without BTF"
            )
        }
        Present::Many => "stands for every name that begins like this".to_owned(),
        Present::Unreadable(why) => {
            format!("not known: the running kernel's names cannot be read ({why})")
        }
    }
}

fn function(page: &mut Page, entry: &FunctionEntry) {
    let FunctionEntry {
        name,
        known,
        reasons,
    } = entry;
    page.heading(name, "kernel function", None);
    if let Some(known) = known {
        page.field("stage", &placed(known.stage, known.way));
        page.paragraph_below(known.stage.info().meaning);
        if known.seen_in != "?" {
            page.field("seen in", &format!("Linux {}", known.seen_in));
        }
        if known.files != "-" {
            page.field("source", &known.files.replace(',', ", "));
        }
    }
    if !reasons.is_empty() {
        page.gap();
        page.title("Reasons that mean something of their own here");
        for Override {
            reason,
            stage,
            severity,
            note,
            ..
        } in reasons
        {
            let reason = if *reason == REASONLESS {
                "(none)"
            } else {
                reason
            };
            page.about(stage.id(), &[reason], &noted(*severity, note));
        }
    }
}

fn stage(page: &mut Page, entry: &StageEntry) {
    let StageEntry {
        stage,
        reasons,
        functions,
    } = entry;
    let StageInfo {
        id,
        path,
        name,
        meaning,
        queue,
        counters,
        tunables,
        next: commands,
        ..
    } = stage.info();
    page.heading(id, &format!("stage: {name}"), None);
    page.paragraph(meaning);
    page.gap();
    page.field(
        "path",
        match *path {
            "rx" => "receiving",
            "tx" => "sending",
            _ => "beside the path",
        },
    );
    page.field("queue", queue);
    page.bullets("counters", counters);
    page.bullets("tunables", tunables);
    next(page, commands);
    let names: Vec<_> = reasons
        .iter()
        .map(|reason| (reason.name, Some(reason.severity)))
        .collect();
    page.listed("reasons", &names);
    let names: Vec<_> = functions
        .iter()
        .map(|function| (function.name, None))
        .collect();
    page.listed("functions", &names);
}

fn next(page: &mut Page, commands: &[&str]) {
    let nothing = Values::default();
    let commands: Vec<String> = commands
        .iter()
        .map(|command| nothing.fill(command).text)
        .collect();
    page.commands("next", &commands);
}

/// The stage, and the way where it does not go without saying.
fn placed(stage: Stage, way: Way) -> String {
    let StageInfo { id, path, name, .. } = stage.info();
    let way = match (way, *path) {
        (Way::Rx, "rx") | (Way::Tx, "tx") => "",
        (Way::Rx, _) => "; receiving",
        (Way::Tx, _) => "; sending",
        (Way::Both, _) => "; receiving or sending",
    };
    format!("{id} ({name}){way}")
}

#[cfg(test)]
mod tests;
