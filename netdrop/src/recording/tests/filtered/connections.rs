//! What followed the drops that are left.

use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::FlowKey,
    site::{SiteKey, state},
};

use super::{
    super::{record, singles::header},
    filtered, raw,
};
use crate::{
    kernel::snapshot::{Aftermath, Followed, Snapshot},
    recording::columns::View,
    tally::consequences,
};

/// A drop of a connection on a CPU, after which it has sent so much again.
fn interval(cpu: Option<u16>, retransmits: u32) -> Snapshot {
    let flow = |cpu| FlowKey {
        site: SiteKey {
            location: 0x1205,
            netns: 4,
            cpu,
            ethertype: 0x0800,
            protocol: 6,
            state: state::FLOW,
            ..SiteKey::default()
        },
        ..FlowKey::default()
    };
    let (connection, _) = consequences::connection(&flow(0)).unwrap();
    let one = Weights {
        drops: 1,
        packets: 1,
        bytes: 60,
    };
    let flows: Vec<_> = cpu.into_iter().map(|cpu| (flow(cpu), one)).collect();
    let mut snapshot = Snapshot {
        seconds: 1.0,
        sites: flows.iter().map(|(flow, one)| (flow.site, *one)).collect(),
        aftermath: Some(Aftermath {
            connections: vec![Followed {
                connection,
                counts: [[retransmits, 0, 0], [0; 3], [0; 3]],
                removed: false,
            }],
            all_retransmits: true,
            all_resets: true,
        }),
        ..Snapshot::default()
    };
    snapshot.counters.0[Counter::Fired as usize] = flows.len() as u64;
    snapshot.flows = Some(flows);
    snapshot
}

#[test]
fn a_connection_is_told_from_its_first_flow_that_matches() {
    let snapshots = [
        interval(Some(0), 2),
        interval(None, 3),
        // Nothing new is recorded of it here.
        interval(Some(1), 3),
        interval(None, 4),
    ];
    let bytes = record(&snapshots, &header(Some(1000)));
    let told = |batches: &[_]| {
        let views = batches.iter().map(|batch| View::of(batch).unwrap());
        let lines = views.flat_map(|view| {
            let lines = view.lines().filter(|line| line.kind == Some("connection"));
            let told = |line: crate::recording::columns::Line<'_>| {
                let name = line.name.unwrap().to_owned();
                (line.interval.unwrap(), name, line.value)
            };
            lines.map(told).collect::<Vec<_>>()
        });
        lines.collect::<Vec<_>>()
    };
    let rows = |rows: &[(u32, &str, Option<u64>)]| {
        let rows = rows.iter();
        rows.map(|(interval, name, value)| (*interval, (*name).to_owned(), *value))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(&raw(&bytes)),
        rows(&[
            (0, "retransmit", Some(2)),
            (0, "watched", None),
            (1, "retransmit", Some(3)),
            (1, "watched", None),
            (3, "retransmit", Some(4)),
            (3, "watched", None),
        ])
    );
    // As a recorder with this filter would have told it.
    assert_eq!(
        told(&filtered(&bytes, "cpu 1", false).batches),
        rows(&[
            (2, "watched", None),
            (3, "retransmit", Some(1)),
            (3, "watched", None),
        ])
    );
}
