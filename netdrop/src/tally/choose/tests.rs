use netdrop_ebpf::{filter::marks, flow::FlowAddrs};

use super::{super::names::canned::Canned, *};
use crate::filter::{names::System, parse};

fn weights(drops: u64) -> Weights {
    Weights {
        drops,
        packets: drops,
        bytes: drops * 10,
    }
}

fn key(cpu: u16, bits: u16) -> SiteKey {
    SiteKey {
        location: 0x100,
        reason: 3,
        netns: 7,
        cpu,
        ethertype: 0x0800,
        protocol: 17,
        state: bits,
        // As the kernel leaves them for a filter that is too large for it.
        filter: if bits & state::FLOW == 0 {
            0
        } else {
            marks::TYPES | marks::PROTOCOL | marks::TRANSPORT
        },
        ..SiteKey::default()
    }
}

fn flow(site: SiteKey, dst_port: u16) -> FlowKey {
    FlowKey {
        site,
        addrs: FlowAddrs {
            dst_port,
            ..FlowAddrs::default()
        },
        reserved: 0,
    }
}

fn plan(text: &str) -> Plan {
    Plan::new(&parse(text, &System::default()).unwrap().unwrap()).unwrap()
}

/// 100 drops: 10 and 20 on two CPUs with flows, 30 without, 40 beyond the table.
fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot {
        sites: vec![
            (key(0, state::FLOW), weights(10)),
            (key(1, state::FLOW), weights(20)),
            (key(1, state::UNPARSED_OR_TAGGED), weights(30)),
        ],
        flows: Some(vec![
            (flow(key(0, state::FLOW), 80), weights(9)),
            (flow(key(1, state::FLOW), 80), weights(20)),
            // Of a site that the table had no room for.
            (flow(key(2, state::FLOW), 81), weights(5)),
        ]),
        ..Snapshot::default()
    };
    for (counter, value) in [
        (Counter::Fired, 100),
        (Counter::SiteOther, 40),
        (Counter::SiteOtherPackets, 40),
        (Counter::SiteOtherBytes, 400),
        (Counter::FlowOther, 36),
        (Counter::NoFlow, 30),
        (Counter::Unparsed, 30),
    ] {
        snapshot.counters.0[counter as usize] = value;
    }
    snapshot
}

/// Counts by name: counted, filtered, undecided, rejected, without flow, beyond
/// the flow table, unparsed.
fn counts(text: &str) -> [u64; 7] {
    counts_of(&plan(text))
}

fn counts_of(plan: &Plan) -> [u64; 7] {
    let (mut sites, mut names) = (Sites::default(), Canned);
    let Chosen { snapshot, .. } = choose(plan, &snapshot(), &mut sites, &mut names);
    let count = |counter| snapshot.counters.get(counter);
    let counted = snapshot.counters.counted();
    let in_rows: u64 = snapshot.sites.iter().map(|(_, w)| w.drops).sum();
    assert_eq!(counted, in_rows, "every drop that is left has a row");
    let flows = snapshot.flows.iter().flatten();
    let in_flows: u64 = flows.map(|(_, weights)| weights.drops).sum();
    assert_eq!(
        counted,
        in_flows + count(Counter::FlowOther) + count(Counter::NoFlow)
    );
    [
        counted,
        count(Counter::Filtered),
        count(Counter::Undecided),
        snapshot.rejected,
        count(Counter::NoFlow),
        count(Counter::FlowOther),
        count(Counter::Unparsed),
    ]
}

#[test]
fn rows_that_match_stay_and_what_has_no_row_is_undecided() {
    // Of the 40 beyond the site table 5 have a flow, which tells their CPU.
    assert_eq!(counts("cpu 1"), [50, 15, 35, 50, 30, 0, 30]);
    assert_eq!(counts("cpu 0"), [10, 55, 35, 90, 0, 1, 0]);
    assert_eq!(counts("not cpu 2"), [60, 5, 35, 40, 30, 1, 30]);
    assert_eq!(counts("cpu 9"), [0, 65, 35, 100, 0, 0, 0]);
}

#[test]
fn a_filter_too_large_for_the_kernel_is_asked_of_flows() {
    let many = |last: &str| {
        let hosts: Vec<_> = (0..70)
            .map(|host| format!("dst host 10.9.8.{host}"))
            .collect();
        format!("{} or {last}", hosts.join(" or "))
    };
    let plan = plan(&many("dst port 80"));
    assert!(plan.needs_flows());
    // 29 to port 80, 5 to another; 30 unparsed and 36 without room.
    assert_eq!(counts(&many("dst port 80")), [29, 5, 66, 71, 0, 0, 0]);
}

#[test]
fn the_place_of_flows_that_were_not_kept_tells_their_protocol() {
    let recorded = |text: &str| {
        let filter = parse(text, &System::default()).unwrap().unwrap();
        counts_of(&Plan::recorded(&filter))
    };
    // One drop more than the flows of its place, which may have been to any port.
    let [udp, .., beyond, _] = recorded("udp");
    let [port, filtered, undecided, ..] = recorded("udp dst port 80");
    assert_eq!((udp, beyond), (35, 1));
    assert_eq!((port, filtered, undecided), (29, 5, 66));
    assert_eq!(recorded("tcp")[..3], [0, 35, 65]);
}

#[test]
fn an_unknown_name_is_undecided() {
    let (mut sites, mut names) = (Sites::default(), Canned);
    let chosen = choose(&plan("dev eth0"), &snapshot(), &mut sites, &mut names);
    assert_eq!(chosen.snapshot.counters.counted(), 0);
    assert_eq!(chosen.snapshot.counters.get(Counter::Undecided), 100);
}
