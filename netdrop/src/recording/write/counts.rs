//! Rows of counts: those of the kernel side, full polls, counters of the host.

use netdrop_ebpf::{area::Counter, squeeze::NapiKey};

use super::{Events, HostCounter, Instant, rows::Rows};
use crate::{
    kernel::snapshot::Snapshot,
    recording::{columns::Line, count, histogram},
    tally::names::Names,
};

impl Rows {
    pub(super) fn polls_of(&mut self, snapshot: &Snapshot, names: &mut dyn Names) {
        for (key, polls) in &snapshot.napis {
            let NapiKey {
                cpu,
                ifindex,
                netns,
                napi_id,
                poll,
            } = *key;
            let known = |number| (number != 0).then_some(number);
            let device = known(ifindex).and_then(|ifindex| names.device(netns, ifindex));
            let function = (poll != 0)
                .then(|| names.function(poll))
                .flatten()
                .filter(|place| place.offset == 0);
            let line = Line {
                cpu: Some(cpu),
                ifindex: known(ifindex),
                netns: known(netns),
                napi_id: known(napi_id),
                device: device.as_deref(),
                function: function.as_ref().map(|place| &*place.function),
                value: Some(*polls),
                ..self.line("poll")
            };
            self.columns.push(&line);
        }
    }

    pub(super) fn histograms_of(&mut self, snapshot: &Snapshot) {
        let base = self.line(histogram::KIND);
        let histograms = snapshot.histograms.as_deref().unwrap_or_default();
        histogram::rows(histograms, &base, |line| self.columns.push(line));
    }

    pub(super) fn push_counts(
        &mut self,
        snapshot: &Snapshot,
        instant: &Instant<'_>,
        cut: Option<u64>,
    ) {
        let base = self.line("count");
        let Self {
            columns, attached, ..
        } = self;
        let mut push = |scope, name, cpu, value| {
            columns.push(&Line {
                scope: Some(scope),
                name: Some(name),
                cpu,
                value,
                ..base
            });
        };
        for (counter, scope, name, hook) in count::COUNTS {
            let attached = hook.is_none_or(|hook| attached.iter().any(|name| name == hook));
            let told = counter != Counter::ConsequenceOther || snapshot.aftermath.is_some();
            let value = (attached && told).then(|| snapshot.counters.get(counter));
            push(scope, name, None, value);
        }
        let missed = snapshot.recursion_missed;
        push(count::KERNEL, count::RECURSION_MISSED, None, missed);
        let rejected = Some(snapshot.rejected);
        push(count::KERNEL, count::REJECTED, None, rejected);
        push(count::KERNEL, count::FLOW_CUT, None, cut);
        if let Some(aftermath) = &snapshot.aftermath {
            let all = [
                (count::ALL_RETRANSMITS, aftermath.all_retransmits),
                (count::ALL_RESETS, aftermath.all_resets),
            ];
            for (name, all) in all {
                push(count::KERNEL, name, None, Some(all.into()));
            }
        }
        if let Events::Recorded {
            singles: Some(singles),
            ..
        } = instant.events
        {
            for (name, value) in count::singles(singles) {
                push(count::SINGLES, name, None, Some(value));
            }
        }
        match instant.time_squeeze {
            Some(cpus) => {
                for (cpu, times) in cpus {
                    let cpu = Some(*cpu);
                    push(count::SOFTNET, count::TIME_SQUEEZE, cpu, Some(*times));
                }
            }
            None => push(count::SOFTNET, count::TIME_SQUEEZE, None, None),
        }
    }

    /// Counters of the host: those that are not as they were.
    pub(super) fn push_counters(&mut self, counters: &[HostCounter]) {
        self.known.begin();
        for counter in counters {
            if !self.known.learn(counter) {
                continue;
            }
            let HostCounter { scope, name, value } = counter;
            let line = Line {
                scope: Some(scope),
                name: Some(name),
                value: *value,
                ..self.line("counter")
            };
            self.columns.push(&line);
            self.changed.push(counter.clone());
        }
    }
}
