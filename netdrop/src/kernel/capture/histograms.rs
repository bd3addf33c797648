//! Reading the histograms of a retired generation.

use netdrop_ebpf::{
    area::GENERATIONS,
    histogram::{BUCKETS, BURST_GAP, Bursts, CpuHistograms, bucket},
};
use zerocopy::FromZeros as _;

use crate::kernel::{
    error::CaptureError,
    histogram::{Bucket, Histogram, HistogramKind},
    load::Loaded,
    sys::MappedAreas,
};

/// The tracepoint of polls.
const POLLS: &str = "napi:napi_poll";

/// The histograms of a capture.
pub(super) struct Histograms {
    areas: MappedAreas<CpuHistograms>,
    /// By CPU, the burst that may go on in the generation that comes.
    open: Vec<Option<Open>>,
    /// Are polls seen?
    polls: bool,
}

/// A burst that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    drops: u64,
    /// When its last drop died.
    last: u64,
}

impl Histograms {
    pub(super) fn new(loaded: &Loaded) -> Result<Self, CaptureError> {
        let areas = MappedAreas::new(loaded.map_fd("HISTOGRAMS")?, loaded.cpus * GENERATIONS)
            .map_err(|source| super::map_error("map the histograms", source))?;
        let hooks = loaded.hooks.iter();
        Ok(Self {
            areas,
            open: vec![None; loaded.cpus],
            polls: hooks
                .into_iter()
                .any(|hook| hook.name == POLLS && hook.why.is_none()),
        })
    }

    /// Reads and clears what a generation counted that was left at the time
    /// `left`. The `last` one leaves no burst open.
    pub(super) fn read(&mut self, generation: u32, left: u64, last: bool) -> Vec<Histogram> {
        let Self { areas, open, polls } = self;
        let cpus = open.len();
        let mut counts = [[0_u64; BUCKETS]; HistogramKind::ALL.len()];
        let mut unknown = [0_u64; HistogramKind::ALL.len()];
        let [size, age, work, burst] = &mut counts;
        for (cpu, open) in open.iter_mut().enumerate() {
            let area = areas.retired(generation as usize * cpus + cpu);
            add(size, &area.packet_size);
            add(age, &area.age);
            add(work, &area.napi_work);
            add(burst, &area.burst);
            unknown[1] += area.age_unknown;
            unknown[2] += area.napi_work_unknown;
            let ended = join(open, &area.bursts, left, last);
            for drops in ended.into_iter().flatten() {
                burst[usize::try_from(bucket(drops)).unwrap_or_default()] += 1;
            }
            area.zero();
        }
        let kinds = HistogramKind::ALL.into_iter().zip(counts).zip(unknown);
        kinds
            .filter(|((kind, _), _)| *polls || *kind != HistogramKind::NapiWork)
            .map(|((kind, counts), unknown)| histogram(kind, &counts, unknown))
            .collect()
    }

    /// Forgets the bursts that go on: what they lost so far is nobody's.
    pub(super) fn forget(&mut self) {
        self.open.fill(None);
    }
}

fn add(sums: &mut [u64; BUCKETS], counts: &[u64]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

fn histogram(kind: HistogramKind, counts: &[u64], unknown: u64) -> Histogram {
    let is_met = |count: &u64| *count > 0;
    let first = counts.iter().position(is_met).unwrap_or_default();
    let end = counts.iter().rposition(is_met).map_or(0, |last| last + 1);
    let buckets = (0_u64..).zip(counts).take(end).skip(first);
    Histogram {
        kind,
        buckets: buckets
            .map(|(index, count)| {
                let (from, to) = kind.element(index);
                Bucket {
                    from,
                    to,
                    count: *count,
                }
            })
            .collect(),
        unknown,
    }
}

/// Puts a CPU's bursts together across the end of a generation; returns the drops
/// of those that ended and are in no bucket yet.
///
/// A program that counts into the next generation reads the clock after `left`.
fn join(open: &mut Option<Open>, bursts: &Bursts, left: u64, last: bool) -> [Option<u64>; 3] {
    let mut ended = [None; 3];
    let before = open.take();
    let drops = bursts.head + bursts.open;
    if drops == 0 {
        *open = before;
    } else {
        let goes_on = |before: &Open| {
            bursts.first == 0 || bursts.first.saturating_sub(before.last) <= BURST_GAP
        };
        let carried = before.filter(goes_on);
        if carried.is_none() {
            ended[0] = before.map(|before| before.drops);
        }
        let more = carried.map_or(0, |before| before.drops);
        let end = if bursts.last == 0 { left } else { bursts.last };
        *open = Some(if bursts.head > 0 {
            ended[1] = Some(bursts.head + more);
            Open {
                drops: bursts.open,
                last: end,
            }
        } else {
            Open {
                drops: bursts.open + more,
                last: end,
            }
        });
    }
    if let Some(burst) = open
        && (last || left.saturating_sub(burst.last) > BURST_GAP)
    {
        ended[2] = Some(burst.drops);
        *open = None;
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn bursts(first: u64, last: u64, head: u64, open: u64) -> Bursts {
        Bursts {
            first,
            last,
            head,
            open,
        }
    }

    fn ended(open: &mut Option<Open>, bursts: Bursts, left: u64, last: bool) -> Vec<u64> {
        join(open, &bursts, left, last)
            .into_iter()
            .flatten()
            .collect()
    }

    #[test]
    fn a_burst_goes_on_across_generations_and_counts_once() {
        let mut open = None;
        assert!(ended(&mut open, bursts(99 * MS, 100 * MS, 0, 5), 100 * MS, false).is_empty());
        assert!(ended(&mut open, bursts(101 * MS, 200 * MS, 0, 7), 200 * MS, false).is_empty());
        // It ends in the third, in which another one begins.
        let third = bursts(201 * MS, 300 * MS, 2, 3);
        assert_eq!(ended(&mut open, third, 300 * MS, false), [14]);
        assert_eq!(ended(&mut open, bursts(0, 0, 0, 0), 400 * MS, false), [3]);
        assert_eq!(open, None);
    }

    #[test]
    fn a_burst_that_does_not_go_on_is_one_of_its_own() {
        let mut open = Some(Open {
            drops: 4,
            last: 100 * MS,
        });
        let next = bursts(102 * MS, 102 * MS, 0, 1);
        assert_eq!(ended(&mut open, next, 110 * MS, false), [4, 1]);
        // Nothing follows, but it may still.
        let mut open = Some(Open {
            drops: 4,
            last: 100 * MS,
        });
        let still = ended(&mut open, Bursts::default(), 100 * MS + 1, false);
        assert!(still.is_empty());
        assert_eq!(ended(&mut open, Bursts::default(), 100 * MS + 2, true), [4]);
    }

    #[test]
    fn a_drop_that_interrupted_the_program_joins_the_burst_before() {
        let mut open = Some(Open {
            drops: 4,
            last: 100 * MS,
        });
        assert_eq!(ended(&mut open, bursts(0, 0, 0, 1), 101 * MS, true), [5]);
    }
}
