//! How large, how old, how many at a time.

use maud::{Markup, html};

use super::{
    super::amount::{bytes_text, count_text, duration_text, grouped},
    name::{name, number, percent},
    page::Section,
    table::{numbers, table, words},
};
use crate::{
    recording::fleet::{Fleet, Host},
    tally::histogram::{Bucket, Histogram, HistogramKind},
};

/// Lines of a histogram; neighbours become one beyond it.
const MOST_LINES: usize = 32;

pub(super) fn section(fleet: &Fleet) -> Section {
    let body = html! {
        @for host in &fleet.hosts {
            @if fleet.only().is_none() { h3 { (name(&host.name)) } }
            (of_host(host))
        }
    };
    super::section(
        "histograms",
        "Histograms",
        "How large, how old, how many at a time",
        body,
    )
}

fn of_host(host: &Host) -> Markup {
    let histograms = &host.report.histograms;
    html! {
        @if histograms.is_empty() {
            p { "Histograms are not in this recording." }
        } @else {
            div.histograms {
                @for histogram in histograms { (one(histogram)) }
            }
            @let left_out = host.report.summary.accounting.rejected;
            @if left_out > 0 {
                p.note {
                    "With " (count_text(left_out, "drop"))
                    " that the filter left out when they were counted: a histogram cannot be \
                     filtered afterwards."
                }
            }
        }
    }
}

fn one(histogram: &Histogram) -> Markup {
    let Histogram {
        kind,
        buckets,
        unknown,
    } = histogram;
    let (title, unit) = words_of(*kind);
    let lines = joined(buckets);
    let most = lines
        .iter()
        .map(|line| line.count)
        .max()
        .unwrap_or_default();
    let sum: u64 = lines.iter().map(|line| line.count).sum();
    let columns = [words(unit), words("Share"), numbers("Count")];
    let rows: Vec<Vec<Markup>> = lines
        .iter()
        .map(|line| {
            vec![
                html! { (range(*kind, line)) },
                html! {
                    span.bar aria-hidden="true" {
                        @if line.count > 0 {
                            span style=(format!("width:{:.1}%", percent(line.count, most))) {}
                        }
                    }
                },
                number(line.count),
            ]
        })
        .collect();
    html! {
        div.histogram {
            @if rows.is_empty() {
                p { strong { (title) } ": none known." }
            } @else {
                div.plain { (table(&format!("{title} ({} in all)", grouped(sum)), &columns, &rows)) }
            }
            @if *unknown > 0 { p.note { "Not known: " (number(*unknown)) } }
        }
    }
}

fn words_of(kind: HistogramKind) -> (&'static str, &'static str) {
    match kind {
        HistogramKind::PacketSize => ("Size of the packets that died", "Bytes"),
        HistogramKind::Age => ("Time in the stack before death", "Time"),
        HistogramKind::NapiWork => ("Packets of each NAPI poll", "Packets"),
        HistogramKind::Burst => ("Drops of each burst", "Drops"),
    }
}

/// Neighbours together, until there is room.
fn joined(buckets: &[Bucket]) -> Vec<Bucket> {
    let each = buckets.len().div_ceil(MOST_LINES).max(1);
    let sums = buckets.chunks(each).map(|chunk| Bucket {
        from: chunk[0].from,
        to: chunk[chunk.len() - 1].to,
        count: chunk.iter().map(|bucket| bucket.count).sum(),
    });
    sums.collect()
}

fn range(kind: HistogramKind, bucket: &Bucket) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a duration for people needs no more than 52 bits"
    )]
    let text = |value: u64| match kind {
        // Neighbours differ by less than a microsecond there.
        HistogramKind::Age if value < 10_000 => format!("{:.2} µs", value as f64 / 1e3),
        HistogramKind::Age => duration_text(value as f64 / 1e9),
        HistogramKind::PacketSize if value >= 1 << 20 => bytes_text(value),
        _ => grouped(value),
    };
    let Bucket { from, to, .. } = *bucket;
    if to == u64::MAX {
        return format!("{} and more", text(from));
    }
    let (first, last) = (text(from), text(to));
    if first == last {
        first
    } else {
        format!("{first} – {last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_histogram_gets_coarser_and_loses_nothing() {
        let buckets: Vec<Bucket> = (0..100)
            .map(|at| Bucket {
                from: at * 10,
                to: at * 10 + 9,
                count: at,
            })
            .collect();
        let lines = joined(&buckets);
        assert!(lines.len() <= MOST_LINES);
        assert_eq!((lines[0].from, lines[lines.len() - 1].to), (0, 999));
        let sum: u64 = lines.iter().map(|line| line.count).sum();
        assert_eq!(sum, 4950);
        assert_eq!(range(HistogramKind::Burst, &lines[0]), "0 – 39");
    }

    #[test]
    fn drops_that_the_filter_left_out_are_in_histograms_and_that_is_said() {
        let page = |rejected| {
            let mut report = crate::output::samples::report();
            report.summary.accounting.rejected = rejected;
            section(&Fleet::of(vec![report])).body.into_string()
        };
        assert!(page(567).contains("With 567 drops that the filter left out"));
        assert!(!page(0).contains("left out"));
    }

    #[test]
    fn neighbours_have_names_of_their_own_and_nothing_has_no_bar() {
        let bucket = |from, to, count| Bucket { from, to, count };
        let ages = [(1024, 1279), (1280, 1535), (1536, 1791), (12_288, 14_335)];
        let names = ages.map(|(from, to)| range(HistogramKind::Age, &bucket(from, to, 1)));
        assert_eq!(
            names,
            [
                "1.02 µs – 1.28 µs",
                "1.28 µs – 1.53 µs",
                "1.54 µs – 1.79 µs",
                "12 µs – 14 µs"
            ]
        );
        let page = one(&Histogram {
            kind: HistogramKind::Burst,
            buckets: vec![bucket(1, 1, 3), bucket(2, 2, 0), bucket(3, 3, 1)],
            unknown: 0,
        })
        .into_string();
        assert_eq!(page.matches("width:").count(), 2, "{page}");
    }
}
