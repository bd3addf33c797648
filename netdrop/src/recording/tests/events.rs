//! Sampled drops, and what hides them.

use std::collections::{BTreeSet, HashMap};

use arrow_array::{Array as _, StringArray};
use arrow_ipc::reader::StreamReader;

use super::{
    BOOT,
    damage::cut,
    header,
    made::{events, snapshots},
    record, record_with, replayed, view,
};
use crate::{
    filter::{names::System, parse, plan::Plan},
    kernel::capture::Detail,
    recording::{
        anonymize::{Anonymizer, tests::anonymizer},
        header::Header,
        read::{Interval, Recording},
    },
    tally::{
        headers::Headers, names::canned::Canned, packet::Drop, sampled::Sampled, show::Show,
        site::Sites,
    },
};

pub(super) fn with_stacks() -> Header {
    Header {
        stacks: true,
        max_events: Some(200),
        ..header()
    }
}

fn live(events: &[Detail], stacks: bool) -> Vec<Drop> {
    let mut sites = Sites::default();
    let name = |detail| Drop::of(detail, BOOT, stacks, &mut sites, &mut Canned);
    events.iter().map(name).collect()
}

pub(super) fn intervals(bytes: &[u8], anonymizer: Option<Anonymizer>) -> Vec<Interval> {
    let mut recording = Recording::open_with(bytes, None, anonymizer).unwrap();
    std::iter::from_fn(|| recording.next_interval()).collect()
}

fn drops(interval: &Interval) -> Vec<Drop> {
    let all = interval.events.iter();
    all.map(|Sampled { drop, .. }| drop.clone()).collect()
}

#[test]
fn without_events_everything_else_is_the_same() {
    let bytes = record_with(&snapshots(4, 3), &events(4, 9), &with_stacks());
    let open = || Recording::open(&bytes[..]).unwrap();
    let view = view("flow,stage,reason,function,device,netns");
    assert_eq!(
        replayed(open().without_events(), &view),
        replayed(open(), &view)
    );
    let (mut all, mut few) = (open(), open().without_events());
    let mut met = 0;
    while let (Some(all), Some(few)) = (all.next_interval(), few.next_interval()) {
        met += all.events.len();
        assert!(few.events.is_empty());
        assert_eq!(all.counters, few.counters);
    }
    assert!(met > 0);
}

#[test]
fn sampled_drops_read_back_as_they_were() {
    for seed in 1..20 {
        let events = events(4, u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        for stacks in [false, true] {
            let header = Header {
                stacks,
                ..with_stacks()
            };
            let bytes = record_with(&snapshots(4, seed), &events, &header);
            let read = intervals(&bytes, None);
            assert_eq!(read.len(), 4);
            for (read, events) in read.iter().zip(&events) {
                assert_eq!(drops(read), live(events, stacks), "seed {seed}");
            }
        }
    }
}

#[test]
fn sampled_drops_are_counted_nowhere() {
    let snapshots = snapshots(4, 8);
    let periods = |bytes: &[u8]| {
        let recording = Recording::open(bytes).unwrap();
        replayed(recording, &view("reason,stage,flow")).0
    };
    let without = record(&snapshots, &header());
    let with = record_with(&snapshots, &events(4, 9), &with_stacks());
    assert_eq!(periods(&with), periods(&without));
}

#[test]
fn payload_is_recorded_only_when_asked_for() {
    let events = events(1, 5);
    let header = Header {
        payload: true,
        ..with_stacks()
    };
    let read = intervals(&record_with(&snapshots(1, 5), &events, &header), None);
    for (drop, detail) in drops(&read[0]).iter().zip(&events[0]) {
        assert_eq!(drop.headers, Headers::with_payload(detail));
    }
}

#[test]
fn a_filter_looks_at_sampled_drops() {
    let bytes = record_with(&snapshots(2, 3), &events(2, 3), &with_stacks());
    let mut recording = Recording::open(&bytes[..]).unwrap();
    let interval = recording.next_interval().unwrap();
    let all = recording.events(&interval, Show::All).count();
    assert_eq!(all, interval.events.len());
    let benign = recording.events(&interval, Show::NotBenign).count();
    assert!(benign < all, "{benign} of {all}");
}

#[test]
fn a_file_with_sampled_drops_cut_at_any_byte_reads_back() {
    cut(
        &record_with(&snapshots(3, 4), &events(3, 4), &with_stacks()),
        67,
    );
}

/// Every cell of text, and the header.
fn texts(bytes: &[u8]) -> BTreeSet<(String, String)> {
    let mut reader = StreamReader::try_new(bytes, None).unwrap();
    let schema = reader.schema();
    let mut texts: BTreeSet<(String, String)> = schema
        .metadata()
        .values()
        .map(|text| ("header".to_owned(), text.clone()))
        .collect();
    for batch in reader.by_ref() {
        let batch = batch.unwrap();
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            let Some(column) = column.as_any().downcast_ref::<StringArray>() else {
                continue;
            };
            let cells = column.iter().flatten();
            texts.extend(cells.map(|cell| (field.name().clone(), cell.to_owned())));
        }
    }
    texts
}

