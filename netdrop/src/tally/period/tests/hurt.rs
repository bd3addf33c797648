//! What follows the drops of TCP flows.

use netdrop_ebpf::hurt::{Connection, Followed as Counts};

use super::*;
use crate::{
    kernel::snapshot::Followed,
    tally::{
        consequences::connection,
        harm::Here,
        names::{Attribution, NetnsName, Place, ReasonLabel},
        rank::Sort,
    },
};

/// A host that owns 10.0.0.0/8.
struct Host;

impl Names for Host {
    fn reason(&mut self, reason: u32) -> ReasonLabel {
        Canned.reason(reason)
    }
    fn function(&mut self, location: u64) -> Option<Place> {
        Canned.function(location)
    }
    fn attribution(&mut self, site: &SiteKey, stack: Option<&[u64]>) -> Attribution {
        Canned.attribution(site, stack)
    }
    fn device(&mut self, _netns: u32, _ifindex: u32) -> Option<std::sync::Arc<str>> {
        None
    }
    fn netns_name(&mut self, _inode: u32) -> Option<NetnsName> {
        None
    }
    fn is_local(&mut self, _netns: u32, address: std::net::IpAddr) -> Option<bool> {
        Some(address.to_string().starts_with("10."))
    }
}

/// A dropped segment; the first byte of an address is its network.
fn flow(src: (u8, u16), dst: (u8, u16), reason: u32) -> FlowKey {
    let address = |network| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&[network, 0, 0, 1]);
        bytes
    };
    FlowKey {
        site: SiteKey {
            location: 0x100,
            reason,
            netns: 7,
            ethertype: 0x0800,
            state: state::FLOW,
            protocol: 6,
            ..SiteKey::default()
        },
        addrs: FlowAddrs {
            src: address(src.0),
            dst: address(dst.0),
            src_port: src.1,
            dst_port: dst.1,
        },
        reserved: 0,
    }
}

/// Drops, and the connections in the kernel's table with what followed.
fn interval(flows: &[FlowKey], followed: &[(FlowKey, Counts, bool)]) -> Snapshot {
    let mut snapshot = Snapshot {
        seconds: 1.0,
        flows: Some(Vec::new()),
        aftermath: Some(Aftermath {
            connections: followed
                .iter()
                .map(|(flow, counts, removed)| Followed {
                    connection: connection(flow).unwrap().0,
                    counts: *counts,
                    removed: *removed,
                })
                .collect(),
            all_retransmits: true,
            all_resets: true,
        }),
        ..Snapshot::default()
    };
    for flow in flows {
        let weights = Weights {
            drops: 1,
            packets: 1,
            bytes: 60,
        };
        add(&mut snapshot.counters.0, Counter::Fired, 1);
        snapshot.sites.push((flow.site, weights));
        snapshot.flows.as_mut().unwrap().push((*flow, weights));
    }
    snapshot
}

fn tally(by: &str, sort: Sort) -> Tally {
    let view = View {
        by: by.parse().unwrap(),
        top: 20,
        sort,
        show: Show::All,
    };
    Tally::new(view, Attached::default())
}

type Told = (Option<u64>, Option<u64>, Option<Here>);

fn told(rows: &[Row]) -> Vec<Told> {
    rows.iter()
        .map(|row| {
            let harm = row.sums.harm;
            (harm.retransmits(), harm.resets(), harm.here())
        })
        .collect()
}

const NONE: Counts = [[0; 3]; 3];

#[test]
fn both_directions_are_one_connection() {
    let there = flow((10, 40000), (10, 80), 1);
    let back = flow((10, 80), (10, 40000), 1);
    let (one, sender) = connection(&there).unwrap();
    let (other, answerer) = connection(&back).unwrap();
    assert_eq!(one, other);
    assert_ne!(sender, answerer);
    let same_port = flow((11, 80), (10, 80), 1);
    let (one, _) = connection(&same_port).unwrap();
    assert_eq!(one, connection(&flow((10, 80), (11, 80), 1)).unwrap().0);
    assert_ne!(one, Connection::default());
    let mut elsewhere = there;
    elsewhere.site.netns = 0;
    assert_eq!(connection(&elsewhere), None);
}

