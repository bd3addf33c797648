//! Histograms of intervals, added up over a run.

use std::collections::BTreeMap;

pub use crate::kernel::histogram::{Bucket, Histogram, HistogramKind};

/// Buckets of a kind that are kept apart; values of further ones, which no
/// kernel side of ours has, are as good as unknown.
const MOST_BUCKETS: usize = 1024;

/// How often which values were met, in any order.
#[derive(Clone, Debug, Default)]
pub struct Sums(BTreeMap<HistogramKind, Sum>);

#[derive(Clone, Debug, Default)]
struct Sum {
    buckets: BTreeMap<(u64, u64), u64>,
    unknown: u64,
}

impl Sums {
    /// Adds those of an interval.
    pub fn add(&mut self, interval: &[Histogram]) {
        for histogram in interval {
            self.add_unknown(histogram.kind, histogram.unknown);
            for bucket in histogram.buckets.iter().filter(|bucket| bucket.count > 0) {
                self.add_bucket(histogram.kind, *bucket);
            }
        }
    }

    /// Adds values that are known.
    pub fn add_bucket(&mut self, kind: HistogramKind, Bucket { from, to, count }: Bucket) {
        let Sum { buckets, unknown } = self.0.entry(kind).or_default();
        let room = buckets.len() < MOST_BUCKETS;
        match buckets.get_mut(&(from, to)) {
            Some(sum) => *sum = sum.saturating_add(count),
            None if room => {
                buckets.insert((from, to), count);
            }
            None => *unknown = unknown.saturating_add(count),
        }
    }

    /// Adds values that are not.
    pub fn add_unknown(&mut self, kind: HistogramKind, count: u64) {
        let Sum { unknown, .. } = self.0.entry(kind).or_default();
        *unknown = unknown.saturating_add(count);
    }

    /// The sums, in the order in which they are shown.
    #[must_use]
    pub fn histograms(&self) -> Vec<Histogram> {
        let sums = self.0.iter();
        sums.map(|(kind, Sum { buckets, unknown })| Histogram {
            kind: *kind,
            buckets: dense(*kind, buckets),
            unknown: *unknown,
        })
        .collect()
    }
}

/// All buckets from the first to the last.
fn dense(kind: HistogramKind, filled: &BTreeMap<(u64, u64), u64>) -> Vec<Bucket> {
    let mut all: Vec<Bucket> = Vec::new();
    for ((from, to), count) in filled {
        while let Some(next) = all.last().and_then(|last| last.to.checked_add(1))
            && next < *from
        {
            all.push(Bucket {
                from: next,
                to: kind.bounds(next).1.min(from - 1),
                count: 0,
            });
        }
        all.push(Bucket {
            from: *from,
            to: *to,
            count: *count,
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(kind: HistogramKind, values: &[u64], unknown: u64) -> Histogram {
        let buckets = values.iter().map(|value| {
            let (from, to) = kind.bounds(*value);
            Bucket { from, to, count: 1 }
        });
        Histogram {
            kind,
            buckets: buckets.collect(),
            unknown,
        }
    }

    #[test]
    fn intervals_add_up_and_gaps_are_filled() {
        let mut sums = Sums::default();
        sums.add(&[histogram(HistogramKind::PacketSize, &[9], 1)]);
        sums.add(&[
            histogram(HistogramKind::PacketSize, &[8, 20], 2),
            histogram(HistogramKind::NapiWork, &[0, 64], 0),
        ]);
        let [sizes, work] = &sums.histograms()[..] else {
            panic!("two kinds")
        };
        let buckets: Vec<_> = sizes.buckets.iter().map(|it| (it.from, it.count)).collect();
        assert_eq!(
            buckets,
            [(8, 2), (10, 0), (12, 0), (14, 0), (16, 0), (20, 1)]
        );
        assert_eq!(sizes.unknown, 3);
        assert_eq!(work.buckets.len(), 65);
        assert_eq!(work.count(), 2);
    }

    #[test]
    fn buckets_without_end_become_unknown() {
        let mut sums = Sums::default();
        for value in 0..2_000 {
            let bucket = Bucket {
                from: value * 1000,
                to: value * 1000,
                count: 1,
            };
            sums.add_bucket(HistogramKind::Age, bucket);
        }
        let [age] = &sums.histograms()[..] else {
            panic!("one kind")
        };
        assert_eq!((age.count(), age.unknown), (1024, 976));
    }
}
