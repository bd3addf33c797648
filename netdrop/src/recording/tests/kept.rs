//! Files that begin in the middle: dumps of the flight recorder, and pieces; and
//! intervals that share a batch.

use std::{fs::File, os::fd::AsRawFd as _};

use super::{
    super::{
        header::Header,
        read::{End, Recording},
        write::{
            Events, Instant, Written, ring::Ring, rows::Rows, sheet::Sheet, state::State,
            stream::Stream,
        },
    },
    BOOT, SQUEEZED, bytes, counters, file, header,
    made::snapshots,
    replayed, time, view,
};
use crate::{kernel::snapshot::Snapshot, tally::names::canned::Canned};

pub(super) fn sheets(snapshots: &[Snapshot]) -> Vec<Sheet> {
    let mut rows = Rows::new(&header(), &counters(0));
    let number = |(number, snapshot): (usize, &Snapshot)| {
        let instant = Instant {
            time: time(number),
            time_squeeze: Some(SQUEEZED),
            counters: &counters(number as u64),
            events: Events::Live {
                details: &[],
                boot: BOOT,
            },
        };
        rows.interval(snapshot, &instant, &mut Canned).unwrap()
    };
    snapshots.iter().enumerate().map(number).collect()
}

/// Of a file that begins in the middle.
pub(super) fn dumped() -> Header {
    Header {
        since: header().start,
        ..header()
    }
}

fn drops(snapshots: &[Snapshot]) -> u64 {
    let counted = snapshots.iter().map(|snapshot| snapshot.counters.counted());
    counted.sum()
}

#[test]
fn a_dump_holds_the_last_seconds_and_what_stood_before_them() {
    let snapshots = snapshots(20, 31);
    let mut ring = Ring::new(&header(), State::new(&counters(0)), 4.0, 1 << 30).unwrap();
    for (number, sheet) in sheets(&snapshots).into_iter().enumerate() {
        ring.push(sheet).unwrap();
        let seen = &snapshots[..=number];
        // As few as are long enough together.
        let lengths = seen.iter().rev().scan(0.0, |sum, snapshot| {
            *sum += snapshot.seconds;
            Some(*sum)
        });
        let count = seen
            .len()
            .min(1 + lengths.take_while(|sum| *sum < 4.0).count());
        let first = seen.len() - count;
        let file = file();
        let amount = ring
            .dump(file.try_clone().unwrap(), &dumped(), "signal")
            .unwrap();
        assert_eq!(amount.intervals, count as u64);
        let bytes = bytes(file);
        assert_eq!(amount.bytes, bytes.len() as u64);
        let recording = Recording::open(&bytes[..]).unwrap();
        let before = first.saturating_sub(1) as u64;
        assert_eq!(recording.counters, counters(before));
        let start = match first {
            0 => header().start,
            _ => Some(time(first - 1)),
        };
        assert_eq!(recording.header().start, start);
        let (periods, end) = replayed(recording, &view("flow,reason"));
        assert_eq!(end, End::Closed("signal".to_owned()));
        assert_eq!(periods.len(), count + 1);
        let total = periods.last().unwrap().totals.sums.drops();
        assert_eq!(total, drops(&snapshots[first..=number]));
        assert_eq!(total, amount.drops);
    }
    assert_eq!(ring.crowded(), 0);
}

#[test]
fn the_flight_recorder_keeps_within_its_memory() {
    let snapshots = snapshots(40, 5);
    let most = 100 << 10;
    let mut ring = Ring::new(&header(), State::new(&counters(0)), 1e9, most).unwrap();
    for sheet in sheets(&snapshots) {
        ring.push(sheet).unwrap();
        assert!(ring.amount().bytes <= most as u64);
    }
    let kept = ring.amount().intervals;
    assert!(kept > 2 && ring.crowded() == 40 - kept, "{kept}");
}

