//! Filters that ask for what rows do not tell.

use std::collections::HashMap;

use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::FlowKey,
    site::{SiteKey, state},
};

use super::{
    BOOT,
    events::{intervals, with_stacks},
    made::events,
    record_with, replayed, view,
};
use crate::{
    filter::{
        names::System,
        parse,
        plan::{Plan, Verdict},
    },
    kernel::{capture::Detail, snapshot::Snapshot},
    recording::{anonymize::tests::anonymizer, header::Header, read::Recording},
    tally::{
        choose::Singles,
        names::canned::Canned,
        packet::Drop,
        period::{Period, View},
        show::Show,
        site::Sites,
    },
};

pub(super) const FILTERS: [&str; 8] = [
    "less 700",
    "not greater 400",
    "tcp[tcpflags] & tcp-syn != 0",
    "cpu 1 and len > 300",
    "cpu 0 or less 300",
    "src host 10.0.0.1 and less 900",
    "command secretive or less 100",
    "vlan and greater 200",
];

pub(super) fn plan(text: &str) -> Plan {
    Plan::recorded(&parse(text, &System { reasons: None }).unwrap().unwrap())
}

/// An interval in which just these drops happened, as many of them without a place.
pub(super) fn counted(drops: &[Detail], without_place: usize) -> Snapshot {
    let mut snapshot = Snapshot {
        seconds: 1.0,
        flows: Some(Vec::new()),
        ..Snapshot::default()
    };
    let mut counters = HashMap::new();
    let mut count = |counter: Counter, by: u64| {
        *counters.entry(counter as usize).or_insert(0) += by;
    };
    for (number, Detail { event, .. }) in drops.iter().enumerate() {
        let weights = Weights {
            drops: 1,
            packets: event.segments.into(),
            bytes: event.length.into(),
        };
        count(Counter::Fired, 1);
        if number < without_place {
            count(Counter::SiteOther, 1);
            count(Counter::SiteOtherPackets, weights.packets);
            count(Counter::SiteOtherBytes, weights.bytes);
            count(Counter::FlowOther, 1);
            continue;
        }
        snapshot.sites.push((event.site, weights));
        if event.site.state & state::FLOW == 0 {
            count(Counter::NoFlow, 1);
        } else if let Some(flows) = &mut snapshot.flows {
            let flow = FlowKey {
                site: event.site,
                addrs: event.addrs,
                reserved: 0,
            };
            flows.push((flow, weights));
        }
    }
    for (counter, value) in counters {
        snapshot.counters.0[counter] = value;
    }
    snapshot
}

/// What the filter says of the drops, one by one.
fn truth(plan: &Plan, drops: &[Vec<Detail>]) -> [u64; 3] {
    let mut sites = Sites::default();
    let mut sums = [0; 3];
    for detail in drops.iter().flatten() {
        let drop = Drop::of(detail, BOOT, false, &mut sites, &mut Canned);
        let site = SiteKey {
            filter: crate::filter::plan::recorded_marks(&detail.event.site),
            ..detail.event.site
        };
        let flow = FlowKey {
            site,
            addrs: detail.event.addrs,
            reserved: 0,
        };
        sums[match plan.judge_single(&(&drop).into(), &(&drop).into(), &flow) {
            Verdict::Keep => 0,
            Verdict::Filtered => 1,
            Verdict::Undecided => 2,
        }] += 1;
    }
    sums
}

pub(super) fn header(top: Option<u32>) -> Header {
    Header {
        stacks: false,
        top,
        ..with_stacks()
    }
}

struct Read {
    summary: Period,
    singles: Singles,
    events: usize,
}

fn read(bytes: &[u8], plan: &Plan, view: &View, hide: bool) -> Read {
    let open = || {
        let hide = hide.then(|| anonymizer(7));
        Recording::open_with(bytes, Some(plan.clone()), hide).unwrap()
    };
    let mut recording = open();
    let mut events = 0;
    while let Some(interval) = recording.next_interval() {
        events += recording.events(&interval, Show::All).count();
    }
    Read {
        summary: replayed(open(), view).0.pop().unwrap(),
        singles: recording.singles().unwrap(),
        events,
    }
}

pub(super) fn all(by: &str) -> View {
    View {
        show: Show::All,
        ..view(by)
    }
}

