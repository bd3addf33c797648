//! The data files of the catalogue, read, checked and turned into Rust.
//!
//! Comes in: the text of the files in `netdrop/data`. Goes out: two Rust
//! sources with sorted tables, or every problem found, with file and line. The
//! build script uses it, and the unit tests of the library.

mod functions;
mod problem;
mod reasons;
mod rust;
mod stages;
mod tsv;

use super::template;

pub(crate) use self::problem::Problem;
use self::{
    functions::Function, functions::Override, problem::File, reasons::Reason, stages::Stage,
};

/// The names of the files, which the build watches.
pub(crate) const FILES: [&str; 4] = [STAGES, REASONS, FUNCTIONS, OVERRIDES];

const STAGES: &str = "stages.toml";
const REASONS: &str = "reasons.toml";
const FUNCTIONS: &str = "location_stage.tsv";
const OVERRIDES: &str = "location_overrides.tsv";

/// The files' texts, in the order of [`FILES`].
#[derive(Clone, Debug)]
pub(crate) struct Texts(pub(crate) [String; 4]);

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
}

impl Catalogue {
    /// Reads and checks.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub(crate) fn read(texts: &Texts) -> Result<Self, Vec<Problem>> {
        let Texts([stages, reasons, functions, overrides]) = texts;
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
        if problems.is_empty() {
            Ok(Self {
                stages,
                reasons,
                functions,
                overrides,
            })
        } else {
            Err(problems)
        }
    }

    /// The source that `stage.rs` includes.
    pub(crate) fn stages_source(&self) -> String {
        rust::stages(&self.stages)
    }

    /// The source that `catalogue.rs` includes.
    pub(crate) fn source(&self) -> String {
        let Self {
            stages,
            reasons,
            functions,
            overrides,
        } = self;
        rust::catalogue(stages, reasons, functions, overrides)
    }
}

#[cfg(test)]
mod tests;
