//! Canned periods and drops for the tests of renderers.

use std::{collections::BTreeMap, num::NonZeroU64, sync::Arc};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::{
    drops::{advice::Advice, stage::Stage},
    kernel::capture::HookStatus,
    reconcile::{Line, Part, Reconciliation, Terms},
    recording::{
        diff::{Change, Diff, Kind, Section, Side},
        header::{ClockFact, DeviceFact, Header, HookFact, NamespaceFact},
        read::End,
        report::{
            Piece, Reason, Report, Times,
            chart::{Bin, Drops},
            timeline::Point,
        },
    },
    tally::{
        accounting::{Accounting, Attached, Traffic},
        choose::Singles,
        harm::{Counts, Harm, Here},
        headers::Headers,
        histogram::{Bucket, Histogram, HistogramKind},
        names::{Evidence, Process, Severity},
        packet::Drop,
        period::{Period, Totals},
        row::{Field, Other, Row, Value},
        show::Show,
        squeeze::{FullPolls, Squeeze},
        sums::Sums,
    },
};

pub(super) const HOOKS: [HookStatus; 2] = [
    HookStatus {
        name: "skb:kfree_skb",
        attached: true,
        why: None,
    },
    HookStatus {
        name: "tcp:tcp_send_reset",
        attached: true,
        why: None,
    },
];