#[test]
fn where_every_drop_was_kept_single_the_answer_is_exact() {
    for seed in 1..3 {
        let drops = events(5, u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        for (top, without_place) in [(Some(1000), 0), (Some(2), 0), (None, 0), (Some(3), 4)] {
            let snapshots: Vec<_> = drops
                .iter()
                .map(|drops| counted(drops, without_place.min(drops.len())))
                .collect();
            let bytes = record_with(&snapshots, &drops, &header(top));
            for text in FILTERS {
                let plan = plan(text);
                let [kept, filtered, undecided] = truth(&plan, &drops);
                for hide in [false, true] {
                    let read = read(&bytes, &plan, &all("stage,reason,device,cpu"), hide);
                    let accounting = &read.summary.accounting;
                    let what = format!("`{text}` seed {seed}, top {top:?}");
                    assert_eq!(
                        [
                            accounting.counted,
                            accounting.filtered,
                            accounting.undecided
                        ],
                        [kept, filtered, undecided],
                        "{what}"
                    );
                    assert_eq!(read.summary.totals.sums.drops(), kept, "{what}");
                    let rows = &read.summary.rows;
                    let drops: u64 = rows.iter().map(|row| row.sums.drops()).sum();
                    assert_eq!(drops, kept, "{what}");
                    assert!(rows.iter().all(|row| row.other.is_none()), "{what}");
                    assert_eq!(read.events as u64, kept, "{what}");
                    assert_eq!(read.singles.asked, read.singles.kept, "{what}");
                }
            }
        }
    }
}

#[test]
fn what_was_not_kept_single_is_undecided_and_nothing_is_lost() {
    let mut bounded = 0;
    for seed in 1..3 {
        let drops = events(5, u64::wrapping_mul(seed, 0x2545_f491_4f6c_dd1d));
        let total: u64 = drops.iter().map(|drops| drops.len() as u64).sum();
        for (top, every) in [(Some(1000), 3), (Some(1), 2), (None, 2), (Some(9), 1000)] {
            let snapshots: Vec<_> = drops
                .iter()
                .map(|drops| counted(drops, 2.min(drops.len())))
                .collect();
            let some: Vec<Vec<Detail>> = drops
                .iter()
                .map(|drops| drops.iter().step_by(every).cloned().collect())
                .collect();
            let bytes = record_with(&snapshots, &some, &header(top));
            for text in FILTERS {
                let plan = plan(text);
                let [kept, filtered, _] = truth(&plan, &drops);
                for hide in [false, true] {
                    let Read {
                        summary, singles, ..
                    } = read(&bytes, &plan, &all("flow,cpu"), hide);
                    let accounting = &summary.accounting;
                    let told = accounting.counted + accounting.filtered;
                    let what = format!("`{text}` seed {seed}, top {top:?}: {accounting:?}");
                    assert_eq!(told + accounting.undecided, total, "{what}");
                    assert_eq!(accounting.rejected, total - accounting.counted, "{what}");
                    assert!(accounting.counted <= kept, "{what}");
                    assert!(accounting.filtered <= filtered, "{what}");
                    assert!(kept <= accounting.counted + accounting.undecided, "{what}");
                    let drops: u64 = summary.rows.iter().map(|row| row.sums.drops()).sum();
                    assert_eq!(drops, accounting.counted, "{what}");
                    assert_eq!(singles.untold(), accounting.undecided, "{what}");
                    assert_eq!(accounting.consequence_other, None);
                    bounded += u64::from(accounting.counted > 0 && accounting.undecided > 0);
                }
            }
        }
    }
    assert!(bounded > 20, "{bounded}");
}

#[test]
fn what_rows_tell_is_decided_in_full_without_single_drops() {
    let drops = events(3, 5);
    let snapshots: Vec<_> = drops.iter().map(|drops| counted(drops, 0)).collect();
    let bytes = record_with(&snapshots, &[], &header(Some(1000)));
    let on = |cpu| {
        let all = drops.iter().flatten();
        all.filter(|it| it.event.site.cpu == cpu).count() as u64
    };
    assert!(on(0) > 0 && on(1) > 0);
    for (text, expected) in [
        ("cpu 0 and less 300", [0, on(1), on(0)]),
        ("cpu 0 or less 300", [on(0), 0, on(1)]),
        ("not (cpu 1 or len > 5)", [0, on(1), on(0)]),
    ] {
        let Read {
            summary, singles, ..
        } = read(&bytes, &plan(text), &all("cpu"), false);
        let accounting = &summary.accounting;
        let found = [
            accounting.counted,
            accounting.filtered,
            accounting.undecided,
        ];
        assert_eq!(found, expected, "`{text}`");
        let asked = Singles {
            asked: expected[2],
            ..Singles::default()
        };
        assert_eq!(singles, asked, "`{text}`");
    }
}

#[test]
fn a_file_that_was_anonymized_is_filtered_as_it_stands() {
    let drops = events(4, 31);
    let snapshots: Vec<_> = drops.iter().map(|drops| counted(drops, 0)).collect();
    let hidden = Header {
        anonymizer: Some(anonymizer(3)),
        ..header(Some(1000))
    };
    let plain = record_with(&snapshots, &drops, &header(Some(1000)));
    let hidden = record_with(&snapshots, &drops, &hidden);
    assert_eq!(
        intervals(&plain, None).len(),
        intervals(&hidden, None).len()
    );
    for text in [
        "less 700",
        "tcp[tcpflags] & tcp-syn != 0",
        "udp and less 900",
    ] {
        let told = [&plain, &hidden].map(|bytes| {
            let Read { summary, .. } = read(bytes, &plan(text), &all("cpu"), false);
            let accounting = summary.accounting;
            (accounting.counted, accounting.filtered)
        });
        assert!(told[0].0 > 0, "`{text}`");
        assert_eq!(told[0], told[1], "`{text}`");
    }
}
