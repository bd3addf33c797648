//! Can this host be traced, what is missing, and what to do about it.
//!
//! [`Facts`] are gathered from the host; the checks only judge them, so they
//! are tested without a host. Nothing here changes anything.

mod checks;
mod facts;
mod gaps;

use serde::Serialize;

pub use self::facts::{Facts, Kallsyms, Types};

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Not there: a feature goes without, or watching is impossible.
    Missing,
    /// There, but with a limit that one should know.
    Warn,
}

impl Status {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Warn => "warn",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// Outcome.
    pub status: Status,
    /// What was found, and what follows from it.
    pub detail: String,
    /// What to do.
    pub remedy: Option<String>,
    /// Where it is missing, nothing can be watched.
    #[serde(skip)]
    pub essential: bool,
}

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Release of the kernel.
    pub kernel: String,
    /// In a fixed order.
    pub checks: Vec<Check>,
}

impl Report {
    /// Judges the host. `probe` is the outcome of really loading and attaching
    /// the programs, where that was tried.
    #[must_use]
    pub fn new(facts: &Facts, probe: Option<Result<(), String>>) -> Self {
        let mut checks = checks::all(facts);
        if let Some(outcome) = probe {
            checks.push(checks::probe(outcome));
        }
        checks.extend(gaps::all());
        Self {
            kernel: facts.release.clone(),
            checks,
        }
    }

    /// Can drops be watched?
    #[must_use]
    pub fn is_ok(&self) -> bool {
        !self
            .checks
            .iter()
            .any(|check| check.essential && check.status == Status::Missing)
    }
}

impl Check {
    fn new(name: impl Into<String>, status: Status, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            status,
            detail: detail.into(),
            remedy: None,
            essential: false,
        }
    }

    fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail)
    }

    fn warn(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Warn, detail)
    }

    fn missing(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Missing, detail)
    }

    fn essential(self) -> Self {
        Self {
            essential: true,
            ..self
        }
    }

    fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