pub(super) fn time() -> Timestamp {
    "2025-11-21T21:01:02.003004005Z".parse().unwrap()
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

fn fields<const N: usize>(fields: [(&'static str, Value); N]) -> Vec<Field> {
    fields
        .into_iter()
        .map(|(name, value)| Field { name, value })
        .collect()
}

/// A counter with everything that one can have.
pub(super) fn reconciliation() -> Reconciliation {
    Reconciliation {
        lines: vec![Line {
            counter: "Udp.InErrors".to_owned(),
            scope: "netns".to_owned(),
            delta: 20,
            traced: 12,
            unexplained: 8,
            repeated: 3,
            excess: 1,
            by: vec![Part {
                reason: Some("SOCKET_RCVBUFF".to_owned()),
                function: Some("udp_queue_rcv_one_skb".to_owned()),
                stage: "rx_sock".to_owned(),
                drops: 13,
            }],
            note: Some("a copy that could not be made".to_owned()),
        }],
        terms: Terms {
            netns: 4_026_531_840,
            skew: Some(std::time::Duration::from_micros(700)),
            uncounted: 2,
            untold: 1,
            reset: vec!["eth0 link.rx_missed_errors".to_owned()],
            late: vec!["eth1 link.rx_dropped".to_owned()],
        },
    }
}

/// Two seconds with every kind of row and loss.
pub(crate) fn period() -> Period {
    let mut hooks = Attached::of(&HOOKS).hook_counts(&crate::kernel::snapshot::Snapshot::default());
    for hook in &mut hooks {
        hook.count = hook.count.map(|_| 3);
    }
    let sums = |harmful, suspicious| Sums {
        packets: harmful + suspicious,
        bytes: 100 * (harmful + suspicious),
        harmful,
        suspicious,
        benign: 0,
        by: Some(Evidence::Reason),
        harm: Harm::default(),
    };
    Period {
        time: time(),
        seconds: 2.000_000_4,
        totals: Totals {
            sums: Sums {
                benign: 4,
                ..sums(20, 10)
            },
            hidden: 4,
        },
        accounting: Accounting {
            counted: 34,
            parts: 50,
            recursion_missed: Some(0),
            flow_other: Some(2),
            no_flow: Some(3),
            consequence_other: Some(1),
            ring_lost: 7,
            ..Accounting::default()
        },
        traffic: Traffic {
            rx_packets: Some(600),
            tx_packets: Some(400),
            napi_polls: Some(30),
            napi_full: Some(2),
            time_squeeze: Some(1),
        },
        squeeze: squeeze(),
        hooks,
        advice: Vec::new(),
        histograms: Some(histograms()),
        reconciliation: Some(reconciliation()),
        rows: vec![
            Row {
                fields: fields([
                    ("reason", text("SOCKET_RCVBUFF")),
                    ("function", text("__udp_enqueue_schedule_skb")),
                    ("device", text("eth0")),
                    ("ifindex", Value::Number(2)),
                    ("netns", Value::Number(4_026_531_840)),
                    ("netns_name", text("blue")),
                    ("netns_kind", text("named")),
                ]),
                sums: sums(20, 0),
                tells_harm: false,
                other: None,
            },
            Row {
                fields: fields([
                    ("reason", Value::Null),
                    ("function", Value::Null),
                    ("address", text("0xffffffffc0001234")),
                    ("device", Value::Null),
                    ("ifindex", Value::Number(7)),
                    ("netns", Value::Number(4_026_532_000)),
                    ("netns_name", Value::Null),
                    ("netns_kind", Value::Null),
                ]),
                sums: sums(0, 6),
                tells_harm: false,
                other: None,
            },
            Row {
                fields: fields([
                    ("reason", Value::Null),
                    ("function", Value::Null),
                    ("device", Value::Null),
                    ("ifindex", Value::Null),
                    ("netns", Value::Null),
                    ("netns_name", Value::Null),
                    ("netns_kind", Value::Null),
                ]),
                sums: sums(0, 4),
                tells_harm: false,
                other: Some(Other::Top(37)),
            },
        ],
    }
}

/// A row of a TCP flow that was hurt, and one of a flow of which less is seen.
pub(super) fn hurt_rows() -> Vec<Row> {
    let row = |here, counts| {
        let mut harm = Harm::of_flow(Some(here), true, true);
        harm.credit(counts);
        Row {
            fields: fields([
                ("src", text("192.0.2.1")),
                ("src_port", Value::Number(40000)),
            ]),
            sums: Sums {
                packets: 5,
                bytes: 500,
                harmful: 5,
                harm,
                ..Sums::default()
            },
            tells_harm: true,
            other: None,
        }
    };
    vec![
        row(Here::Both, Counts::of(4, 1)),
        row(Here::Dst, Counts::of(0, 0)),
    ]
}

/// A card's and a backlog's full poll.
fn squeeze() -> Squeeze {
    Squeeze {
        full: Some(vec![
            FullPolls {
                cpu: 0,
                device: Some("eth0".into()),
                ifindex: Some(2),
                netns: Some(4_026_531_840),
                napi_id: Some(8193),
                poll: Some("virtnet_poll".into()),
                polls: 1,
            },
            FullPolls {
                cpu: 1,
                device: Some("backlog".into()),
                ifindex: None,
                netns: None,
                napi_id: None,
                poll: Some("process_backlog".into()),
                polls: 1,
            },
        ]),
        other: Some(0),
        cpus: Some(vec![(1, 1)]),
    }
}

/// A report with everything that one can have.
pub(crate) fn report() -> Report {
    let times = Times {
        first: time(),
        last: time(),
        peak: 12.5,
        peak_at: time(),
    };
    let point = Point {
        time: time(),
        seconds: 1.0,
        harmful: 20,
        suspicious: 10,
        benign: 4,
    };
    let advice = Advice {
        reason: Some("SOCKET_RCVBUFF".to_owned()),
        stage: "rx_sock".to_owned(),
        severity: Severity::Harmful,
        meaning: "The receive buffer is full.",
        note: None,
        caution: None,
        commands: vec!["ss -lump".to_owned()],
    };
    Report {
        header: Header {
            format: 1,
            version: "0.1.0".to_owned(),
            clock_state: Some(ClockFact::default()),
            host: "ho\x1bst".to_owned(),
            kernel: "6.18.44".to_owned(),
            cpus: Some(2),
            hooks: vec![HookFact::default()],
            devices: vec![DeviceFact::default()],
            namespaces: vec![NamespaceFact::default()],
            sysctls: [("net.core.somaxconn".to_owned(), "4096".to_owned())].into(),
            warnings: vec!["symbols are hidden".to_owned()],
            ..Header::default()
        },
        pieces: vec![Piece {
            file: "a\x1bb.ndr".to_owned(),
            span: Some((time(), time())),
            intervals: 2,
            end: End::Cut(4096),
            singles: Some(singles()),
        }],
        offset: SignedDuration::ZERO,
        show: Show::NotBenign,
        end: End::Cut(4096),
        intervals: 2,
        span: Some((time(), time())),
        reasons: vec![Reason {
            row: Row {
                fields: fields([
                    ("stage", text("rx_sock")),
                    ("reason", text("SOCKET_RCVBUFF")),
                ]),
                ..period().rows.remove(0)
            },
            advice: Some(advice.clone()),
        }],
        chart: vec![bin(0, 0), bin(20, 10)],
        summary: Period {
            advice: vec![advice],
            ..period()
        },
        times: vec![Some(times), Some(times), None],
        flows: Some(Period {
            rows: hurt_rows(),
            ..period()
        }),
        timeline: vec![
            Point {
                harmful: 0,
                suspicious: 0,
                ..point
            },
            point,
        ],
        histograms: histograms(),
        reconciliation: reconciliation().lines,
        reconciled: Some(reconciliation().terms),
    }
}

/// One with a gap, one of which little is known, one without anything.
fn histograms() -> Vec<Histogram> {
    let bucket = |from, to, count| Bucket { from, to, count };
    vec![
        Histogram {
            kind: HistogramKind::PacketSize,
            buckets: vec![bucket(28, 31, 30), bucket(1280, 1535, 4)],
            unknown: 0,
        },
        Histogram {
            kind: HistogramKind::Age,
            buckets: vec![bucket(1536, 1791, 3)],
            unknown: 31,
        },
        Histogram {
            kind: HistogramKind::Burst,
            buckets: Vec::new(),
            unknown: 0,
        },
    ]
}

/// A second in which packets died in two stages.
fn bin(harmful: u64, suspicious: u64) -> Bin {
    let drops = |harmful, suspicious| Drops {
        harmful,
        suspicious,
        benign: 0,
    };
    Bin {
        start: time(),
        end: time(),
        seconds: 1.0,
        stages: [
            (Some(Stage::RX_SOCK), drops(harmful, 0)),
            (Some(Stage::RX_LOOKUP), drops(0, suspicious)),
        ]
        .into(),
        sent: BTreeMap::new(),
        cpus: [(Some(1), drops(harmful, suspicious))].into(),
    }
}

/// Of three drops, one was not kept single, and one does not tell.
fn singles() -> Singles {
    Singles {
        asked: 3,
        kept: 2,
        decided: 1,
    }
}

/// A sure change and one that could be chance.
pub(crate) fn diff() -> Diff {
    let report = report();
    let side = |uncompared| Side {
        header: report.header.clone(),
        end: report.end.clone(),
        summary: period(),
        uncompared,
        singles: Some(singles()),
    };
    let change = Change {
        kind: Kind::New,
        fields: fields([
            ("stage", text("rx_sock")),
            ("reason", text("SOCKET_RCVBUFF")),
        ]),
        drops: [0, 30],
        rates: [0.0, 15.0],
        burst: 1.0,
        p: 1e-8,
        q: 2e-8,
    };
    Diff {
        sides: [side(0), side(3)],
        beside: vec![Section {
            by: "device",
            rows: vec![Change {
                fields: fields([("device", text("eth0"))]),
                ..change.clone()
            }],
        }],
        rows: vec![
            change.clone(),
            Change {
                kind: Kind::More,
                fields: fields([("stage", text("rx_lookup")), ("reason", Value::Null)]),
                drops: [2, 3],
                rates: [1.0, 1.5],
                p: 1.0,
                q: 1.0,
                ..change
            },
        ],
    }
}

/// A refused datagram, as in the contract.
pub(crate) fn datagram() -> Drop {
    let name = |name: &str| -> Option<Arc<str>> { Some(name.into()) };
    Drop {
        time: time(),
        cpu: 0,
        reason: name("NO_SOCKET"),
        stage: name("rx_lookup"),
        hook: None,
        engine: None,
        qdisc: None,
        stage_by: Evidence::Reason,
        direction: name("rx"),
        function: name("__udp4_lib_rcv"),
        offset: Some(123),
        address: None,
        device: name("lo"),
        ifindex: Some(1),
        netns: Some(4_026_531_833),
        netns_name: name("host"),
        netns_kind: name("host"),
        protocol: name("udp"),
        src: Some("127.0.0.1".parse().unwrap()),
        src_port: Some(40000),
        dst: Some("127.0.0.1".parse().unwrap()),
        dst_port: Some(9),
        icmp: None,
        cut: false,
        length: 29,
        segments: 1,
        ethertype: Some(0x0800),
        tcp_flags: None,
        pid: None,
        command: None,
        cgroup: None,
        receiver: None,
        headers: None,
        severity: Severity::Suspicious,
        stack: None,
    }
}

/// A segment with everything a drop can have.
pub(crate) fn segment() -> Drop {
    Drop {
        severity: Severity::Harmful,
        function: None,
        offset: None,
        address: NonZeroU64::new(0xffff_ffff_c000_1234),
        protocol: Some("tcp".into()),
        src: Some("2001:db8::1".parse().unwrap()),
        dst: Some("fe80::2".parse().unwrap()),
        tcp_flags: Some("SYN|ACK".to_owned()),
        segments: 3,
        pid: Some(321),
        command: Some("cu\x1brl".to_owned()),
        cgroup: Some("/system.slice".into()),
        headers: Some(Headers {
            link_layer: true,
            bytes: Bytes::from_static(b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x86\xdd\x60\0\0"),
        }),
        receiver: Some(Process {
            pid: 5,
            command: "ng\x1binx".into(),
        }),
        stack: Some(vec![
            "ip_rcv+0x1a".to_owned(),
            "0xffffffffc0001234".to_owned(),
        ]),
        ..datagram()
    }
}
