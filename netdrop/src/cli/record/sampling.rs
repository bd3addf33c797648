//! Single drops on their way into a recording: some of many, in bounded memory
//! and at bounded cost.

use std::time::Duration;

use netdrop_ebpf::area::Counter;

use crate::{
    cli::fault::Usage,
    kernel::{
        allowance::MOST_SAVED,
        capture::{Capture, CaptureConfig, Detail, Emit},
        error::CaptureError,
        snapshot::Snapshot,
    },
    recording::{anonymize::Anonymizer, event::MOST_EVENTS},
};

/// How often the ring is emptied and CPUs may send more.
pub(in crate::cli) const DRAIN: Duration = Duration::from_millis(50);
/// The same while nothing comes: waking up costs more than looking. The ring has
/// room for what may come meanwhile.
const REST: Duration = MOST_SAVED;
const _: () = assert!((MOST_SAVED.as_millis() + REST.as_millis()) * (RING_PART as u128) < 1000);
/// Room for the hints of an interval.
const RING_BYTES: u32 = 64 * 1024;
/// Room for events: at least, and at most.
const RING_BOUNDS: [u32; 2] = [256 << 10, 8 << 20];
/// An event in the ring, with its headers and room for a stack.
const EVENT_BYTES: u32 = 544;
/// The ring holds what CPUs may send in this part of a second: what they had saved
/// and what comes until it is emptied.
const RING_PART: u32 = 2;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Sampling {
    /// Single drops to keep of each CPU a second at most, with their headers and
    /// flow; 0: none. The first of each place in an interval is kept beyond it.
    /// All others are counted, and counted as sampled out, too
    #[arg(
        long,
        value_name = "N",
        default_value = "200",
        value_parser = clap::value_parser!(u32).range(0..=10_000),
        allow_hyphen_values = true
    )]
    pub(in crate::cli) max_events: u32,

    /// With each of them, the kernel stack
    #[arg(long)]
    pub(in crate::cli) stack: bool,

    /// With each of them, the first 128 bytes of the packet as they were; without
    /// this its headers alone, without what they carry
    #[arg(long, conflicts_with = "anonymize")]
    pub(in crate::cli) payload: bool,

    /// Let other addresses and names stand for those of the host
    #[arg(long, help = crate::cli::grouping::ANONYMIZE)]
    pub(in crate::cli) anonymize: bool,
}

impl Sampling {
    /// Counts alone.
    pub(in crate::cli) const NONE: Self = Self {
        max_events: 0,
        stack: false,
        payload: false,
        anonymize: false,
    };

    /// Are these options of something that is kept?
    pub(in crate::cli) fn check(&self) -> Result<(), Usage> {
        if self.max_events == 0 && (self.stack || self.payload) {
            return Err(Usage(
                "--stack and --payload are of single drops: they want --max-events above 0"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Asks a capture for what is to be kept.
    pub(in crate::cli) fn ask(&self, config: &mut CaptureConfig) {
        if self.max_events == 0 {
            config.emit = Emit::Hints;
            config.ring_bytes = RING_BYTES;
            return;
        }
        let cpus = aya::util::nr_cpus().map_or(1, |cpus| u32::try_from(cpus).unwrap_or(u32::MAX));
        let rate = self.max_events.saturating_mul(cpus);
        config.emit = Emit::Some(rate);
        config.headers = true;
        config.stack = self.stack;
        let [least, most] = RING_BOUNDS;
        let wanted = (rate / RING_PART).saturating_mul(EVENT_BYTES);
        config.ring_bytes = wanted.clamp(least, most).next_power_of_two().min(most);
    }

    /// What hides the host, where that is asked for.
    pub(in crate::cli) fn anonymizer(&self) -> anyhow::Result<Option<Anonymizer>> {
        Ok(self.anonymize.then(Anonymizer::random).transpose()?)
    }
}

/// Drops of the interval that has not ended.
#[derive(Debug, Default)]
pub(in crate::cli) struct Waiting {
    details: Vec<Detail>,
    /// Drops that had no room, by generation.
    cut: [u64; 2],
}

impl Waiting {
    /// Takes what waits in the ring, and lets CPUs send more. Returns when that is
    /// due again.
    pub(in crate::cli) fn drain(
        &mut self,
        capture: &mut Capture,
    ) -> Result<Duration, CaptureError> {
        let details = capture.events(usize::MAX)?;
        let pause = if details.is_empty() { REST } else { DRAIN };
        for detail in details {
            self.take(detail);
        }
        capture.refill();
        Ok(pause)
    }

    /// Takes one.
    pub(in crate::cli) fn take(&mut self, detail: Detail) {
        // Those of the next interval have room of their own.
        if self.details.len() < 2 * MOST_EVENTS {
            self.details.push(detail);
        } else {
            self.cut[(detail.event.generation & 1) as usize] += 1;
        }
    }

    /// The drops of the interval that was collected last. What has no room is
    /// counted as sampled out.
    pub(in crate::cli) fn of_interval(&mut self, now: u32, snapshot: &mut Snapshot) -> Vec<Detail> {
        let (mut ended, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.details)
            .into_iter()
            .partition(|detail| detail.event.generation != now);
        self.details = later;
        let beyond = ended.len().saturating_sub(MOST_EVENTS) as u64;
        ended.truncate(MOST_EVENTS);
        let cut = beyond + std::mem::take(&mut self.cut[(1 - (now & 1)) as usize]);
        let counters = &mut snapshot.counters.0;
        let delivered = &mut counters[Counter::Emitted as usize];
        let cut = cut.min(*delivered);
        *delivered -= cut;
        counters[Counter::SampledOut as usize] += cut;
        ended
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use netdrop_ebpf::event::Event;
    use zerocopy::FromZeros as _;

    use super::*;

    fn detail(generation: u32) -> Detail {
        Detail {
            event: Event {
                generation,
                ..Event::new_zeroed()
            },
            stack: Bytes::new(),
            headers: Bytes::new(),
        }
    }

    #[test]
    fn what_has_no_room_is_counted_as_sampled_out() {
        let mut waiting = Waiting::default();
        for _ in 0..2 * MOST_EVENTS + 5 {
            waiting.take(detail(0));
        }
        waiting.take(detail(1));
        let mut snapshot = Snapshot::default();
        let all = 2 * MOST_EVENTS as u64 + 5;
        snapshot.counters.0[Counter::Emitted as usize] = all;
        assert_eq!(waiting.of_interval(1, &mut snapshot).len(), MOST_EVENTS);
        let kept = MOST_EVENTS as u64;
        assert_eq!(snapshot.counters.get(Counter::Emitted), kept);
        assert_eq!(snapshot.counters.get(Counter::SampledOut), all - kept);
        // The one that came later had no room either.
        let mut next = Snapshot::default();
        next.counters.0[Counter::Emitted as usize] = 1;
        assert!(waiting.of_interval(0, &mut next).is_empty());
        assert_eq!(next.counters.get(Counter::SampledOut), 1);
    }

    #[test]
    fn drops_of_the_next_interval_wait_for_it() {
        let mut waiting = Waiting::default();
        waiting.take(detail(0));
        waiting.take(detail(1));
        let mut snapshot = Snapshot::default();
        assert_eq!(waiting.of_interval(1, &mut snapshot).len(), 1);
        assert_eq!(waiting.of_interval(0, &mut snapshot).len(), 1);
    }
}
