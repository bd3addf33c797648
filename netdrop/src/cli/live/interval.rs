//! From the capture to the views: intervals, and single drops in between.

use jiff::Timestamp;

use super::Live;
use crate::{
    cli::{clock, fault::Held},
    filter::plan::{Plan, Verdict},
    tally::{packet::Drop, period::Moment},
};

impl Live {
    /// Ends an interval.
    pub(super) fn collect(&mut self, held: &Held) -> anyhow::Result<()> {
        let seen = self.state.compares();
        let before = self.comparison.before_end(seen || self.comparison.always);
        let mut snapshot = self.capture.collect()?;
        let time = Timestamp::now();
        let begins = seen && !self.comparison.is_on();
        if begins {
            // At once: drops count already.
            self.comparison.begin(self.capture.since(), time);
        }
        self.names
            .stacks()
            .learn(std::mem::take(&mut snapshot.stacks));
        self.drain()?;
        self.names
            .learn_qdiscs(std::mem::take(&mut snapshot.qdiscs));
        let (end, names) = (self.capture.since(), &mut self.names);
        let compared = if begins {
            self.comparison.nothing(names)
        } else {
            self.comparison.interval(before, end, &snapshot, names)
        };
        if compared.is_some() {
            self.state.feed_counters(compared);
        }
        let softnet = self.squeezes.softnet();
        let squeezed: Option<Vec<(u32, u64)>> = softnet.as_ref().map(|softnet| {
            let cpus = softnet.cpus.iter();
            cpus.map(|(cpu, counts)| (*cpu, counts.time_squeeze))
                .collect()
        });
        let squeezed = squeezed.as_deref();
        if let Some(recording) = &mut self.recording {
            let (capture, names) = (&self.capture, &mut self.names);
            let done = recording.interval(&mut snapshot, capture, time, squeezed, names);
            match done {
                Ok(()) => self.state.record(recording.shown()),
                Err(error) => self.recording_failed(&error),
            }
        }
        if let Some(softnet) = &softnet {
            self.state.feed_backlogs(softnet);
        }
        let moment = Moment {
            time,
            time_squeeze: squeezed,
            output_lost: 0,
        };
        let own = self.own.share();
        self.state.feed(&snapshot, &moment, own, &mut self.names);
        for message in self.capture.messages() {
            self.remark(message);
        }
        if let Some(warning) = self.names.refresh() {
            self.remark(format!("warning: {warning}"));
        }
        for message in held.take() {
            self.remark(message);
        }
        Ok(())
    }

    /// Takes the drops that came through the ring: the first of a site has a
    /// stack, which may tell the stage of all.
    pub(super) fn drain(&mut self) -> anyhow::Result<()> {
        let events = self.capture.events(usize::MAX)?;
        if events.is_empty() {
            return Ok(());
        }
        for event in &events {
            self.names.stacks().learn_hint(event);
        }
        let boot = clock::boot()?;
        let wanted = self.plan.as_ref().filter(|plan| plan.asks_rows());
        let mut drops = Vec::new();
        for event in &events {
            if let Some(recording) = &mut self.recording {
                recording.event(event);
            }
            let drop = Drop::of(event, boot, false, self.state.names(), &mut self.names);
            let flow = event.flow();
            let judge = |plan: &Plan| plan.judge(&(&drop).into(), &flow) == Verdict::Keep;
            if wanted.is_none_or(judge) {
                drops.push(drop);
            }
        }
        self.state.feed_events(drops);
        Ok(())
    }
}