#[test]
fn what_follows_in_a_later_interval_is_in_the_summary() {
    let dropped = flow((10, 80), (20, 90), 1);
    let mut tally = tally("flow", Sort::Drops);
    let first = tally.interval(
        &interval(&[dropped], &[(dropped, NONE, false)]),
        &MOMENT,
        &mut Host,
    );
    assert_eq!(told(&first.rows), [(Some(0), Some(0), Some(Here::Src))]);
    let later = [[2, 0, 0], [1, 0, 0], [0; 3]];
    let second = tally.interval(
        &interval(&[], &[(dropped, later, true)]),
        &MOMENT,
        &mut Host,
    );
    assert!(second.rows.is_empty());
    // The connection comes back and begins at zero.
    let again = [[1, 0, 0], [0; 3], [0; 3]];
    let third = tally.interval(
        &interval(&[dropped], &[(dropped, again, false)]),
        &MOMENT,
        &mut Host,
    );
    assert_eq!(told(&third.rows), [(Some(1), Some(0), Some(Here::Src))]);
    let summary = tally.summary(MOMENT.time, 0);
    assert_eq!(told(&summary.rows), [(Some(3), Some(1), Some(Here::Src))]);
}

#[test]
fn each_row_says_what_followed_its_drops_and_a_row_of_both_counts_once() {
    let there = flow((10, 80), (10, 90), 1);
    let back = flow((10, 90), (10, 80), 1);
    // One after a drop of the first end, two of the second's, four of both.
    let followed = [(there, [[1, 2, 4], [0; 3], [0; 3]], false)];
    let snapshot = interval(&[there, back], &followed);
    let rows = |by| {
        told(
            &tally(by, Sort::Drops)
                .interval(&snapshot, &MOMENT, &mut Host)
                .rows,
        )
    };
    let both = Some(Here::Both);
    assert_eq!(
        rows("src_port"),
        [(Some(5), Some(0), both), (Some(6), Some(0), both)]
    );
    assert_eq!(rows("src"), [(Some(7), Some(0), both)]);
    let site_only = tally("reason", Sort::Drops).interval(&snapshot, &MOMENT, &mut Host);
    assert!(!site_only.rows[0].tells_harm);
}

#[test]
fn two_sites_of_a_flow_in_one_row_count_its_consequences_once() {
    let (one, other) = (flow((10, 80), (10, 90), 1), flow((10, 80), (10, 90), 2));
    let followed = [(one, [[3, 0, 0], [0; 3], [0; 3]], false)];
    let snapshot = interval(&[one, other], &followed);
    let rows = |by| {
        told(
            &tally(by, Sort::Drops)
                .interval(&snapshot, &MOMENT, &mut Host)
                .rows,
        )
    };
    let row = (Some(3), Some(0), Some(Here::Both));
    assert_eq!(rows("flow"), [row]);
    assert_eq!(rows("flow,reason"), [row, row]);
}

#[test]
fn a_flow_without_room_in_the_table_is_unknown() {
    let snapshot = interval(&[flow((10, 80), (10, 90), 1)], &[]);
    let rows = tally("flow", Sort::Drops)
        .interval(&snapshot, &MOMENT, &mut Host)
        .rows;
    assert_eq!(told(&rows), [(None, None, Some(Here::Both))]);
}

#[test]
fn what_follows_drops_that_are_counted_next_waits_for_their_row() {
    let dropped = flow((10, 80), (20, 90), 1);
    let counts = [[1, 0, 0], [0; 3], [0; 3]];
    let mut tally = tally("flow", Sort::Drops);
    tally.interval(
        &interval(&[], &[(dropped, counts, false)]),
        &MOMENT,
        &mut Host,
    );
    let next = tally.interval(
        &interval(&[dropped], &[(dropped, counts, false)]),
        &MOMENT,
        &mut Host,
    );
    assert_eq!(told(&next.rows)[0].0, Some(1));
}

#[test]
fn hurt_flows_come_first_when_asked_for() {
    let hurt = flow((10, 80), (20, 90), 1);
    let noisy = flow((10, 81), (20, 90), 1);
    let followed = [
        (hurt, [[1, 0, 0], [0; 3], [0; 3]], false),
        (noisy, NONE, false),
    ];
    let snapshot = interval(&[noisy, noisy, hurt], &followed);
    let ports = |sort| {
        let rows = tally("src_port", sort)
            .interval(&snapshot, &MOMENT, &mut Host)
            .rows;
        rows.iter().map(values).collect::<Vec<_>>().concat()
    };
    assert_eq!(ports(Sort::Drops), ["81", "80"]);
    assert_eq!(ports(Sort::Hurt), ["80", "81"]);
}
