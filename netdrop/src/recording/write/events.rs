//! Rows of sampled drops.

use arrow_schema::ArrowError;
use netdrop_ebpf::{flow::FlowKey, site::SiteKey};

use super::{Events, Instant, rows::Rows};
use crate::{
    filter::plan::Verdict,
    recording::event::Texts,
    tally::{headers::Headers, names::Names, packet::Drop, sampled::Sampled},
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
        match instant.events {
            Events::Live { details, boot } => {
                for detail in details {
                    let mut drop = Drop::of(detail, boot, stacks, &mut self.sites, names);
                    if !self.wants(&drop, &detail.flow()) {
                        continue;
                    }
                    if payload {
                        drop.headers = Headers::with_payload(detail);
                    }
                    self.push_event(&drop, &detail.event.site)?;
                }
            }
            Events::Recorded { drops, .. } => {
                for Sampled { drop, flow } in drops {
                    if self.wants(drop, flow) {
                        self.push_event(drop, &flow.site)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn wants(&self, drop: &Drop, flow: &FlowKey) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|plan| plan.judge(&drop.into(), flow) == Verdict::Keep)
    }

    fn push_event(&mut self, drop: &Drop, site: &SiteKey) -> Result<(), ArrowError> {
        let texts = Texts::of(drop);
        let line = texts.line(&self.line("event"), drop, site);
        self.columns.push(&line);
        self.turn_full()
    }
}
