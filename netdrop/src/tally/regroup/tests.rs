use netdrop_ebpf::{
    area::{Counter, Weights},
    site::SiteKey,
};

use super::*;
use crate::{
    kernel::snapshot::Snapshot,
    tally::{
        accounting::Attached,
        key::Key,
        names::canned::Canned,
        period::{Moment, View},
        show::Show,
    },
};

const ALL: [Key; 5] = [
    Key::Stage,
    Key::Reason,
    Key::Function,
    Key::Device,
    Key::Cpu,
];

fn tally(by: By, top: usize) -> Tally {
    let view = View {
        by,
        top,
        sort: Sort::Drops,
        show: Show::All,
    };
    Tally::new(view, Attached::default())
}

fn snapshot(seed: u64) -> Snapshot {
    let mut snapshot = Snapshot {
        seconds: 1.0,
        ..Snapshot::default()
    };
    for number in 0..200 {
        let value = (number * 2_654_435_761 + seed * 97) % 1000;
        let key = SiteKey {
            location: 0x100 + (value % 5) * 0x100,
            reason: u32::try_from(value % 7).unwrap(),
            netns: 4,
            ifindex: 1 + u32::try_from(value % 3).unwrap(),
            cpu: u16::try_from(value % 4).unwrap(),
            ..SiteKey::default()
        };
        let weights = Weights {
            drops: value,
            packets: value,
            bytes: value * 60,
        };
        snapshot.counters.0[Counter::Fired as usize] += value;
        snapshot.sites.push((key, weights));
    }
    snapshot
}

fn feed(tally: &mut Tally, seed: u64) {
    let moment = Moment {
        time: jiff::Timestamp::UNIX_EPOCH,
        time_squeeze: None,
        output_lost: 0,
    };
    tally.interval(&snapshot(seed), &moment, &mut Canned);
}

/// A tally by all keys and one by some, after the same intervals.
fn both(some: &By, top: usize) -> (Tally, Tally) {
    let (mut all, mut own) = (tally(By::of(ALL), 0), tally(some.clone(), top));
    for seed in 0..3 {
        feed(&mut all, seed);
        feed(&mut own, seed);
    }
    (all, own)
}

#[test]
fn rows_by_fewer_keys_are_as_if_counted_by_them() {
    for keys in [
        vec![Key::Stage],
        vec![Key::Cpu],
        vec![Key::Reason, Key::Device],
        vec![Key::Function, Key::Cpu, Key::Stage],
    ] {
        for top in [1, 3, 1000] {
            let by = By::of(keys.clone());
            let (all, own) = both(&by, top);
            let summary = own.summary(jiff::Timestamp::UNIX_EPOCH, 0);
            let lines = all.lines(&by, Order::Drops, top, None);
            let rows: Vec<Row> = lines.iter().map(|line| line.run.clone()).collect();
            assert_eq!(rows, summary.rows, "{keys:?}, {top}");
            let now: u64 = lines.iter().map(|line| line.now.drops()).sum();
            assert_eq!(now, snapshot(2).counters.get(Counter::Fired));
        }
    }
}

#[test]
fn what_is_within_a_row_adds_up_to_it() {
    let by = By::of([Key::Reason]);
    let (all, _) = both(&by, 1000);
    let lines = all.lines(&by, Order::Drops, 1000, None);
    assert_eq!(lines.len(), 7);
    for line in lines {
        let within = Within {
            by: &by,
            groups: &[line.group],
        };
        let parts = all.lines(&By::of([Key::Cpu]), Order::Drops, 2, Some(within));
        let drops: u64 = parts.iter().map(|part| part.run.sums.drops()).sum();
        assert_eq!(drops, line.run.sums.drops());
        let now: u64 = parts.iter().map(|part| part.now.drops()).sum();
        assert_eq!(now, line.now.drops());
    }
    let nothing = Within {
        by: &by,
        groups: &[],
    };
    assert!(all.lines(&by, Order::Drops, 9, Some(nothing)).is_empty());
}

#[test]
fn by_rate_the_last_interval_comes_first() {
    let by = By::of([Key::Cpu]);
    let (all, _) = both(&by, 1000);
    let lines = all.lines(&by, Order::Rate, 1000, None);
    assert!(lines.is_sorted_by(|a, b| a.now.drops() >= b.now.drops()));
    assert_eq!(lines.len(), 4);
    let few = all.lines(&by, Order::Rate, 2, None);
    assert_eq!(few.len(), 3);
    assert_eq!(few[2].run.other, Some(Other::Top(2)));
}
