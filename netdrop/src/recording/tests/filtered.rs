//! Tables of what a filter leaves.

mod connections;
mod rows;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::SchemaRef;

use super::{
    made::{events, snapshots},
    record_with, replayed,
    singles::{FILTERS, all, counted, header, plan},
};
use crate::{
    recording::{
        anonymize::{self, tests::anonymizer},
        columns::{Line, View},
        filtered::Filtered,
        read::{End, Recording},
        table::Table,
    },
    tally::{choose::Singles, period::Period},
};

/// Filters that rows decide.
const OF_ROWS: [&str; 7] = [
    "cpu 1",
    "reason REASON_1 or cpu 0",
    "src host 10.0.0.1",
    "not net 10.0.0.0/30 and port 53",
    "dev eth1 or netns ns4",
    "tcp and not dst port 80",
    "severity harmful",
];

/// The rows of all batches, and how they end.
struct Read {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    end: End,
    singles: Option<Singles>,
}

fn filtered(bytes: &[u8], filter: &str, hide: bool) -> Read {
    let hide = hide.then(|| anonymizer(7));
    let recording = Recording::open_with(bytes, Some(plan(filter)), hide.clone()).unwrap();
    let text = if hide.is_some() {
        anonymize::FILTER
    } else {
        filter
    };
    let mut table = Filtered::of(recording, Some(text.to_owned())).unwrap();
    let mut batches = Vec::new();
    loop {
        let rows = table.next_rows().unwrap();
        if rows.is_empty() {
            let end = table.end().unwrap().clone();
            let singles = table.singles();
            return Read {
                schema: SchemaRef::clone(table.schema()),
                batches,
                end,
                singles,
            };
        }
        batches.extend(rows);
    }
}

fn raw(bytes: &[u8]) -> Vec<RecordBatch> {
    let mut table = Table::open(bytes).unwrap();
    let mut batches = Vec::new();
    loop {
        let rows = table.next_rows();
        if rows.is_empty() {
            return batches;
        }
        batches.extend(rows);
    }
}

/// Every row, with all that is in it, sorted; but for counts of these names.
fn rows(batches: &[RecordBatch], without: &[&str]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        for line in View::of(batch).unwrap().lines() {
            let is_count = line.kind == Some("count");
            if !(is_count && line.name.is_some_and(|name| without.contains(&name))) {
                // The canned host has a name for namespace 0, which is none.
                let named = line.netns.and(line.netns_name);
                let line = Line {
                    netns_name: named,
                    netns_kind: named.and(line.netns_kind),
                    ..line
                };
                let row = format!("{line:?}");
                let told = row.split(", ").filter(|cell| !cell.ends_with(": None"));
                rows.push(told.collect::<Vec<_>>().join(", "));
            }
        }
    }
    rows.sort();
    rows
}

fn same(found: &[String], expected: &[String]) {
    let differs = found.iter().zip(expected).find(|(one, other)| one != other);
    assert_eq!(differs, None);
    assert_eq!(found.len(), expected.len());
}

/// The rows as a recording of their own.
fn recorded(read: &Read) -> Vec<u8> {
    let Read {
        schema, batches, ..
    } = read;
    let mut writer = StreamWriter::try_new(Vec::new(), schema).unwrap();
    for batch in batches {
        let columns = batch.columns().to_vec();
        let batch = RecordBatch::try_new(SchemaRef::clone(schema), columns).unwrap();
        writer.write(&batch).unwrap();
    }
    writer.into_inner().unwrap()
}

/// Recordings in which everything may happen, in which every drop was kept single,
/// and in which only some were and some had no place.
fn made() -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    for seed in [0x2545_f491_4f6c_dd1d, 0x9e37_79b9_7f4a_7c15_u64] {
        let head = header(Some(1000));
        made.push(record_with(&snapshots(4, seed), &events(4, seed), &head));
        let drops = events(4, seed);
        for (top, without_place, every) in [(None, 0, 1), (Some(3), 2, 2)] {
            let snapshots: Vec<_> = drops
                .iter()
                .map(|drops| counted(drops, without_place.min(drops.len())))
                .collect();
            let some: Vec<Vec<_>> = drops
                .iter()
                .map(|drops| drops.iter().step_by(every).cloned().collect())
                .collect();
            made.push(record_with(&snapshots, &some, &header(top)));
        }
    }
    made
}

/// What a period shows; without what of flows is only shown by flow.
fn shown(mut period: Period, by_flow: bool) -> Period {
    if !by_flow {
        let accounting = &mut period.accounting;
        accounting.flow_other = None;
        accounting.no_flow = None;
        accounting.consequence_other = None;
    }
    // Of as many drops, those that came first come first.
    period
        .rows
        .sort_by_cached_key(|row| format!("{:?}", row.fields));
    period
}

#[test]
fn a_table_tells_what_the_same_filter_shows() {
    let mut kept = 0;
    for bytes in made() {
        for filter in FILTERS.iter().chain(&OF_ROWS) {
            for hide in [false, true] {
                let read = filtered(&bytes, filter, hide);
                assert_eq!(read.end, End::Closed("duration".to_owned()));
                let again = recorded(&read);
                for by in [
                    "stage,reason,function,cpu,severity,device,netns,direction,protocol",
                    "flow,reason",
                ] {
                    let hidden = hide.then(|| anonymizer(7));
                    let asked =
                        Recording::open_with(&bytes[..], Some(plan(filter)), hidden).unwrap();
                    let again = Recording::open(&again[..]).unwrap();
                    let (asked, _) = replayed(asked, &all(by));
                    let (table, end) = replayed(again, &all(by));
                    assert_eq!(end, read.end);
                    assert_eq!(table.len(), asked.len());
                    for (table, asked) in table.into_iter().zip(asked) {
                        kept += asked.totals.sums.drops();
                        let [table, asked] =
                            [table, asked].map(|period| shown(period, by.contains("flow")));
                        assert_eq!(table, asked, "`{filter}` by {by}, hidden: {hide}");
                    }
                }
            }
        }
    }
    assert!(kept > 500, "{kept}");
}

#[test]
fn a_filter_that_leaves_everything_leaves_every_row_as_it_was() {
    let everything = "cpu 0 or not cpu 0";
    for seed in [5, 77, 0x9e37_79b9_7f4a_7c15] {
        // These know which drops have a flow, and have no drop without a place.
        let drops = events(5, seed);
        let snapshots_of: Vec<_> = drops.iter().map(|drops| counted(drops, 0)).collect();
        let bytes = record_with(&snapshots_of, &drops, &header(Some(1000)));
        let found = rows(&filtered(&bytes, everything, false).batches, &[]);
        let event = found.iter().filter(|row| row.contains(r#"Some("event")"#));
        assert!(event.count() > 10);
        same(&found, &rows(&raw(&bytes), &[]));

        // What has no row is undecided.
        let bytes = record_with(&snapshots(6, seed), &events(6, seed), &header(Some(1000)));
        let without = ["undecided", "no_flow", "flow_other", "rejected"];
        let others = ["site_other", "site_other_packets", "site_other_bytes"];
        let without = [&without[..], &others[..]].concat();
        let read = filtered(&bytes, everything, false);
        let drops = |row: &String| row.contains(r#"kind: Some("interval")"#);
        let [found, before] = [&read.batches, &raw(&bytes)].map(|batches| {
            let mut rows = rows(batches, &without);
            rows.retain(|row| !drops(row));
            rows
        });
        let connections = found.iter().filter(|row| row.contains("watched"));
        assert!(connections.count() > 5);
        same(&found, &before);
    }
}
