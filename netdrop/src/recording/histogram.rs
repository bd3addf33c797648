//! Histograms as rows of a recording: one for each bucket that is not empty, and
//! one for what is unknown, which is always there.

use super::columns::Line;
use crate::tally::histogram::{Bucket, Histogram, HistogramKind, Sums};

/// The kind of the rows.
pub(super) const KIND: &str = "histogram";
/// The name of what is in no bucket.
const UNKNOWN: &str = "unknown";

/// Gives every row of these histograms to `push`.
pub(super) fn rows(histograms: &[Histogram], base: &Line<'_>, mut push: impl FnMut(&Line<'_>)) {
    for histogram in histograms {
        let scope = Some(histogram.kind.id());
        for Bucket { from, to, count } in &histogram.buckets {
            if *count > 0 {
                let name = format!("{from}-{to}");
                push(&Line {
                    scope,
                    name: Some(&name),
                    value: Some(*count),
                    ..*base
                });
            }
        }
        push(&Line {
            scope,
            name: Some(UNKNOWN),
            value: Some(histogram.unknown),
            ..*base
        });
    }
}

/// Adds a row to what an interval has. Histograms that this version does not know
/// are left out.
pub(super) fn read(line: &Line<'_>, sums: &mut Option<Sums>) {
    let (Some(name), Some(count)) = (line.name, line.value) else {
        return;
    };
    let Some(kind) = line.scope.and_then(HistogramKind::from_id) else {
        return;
    };
    if name == UNKNOWN {
        sums.get_or_insert_default().add_unknown(kind, count);
    } else if let Some((from, to)) = range(name) {
        let bucket = Bucket { from, to, count };
        sums.get_or_insert_default().add_bucket(kind, bucket);
    }
}

fn range(name: &str) -> Option<(u64, u64)> {
    let (from, to) = name.split_once('-')?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back_as_what_they_were_and_nonsense_is_left_out() {
        let bucket = |from, to, count| Bucket { from, to, count };
        let histograms = vec![
            Histogram {
                kind: HistogramKind::PacketSize,
                buckets: vec![bucket(8, 9, 2), bucket(10, 11, 0), bucket(12, 13, 1)],
                unknown: 0,
            },
            Histogram {
                kind: HistogramKind::Burst,
                buckets: Vec::new(),
                unknown: 3,
            },
        ];
        let mut sums = None;
        let mut pushed = 0;
        rows(&histograms, &Line::default(), |line| {
            pushed += 1;
            read(line, &mut sums);
        });
        assert_eq!(pushed, 4);
        for (scope, name) in [
            ("age", "9-8"),
            ("age", "x"),
            ("colour", "1-2"),
            ("age", "-"),
        ] {
            read(
                &Line {
                    scope: Some(scope),
                    name: Some(name),
                    value: Some(1),
                    ..Line::default()
                },
                &mut sums,
            );
        }
        assert_eq!(sums.map(|sums| sums.histograms()), Some(histograms));
    }
}
