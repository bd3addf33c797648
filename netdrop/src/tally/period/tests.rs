mod hurt;
mod renamed;

use netdrop_ebpf::{
    area::Weights,
    flow::{FlowAddrs, FlowKey},
    site::{SiteKey, state},
};

use super::{
    super::{
        names::{
            NetnsName, Severity,
            canned::{Canned, NOWHERE},
        },
        row::{Other, Value},
    },
    *,
};
use crate::kernel::{capture::HookStatus, snapshot::Aftermath};

/// A linear congruential generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn small<T: TryFrom<u64>>(&mut self, bound: u64) -> T {
        T::try_from(self.below(bound)).unwrap_or_else(|_| unreachable!("bounds are small"))
    }
}

fn site(random: &mut Random) -> SiteKey {
    SiteKey {
        location: 0x100 + random.below(0x400),
        reason: random.small(6),
        netns: random.small(3),
        ifindex: random.small(3),
        cpu: random.small(4),
        ethertype: [0, 0x0800, 0x86dd, 0x88b5][random.small::<usize>(4)],
        state: [0, state::FLOW, state::FLOW | state::NO_TRANSPORT][random.small::<usize>(3)],
        protocol: [1, 6, 17][random.small::<usize>(3)],
        filter: 0,
        facts: 0,
        stack: 0,
    }
}

fn add(counters: &mut [u64], counter: Counter, by: u64) {
    counters[counter as usize] += by;
}

/// Drops as the programs would count them: each has a site and, with
/// `state::FLOW`, a flow, unless a table is full.
fn snapshot(random: &mut Random, flows: bool, full: bool) -> Snapshot {
    let mut snapshot = Snapshot {
        seconds: 1.0,
        flows: flows.then(Vec::new),
        ..Snapshot::default()
    };
    let counters = &mut snapshot.counters.0;
    for _ in 0..random.below(200) {
        let key = site(random);
        let drops = 1 + random.below(5);
        let weights = Weights {
            drops,
            packets: drops * 2,
            bytes: drops * 100,
        };
        add(counters, Counter::Fired, weights.drops);
        if full && random.below(4) == 0 {
            add(counters, Counter::SiteOther, drops);
            add(counters, Counter::SiteOtherPackets, weights.packets);
            add(counters, Counter::SiteOtherBytes, weights.bytes);
        } else {
            snapshot.sites.push((key, weights));
        }
        let Some(flows) = &mut snapshot.flows else {
            continue;
        };
        if key.state & state::FLOW == 0 {
            add(counters, Counter::NoFlow, drops);
        } else if full && random.below(4) == 0 {
            add(counters, Counter::FlowOther, drops);
        } else {
            let addrs = FlowAddrs {
                src: [random.small(3); 16],
                dst: [random.small(3); 16],
                src_port: random.small(3),
                dst_port: random.small(3),
            };
            let key = FlowKey {
                site: key,
                addrs,
                reserved: 0,
            };
            flows.push((key, weights));
        }
    }
    snapshot
}

const MOMENT: Moment<'_> = Moment {
    time: Timestamp::UNIX_EPOCH,
    time_squeeze: Some(&[(0, 1)]),
    output_lost: 0,
};

fn check_identities(period: &Period, counted: u64, view: &View) {
    let Period { totals, rows, .. } = period;
    assert_eq!(totals.sums.drops(), counted, "{view:?}");
    assert_eq!(totals.sums.packets, counted * 2, "{view:?}");
    assert_eq!(totals.sums.bytes, counted * 100, "{view:?}");
    let shown: u64 = rows.iter().map(|row| row.sums.drops()).sum();
    assert_eq!(shown + totals.hidden, counted, "{view:?}");
    let severities = [
        (Severity::Harmful, totals.sums.harmful),
        (Severity::Suspicious, totals.sums.suspicious),
        (Severity::Benign, totals.sums.benign),
    ];
    for (severity, drops) in severities {
        let in_rows: u64 = rows
            .iter()
            .map(|row| match severity {
                Severity::Harmful => row.sums.harmful,
                Severity::Suspicious => row.sums.suspicious,
                Severity::Benign => row.sums.benign,
            })
            .sum();
        let expected = if view.show.includes(severity) {
            drops
        } else {
            0
        };
        assert_eq!(in_rows, expected, "{severity:?} {view:?}");
    }
    let keyed = rows.iter().filter(|row| row.other.is_none());
    assert!(keyed.clone().count() <= view.top);
    assert!(
        keyed
            .map(|row| row.sums.drops())
            .is_sorted_by(|a, b| a >= b)
    );
}

