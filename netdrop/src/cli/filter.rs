//! From the words of a FILTER to its plan.

use anyhow::bail;
use netdrop_ebpf::filter::Rules;

use super::fault::{self, Usage};
use crate::{
    drops::{catalogue, nearest::nearest},
    filter::{
        names::System,
        parse,
        plan::Plan,
        tree::{Expr, Term},
    },
    kernel::{btf::Btf, reasons::ReasonNames, symbols::Symbols},
    output::{escape::escape, singles::remark},
    tally::choose::Singles,
};

/// What the argument is for.
pub(super) const HELP: &str = "Which drops to look at: tcpdump's language (host, net, port, tcp, \
    vlan, len …) and reason, stage, function, dev, netns, cpu, severity, pid, command, flow; see \
    docs/filter.md";

/// What it is for where recordings are looked at.
pub(super) const OF_RECORDING: &str = "Which of the recorded drops to look at, in the language \
    of the filters of `netdrop watch`; lengths, TCP flags, VLANs and senders are told by the drops \
    that were kept single (record --max-events)";

/// A filter as it was given, and its plan.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) text: String,
    pub(super) plan: Plan,
    /// Does it ask for severities?
    pub(super) asks_severity: bool,
    /// Functions that it asks for by their whole names.
    functions: Vec<String>,
}

/// What the user should know of the filter once the kernel's functions are known.
pub(super) fn warnings(filter: Option<&Filter>, symbols: &Symbols) -> Vec<String> {
    let functions = filter.map_or(&[][..], |filter| &filter.functions);
    let missing = functions
        .iter()
        .filter(|name| !symbols.is_empty() && symbols.range(name).is_none());
    missing
        .map(|name| {
            let known = catalogue::functions().map(|function| function.name);
            let near = nearest(name, known);
            let here = near.iter().find(|name| symbols.range(name).is_some());
            let meant = match here {
                Some(name) => format!("; did you mean {name}?"),
                None => String::new(),
            };
            format!("filter: this kernel has no function {name} (now){meant}")
        })
        .collect()
}

fn functions(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::And(one, other) | Expr::Or(one, other) => [functions(one), functions(other)].concat(),
        Expr::Not(inner) => functions(inner),
        Expr::Term(Term::Function(pattern)) if !pattern.as_str().contains('*') => {
            vec![pattern.as_str().to_owned()]
        }
        Expr::Term(_) => Vec::new(),
    }
}

/// Reads a filter; no words are none.
pub(super) fn read(words: &[String]) -> anyhow::Result<Option<Filter>> {
    let text = words.join(" ");
    if text.trim().is_empty() {
        return Ok(None);
    }
    // Reading the kernel's reasons takes some milliseconds.
    let reasons = if text.contains("reason") {
        reasons()
    } else {
        None
    };
    let has_none = reasons.as_ref().is_some_and(Vec::is_empty);
    let system = System {
        reasons: reasons.filter(|reasons| !reasons.is_empty()),
    };
    let Some(expr) = parse(&text, &system)? else {
        return Ok(None);
    };
    if has_none && asks(&expr, |term| matches!(term, Term::Reason(_))) {
        bail!(
            "this kernel gives no drop reasons (5.17 and later do): ask for a `function` or a \
             `stage` instead"
        );
    }
    let plan = Plan::new(&expr).map_err(|error| Usage(error.to_string()))?;
    let asks_severity = asks(&expr, |term| matches!(term, Term::Severity(_)));
    Ok(Some(Filter {
        text,
        plan,
        asks_severity,
        functions: functions(&expr),
    }))
}

/// The filter that a recording was made with; `None` where there was none, or
/// one that this version does not understand.
pub(super) fn recorded(text: Option<&str>) -> Option<Filter> {
    let text = text?;
    // The reasons were another kernel's.
    let expr = parse(text, &System { reasons: None }).ok()??;
    Some(Filter {
        text: text.to_owned(),
        plan: Plan::new(&expr).ok()?,
        asks_severity: asks(&expr, |term| matches!(term, Term::Severity(_))),
        functions: Vec::new(),
    })
}

/// Reads a filter for what is recorded; no words are none.
pub(super) fn of_recording(words: &[String]) -> anyhow::Result<Option<Filter>> {
    let text = words.join(" ");
    // The reasons were another kernel's.
    let Some(expr) = parse(&text, &System { reasons: None })? else {
        return Ok(None);
    };
    Ok(Some(Filter {
        asks_severity: asks(&expr, |term| matches!(term, Term::Severity(_))),
        functions: Vec::new(),
        text,
        plan: Plan::recorded(&expr),
    }))
}

/// Says how far a filter of a recording was decided, where rows did not tell it.
pub(super) fn say_singles(file: &str, singles: Option<Singles>) {
    let Some(singles) = singles else { return };
    if let Some(text) = remark(singles) {
        let kind = if singles.untold() > 0 {
            "warning: "
        } else {
            ""
        };
        fault::say(&escape(&format!("{kind}{file}: {text}")));
    }
}

/// What a recording was made with, and what is wanted of it now, in one text.
pub(super) fn both(recorded: Option<&str>, now: Option<&Filter>) -> Option<String> {
    match (recorded, now) {
        (Some(recorded), Some(now)) => Some(format!("({recorded}) and ({})", now.text)),
        (Some(recorded), None) => Some(recorded.to_owned()),
        (None, now) => now.map(|filter| filter.text.clone()),
    }
}

/// What the kernel is to apply.
pub(super) fn rules(filter: Option<&Filter>) -> Box<Rules> {
    Box::new(filter.map_or(Rules::NONE, |filter| *filter.plan.rules()))
}

/// The reasons of this kernel and those of modules that may be loaded later;
/// empty where it has none, `None` where that cannot be known.
pub(super) fn reasons() -> Option<Vec<String>> {
    let btf = Btf::vmlinux().ok()?;
    let names = ReasonNames::load(&btf);
    if !names.has_reasons() {
        return Some(Vec::new());
    }
    let own = names.iter().map(|(_, name)| name.to_owned());
    let later = catalogue::reasons()
        .filter(|reason| reason.subsystem != "core")
        .map(|reason| reason.name.trim_end_matches('*').to_owned());
    Some(own.chain(later).collect())
}

fn asks(expr: &Expr, wanted: fn(&Term) -> bool) -> bool {
    match expr {
        Expr::And(one, other) | Expr::Or(one, other) => asks(one, wanted) || asks(other, wanted),
        Expr::Not(inner) => asks(inner, wanted),
        Expr::Term(term) => wanted(term),
    }
}
