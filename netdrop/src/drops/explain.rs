//! What there is to say of a reason, a function or a stage.
//!
//! Comes in: a word, and the reasons of the running kernel. Goes out: an
//! [`Explanation`] for each thing of that name.

use super::{
    catalogue::{self, Function, Override, Reason},
    direction::Way,
    nearest::nearest_or_part,
    severity::Severity,
    stage::Stage,
};
use crate::kernel::{reasons::ReasonNames, symbols::plain_name};

/// What the kernel puts in front of the names of its core reasons.
const PREFIX: &str = "SKB_DROP_REASON_";

/// The running kernel, as far as it names reasons.
#[derive(Debug)]
pub struct Running {
    /// Its release.
    pub release: String,
    /// Its reasons, or why they cannot be read.
    pub reasons: Result<ReasonNames, String>,
}

/// Does the running kernel have a reason?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Present {
    /// Yes, under this number.
    Number(u32),
    /// No.
    No,
    /// This kernel gives no reasons at all.
    NoReasons,
    /// Its module, of this name, is not loaded or has no BTF, so the kernel has
    /// no name for it.
    NotLoaded(String),
    /// The name stands for many.
    Many,
    /// The kernel's names cannot be read.
    Unreadable(String),
}

/// All there is to say of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// Of a reason.
    Reason(ReasonEntry),
    /// Of a function.
    Function(FunctionEntry),
    /// Of a stage.
    Stage(StageEntry),
}

/// Of a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonEntry {
    /// Its name without `SKB_DROP_REASON_`.
    pub name: String,
    /// What the catalogue says; `None` where it lacks the reason.
    pub known: Option<&'static Reason>,
    /// The part of the kernel that numbers it.
    pub subsystem: Option<String>,
    /// Does the running kernel have it?
    pub present: Present,
    /// Functions in which it means something else.
    pub elsewhere: Vec<Elsewhere>,
}

/// Functions in which a reason means something else than by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Where it happens.
    pub stage: Stage,
    /// Which way the packet was going.
    pub way: Way,
    /// How much it matters, where it differs.
    pub severity: Option<Severity>,
    /// What it means.
    pub note: &'static str,
    /// The functions.
    pub functions: Vec<&'static str>,
}

/// Of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionEntry {
    /// Its name.
    pub name: &'static str,
    /// What the catalogue says; `None` where it only knows reasons there.
    pub known: Option<&'static Function>,
    /// Reasons that mean something of their own there.
    pub reasons: Vec<&'static Override>,
}

/// Of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageEntry {
    /// The stage.
    pub stage: Stage,
    /// Reasons that tell of it.
    pub reasons: Vec<&'static Reason>,
    /// Functions that work there.
    pub functions: Vec<&'static Function>,
}

impl Running {
    /// The reasons that the catalogue lacks.
    pub fn uncatalogued(&self) -> impl Iterator<Item = &str> {
        self.names()
            .filter(|name| catalogue::reason(name).is_none())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.reasons.iter().flat_map(ReasonNames::iter);
        names.map(|(_, name)| name)
    }

    fn has(&self, name: &str, known: Option<&'static Reason>) -> Present {
        let names = match &self.reasons {
            Ok(names) => names,
            Err(why) => return Present::Unreadable(why.clone()),
        };
        if let Some((number, _)) = names.iter().find(|(_, has)| *has == name) {
            return Present::Number(number);
        }
        match known {
            _ if !names.has_reasons() => Present::NoReasons,
            _ if name.ends_with('*') => Present::Many,
            Some(known) => match names.awaits(known.subsystem) {
                Some(module) => Present::NotLoaded(module.to_owned()),
                None => Present::No,
            },
            None => Present::No,
        }
    }

    fn subsystem(&self, name: &str) -> Option<String> {
        let names = self.reasons.as_ref().ok()?;
        let (number, _) = names.iter().find(|(_, has)| *has == name)?;
        names.subsystem(number).map(str::to_owned)
    }
}

