//! What the backlogs of the recorded CPUs refused, from the counters of the host
//! in the recording.

use std::collections::BTreeMap;

use crate::{
    host::softnet::{Counts, Softnet},
    recording::write::HostCounter,
};

/// The last values.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlogs(BTreeMap<u32, [u64; 2]>);

/// Counters of a CPU that tell of packets without room.
const NAMES: [&str; 2] = ["softnet.dropped", "softnet.flow_limit"];

impl Backlogs {
    /// The counters as they stood at the start.
    pub(super) fn of(counters: &[HostCounter]) -> Self {
        let mut new = Self::default();
        new.read(counters);
        new
    }

    /// What was counted in an interval, from the counters that changed; `None`
    /// where the recording has none. How long backlogs were is not recorded.
    pub(super) fn interval(&mut self, counters: &[HostCounter]) -> Option<Softnet> {
        let before = self.0.clone();
        self.read(counters);
        let Self(now) = self;
        let cpus = now.iter().map(|(cpu, now)| {
            // A CPU that came later began at zero.
            let before = before.get(cpu).copied().unwrap_or_default();
            let [dropped, flow_limit] =
                std::array::from_fn(|place| now[place].saturating_sub(before[place]));
            let counts = Counts {
                dropped,
                flow_limit,
                ..Counts::default()
            };
            (*cpu, counts)
        });
        let cpus: Vec<_> = cpus.collect();
        (!cpus.is_empty()).then_some(Softnet {
            cpus,
            backlog: Vec::new(),
        })
    }

    fn read(&mut self, counters: &[HostCounter]) {
        for HostCounter { scope, name, value } in counters {
            let cpu = scope.strip_prefix("cpu ").and_then(|cpu| cpu.parse().ok());
            let place = NAMES.iter().position(|known| **name == **known);
            if let (Some(cpu), Some(place), Some(value)) = (cpu, place, value) {
                self.0.entry(cpu).or_default()[place] = *value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(scope: &str, name: &str, value: u64) -> HostCounter {
        HostCounter {
            scope: scope.into(),
            name: name.into(),
            value: Some(value),
        }
    }

    #[test]
    fn only_what_came_since_is_counted() {
        let mut backlogs = Backlogs::of(&[
            counter("cpu 0", "softnet.dropped", 100),
            counter("cpu 1", "softnet.dropped", 7),
            counter("netns", "Udp.NoPorts", 5),
        ]);
        let changed = [
            counter("cpu 1", "softnet.dropped", 9),
            counter("cpu 1", "softnet.flow_limit", 4),
        ];
        let refused = |softnet: Softnet| -> Vec<(u32, u64, u64)> {
            let cpus = softnet.cpus.into_iter();
            cpus.map(|(cpu, counts)| (cpu, counts.dropped, counts.flow_limit))
                .collect()
        };
        let found = backlogs.interval(&changed).map(refused);
        assert_eq!(found, Some(vec![(0, 0, 0), (1, 2, 4)]));
        let found = backlogs.interval(&[]).map(refused);
        assert_eq!(found, Some(vec![(0, 0, 0), (1, 0, 0)]));
    }

    #[test]
    fn without_counters_nothing_is_known() {
        assert!(Backlogs::of(&[]).interval(&[]).is_none());
    }
}
