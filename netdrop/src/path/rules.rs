//! The rules, which the build checked and turned into a table.

use super::step::{Operation, Over, Step};
use crate::drops::{severity::Severity, stage::Stage};

// `static RULES`, from `data/rules.toml`.
include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// What counters and settings say together.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its name.
    pub(super) id: &'static str,
    /// Where on the way it finds something.
    pub(super) stage: Stage,
    /// What it is applied to.
    pub(super) each: Each,
    /// How much it matters.
    pub(super) severity: Severity,
    /// Applied to an interval.
    pub(super) when: &'static [Step<'static>],
    /// Applied to what was counted since boot.
    pub(super) since_boot: Option<&'static [Step<'static>]>,
    /// `when` uses no counter, and holds whenever it is looked at.
    pub(super) is_state: bool,
    /// What is wrong, with gaps.
    pub(super) finding: &'static str,
    /// Which numbers say so, with gaps.
    pub(super) evidence: &'static str,
    /// What to do, with gaps.
    pub(super) remedy: &'static str,
    /// How to undo that, with gaps.
    pub(super) undo: &'static str,
}

/// What a rule is applied to, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Each {
    /// The namespace, and what the host shares among all.
    Netns,
    /// Every CPU.
    Cpu,
    /// Every device.
    Device,
    /// Every queueing discipline.
    Qdisc,
    /// Every socket.
    Socket,
}

/// Every rule, in the order of the file.
pub(super) fn all() -> &'static [Rule] {
    RULES
}