impl Explanation {
    /// Everything that a word names, whatever its case: a reason with or without
    /// `SKB_DROP_REASON_`, a function with or without the compiler's suffixes,
    /// a stage.
    #[must_use]
    pub fn find(word: &str, running: &Running) -> Vec<Self> {
        let mut found = Vec::new();
        if let Some(stage) = Stage::all().find(|stage| stage.id().eq_ignore_ascii_case(word)) {
            found.push(Self::Stage(StageEntry::of(stage)));
        }
        if let Some(entry) = ReasonEntry::find(word, running) {
            found.push(Self::Reason(entry));
        }
        let function = plain_name(word);
        let functions = catalogue::functions().map(|known| known.name);
        let name = functions
            .chain(catalogue::overrides().map(|row| row.function))
            .find(|name| name.eq_ignore_ascii_case(function));
        found.extend(name.map(FunctionEntry::of).map(Self::Function));
        found
    }

    /// Names that a word without explanation may have meant.
    #[must_use]
    pub fn nearest(word: &str, running: &Running) -> Vec<String> {
        let mut names: Vec<&str> = Stage::all().map(Stage::id).collect();
        names.extend(catalogue::reasons().map(|reason| reason.name));
        names.extend(running.names());
        names.extend(catalogue::functions().map(|function| function.name));
        names.extend(catalogue::overrides().map(|row| row.function));
        nearest_or_part(without_prefix(plain_name(word)), names.into_iter())
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

impl ReasonEntry {
    fn find(word: &str, running: &Running) -> Option<Self> {
        let word = without_prefix(word);
        // The running kernel's spelling comes first: mac80211 has names in
        // lower case, too.
        let name = running
            .names()
            .chain(catalogue::reasons().map(|reason| reason.name))
            .find(|name| name.eq_ignore_ascii_case(word))
            .map_or_else(|| word.to_ascii_uppercase(), str::to_owned);
        let known = catalogue::reason(&name);
        let subsystem = match known {
            Some(known) => Some(known.subsystem.to_owned()),
            None => running.subsystem(&name),
        };
        let present = running.has(&name, known);
        (known.is_some() || matches!(present, Present::Number(_))).then(|| Self {
            known,
            subsystem,
            present,
            elsewhere: Elsewhere::of(&name),
            name,
        })
    }
}

impl Elsewhere {
    /// By stage along the path, then as the functions come.
    fn of(reason: &str) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for row in catalogue::overrides().filter(|row| row.reason == reason) {
            let Override {
                function,
                stage,
                way,
                severity,
                note,
                ..
            } = *row;
            let same = found.iter_mut().find(|other| {
                (other.stage, other.way, other.severity, other.note) == (stage, way, severity, note)
            });
            match same {
                Some(other) => other.functions.push(function),
                None => found.push(Self {
                    stage,
                    way,
                    severity,
                    note,
                    functions: vec![function],
                }),
            }
        }
        found.sort_by_key(|other| other.stage);
        found
    }
}

impl FunctionEntry {
    fn of(name: &'static str) -> Self {
        let reasons = catalogue::overrides().filter(|row| row.function == name);
        Self {
            name,
            known: catalogue::function(name),
            reasons: reasons.collect(),
        }
    }
}

impl StageEntry {
    /// What there is to say of a stage.
    #[must_use]
    pub fn of(stage: Stage) -> Self {
        Self {
            stage,
            reasons: catalogue::reasons()
                .filter(|reason| reason.stage == stage)
                .collect(),
            functions: catalogue::functions()
                .filter(|function| function.stage == stage)
                .collect(),
        }
    }

    /// Of every stage, in path order.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Stage::all().map(Self::of).collect()
    }
}

fn without_prefix(word: &str) -> &str {
    match word.get(..PREFIX.len()) {
        Some(start) if start.eq_ignore_ascii_case(PREFIX) => &word[PREFIX.len()..],
        _ => word,
    }
}

#[cfg(test)]
mod tests;