/// Whole intervals that can be read of a file now, and its bytes.
fn readable(file: &File) -> (usize, usize) {
    let bytes = std::fs::read(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    let mut recording = Recording::open(&bytes[..]).unwrap();
    let intervals = std::iter::from_fn(|| recording.next_interval());
    (intervals.count(), bytes.len())
}

/// Three seconds of nothing, one of drops, and nothing again.
fn mostly_quiet() -> Vec<Snapshot> {
    let mut all = vec![
        Snapshot {
            seconds: 1.0,
            ..Snapshot::default()
        };
        30
    ];
    let mut noisy = snapshots(20, 31).into_iter();
    all[3] = noisy.find(|found| found.counters.counted() > 0).unwrap();
    all
}

#[test]
fn quiet_intervals_wait_for_others_and_no_drop_does() {
    let file = file();
    let state = State::new(&counters(0));
    let mut stream = Stream::start(file.try_clone().unwrap(), &header(), None, state).unwrap();
    let mut seen = Vec::new();
    for sheet in sheets(&mostly_quiet()) {
        stream.sheet(sheet).unwrap();
        seen.push(readable(&file).0);
    }
    assert_eq!(seen[..10], [0, 0, 0, 4, 4, 4, 4, 4, 9, 9]);
    assert_eq!(seen[28..], [29, 29]);
    stream.finish("signal").unwrap();
    assert_eq!(readable(&file).0, 30);
}

#[test]
fn a_bound_holds_although_quiet_intervals_wait() {
    let quiet = vec![
        Snapshot {
            seconds: 1.0,
            ..Snapshot::default()
        };
        400
    ];
    let most = 200 << 10;
    let file = file();
    let state = State::new(&counters(0));
    let mut stream =
        Stream::start(file.try_clone().unwrap(), &header(), Some(most), state).unwrap();
    let taken = sheets(&quiet)
        .into_iter()
        .map(|sheet| stream.sheet(sheet).unwrap())
        .take_while(|written| *written == Written::Yes)
        .count();
    let bytes = stream.finish("size").unwrap();
    assert!(
        bytes <= most && taken < 400,
        "{bytes} bytes, {taken} intervals"
    );
    assert_eq!(readable(&file).0, taken);
}

#[test]
fn the_flight_recorder_puts_intervals_together() {
    let snapshots = mostly_quiet();
    let mut ring = Ring::new(&header(), State::new(&counters(0)), 600.0, 1 << 30).unwrap();
    for sheet in sheets(&snapshots) {
        ring.push(sheet).unwrap();
    }
    assert_eq!(ring.amount().intervals, 30);
    let file = file();
    let amount = ring
        .dump(file.try_clone().unwrap(), &dumped(), "signal")
        .unwrap();
    let (intervals, bytes) = readable(&file);
    assert_eq!((intervals, amount.intervals), (30, 30));
    assert_eq!(amount.drops, drops(&snapshots));
    let whole = self::bytes(file);
    let recording = Recording::open(&whole[..]).unwrap();
    let (periods, end) = replayed(recording, &view("reason"));
    assert_eq!(end, End::Closed("signal".to_owned()));
    assert_eq!(periods.last().unwrap().totals.sums.drops(), amount.drops);
    assert!(bytes < 64_000, "{bytes} bytes");
}

#[test]
fn pieces_add_up_to_the_whole() {
    let snapshots = snapshots(30, 77);
    let mut state = State::new(&counters(0));
    let mut start = header().start;
    let mut sheets = sheets(&snapshots).into_iter();
    let (mut total, mut followed) = (0, 0);
    for piece in 0..6_usize {
        let header = Header { start, ..dumped() };
        let file = file();
        let mut stream = Stream::start(file.try_clone().unwrap(), &header, None, state).unwrap();
        for sheet in sheets.by_ref().take(5) {
            stream.sheet(sheet).unwrap();
        }
        state = stream.state().continued();
        start = Some(stream.time());
        stream.finish("rotated").unwrap();
        let bytes = bytes(file);
        let recording = Recording::open(&bytes[..]).unwrap();
        let before = (piece * 5).saturating_sub(1) as u64;
        assert_eq!(recording.counters, counters(before));
        followed += consequences(&bytes);
        let (periods, _) = replayed(recording, &view("reason"));
        total += periods.last().unwrap().totals.sums.drops();
    }
    assert_eq!(total, drops(&snapshots));
    let whole = super::record(&snapshots, &header());
    assert_eq!(followed, consequences(&whole));
}

/// All consequences that a file tells of, of every life of a connection.
fn consequences(bytes: &[u8]) -> u64 {
    let mut recording = Recording::open(bytes).unwrap();
    let mut last = std::collections::HashMap::new();
    let mut sum = 0;
    while let Some(interval) = recording.next_interval() {
        for followed in interval.snapshot.aftermath.unwrap().connections {
            let counts: u64 = followed
                .counts
                .iter()
                .flatten()
                .copied()
                .map(u64::from)
                .sum();
            let before = last.insert(followed.connection, counts).unwrap_or(0);
            sum += counts - before;
            if followed.removed {
                last.remove(&followed.connection);
            }
        }
    }
    sum
}
