mod bookmarks;
mod damage;
mod events;
mod filtered;
mod format;
mod kept;
mod made;
mod seeds;
mod singles;

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _},
    sync::atomic::AtomicU32,
};

use jiff::Timestamp;

use self::made::snapshots;
use super::{
    header::{FORMAT, Header, HookFact},
    read::{End, Recording},
    write::{Events, HostCounter, Instant, Recorder, Written},
};
use crate::{
    kernel::{capture::Detail, hooks::HOOKS, snapshot::Snapshot},
    tally::{
        names::canned::Canned,
        period::{Moment, Period, Tally, View},
        rank::Sort,
        show::Show,
    },
};

fn header() -> Header {
    Header {
        format: FORMAT,
        version: "0.1.0".to_owned(),
        start: Timestamp::from_second(1_700_000_000).ok(),
        host: "lab".to_owned(),
        top: Some(1000),
        hooks: HOOKS
            .iter()
            .map(|hook| HookFact {
                name: hook.name.to_owned(),
                attached: !hook.name.starts_with("xdp"),
                why: None,
            })
            .collect(),
        ..Header::default()
    }
}

/// A file that nobody else sees.
fn file() -> File {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("netdrop-test-{}-{number}", std::process::id()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .unwrap();
    std::fs::remove_file(path).unwrap();
    file
}

fn bytes(mut file: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

const BOOT: Timestamp = Timestamp::UNIX_EPOCH;

const SQUEEZED: &[(u32, u64)] = &[(0, 0), (1, 7)];

fn time(interval: usize) -> Timestamp {
    Timestamp::from_second(1_700_000_001 + i64::try_from(interval).unwrap()).unwrap()
}

fn counters(value: u64) -> [HostCounter; 2] {
    [("processed", value), ("dropped", 3)].map(|(name, value)| HostCounter {
        scope: "softnet/0".into(),
        name: name.into(),
        value: Some(value),
    })
}

fn record(snapshots: &[Snapshot], header: &Header) -> Vec<u8> {
    record_with(snapshots, &[], header)
}

/// With sampled drops of each interval.
fn record_with(snapshots: &[Snapshot], events: &[Vec<Detail>], header: &Header) -> Vec<u8> {
    let file = file();
    let mut recorder =
        Recorder::start(file.try_clone().unwrap(), header, None, &counters(0)).unwrap();
    for (number, snapshot) in snapshots.iter().enumerate() {
        let instant = Instant {
            time: time(number),
            time_squeeze: Some(SQUEEZED),
            counters: &counters(number as u64),
            events: Events::Live {
                details: events.get(number).map_or(&[], Vec::as_slice),
                boot: BOOT,
            },
        };
        let written = recorder.interval(snapshot, &instant, &mut Canned).unwrap();
        assert_eq!(written, Written::Yes);
    }
    let size = recorder.finish("duration").unwrap();
    let bytes = bytes(file);
    assert_eq!(bytes.len() as u64, size);
    bytes
}

fn view(by: &str) -> View {
    View {
        by: by.parse().unwrap(),
        top: 1000,
        sort: Sort::Drops,
        show: Show::NotBenign,
    }
}

fn live(snapshots: &[Snapshot], view: &View, recording: &Recording<&[u8]>) -> Vec<Period> {
    let mut tally = Tally::new(view.clone(), recording.attached());
    let mut periods: Vec<Period> = snapshots
        .iter()
        .enumerate()
        .map(|(number, snapshot)| {
            let moment = Moment {
                time: time(number),
                time_squeeze: Some(SQUEEZED),
                output_lost: 0,
            };
            tally.interval(snapshot, &moment, &mut Canned)
        })
        .collect();
    periods.push(tally.summary(Timestamp::UNIX_EPOCH, 0));
    periods
}

fn replayed(mut recording: Recording<&[u8]>, view: &View) -> (Vec<Period>, End) {
    let mut tally = recording.tally(view.clone());
    let mut periods = Vec::new();
    while let Some(interval) = recording.next_interval() {
        periods.push(recording.show(&interval, &mut tally));
    }
    periods.push(tally.summary(Timestamp::UNIX_EPOCH, 0));
    (periods, recording.end().unwrap().clone())
}

#[test]
fn what_is_replayed_is_what_was_counted() {
    for seed in 1..20 {
        let snapshots = snapshots(6, u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let bytes = record(&snapshots, &header());
        for by in [
            "stage,reason,function",
            "device,netns,cpu,direction,severity,protocol",
            "flow,reason,stage",
        ] {
            let recording = Recording::open(&bytes[..]).unwrap();
            let live = live(&snapshots, &view(by), &recording);
            let (replayed, end) = replayed(recording, &view(by));
            assert_eq!(end, End::Closed("duration".to_owned()));
            assert_eq!(replayed.len(), live.len());
            for (replayed, live) in replayed.iter().zip(&live) {
                assert_eq!(replayed, live, "seed {seed} by {by}");
            }
        }
    }
}

#[test]
fn flows_beyond_the_bound_are_counted() {
    let snapshots = snapshots(3, 77);
    let top = Header {
        top: Some(2),
        ..header()
    };
    let bytes = record(&snapshots, &top);
    let recording = Recording::open(&bytes[..]).unwrap();
    let live = live(&snapshots, &view("flow"), &recording);
    let (replayed, _) = replayed(recording, &view("flow"));
    let (replayed, live) = (replayed.last().unwrap(), live.last().unwrap());
    assert_eq!(replayed.totals, live.totals);
    assert!(replayed.accounting.flow_other > live.accounting.flow_other);
    let drops = |period: &Period| -> u64 { period.rows.iter().map(|row| row.sums.drops()).sum() };
    assert_eq!(drops(replayed), drops(live));
}

#[test]
fn counters_of_the_host_are_told_at_the_start_and_when_they_change() {
    let bytes = record(&snapshots(3, 5), &header());
    let mut recording = Recording::open(&bytes[..]).unwrap();
    assert_eq!(recording.counters, counters(0));
    assert!(recording.next_interval().unwrap().counters.is_empty());
    let changed = recording.next_interval().unwrap().counters;
    assert_eq!(changed, counters(1)[..1]);
}

#[test]
fn a_file_never_grows_beyond_its_bound() {
    let file = file();
    let most = 64 << 10;
    let mut recorder =
        Recorder::start(file.try_clone().unwrap(), &header(), Some(most), &[]).unwrap();
    let snapshots = snapshots(40, 12);
    let mut written = 0;
    for (number, snapshot) in snapshots.iter().enumerate() {
        let instant = Instant {
            time: time(number),
            time_squeeze: None,
            counters: &[],
            events: Events::Live {
                details: &[],
                boot: BOOT,
            },
        };
        match recorder.interval(snapshot, &instant, &mut Canned).unwrap() {
            Written::Yes => written += 1,
            Written::Full => break,
        }
    }
    assert!((2..40).contains(&written), "{written}");
    assert!(recorder.finish("size").unwrap() <= most);
    let bytes = bytes(file);
    let recording = Recording::open(&bytes[..]).unwrap();
    let (periods, end) = replayed(recording, &view("reason"));
    assert_eq!(periods.len(), written + 1);
    assert_eq!(end, End::Closed("size".to_owned()));
}
