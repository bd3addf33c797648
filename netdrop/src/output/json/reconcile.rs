//! `"reconciliation":[…]` and `"reconciled":{…}`

use serde::Serialize;

use crate::reconcile::{Line, Part, Terms};

#[derive(Serialize)]
pub(in crate::output) struct LineObject<'a> {
    counter: &'a str,
    scope: &'a str,
    delta: u64,
    traced: u64,
    unexplained: u64,
    repeated: u64,
    excess: u64,
    by: Vec<PartObject<'a>>,
    note: Option<&'a str>,
}

impl<'a> From<&'a Line> for LineObject<'a> {
    fn from(line: &'a Line) -> Self {
        let Line {
            counter,
            scope,
            delta,
            traced,
            unexplained,
            repeated,
            excess,
            by,
            note,
        } = line;
        Self {
            counter,
            scope,
            delta: *delta,
            traced: *traced,
            unexplained: *unexplained,
            repeated: *repeated,
            excess: *excess,
            by: by.iter().map(Into::into).collect(),
            note: note.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct PartObject<'a> {
    reason: Option<&'a str>,
    function: Option<&'a str>,
    stage: &'a str,
    drops: u64,
}

impl<'a> From<&'a Part> for PartObject<'a> {
    fn from(part: &'a Part) -> Self {
        let Part {
            reason,
            function,
            stage,
            drops,
        } = part;
        Self {
            reason: reason.as_deref(),
            function: function.as_deref(),
            stage,
            drops: *drops,
        }
    }
}

#[derive(Serialize)]
pub(in crate::output) struct TermsObject<'a> {
    netns: u32,
    skew: Option<f64>,
    uncounted: u64,
    untold: u64,
    reset: &'a [String],
    late: &'a [String],
}

impl<'a> From<&'a Terms> for TermsObject<'a> {
    fn from(terms: &'a Terms) -> Self {
        let Terms {
            netns,
            skew,
            uncounted,
            untold,
            reset,
            late,
        } = terms;
        Self {
            netns: *netns,
            skew: skew.map(|skew| (skew.as_secs_f64() * 1e6).round() / 1e6),
            uncounted: *uncounted,
            untold: *untold,
            reset,
            late,
        }
    }
}