#[test]
fn rows_and_hidden_add_up_to_the_drops_counted_whatever_is_asked() {
    let views = [
        "stage,reason,function",
        "flow",
        "flow,reason,cpu",
        "src,severity",
        "device,netns,direction",
        "dst_port",
        "severity",
    ];
    let shows = [
        Show::NotBenign,
        Show::All,
        Show::Only(Severity::Harmful),
        Show::Only(Severity::Suspicious),
        Show::Only(Severity::Benign),
    ];
    let mut random = Random(7);
    for by in views {
        for show in shows {
            for (top, full) in [(1, false), (1000, false), (5, true), (1000, true)] {
                let view = View {
                    by: by.parse().unwrap(),
                    top,
                    sort: Sort::Drops,
                    show,
                };
                let mut tally = Tally::new(view.clone(), Attached::default());
                let mut counted = 0;
                for _ in 0..4 {
                    let snapshot = snapshot(&mut random, view.by.needs_flows(), full);
                    let period = tally.interval(&snapshot, &MOMENT, &mut Canned);
                    let drops = snapshot.counters.counted();
                    check_identities(&period, drops, &view);
                    counted += drops;
                }
                let summary = tally.summary(MOMENT.time, 0);
                check_identities(&summary, counted, &view);
                assert_eq!(summary.accounting.counted, counted);
            }
        }
    }
}

fn counted(sites: &[(SiteKey, u64)]) -> Snapshot {
    let mut snapshot = Snapshot {
        seconds: 2.0,
        ..Snapshot::default()
    };
    for (key, drops) in sites {
        let weights = Weights {
            drops: *drops,
            packets: *drops,
            bytes: 60 * drops,
        };
        add(&mut snapshot.counters.0, Counter::Fired, *drops);
        snapshot.sites.push((*key, weights));
    }
    snapshot
}

fn rows(by: &str, snapshot: &Snapshot) -> Vec<Row> {
    let view = View {
        by: by.parse().unwrap(),
        top: 20,
        sort: Sort::Drops,
        show: Show::All,
    };
    Tally::new(view, Attached::default())
        .interval(snapshot, &MOMENT, &mut Canned)
        .rows
}

fn values(row: &Row) -> Vec<String> {
    row.fields
        .iter()
        .map(|field| match &field.value {
            Value::Null => "null".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) | Value::Lines(text) => text.to_string(),
        })
        .collect()
}

#[test]
fn rows_come_by_drops_then_by_keys_with_null_last() {
    let on = |ifindex, cpu| SiteKey {
        ifindex,
        cpu,
        reason: 1,
        location: 0x100,
        ..SiteKey::default()
    };
    let snapshot = counted(&[
        (on(0, 0), 5),
        (on(10, 3), 5),
        (on(2, 1), 5),
        (on(2, 11), 5),
        (on(2, 2), 5),
        (on(1, 0), 9),
    ]);
    let rows: Vec<_> = rows("device,cpu", &snapshot).iter().map(values).collect();
    let expected = [
        ["eth1", "1", "0"],
        ["eth10", "10", "3"],
        ["eth2", "2", "1"],
        ["eth2", "2", "2"],
        ["eth2", "2", "11"],
        ["null", "null", "0"],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn sites_that_look_the_same_are_one_row() {
    let at = |location, cpu| SiteKey {
        location,
        cpu,
        reason: 2,
        ..SiteKey::default()
    };
    let snapshot = counted(&[(at(0x101, 0), 3), (at(0x1f0, 1), 4), (at(0x101, 0), 1)]);
    let rows = rows("stage,reason,function", &snapshot);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        values(&rows[0]),
        [
            "netfilter",
            "input",
            "nftables",
            "null",
            "reason",
            "REASON_2",
            "function_1"
        ]
    );
    assert_eq!(rows[0].sums.harmful, 8);
    assert_eq!(rows[0].rate(2.0), Some(4.0));
}

#[test]
fn an_unknown_function_shows_its_address() {
    let key = SiteKey {
        location: NOWHERE,
        reason: 1,
        ..SiteKey::default()
    };
    let rows = rows("function", &counted(&[(key, 1)]));
    assert_eq!(values(&rows[0]), ["null", "0xffffffffffff0000"]);
    assert_eq!(rows[0].fields[1].name, "address");
}

#[test]
fn what_had_no_room_is_suspicious_and_stands_in_a_row_without_keys() {
    let mut snapshot = counted(&[]);
    add(&mut snapshot.counters.0, Counter::Fired, 12);
    add(&mut snapshot.counters.0, Counter::SiteOther, 12);
    let rows = rows("reason,device", &snapshot);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].other, Some(Other::Table));
    assert_eq!(values(&rows[0]), ["null", "null", "null"]);
    assert_eq!(rows[0].sums.suspicious, 12);
}