#[test]
fn nothing_of_the_host_is_left_in_an_anonymized_file() {
    let plain = with_stacks();
    let hidden = Header {
        anonymizer: Some(anonymizer(3)),
        filter: Some("host 10.0.0.1".to_owned()),
        warnings: vec!["the file /etc/secretive".to_owned()],
        ..plain.clone()
    };
    let (snapshots, events) = (snapshots(6, 11), events(6, 12));
    let before = texts(&record_with(&snapshots, &events, &plain));
    let after = texts(&record_with(&snapshots, &events, &hidden));
    let column = |texts: &BTreeSet<(String, String)>, wanted: &[&str]| -> BTreeSet<String> {
        let cells = texts.iter().filter(|(name, _)| wanted.contains(&&**name));
        cells.map(|(_, cell)| cell.clone()).collect()
    };
    let names = [
        "src",
        "dst",
        "device",
        "netns_name",
        "command",
        "cgroup",
        "receiver_command",
    ];
    for name in names {
        let before = column(&before, &[name]);
        assert!(!before.is_empty(), "{name}");
        let all: BTreeSet<&String> = after.iter().map(|(_, cell)| cell).collect();
        for cell in &before {
            assert!(!all.contains(cell), "{name} {cell}");
        }
        // What differed still does.
        assert_eq!(column(&after, &[name]).len(), before.len(), "{name}");
    }
    for (name, cell) in &after {
        let there = ["10.0.0.1", "secretive", "lab", "52540077", "52540011"];
        let found = there.iter().find(|it| cell.contains(**it));
        let is_ours = found.is_some() && name != "kind";
        assert!(!is_ours, "{found:?} in {name}: {cell}");
    }
    for kept in ["reason", "stage", "function", "stack", "protocol", "kind"] {
        assert_eq!(column(&after, &[kept]), column(&before, &[kept]), "{kept}");
    }
}

#[test]
fn an_anonymized_host_stays_one_host() {
    let (snapshots, events) = (snapshots(5, 21), events(5, 22));
    let plain = record_with(&snapshots, &events, &with_stacks());
    // Whether it is hidden when written or when read.
    let written = Header {
        anonymizer: Some(anonymizer(4)),
        ..with_stacks()
    };
    let written = record_with(&snapshots, &events, &written);
    let before = intervals(&plain, None);
    for after in [
        intervals(&written, None),
        intervals(&plain, Some(anonymizer(4))),
    ] {
        let mut known = HashMap::new();
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.events.len(), after.events.len());
            for (before, after) in before.events.iter().zip(&after.events) {
                let (before, after) = (&before.drop, &after.drop);
                for (old, new) in [(before.src, after.src), (before.dst, after.dst)] {
                    let (old, new) = (old.unwrap(), new.unwrap());
                    assert_eq!(old.is_ipv4(), new.is_ipv4());
                    assert_eq!(*known.entry(old).or_insert(new), new);
                }
                let ports = |drop: &Drop| (drop.src_port, drop.dst_port, drop.icmp);
                assert_eq!(ports(before), ports(after));
                assert_eq!(before.headers.is_some(), after.headers.is_some());
                if let Some(headers) = &after.headers {
                    // The bytes tell the same addresses.
                    let hex = headers.hexadecimal();
                    for end in [after.src.unwrap(), after.dst.unwrap()] {
                        let bytes = match end {
                            std::net::IpAddr::V4(end) => end.octets().to_vec(),
                            std::net::IpAddr::V6(end) => end.octets().to_vec(),
                        };
                        let bytes = Headers {
                            link_layer: false,
                            bytes: bytes.into(),
                        };
                        let text = bytes.hexadecimal();
                        assert!(hex.contains(&text), "{text} is not in {hex}");
                    }
                    if after.protocol.as_deref() == Some("udp") {
                        assert!(!hex.contains("beef"), "{hex}");
                    }
                }
            }
            let flows = |interval: &Interval| interval.snapshot.flows.as_ref().unwrap().len();
            assert_eq!(flows(before), flows(after));
        }
        assert!(known.len() > 3);
        let new: BTreeSet<_> = known.values().collect();
        assert_eq!(new.len(), known.len());
    }
}

#[test]
fn a_filter_asks_about_what_was_recorded_and_not_about_what_stands_for_it() {
    let bytes = record_with(&snapshots(4, 6), &events(4, 6), &with_stacks());
    let read = |filter: &str, hide: bool| {
        let expr = parse(filter, &System { reasons: None }).unwrap().unwrap();
        let plan = Plan::recorded(&expr);
        let hide = hide.then(|| anonymizer(7));
        let open = || Recording::open_with(&bytes[..], Some(plan.clone()), hide.clone()).unwrap();
        let (periods, _) = replayed(open(), &view("stage,reason,function,cpu"));
        let (by_flow, _) = replayed(open(), &view("flow"));
        let mut drops: Vec<u64> = by_flow
            .last()
            .unwrap()
            .rows
            .iter()
            .map(|row| row.sums.drops())
            .collect();
        drops.sort_unstable();
        let mut recording = open();
        let mut events = 0;
        while let Some(interval) = recording.next_interval() {
            events += recording.events(&interval, Show::All).count();
        }
        // Without what tells devices.
        let periods: Vec<_> = periods
            .into_iter()
            .map(|period| (period.totals, period.accounting, period.rows))
            .collect();
        (periods, drops, events)
    };
    for filter in [
        "src host 10.0.0.1",
        "dev eth1 or netns ns4",
        "not net 10.0.0.0/30 and port 53",
        "reason REASON_1",
    ] {
        let plain = read(filter, false);
        let (totals, accounting, _) = plain.0.last().unwrap();
        assert!(totals.sums.drops() > 0 && plain.2 > 0, "{filter}");
        assert!(accounting.filtered + accounting.undecided > 0, "{filter}");
        assert!(read(filter, true) == plain, "{filter}");
    }
}
