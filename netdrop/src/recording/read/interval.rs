//! An interval, put together row by row.

use jiff::Timestamp;
use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::FlowKey,
    hurt::{Connection, Followed as Counts},
    squeeze::NapiKey,
};

use super::row::{event, flow, weights, words};
use crate::{
    kernel::snapshot::{Aftermath, Followed, Snapshot},
    recording::{
        columns::Line,
        connection::{ENDS, WHAT},
        count, histogram,
        names::{Recorded, TooMany},
        sound::{adds_up, counter},
        write::HostCounter,
    },
    tally::{choose::Singles, histogram::Sums, sampled::Sampled},
};

/// Events of an interval at most.
const MOST_EVENTS: usize = 1 << 16;
/// Bytes of their rows at most.
const MOST_EVENT_BYTES: usize = 128 << 20;

/// An interval holds more than there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Excess {
    /// Of names.
    #[error(transparent)]
    Names(#[from] TooMany),
    /// Of events.
    #[error("an interval has too many events")]
    Events,
}

/// An interval, as it was when it was recorded.
#[derive(Debug)]
pub struct Interval {
    /// Its number; `None` where it is not told.
    pub number: Option<u32>,
    /// The wall clock at its end.
    pub time: Timestamp,
    /// What was counted.
    pub snapshot: Snapshot,
    /// Delta of `time_squeeze` by CPU; `None` when unknown.
    pub time_squeeze: Option<Vec<(u32, u64)>>,
    /// Counters of the host that changed.
    pub counters: Vec<HostCounter>,
    /// Sampled drops, as they were recorded.
    pub events: Vec<Sampled>,
    /// Connections whose packets died but are not wanted, where that was decided
    /// while reading.
    pub rejected: Option<Vec<Connection>>,
    /// Its drops that rows did not decide about, where the filter asks single ones.
    pub singles: Option<Singles>,
}

/// An interval that is not whole yet.
#[derive(Debug, Default)]
pub(super) struct Partial {
    pub(super) rows: usize,
    snapshot: Snapshot,
    flows: Vec<(FlowKey, Weights)>,
    counts_flows: bool,
    aftermath: Option<Aftermath>,
    time_squeeze: Option<Vec<(u32, u64)>>,
    pub(super) counters: Vec<HostCounter>,
    histograms: Option<Sums>,
    /// Of the connection whose rows come one behind another.
    counting: Option<(Connection, Counts)>,
    events: Vec<Sampled>,
    event_bytes: usize,
}

