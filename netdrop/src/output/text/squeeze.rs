//! Hints of losses in a card's ring, which no drop event tells of.

use std::fmt::Write as _;

use super::plural;
use crate::{
    output::escape::escape,
    tally::{
        period::Period,
        row::Value,
        squeeze::{FullPolls, Squeeze},
    },
};

/// Instances and CPUs named in the line.
const MOST: usize = 3;

/// The stages at which a CPU that does not keep up shows.
const STAGES: [&str; 2] = ["rx_backlog", "rx_dev"];

/// Appends where polls were full and softirqs cut short, and below rows of the
/// stages beside a ring what that means.
pub(super) fn write(out: &mut String, period: &Period) {
    if let Some(places) = places(&period.squeeze) {
        let _ = writeln!(out, "  {places}");
    }
    if let Some(meaning) = shows_stages(period).then(|| meaning(period)) {
        let _ = writeln!(out, "  {meaning}");
    }
}

fn places(squeeze: &Squeeze) -> Option<String> {
    let full = squeeze.full.iter().flatten();
    let cut = squeeze.cpus.iter().flatten();
    let parts = [
        (
            "full polls",
            listed(full.map(|full| {
                let name = device(full);
                format!("{name} on cpu {} {}", full.cpu, full.polls)
            })),
        ),
        (
            "softirqs cut short",
            listed(cut.map(|(cpu, times)| format!("cpu {cpu} {times}"))),
        ),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(title, list)| Some(format!("{title}: {}", list?)))
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn listed(mut items: impl Iterator<Item = String>) -> Option<String> {
    let first: Vec<String> = items.by_ref().take(MOST).collect();
    let mut text = first.join(", ");
    let more = items.count();
    if more > 0 {
        let _ = write!(text, " (and {more} more)");
    }
    (!text.is_empty()).then_some(text)
}

fn device(full: &FullPolls) -> String {
    match (&full.device, full.ifindex, &full.poll) {
        (Some(device), _, _) => escape(device).into_owned(),
        (None, Some(index), _) => format!("#{index}"),
        (None, None, Some(poll)) => escape(poll).into_owned(),
        (None, None, None) => "?".to_owned(),
    }
}

fn shows_stages(period: &Period) -> bool {
    let mut fields = period.rows.iter().flat_map(|row| &row.fields);
    fields.any(|field| {
        field.name == "stage"
            && matches!(&field.value, Value::Text(stage) if STAGES.contains(&&**stage))
    })
}

fn meaning(period: &Period) -> String {
    let traffic = &period.traffic;
    let hints = [
        (traffic.napi_full, "full poll"),
        (traffic.time_squeeze, "softirq cut short"),
    ];
    let unknown = hints.iter().any(|(count, _)| count.is_none());
    let said: Vec<String> = hints
        .iter()
        .filter_map(|(count, noun)| {
            let count = count.filter(|count| *count > 0)?;
            Some(match *noun {
                "softirq cut short" if count != 1 => format!("{count} softirqs cut short"),
                _ => plural(count, noun),
            })
        })
        .collect();
    match (said.as_slice(), unknown) {
        ([], false) => "ring loss has no packet to trace; no poll was full and no softirq cut \
                        short, so nothing hints at it"
            .to_owned(),
        ([], true) => {
            "ring loss has no packet to trace, and its hints were not counted here".to_owned()
        }
        (said, _) => format!(
            "{}: work was left behind, so cards may have lost packets in their rings, which no \
             drop shows; see `ethtool -S DEVICE`",
            said.join(" and ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        output::samples,
        tally::row::{Field, Row},
    };

    fn at_stage(stage: &str) -> Period {
        let mut period = samples::period();
        let row = Row {
            fields: vec![Field {
                name: "stage",
                value: Value::Text(stage.into()),
            }],
            ..period.rows[0].clone()
        };
        period.rows = vec![row];
        period
    }

    fn print(period: &Period) -> String {
        let mut out = String::new();
        write(&mut out, period);
        out
    }

    const LINE: &str =
        "  full polls: eth0 on cpu 0 1, backlog on cpu 1 1; softirqs cut short: cpu 1 1\n";

    #[test]
    fn the_meaning_stands_only_beside_drops_near_a_ring() {
        assert_eq!(print(&at_stage("rx_lookup")), LINE);
        for stage in STAGES {
            let text = print(&at_stage(stage));
            let meaning = text.strip_prefix(LINE).unwrap();
            assert!(
                meaning.starts_with("  2 full polls and 1 softirq cut short: work"),
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_squeezed_and_nothing_counted_are_told_apart() {
        let mut period = at_stage("rx_backlog");
        period.squeeze = Squeeze::default();
        period.traffic.napi_full = Some(0);
        period.traffic.time_squeeze = Some(0);
        assert!(print(&period).contains("nothing hints at it"));
        period.traffic.napi_full = None;
        assert!(print(&period).contains("not counted"));
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let mut period = samples::period();
        period.squeeze.cpus = Some((0..9).map(|cpu| (cpu, 2)).collect());
        let text = print(&period);
        assert!(
            text.ends_with("cut short: cpu 0 2, cpu 1 2, cpu 2 2 (and 6 more)\n"),
            "{text}"
        );
    }
}
