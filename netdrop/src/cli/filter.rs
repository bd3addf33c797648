//! From the words of a FILTER to its plan.

mod missing;

use anyhow::bail;
use netdrop_ebpf::filter::Rules;

use self::missing::Asked;
use super::fault::{self, Usage};
use crate::{
    drops::catalogue,
    filter::{
        names::System,
        parse,
        plan::Plan,
        tree::{Expr, Term},
    },
    kernel::{btf::Btf, reasons::ReasonNames, symbols::Symbols},
    output::{escape::escape, left_out, singles},
    recording::anonymize,
    tally::{choose::Singles, left_out::LeftOut},
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
    /// What it asks for of this host by name.
    asked: Asked,
}

/// What the user should know of the filter once the kernel's functions are
/// known: names in it that nothing has, so far.
pub(super) fn warnings(filter: Option<&Filter>, symbols: &Symbols) -> Vec<String> {
    filter.map_or(Vec::new(), |filter| filter.asked.missing(symbols))
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
        asked: Asked::of(&expr),
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
        asked: Asked::default(),
    })
}

/// Reads a filter for what is recorded, and says what the user should know of it; no
/// words are none.
pub(super) fn of_recording(words: &[String]) -> anyhow::Result<Option<Filter>> {
    let mut warnings = Vec::new();
    let filter = of_recording_with(words, &mut warnings)?;
    for warning in warnings {
        fault::say(&escape(&format!("warning: {warning}")));
    }
    Ok(filter)
}

/// Reads a filter for what is recorded, and adds what the user should know of it.
pub(super) fn of_recording_with(
    words: &[String],
    warnings: &mut Vec<String>,
) -> anyhow::Result<Option<Filter>> {
    let text = words.join(" ");
    // The reasons were another kernel's.
    let Some(expr) = parse(&text, &System { reasons: None })? else {
        return Ok(None);
    };
    warnings.extend(missing::reasons(&expr, || reasons().unwrap_or_default()));
    Ok(Some(Filter {
        asks_severity: asks(&expr, |term| matches!(term, Term::Severity(_))),
        asked: Asked::default(),
        text,
        plan: Plan::recorded(&expr),
    }))
}

/// Says how far a filter of a recording was decided, where rows did not tell it.
pub(super) fn say_singles(file: &str, singles: Option<Singles>) {
    let Some(singles) = singles else { return };
    say(file, singles::remark(singles), singles.untold() > 0);
}

/// Says what a filter left out of a recording.
pub(super) fn say_left_out(file: &str, left_out: LeftOut) {
    say(file, left_out::remark(left_out), left_out.undecided > 0);
}

fn say(file: &str, remark: Option<String>, warns: bool) {
    if let Some(text) = remark {
        let kind = if warns { "warning: " } else { "" };
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

/// The same, or where hosts are hidden only that there was one: a filter names them.
pub(super) fn told(recorded: Option<&str>, now: Option<&Filter>, hides: bool) -> Option<String> {
    let text = both(recorded, now);
    if hides {
        return text.map(|_| anonymize::FILTER.to_owned());
    }
    text
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
    expr.terms().into_iter().any(wanted)
}
