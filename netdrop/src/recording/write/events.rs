//! Rows of sampled drops.

use arrow_schema::ArrowError;

use super::{Instant, rows::Rows};
use crate::{
    filter::plan::{Plan, Verdict},
    recording::event::Texts,
    tally::{headers::Headers, names::Names, packet::Drop},
};

/// What the rows of events hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// The packet's first bytes as they were, not its headers alone.
    pub(super) payload: bool,
    /// Kernel stacks.
    pub(super) stacks: bool,
}

impl Rows {
    /// Those that the filter wants.
    pub(super) fn events_of(
        &mut self,
        instant: &Instant<'_>,
        names: &mut dyn Names,
    ) -> Result<(), ArrowError> {
        let Wanted { payload, stacks } = self.wanted;
        for detail in instant.events {
            let mut drop = Drop::of(detail, instant.boot, stacks, &mut self.sites, names);
            let wants = |plan: &Plan| plan.judge(&(&drop).into(), &detail.flow()) == Verdict::Keep;
            if !self.filter.as_ref().is_none_or(wants) {
                continue;
            }
            if payload {
                drop.headers = Headers::with_payload(detail);
            }
            let texts = Texts::of(&drop);
            let line = texts.line(&self.line("event"), &drop, &detail.event.site);
            self.columns.push(&line);
            self.turn_full()?;
        }
        Ok(())
    }
}
