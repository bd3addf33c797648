//! `rules.toml`.

use std::fmt::Write as _;

use serde::Deserialize;
use toml::Spanned;

use super::{
    condition,
    problem::File,
    reasons::SEVERITIES,
    stages::{self, Stage},
    step::Step,
};

/// What a rule is applied to, one by one.
const EACH: [&str; 5] = ["netns", "cpu", "device", "qdisc", "socket"];

/// Gaps that are no counter or setting.
const WORDS: [&str; 8] = [
    "scope", "device", "cpu", "address", "port", "process", "here", "first",
];

/// Before a name in a gap: its last number is doubled.
const TWICE: &str = "twice ";

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    /// Counters that stages.toml does not name.
    #[serde(default)]
    counters: Vec<String>,
    /// Settings and quantities that stages.toml does not name.
    #[serde(default)]
    gauges: Vec<String>,
    #[serde(default)]
    rule: Vec<Row>,
}

/// A rule, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Spanned<String>,
    stage: Spanned<String>,
    each: Spanned<String>,
    severity: Spanned<String>,
    when: Spanned<String>,
    since_boot: Option<Spanned<String>>,
    finding: Spanned<String>,
    evidence: Spanned<String>,
    remedy: Spanned<String>,
    undo: Spanned<String>,
}

/// A rule that was checked.
#[derive(Debug)]
pub(super) struct Rule {
    id: String,
    stage: usize,
    each: String,
    severity: String,
    /// In Rust.
    when: String,
    /// In Rust.
    since_boot: Option<String>,
    is_state: bool,
    texts: [String; 4],
}

/// The names that conditions and texts may use.
struct Vocabulary<'a> {
    counters: Vec<&'a str>,
    gauges: Vec<&'a str>,
}

/// Reads and checks; in the order of the file.
pub(super) fn read(file: &mut File<'_>, stages: &[Stage]) -> Vec<Rule> {
    let Rules {
        counters,
        gauges,
        rule: rows,
    } = file.toml();
    let mut known = Vocabulary {
        counters: counters.iter().map(String::as_str).collect(),
        gauges: gauges.iter().map(String::as_str).collect(),
    };
    for stage in stages {
        let counters = stage.counters.iter().filter_map(|text| counter(text));
        known.counters.extend(counters);
        let settings = stage.tunables.iter().map(String::as_str);
        known.gauges.extend(settings.filter(|name| is_name(name)));
    }
    let mut rules: Vec<Rule> = Vec::new();
    for row in &rows {
        let line = file.line(&row.id.span());
        let id = row.id.get_ref();
        if !is_name(id) {
            file.wrong(line, format!("id {id:?} is not made of a-z, 0-9 and _"));
        }
        if rules.iter().any(|other| other.id == *id) {
            file.wrong(line, format!("rule {id} stands twice"));
        }
        let line_of_stage = file.line(&row.stage.span());
        stages::check(file, line_of_stage, stages, row.stage.get_ref());
        let line = file.line(&row.each.span());
        file.one_of(line, "each", row.each.get_ref(), &EACH);
        let line = file.line(&row.severity.span());
        file.one_of(line, "severity", row.severity.get_ref(), &SEVERITIES);
        for text in [&row.finding, &row.evidence, &row.remedy, &row.undo] {
            let line = file.line(&text.span());
            file.not_empty(line, "the text", text.get_ref());
            check_gaps(file, line, text.get_ref(), &known);
        }
        let (when, counts) = check(file, &row.when, &known);
        let since_boot = row.since_boot.as_ref();
        let since_boot = since_boot.map(|condition| check(file, condition, &known).0);
        rules.push(Rule {
            id: id.clone(),
            stage: stages::place(stages, row.stage.get_ref()).unwrap_or_default(),
            each: row.each.get_ref().clone(),
            severity: row.severity.get_ref().clone(),
            when,
            is_state: !counts && since_boot.is_none(),
            since_boot,
            texts: [&row.finding, &row.evidence, &row.remedy, &row.undo]
                .map(|text| text.get_ref().clone()),
        });
    }
    rules
}

/// The condition in Rust, and whether it counts something.
fn check(file: &mut File<'_>, text: &Spanned<String>, known: &Vocabulary<'_>) -> (String, bool) {
    let line = file.line(&text.span());
    let steps = condition::parse(text.get_ref()).unwrap_or_else(|wrong| {
        file.wrong(line, format!("the condition {:?}: {wrong}", text.get_ref()));
        Vec::new()
    });
    let mut counts = false;
    for name in condition::names(&steps) {
        counts |= known.counters.contains(&name);
        if !known.has(name) {
            file.wrong(line, unknown(name));
        }
    }
    let mut rust = String::from("&[");
    for step in steps {
        // Writing to a string cannot fail.
        let _ = match step {
            Step::Number(number) => write!(rust, "Step::Number({number:?}), "),
            Step::Name(name) => write!(rust, "Step::Name({name:?}), "),
            Step::Over(over, name) => write!(rust, "Step::Over(Over::{over:?}, {name:?}), "),
            Step::Apply(operation) => write!(rust, "Step::Apply(Operation::{operation:?}), "),
        };
    }
    rust.push(']');
    (rust, counts)
}

fn check_gaps(file: &mut File<'_>, line: usize, text: &str, known: &Vocabulary<'_>) {
    for piece in text.split('{').skip(1) {
        match piece.split_once('}') {
            Some((gap, _)) if WORDS.contains(&gap) => {}
            Some((gap, _)) => {
                let name = gap.strip_prefix(TWICE).unwrap_or(gap);
                if !known.has(name) {
                    file.wrong(line, unknown(name));
                }
            }
            None => file.wrong(line, "a { has no }"),
        }
    }
}

fn unknown(name: &str) -> String {
    format!(
        "unknown name {name:?}; name it in stages.toml, or in `counters` or `gauges` at the top of \
         this file"
    )
}

impl Vocabulary<'_> {
    fn has(&self, name: &str) -> bool {
        self.counters.contains(&name) || self.gauges.contains(&name)
    }
}

/// The counter at the beginning of a text such as `link.rx_dropped (of tunnels)`.
fn counter(text: &str) -> Option<&str> {
    text.split(' ').next().filter(|name| is_name(name))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
}

/// `RULES`.
pub(super) fn source(rules: &[Rule]) -> String {
    let mut out = String::from("/// Every rule.\nstatic RULES: &[Rule] = &[\n");
    for rule in rules {
        let Rule {
            id,
            stage,
            each,
            severity,
            when,
            since_boot,
            is_state,
            texts: [finding, evidence, remedy, undo],
        } = rule;
        let capital = |word: &str| {
            let (first, rest) = word.split_at(1.min(word.len()));
            first.to_ascii_uppercase() + rest
        };
        let since_boot = since_boot
            .as_ref()
            .map_or_else(|| "None".to_owned(), |steps| format!("Some({steps})"));
        let _ = writeln!(
            out,
            "Rule {{ id: {id:?}, stage: Stage::at({stage}), each: Each::{}, severity: Severity::{}, \
             when: {when}, since_boot: {since_boot}, is_state: {is_state}, finding: {finding:?}, evidence: {evidence:?}, \
             remedy: {remedy:?}, undo: {undo:?} }},",
            capital(each),
            capital(severity),
        );
    }
    out.push_str("];\n");
    out
}
