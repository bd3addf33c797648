use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _},
    sync::{Arc, atomic::AtomicU32},
};

use arrow_array::{RecordBatch, StringArray, UInt64Array};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use jiff::Timestamp;
use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::{FlowAddrs, FlowKey},
    site::{NO_REASON, SiteKey, state},
    squeeze::NapiKey,
};

use super::{
    header::{FORMAT, Header, HookFact, KEY},
    read::{End, OpenError, Recording},
    write::{HostCounter, Instant, Recorder, Written},
};
use crate::{
    kernel::{
        hooks::HOOKS,
        snapshot::{Aftermath, Followed, Snapshot},
    },
    tally::{
        consequences,
        names::canned::{Canned, NOWHERE},
        period::{Moment, Period, Tally, View},
        rank::Sort,
        show::Show,
    },
};

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.next(of.len() as u64)).unwrap()]
    }

    fn site(&mut self) -> SiteKey {
        SiteKey {
            location: self.one(&[0x1205, 0x1304, 0x1404, NOWHERE]),
            reason: self.one(&[0, 1, 2, 5, NO_REASON]),
            netns: self.one(&[0, 4, 5]),
            ifindex: self.one(&[0, 1, 7]),
            cpu: self.one(&[0, 1]),
            stack: 0,
            ethertype: self.one(&[0, 0x0800, 0x86dd, 0x0806]),
            state: self.one(&[0, state::RECEIVED, state::NO_TRANSPORT]),
            facts: self.one(&[0, 1 << 10]),
            protocol: self.one(&[1, 6, 6, 17]),
            filter: 0,
        }
    }

    fn flow(&mut self) -> FlowKey {
        let site = SiteKey {
            ethertype: self.one(&[0x0800, 0x0800, 0x86dd]),
            ..self.site()
        };
        let v6 = site.ethertype == 0x86dd;
        let mut address = || {
            let mut bytes = [0; 16];
            bytes[0] = 10;
            bytes[3] = u8::try_from(1 + self.next(3)).unwrap();
            bytes[15] = u8::from(v6);
            bytes
        };
        let (src, dst) = (address(), address());
        let ports = site.protocol != 1 && site.state & state::NO_TRANSPORT == 0;
        let mut port = |some: &[u16]| if ports { self.one(some) } else { 0 };
        let (src_port, dst_port) = (port(&[4000, 4001]), port(&[53, 80]));
        FlowKey {
            site: SiteKey {
                state: site.state | state::FLOW,
                ..site
            },
            addrs: FlowAddrs {
                src,
                dst,
                src_port,
                // Port unreachable, where it is a whole ICMP message.
                dst_port: if site.protocol == 1 && site.state & state::NO_TRANSPORT == 0 {
                    3 << 8 | 3
                } else {
                    dst_port
                },
            },
            reserved: 0,
        }
    }

    /// An interval in which everything may happen.
    fn snapshot(&mut self, before: &[Followed]) -> Snapshot {
        let mut snapshot = Snapshot {
            seconds: 0.5 + f64::from(u32::try_from(self.next(100)).unwrap()) / 128.0,
            recursion_missed: self.one(&[Some(0), Some(3)]),
            ..Snapshot::default()
        };
        let mut flows = Vec::new();
        let mut drops = 0;
        for _ in 0..self.next(30) {
            let weights = Weights {
                drops: 1 + self.next(50),
                packets: 50 + self.next(50),
                bytes: 100 + self.next(9000),
            };
            drops += weights.drops;
            if self.next(3) > 0 {
                let flow = self.flow();
                flows.push((flow, weights));
                snapshot.sites.push((flow.site, weights));
            } else {
                snapshot.sites.push((self.site(), weights));
            }
        }
        let other = self.next(5);
        for (counter, value) in [
            (Counter::Fired, drops + other + 9),
            (Counter::Parts, 9),
            (Counter::SiteOther, other),
            (Counter::SiteOtherPackets, other),
            (Counter::SiteOtherBytes, other * 60),
            (Counter::FlowOther, self.next(3)),
            (Counter::RxPackets, self.next(1000)),
            (Counter::NapiPolls, 30),
            (Counter::NapiFull, 4),
            (Counter::TcpSendReset, self.next(4)),
            (Counter::SampledOut, drops + other),
        ] {
            snapshot.counters.0[counter as usize] = value;
        }
        snapshot.napis.push((
            NapiKey {
                cpu: 1,
                ifindex: 2,
                netns: 4,
                napi_id: 8193,
                poll: 0x400,
            },
            4,
        ));
        let mut connections: Vec<Followed> = before
            .iter()
            .filter(|known| !known.removed)
            .copied()
            .collect();
        for (flow, _) in &flows {
            if let Some((connection, _)) = consequences::connection(flow)
                && !connections.iter().any(|it| it.connection == connection)
            {
                connections.push(Followed {
                    connection,
                    counts: [[0; 3]; 3],
                    removed: false,
                });
            }
        }
        for followed in &mut connections {
            let what = usize::try_from(self.next(3)).unwrap();
            let end = usize::try_from(self.next(3)).unwrap();
            followed.counts[what][end] += u32::try_from(self.next(3)).unwrap();
            followed.removed = self.next(5) == 0;
        }
        snapshot.aftermath = Some(Aftermath {
            connections,
            all_retransmits: true,
            all_resets: false,
        });
        snapshot.flows = Some(flows);
        snapshot
    }
}

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

