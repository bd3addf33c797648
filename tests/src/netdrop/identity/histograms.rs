//! Histograms count what the kernel side counted, each drop and poll once.

use super::Complaints;
use crate::netdrop::record::{Histogram, Interval};

pub(super) fn check(interval: &Interval, all: &mut Complaints) {
    let Interval {
        histograms,
        accounting,
        traffic,
        ..
    } = interval;
    let counted = accounting.counted + accounting.rejected;
    for histogram in histograms.iter().flatten() {
        let Histogram {
            kind,
            count,
            unknown,
            buckets,
            ..
        } = histogram;
        let sum: u64 = buckets.iter().map(|bucket| bucket.count).sum();
        all.must(sum == *count, || {
            format!("histogram {kind}: {sum} in buckets, count {count}")
        });
        let rising = buckets.windows(2).all(|two| two[0].to < two[1].from);
        let met = buckets.iter().all(|it| it.from <= it.to && it.count > 0);
        all.must(rising && met, || format!("histogram {kind}: {buckets:?}"));
        let wanted = match &**kind {
            "packet_size" => Some((*count, counted)),
            "age" => Some((count + unknown, counted)),
            "napi_work" => traffic.napi_polls.map(|polls| (count + unknown, polls)),
            _ => None,
        };
        if let Some((found, wanted)) = wanted {
            all.must(found == wanted, || {
                format!("histogram {kind}: {found} values, {wanted} counted")
            });
        }
    }
}

/// The histograms of intervals add up to those of the summary.
pub(super) fn sums(intervals: &[Interval], summary: &Interval, all: &mut Complaints) {
    let of = |interval: &Interval, kind: &str| -> Vec<Histogram> {
        let histograms = interval.histograms.iter().flatten();
        histograms.filter(|it| it.kind == kind).cloned().collect()
    };
    for whole in summary.histograms.iter().flatten() {
        let parts: Vec<_> = intervals
            .iter()
            .flat_map(|it| of(it, &whole.kind))
            .collect();
        let sum = |from: u64| -> u64 {
            let buckets = parts.iter().flat_map(|part| &part.buckets);
            let here = buckets.filter(|bucket| bucket.from == from);
            here.map(|bucket| bucket.count).sum()
        };
        let unknown: u64 = parts.iter().map(|part| part.unknown).sum();
        let count: u64 = parts.iter().map(|part| part.count).sum();
        let same = whole.buckets.iter().all(|it| sum(it.from) == it.count);
        all.must(
            same && unknown == whole.unknown && count == whole.count,
            || format!("histogram {}: not the sum of the intervals", whole.kind),
        );
    }
}
