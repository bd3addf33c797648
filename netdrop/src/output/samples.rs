//! Canned periods and drops for the tests of renderers.

mod drops;
mod recordings;

use jiff::Timestamp;

use crate::{
    kernel::capture::HookStatus,
    reconcile::{Line, Part, Reconciliation, Terms},
    tally::{
        accounting::{Accounting, Attached, Traffic},
        harm::{Counts, Harm, Here},
        histogram::{Bucket, Histogram, HistogramKind},
        names::Evidence,
        period::{Period, Totals},
        row::{Field, Other, Row, Value},
        squeeze::{FullPolls, Squeeze},
        sums::Sums,
    },
};

pub(crate) use self::{
    drops::{datagram, segment},
    recordings::{diff, report},
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