impl Partial {
    pub(super) fn add(&mut self, line: &Line<'_>, names: &mut Recorded) -> Result<(), Excess> {
        if line.kind != Some("connection") {
            self.counting = None;
        }
        match line.kind {
            Some("site") => {
                let key = names.site(line)?;
                self.snapshot.sites.push((key, weights(line)));
            }
            Some("flow") => {
                let site = names.site(line)?;
                let key = flow(site, line);
                let netns = site.netns;
                for (end, here) in [(line.src, line.src_here), (line.dst, line.dst_here)] {
                    names.learn_here(netns, end.and_then(|end| end.parse().ok()), here)?;
                }
                self.flows.push((key, weights(line)));
            }
            Some("poll") => {
                let key = NapiKey {
                    cpu: line.cpu.unwrap_or_default(),
                    ifindex: line.ifindex.unwrap_or_default(),
                    netns: line.netns.unwrap_or_default(),
                    napi_id: line.napi_id.unwrap_or_default(),
                    poll: names.poll(line.function)?,
                };
                names.learn_device(key.netns, key.ifindex, line.device)?;
                let polls = line.value.unwrap_or_default();
                self.snapshot.napis.push((key, polls));
            }
            Some("event") => {
                let Some((sampled, bytes)) = event(line, names)? else {
                    return Ok(());
                };
                self.event_bytes += bytes;
                if self.events.len() >= MOST_EVENTS || self.event_bytes > MOST_EVENT_BYTES {
                    return Err(Excess::Events);
                }
                self.events.push(sampled);
            }
            Some("connection") => self.connection(line),
            Some("count") => self.count(line),
            Some(histogram::KIND) => histogram::read(line, &mut self.histograms),
            Some("counter") => {
                if let (Some(scope), Some(name)) = (line.scope, line.name) {
                    self.counters.push(HostCounter {
                        scope: scope.into(),
                        name: name.into(),
                        value: line.value,
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, line: &Line<'_>) {
        let (Some(scope), Some(name)) = (line.scope, line.name) else {
            return;
        };
        if let Some(counter) = counter(line) {
            let slot = &mut self.snapshot.counters.0[counter as usize];
            *slot = slot.saturating_add(line.value.unwrap_or_default());
            return;
        }
        let aftermath = |partial: &mut Self, set: fn(&mut Aftermath, bool)| {
            let all = line.value == Some(1);
            set(partial.aftermath.get_or_insert_default(), all);
        };
        match (scope, name) {
            (count::KERNEL, count::RECURSION_MISSED) => {
                self.snapshot.recursion_missed = line.value;
            }
            (count::KERNEL, count::REJECTED) => {
                self.snapshot.rejected = line.value.unwrap_or_default();
            }
            (count::KERNEL, count::FLOW_CUT) => {
                self.counts_flows = line.value.is_some();
                // What the file has no row for is what had no room.
                let slot = &mut self.snapshot.counters.0[Counter::FlowOther as usize];
                *slot = slot.saturating_add(line.value.unwrap_or_default());
            }
            (count::KERNEL, count::ALL_RETRANSMITS) => {
                aftermath(self, |aftermath, all| aftermath.all_retransmits = all);
            }
            (count::KERNEL, count::ALL_RESETS) => {
                aftermath(self, |aftermath, all| aftermath.all_resets = all);
            }
            (count::SOFTNET, count::TIME_SQUEEZE) => {
                if let (Some(cpu), Some(times)) = (line.cpu, line.value) {
                    self.time_squeeze.get_or_insert_default().push((cpu, times));
                }
            }
            _ => {}
        }
    }

    /// Rows of a connection: those of its counts that are not zero, then one that
    /// ends them.
    fn connection(&mut self, line: &Line<'_>) {
        let (Some(src), Some(dst)) = (line.src.and_then(words), line.dst.and_then(words)) else {
            return;
        };
        let connection = Connection {
            addresses: [src, dst],
            ports: [
                line.src_port.unwrap_or_default(),
                line.dst_port.unwrap_or_default(),
            ],
            netns: line.netns.unwrap_or_default(),
        };
        let mut counts = match self.counting {
            Some((same, counts)) if same == connection => counts,
            _ => Counts::default(),
        };
        let what = WHAT.iter().find(|(_, name)| line.name == Some(*name));
        let end = ENDS.iter().position(|end| line.scope == Some(*end));
        if let (Some((what, _)), Some(end)) = (what, end) {
            let value = line.value.unwrap_or_default();
            counts[*what as usize][end] = u32::try_from(value).unwrap_or(u32::MAX);
        }
        self.counting = Some((connection, counts));
        if matches!(line.name, Some("watched" | "removed")) {
            self.counting = None;
            let aftermath = self.aftermath.get_or_insert_default();
            aftermath.connections.push(Followed {
                connection,
                counts,
                removed: line.name == Some("removed"),
            });
        }
    }

    /// Is it as the row of the interval says?
    pub(super) fn check(&self, line: &Line<'_>) -> Result<(), String> {
        let Snapshot {
            sites, counters, ..
        } = &self.snapshot;
        let placed = sites.iter().map(|(_, weights)| weights.drops).sum();
        adds_up(line, placed, counters)
    }

    pub(super) fn close(self, line: &Line<'_>) -> Option<Interval> {
        let Self {
            mut snapshot,
            flows,
            counts_flows,
            aftermath,
            time_squeeze,
            counters,
            histograms,
            events,
            ..
        } = self;
        snapshot.histograms = histograms.map(|sums| sums.histograms());
        snapshot.seconds = line.seconds.filter(|seconds| seconds.is_finite())?.max(0.0);
        if counts_flows {
            snapshot.flows = Some(flows);
            snapshot.aftermath = aftermath;
        }
        Some(Interval {
            number: line.interval,
            time: Timestamp::from_microsecond(line.time?).ok()?,
            snapshot,
            time_squeeze,
            counters,
            events,
            rejected: None,
            singles: None,
        })
    }
}