fn snapshots(count: usize, seed: u64) -> Vec<Snapshot> {
    let mut numbers = Numbers(seed);
    let mut before = Vec::new();
    (0..count)
        .map(|_| {
            let snapshot = numbers.snapshot(&before);
            before.clone_from(&snapshot.aftermath.as_ref().unwrap().connections);
            snapshot
        })
        .collect()
}

const SQUEEZED: &[(u32, u64)] = &[(0, 0), (1, 7)];

fn time(interval: usize) -> Timestamp {
    Timestamp::from_second(1_700_000_001 + i64::try_from(interval).unwrap()).unwrap()
}

fn counters(value: u64) -> [HostCounter; 2] {
    [("processed", value), ("dropped", 3)].map(|(name, value)| HostCounter {
        scope: "softnet/0".to_owned(),
        name: name.to_owned(),
        value: Some(value),
    })
}

fn record(snapshots: &[Snapshot], header: &Header) -> Vec<u8> {
    let file = file();
    let mut recorder =
        Recorder::start(file.try_clone().unwrap(), header, None, &counters(0)).unwrap();
    for (number, snapshot) in snapshots.iter().enumerate() {
        let instant = Instant {
            time: time(number),
            time_squeeze: Some(SQUEEZED),
            counters: &counters(number as u64),
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
fn a_file_cut_at_any_byte_reads_back_up_to_its_last_whole_interval() {
    cut(&record(&snapshots(1, 3), &header()), 1);
    cut(&record(&snapshots(4, 4), &header()), 61);
}

fn cut(bytes: &[u8], step: usize) {
    let mut ends = Vec::new();
    let mut recording = Recording::open(bytes).unwrap();
    while recording.next_interval().is_some() {
        ends.push(recording.bytes());
    }
    let mut opened = false;
    for cut in (0..bytes.len()).step_by(step) {
        match Recording::open(&bytes[..cut]) {
            Err(error) => {
                assert!(
                    matches!(error, OpenError::Empty) && !opened,
                    "{cut}: {error}"
                );
            }
            Ok(mut recording) => {
                opened = true;
                let mut intervals = 0;
                while recording.next_interval().is_some() {
                    intervals += 1;
                }
                let whole = ends.iter().filter(|end| **end <= cut as u64).count();
                assert_eq!(intervals, whole, "cut at {cut}");
                assert!(matches!(recording.end(), Some(End::Cut(_))), "cut at {cut}");
            }
        }
    }
}

/// Reads all there is, and shows it.
fn read(bytes: &[u8]) {
    if let Ok(recording) = Recording::open(bytes) {
        replayed(recording, &view("flow,stage,reason,function,device"));
    }
}

#[test]
fn no_damage_makes_the_reader_panic() {
    let whole = record(&snapshots(2, 9), &header());
    let mut numbers = Numbers(99);
    for _ in 0..1500 {
        let mut bytes = whole.clone();
        for _ in 0..=numbers.next(4) {
            let at = usize::try_from(numbers.next(bytes.len() as u64)).unwrap();
            match numbers.next(4) {
                0 => bytes[at] ^= 1 << numbers.next(8),
                1 => bytes[at] = numbers.one(&[0, 0x7f, 0x80, 0xff]),
                2 => {
                    let end = (at + 8).min(bytes.len());
                    let value = numbers.one(&[u64::MAX, i64::MAX as u64, 1 << 31, 0, 1 << 40]);
                    bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
                }
                _ => {
                    bytes.remove(at);
                }
            }
        }
        read(&bytes);
    }
}

#[test]
fn lengths_that_the_file_does_not_hold_take_no_memory() {
    let whole = record(&snapshots(1, 9), &header());
    // The length of every message and of every buffer.
    for value in [i32::MAX, i32::MIN, -1, 1 << 24] {
        for at in (4..whole.len() - 4).step_by(4) {
            let near = whole[at - 4..at] == [0xff; 4];
            if near {
                let mut bytes = whole.clone();
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
                read(&bytes);
            }
        }
    }
}

#[test]
fn a_newer_format_is_named_as_such() {
    let newer = Header {
        format: FORMAT + 1,
        version: "9.9.9".to_owned(),
        ..header()
    };
    let bytes = record(&[], &newer);
    let error = Recording::open(&bytes[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "was written by netdrop 9.9.9 in format 2, and this one reads formats up to 1: use \
         netdrop 9.9.9 or a later one"
    );
}

fn foreign(
    metadata: Option<&str>,
    fields: Vec<Field>,
    columns: Vec<arrow_array::ArrayRef>,
) -> Vec<u8> {
    let metadata = metadata.map(|header| (KEY.to_owned(), header.to_owned()));
    let schema = Schema::new_with_metadata(
        fields,
        metadata
            .into_iter()
            .collect::<std::collections::HashMap<_, _>>(),
    );
    let batch = RecordBatch::try_new(Arc::new(schema.clone()), columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn columns_that_come_and_go_do_no_harm() {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let fields = vec![
        text("kind"),
        text("reason"),
        Field::new("drops", DataType::UInt64, true),
        text("from_the_future"),
    ];
    let columns: Vec<arrow_array::ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["site", "novelty"])),
        Arc::new(StringArray::from(vec![Some("NO_SOCKET"), None])),
        Arc::new(UInt64Array::from(vec![5, 6])),
        Arc::new(StringArray::from(vec!["a", "b"])),
    ];
    let bytes = foreign(
        Some(r#"{"format":1,"novelty":[]}"#),
        fields.clone(),
        columns.clone(),
    );
    let mut recording = Recording::open(&bytes[..]).unwrap();
    assert!(recording.next_interval().is_none());
    assert_eq!(recording.end(), Some(&End::Closed("unknown".to_owned())));
    let not_ours = foreign(None, fields.clone(), columns.clone());
    assert!(matches!(
        Recording::open(&not_ours[..]),
        Err(OpenError::NotOne(_))
    ));
    let mut fields = fields;
    fields[3] = text("packets");
    let wrong = foreign(Some(r#"{"format":1}"#), fields, columns);
    let mut recording = Recording::open(&wrong[..]).unwrap();
    assert!(recording.next_interval().is_none());
    assert!(matches!(recording.end(), Some(End::Damaged(..))));
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