#[test]
fn flows_beyond_the_table_keep_their_severities() {
    let key = SiteKey {
        reason: 2,
        ethertype: 0x0800,
        state: state::FLOW,
        protocol: 17,
        ..SiteKey::default()
    };
    let mut snapshot = counted(&[(key, 10)]);
    snapshot.flows = Some(Vec::new());
    add(&mut snapshot.counters.0, Counter::FlowOther, 10);
    let rows = rows("flow", &snapshot);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].sums.harmful, 10);
    assert_eq!(rows[0].sums.bytes, 600);
}

#[test]
fn a_namespace_named_later_stays_one_row_in_the_summary() {
    struct Late(bool);
    impl Names for Late {
        fn reason(&mut self, reason: u32) -> super::super::names::ReasonLabel {
            Canned.reason(reason)
        }
        fn function(&mut self, location: u64) -> Option<super::super::names::Place> {
            Canned.function(location)
        }
        fn attribution(
            &mut self,
            site: &SiteKey,
            _stack: Option<&[u64]>,
        ) -> super::super::names::Attribution {
            Canned.attribution(site, None)
        }
        fn device(&mut self, netns: u32, ifindex: u32) -> Option<std::sync::Arc<str>> {
            Canned.device(netns, ifindex)
        }
        fn netns_name(&mut self, _inode: u32) -> Option<NetnsName> {
            self.0.then(|| NetnsName {
                name: "blue".into(),
                kind: "named",
            })
        }
    }
    let key = SiteKey {
        netns: 0xf000_0001,
        reason: 1,
        ..SiteKey::default()
    };
    let view = View {
        by: "netns".parse().unwrap(),
        top: 20,
        sort: Sort::Drops,
        show: Show::All,
    };
    let mut tally = Tally::new(view, Attached::default());
    for named in [false, true, false] {
        tally.interval(&counted(&[(key, 1)]), &MOMENT, &mut Late(named));
    }
    let rows = tally.summary(MOMENT.time, 0).rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(values(&rows[0]), ["4026531841", "blue", "named"]);
}

#[test]
fn what_no_hook_counts_is_unknown_and_not_zero() {
    let hook = |name, attached| HookStatus {
        name,
        attached,
        why: None,
    };
    let attached = Attached::of(&[
        hook("net:netif_receive_skb", true),
        hook("net:net_dev_queue", false),
        hook("tcp:tcp_send_reset", true),
    ]);
    let mut snapshot = counted(&[]);
    add(&mut snapshot.counters.0, Counter::RxPackets, 3);
    add(&mut snapshot.counters.0, Counter::TcpSendReset, 2);
    let view = View {
        by: By::default(),
        top: 20,
        sort: Sort::Drops,
        show: Show::All,
    };
    let mut tally = Tally::new(view, attached);
    for _ in 0..2 {
        tally.interval(&snapshot, &MOMENT, &mut Canned);
    }
    let Period { traffic, hooks, .. } = tally.summary(MOMENT.time, 0);
    assert_eq!(traffic.rx_packets, Some(6));
    assert_eq!(traffic.tx_packets, None);
    assert_eq!(traffic.passes(), None);
    assert_eq!(traffic.time_squeeze, Some(2));
    let count = |name| hooks.iter().find(|hook| hook.name == name).unwrap().count;
    assert_eq!(count("tcp:tcp_send_reset"), Some(4));
    assert_eq!(count("qdisc:qdisc_drop"), None);
}
