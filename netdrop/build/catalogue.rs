//! The data files of the catalogue, read, checked and turned into Rust.
//!
//! Comes in: the text of the files in `netdrop/data`. Goes out: four Rust
//! sources with sorted tables, or every problem found, with file and line. The
//! build script uses it, and the unit tests of the library.

pub(crate) mod condition;
mod functions;
mod problem;
mod reasons;
mod reconcile;
mod rules;
mod rust;
mod stages;
mod tsv;

use super::{step, template};

pub(crate) use self::problem::Problem;
use self::{
    functions::Function, functions::Override, problem::File, reasons::Reason, reconcile::Known,
    rules::Rule, stages::Stage,
};

/// The names of the files, which the build watches.
pub(crate) const FILES: [&str; 6] = [STAGES, REASONS, FUNCTIONS, OVERRIDES, RULES, RECONCILE];

const STAGES: &str = "stages.toml";
const REASONS: &str = "reasons.toml";
const FUNCTIONS: &str = "location_stage.tsv";
const OVERRIDES: &str = "location_overrides.tsv";
const RULES: &str = "rules.toml";
const RECONCILE: &str = "reconcile.toml";

/// The files' texts, in the order of [`FILES`].
#[derive(Clone, Debug)]
pub(crate) struct Texts(pub(crate) [String; 6]);

/// Everything that the files say, and that is true of them: names are unique
/// and every name that is used is defined.
#[derive(Debug)]
pub(crate) struct Catalogue {
    /// In path order.
    stages: Vec<Stage>,
    /// By name, those with a final `*` among them.
    reasons: Vec<Reason>,
    /// By name.
    functions: Vec<Function>,
    /// By function, then reason.
    overrides: Vec<Override>,
    /// In the order of the file.
    rules: Vec<Rule>,
    /// In the order of the file.
    counters: Vec<Known>,
}

impl Catalogue {
    /// Reads and checks.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub(crate) fn read(texts: &Texts) -> Result<Self, Vec<Problem>> {
        let Texts([stages, reasons, functions, overrides, rules, reconcile]) = texts;
        let mut problems = Vec::new();
        let stages = stages::read(&mut File::new(STAGES, stages, &mut problems));
        let reasons = reasons::read(&mut File::new(REASONS, reasons, &mut problems), &stages);
        let functions =
            functions::read(&mut File::new(FUNCTIONS, functions, &mut problems), &stages);
        let overrides = functions::read_overrides(
            &mut File::new(OVERRIDES, overrides, &mut problems),
            &stages,
            &reasons,
        );
        let rules = rules::read(&mut File::new(RULES, rules, &mut problems), &stages);
        let counters = reconcile::read(
            &mut File::new(RECONCILE, reconcile, &mut problems),
            &stages,
            &reasons,
        );
        if problems.is_empty() {
            Ok(Self {
                stages,
                reasons,
                functions,
                overrides,
                rules,
                counters,
            })
        } else {
            Err(problems)
        }
    }

    /// The source that `stage.rs` includes.
    pub(crate) fn stages_source(&self) -> String {
        rust::stages(&self.stages)
    }

    /// The source that `path/rules.rs` includes.
    pub(crate) fn rules_source(&self) -> String {
        rules::source(&self.rules)
    }

    /// The source that `reconcile/known.rs` includes.
    pub(crate) fn reconcile_source(&self) -> String {
        reconcile::source(&self.counters)
    }

    /// The source that `catalogue.rs` includes.
    pub(crate) fn source(&self) -> String {
        let Self {
            stages,
            reasons,
            functions,
            overrides,
            rules: _,
            counters: _,
        } = self;
        rust::catalogue(stages, reasons, functions, overrides)
    }
}

#[cfg(test)]
mod tests;
