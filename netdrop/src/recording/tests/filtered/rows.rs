//! What adds up in the rows that are left, and what they do not tell.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use super::{
    super::{
        bytes, counters, file, header,
        kept::{dumped, sheets},
        made::{events, snapshots},
        record_with,
        singles::{self, FILTERS, counted},
    },
    OF_ROWS, Read, filtered, made, raw, rows,
};
use crate::{
    recording::{
        checksum,
        columns::View,
        header::KEY,
        read::End,
        write::{ring::Ring, state::State},
    },
    tally::choose::Singles,
};

#[test]
fn intervals_keep_their_numbers() {
    let mut ring = Ring::new(&header(), State::new(&counters(0)), 4.0, 1 << 30).unwrap();
    for sheet in sheets(&snapshots(20, 31)) {
        ring.push(sheet).unwrap();
    }
    let file = file();
    ring.dump(file.try_clone().unwrap(), &dumped(), "signal")
        .unwrap();
    let bytes = bytes(file);
    let numbers = |batches: &[RecordBatch]| -> Vec<_> {
        let views = batches.iter().map(|batch| View::of(batch).unwrap());
        let numbers = views.flat_map(|view| {
            let ends = view.lines().filter(|line| line.kind == Some("interval"));
            ends.map(|line| line.interval.unwrap()).collect::<Vec<_>>()
        });
        numbers.collect()
    };
    let found = numbers(&filtered(&bytes, "cpu 1", false).batches);
    assert_eq!(found, numbers(&raw(&bytes)));
    assert!(found[0] > 0 && found.last() == Some(&19), "{found:?}");
}

#[test]
fn places_and_flows_add_up_and_nothing_is_lost() {
    let mut kept = 0;
    for bytes in made() {
        for filter in FILTERS.iter().chain(&OF_ROWS) {
            let read = filtered(&bytes, filter, false);
            let mut sums: BTreeMap<(String, String), u64> = BTreeMap::new();
            let mut decided = Singles::default();
            for batch in &read.batches {
                for line in View::of(batch).unwrap().lines() {
                    let kind = line.kind.unwrap().to_owned();
                    let name = line.name.unwrap_or_default().to_owned();
                    let value = line.drops.or(line.value).unwrap_or_default();
                    match (line.scope, line.name) {
                        (Some("singles"), Some("asked")) => decided.asked += value,
                        (Some("singles"), Some("kept")) => decided.kept += value,
                        (Some("singles"), Some("decided")) => decided.decided += value,
                        _ if kind == "interval" => {
                            let sum = |kind: &str, name: &str| {
                                let key = (kind.to_owned(), name.to_owned());
                                sums.get(&key).copied().unwrap_or_default()
                            };
                            let count = |name| sum("count", name);
                            let counted = ["parts", "filtered", "undecided"].map(count);
                            let counted = count("fired") - counted.iter().sum::<u64>();
                            assert_eq!(counted, value, "`{filter}`");
                            assert_eq!(sum("site", "") + count("site_other"), value);
                            if sums.keys().any(|(kind, _)| kind == "flow") {
                                let flows = ["flow_other", "flow_cut", "no_flow"].map(count);
                                let flows = sum("flow", "") + flows.iter().sum::<u64>();
                                assert_eq!(flows, value, "`{filter}`");
                            }
                            kept += value;
                            sums.clear();
                        }
                        _ => *sums.entry((kind, name)).or_default() += value,
                    }
                }
            }
            assert_eq!(decided, read.singles.unwrap_or_default(), "`{filter}`");
        }
    }
    assert!(kept > 500, "{kept}");
}

#[test]
fn two_tables_of_one_recording_are_the_same() {
    for bytes in made() {
        for filter in FILTERS.iter().chain(&OF_ROWS) {
            let [one, other] = [0, 1].map(|_| filtered(&bytes, filter, false).batches);
            assert!(one == other, "`{filter}`");
        }
    }
}

#[test]
fn a_hidden_table_tells_nobody_and_counts_the_same() {
    let names = |batches: &[RecordBatch]| {
        let mut names = Vec::new();
        for batch in batches {
            for line in View::of(batch).unwrap().lines() {
                let told = [
                    line.src,
                    line.dst,
                    line.device,
                    line.netns_name,
                    line.command,
                ];
                names.extend(told.into_iter().flatten().map(str::to_owned));
            }
        }
        names.retain(|name| name != "lo" && !name.starts_with("::"));
        names.sort();
        names.dedup();
        names
    };
    let drops = |batches: &[RecordBatch]| -> u64 {
        let views = batches.iter().map(|batch| View::of(batch).unwrap());
        let drops = views.map(|view| {
            let lines = view.lines().filter(|line| line.kind == Some("site"));
            lines.filter_map(|line| line.drops).sum::<u64>()
        });
        drops.sum()
    };
    for bytes in made() {
        for filter in ["src host 10.0.0.1", "src host 10.0.0.1 and less 900"] {
            let [shown, hidden] = [false, true].map(|hide| filtered(&bytes, filter, hide));
            assert_eq!(drops(&shown.batches), drops(&hidden.batches));
            assert_eq!(shown.singles, hidden.singles);
            assert!(!hidden.schema.metadata().contains_key(checksum::KEY));
            let text = format!(
                "{} {:?}",
                hidden.schema.metadata()[KEY],
                rows(&hidden.batches, &[])
            );
            let ours = names(&shown.batches);
            assert!(drops(&shown.batches) == 0 || ours.len() > 1, "{ours:?}");
            for name in ours {
                assert!(!text.contains(&format!("\"{name}\"")), "{name}");
            }
            assert!(!text.contains("10.0.0.1"), "`{filter}`");
        }
    }
}

#[test]
fn a_cut_recording_has_no_end() {
    let drops = events(4, 8);
    let snapshots: Vec<_> = drops.iter().map(|drops| counted(drops, 0)).collect();
    let bytes = record_with(&snapshots, &drops, &singles::header(Some(1000)));
    let ends = |read: &Read| {
        let rows = rows(&read.batches, &[]);
        let of = |kind: &str| {
            let kind = format!("kind: Some(\"{kind}\")");
            rows.iter().filter(|row| row.contains(&kind)).count()
        };
        [of("interval"), of("end")]
    };
    assert_eq!(ends(&filtered(&bytes, "cpu 1", false)), [4, 1]);
    let cut = filtered(&bytes[..bytes.len() * 2 / 3], "cpu 1", false);
    assert!(matches!(cut.end, End::Cut(_)), "{}", cut.end);
    let [intervals, end] = ends(&cut);
    assert!(intervals < 4 && end == 0, "{intervals} {end}");
}
