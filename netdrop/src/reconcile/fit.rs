//! Which drops a counter counts.

use super::traced::{Site, Texts};

/// A kind of drops: every list that is not empty has to hold the drop's word.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) reasons: &'static [&'static str],
    pub(super) not_reasons: &'static [&'static str],
    pub(super) functions: &'static [&'static str],
    pub(super) stages: &'static [&'static str],
    pub(super) protocols: &'static [&'static str],
    pub(super) not_protocols: &'static [&'static str],
    pub(super) directions: &'static [&'static str],
    pub(super) severities: &'static [&'static str],
    pub(super) ethertype: Option<u16>,
    /// Drops of all namespaces and devices.
    pub(super) elsewhere: bool,
}

/// How well drops fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    /// Not at all.
    No,
    /// The kernel gives no reason, and the rest fits.
    Perhaps,
    /// They fit.
    Yes,
}

impl Fit {
    pub(super) fn of(&self, site: &Site, texts: Texts<'_>) -> Match {
        let Self {
            reasons,
            not_reasons,
            functions,
            stages,
            protocols,
            not_protocols,
            directions,
            severities,
            ethertype,
            elsewhere: _,
        } = self;
        let among = |words: &[&str], word: Option<&str>| {
            words.is_empty() || word.is_some_and(|word| words.contains(&word))
        };
        let protocol = texts.text(site.protocol);
        let rest = among(functions, texts.text(site.function))
            && among(stages, texts.text(site.stage))
            && among(protocols, protocol)
            && !protocol.is_some_and(|protocol| not_protocols.contains(&protocol))
            && among(directions, texts.text(site.direction))
            && among(severities, Some(site.severity.as_str()))
            && ethertype.is_none_or(|ethertype| ethertype == site.ethertype);
        if !rest {
            return Match::No;
        }
        match texts.text(site.reason) {
            Some(reason) if among(reasons, Some(reason)) && !not_reasons.contains(&reason) => {
                Match::Yes
            }
            // Without a reason only a function tells enough, or that none is asked for.
            None if reasons.is_empty() && not_reasons.is_empty() => Match::Yes,
            None if !functions.is_empty() || reasons.is_empty() => Match::Perhaps,
            Some(_) | None => Match::No,
        }
    }
}
