//! From the words of a FILTER to its plan.

use anyhow::bail;
use netdrop_ebpf::filter::Rules;

use super::fault::{self, Usage};
use crate::{
    drops::{catalogue, nearest::nearest},
    filter::{
        names::System,
        parse,
        pattern::Pattern,
        plan::Plan,
        tree::{Expr, Netns, Term},
    },
    host::netns,
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
    /// Functions that it asks for by their whole names.
    functions: Vec<String>,
    /// Network namespaces likewise.
    namespaces: Vec<String>,
}

/// What the user should know of the filter once the kernel's functions are
/// known: names in it that nothing has, so far.
pub(super) fn warnings(filter: Option<&Filter>, symbols: &Symbols) -> Vec<String> {
    let Some(filter) = filter else {
        return Vec::new();
    };
    let mut warnings = missing_functions(&filter.functions, symbols);
    if !filter.namespaces.is_empty() {
        let all = netns::all();
        let known: Vec<&str> = all
            .values()
            .filter_map(|namespace| Some(&*namespace.identity.as_ref()?.name))
            .collect();
        warnings.extend(missing_namespaces(&filter.namespaces, &known));
    }
    warnings
}

fn missing_namespaces(asked: &[String], known: &[&str]) -> Vec<String> {
    let missing = asked.iter().filter(|name| {
        let pattern = Pattern::new(name);
        !known.iter().any(|known| pattern.matches(known))
    });
    missing
        .map(|name| {
            let meant = match nearest(name, known.iter().copied()).first() {
                Some(near) => format!("; did you mean {near}?"),
                None => String::new(),
            };
            format!("filter: no network namespace is called {name} (now){meant}")
        })
        .collect()
}

/// Of a recording's own kernel is not known which it has.
fn missing_reasons(asked: &[String]) -> Vec<String> {
    let here = reasons().unwrap_or_default();
    let known: Vec<&str> = catalogue::reasons()
        .map(|reason| reason.name)
        .chain(here.iter().map(String::as_str))
        .collect();
    let missing = asked
        .iter()
        .filter(|name| !known.iter().any(|known| Pattern::new(known).matches(name)));
    missing
        .map(|name| {
            let meant = match nearest(name, known.iter().copied()).first() {
                Some(near) => format!("; did you mean {near}?"),
                None => String::new(),
            };
            format!("filter: no kernel that is known has a reason {name}{meant}")
        })
        .collect()
}

fn missing_functions(asked: &[String], symbols: &Symbols) -> Vec<String> {
    let missing = asked
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

/// The whole names in it, where `pattern` finds one in a question.
fn whole_names(expr: &Expr, pattern: fn(&Term) -> Option<&Pattern>) -> Vec<String> {
    match expr {
        Expr::And(one, other) | Expr::Or(one, other) => {
            [whole_names(one, pattern), whole_names(other, pattern)].concat()
        }
        Expr::Not(inner) => whole_names(inner, pattern),
        Expr::Term(term) => pattern(term)
            .map(Pattern::as_str)
            .filter(|name| !name.contains('*'))
            .map(str::to_owned)
            .into_iter()
            .collect(),
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
        functions: whole_names(&expr, |term| match term {
            Term::Function(pattern) => Some(pattern),
            _ => None,
        }),
        namespaces: whole_names(&expr, |term| match term {
            Term::Netns(Netns::Name(pattern)) => Some(pattern),
            _ => None,
        }),
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
        namespaces: Vec::new(),
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
    let reasons = whole_names(&expr, |term| match term {
        Term::Reason(pattern) => Some(pattern),
        _ => None,
    });
    if !reasons.is_empty() {
        warnings.extend(missing_reasons(&reasons));
    }
    Ok(Some(Filter {
        asks_severity: asks(&expr, |term| matches!(term, Term::Severity(_))),
        functions: Vec::new(),
        namespaces: Vec::new(),
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
    match expr {
        Expr::And(one, other) | Expr::Or(one, other) => asks(one, wanted) || asks(other, wanted),
        Expr::Not(inner) => asks(inner, wanted),
        Expr::Term(term) => wanted(term),
    }
}

#[cfg(test)]
mod tests {
    use super::missing_namespaces;

    #[test]
    fn network_namespaces_that_nothing_is_called_are_told() {
        let asked = ["Shop".to_owned(), "shpo".to_owned(), "nosuch".to_owned()];
        assert_eq!(
            missing_namespaces(&asked, &["host", "shop"]),
            [
                "filter: no network namespace is called shpo (now); did you mean shop?",
                "filter: no network namespace is called nosuch (now)",
            ]
        );
    }
}
