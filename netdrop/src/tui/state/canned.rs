//! A state with a few made-up intervals, for tests.

use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::{FlowAddrs, FlowKey},
    site::{SiteKey, state},
    squeeze::NapiKey,
};

use super::{Asked, Attached, Host, Moment, State};
use crate::{
    kernel::{capture::HookStatus, snapshot::Snapshot},
    tally::{names::canned::Canned, period::View, rank::Sort, show::Show},
};
use std::time::Duration;

/// Drops of a flow at a site: location, reason, CPU, destination port.
pub(in crate::tui) type Dropped = (u64, u32, u16, u16, u64);

/// Nothing has happened yet.
pub(in crate::tui) fn empty() -> State {
    let hook = |name| HookStatus {
        name,
        attached: true,
        why: None,
    };
    let attached = Attached::of(&[
        hook("net:netif_receive_skb"),
        hook("net:net_dev_queue"),
        hook("napi:napi_poll"),
    ]);
    let asked = Asked {
        view: View {
            by: "stage,reason,function".parse().unwrap(),
            top: 20,
            sort: Sort::Drops,
            show: Show::NotBenign,
        },
        explain: false,
    };
    let host = Host {
        name: "shop".to_owned(),
        kernel: "6.18.44".to_owned(),
    };
    State::new(host, Duration::from_secs(1), asked, &attached, None)
}

/// An interval with these drops.
pub(in crate::tui) fn snapshot(drops: &[Dropped]) -> Snapshot {
    let mut snapshot = Snapshot {
        seconds: 1.0,
        ..Snapshot::default()
    };
    let mut flows = Vec::new();
    for (location, reason, cpu, port, count) in drops {
        let site = SiteKey {
            location: *location,
            reason: *reason,
            netns: 4,
            ifindex: 2,
            cpu: *cpu,
            ethertype: 0x0800,
            protocol: 17,
            state: state::FLOW,
            ..SiteKey::default()
        };
        let weights = Weights {
            drops: *count,
            packets: *count,
            bytes: 100 * *count,
        };
        let mut addrs = FlowAddrs {
            src_port: 40000,
            dst_port: *port,
            ..FlowAddrs::default()
        };
        addrs.src[..4].copy_from_slice(&[192, 0, 2, 1]);
        addrs.dst[..4].copy_from_slice(&[198, 51, 100, 200]);
        snapshot.sites.push((site, weights));
        flows.push((
            FlowKey {
                site,
                addrs,
                ..FlowKey::default()
            },
            weights,
        ));
        snapshot.counters.0[Counter::Fired as usize] += count;
    }
    snapshot.flows = Some(flows);
    snapshot.counters.0[Counter::RxPackets as usize] = 60_000;
    snapshot.counters.0[Counter::TxPackets as usize] = 40_000;
    snapshot.counters.0[Counter::NapiPolls as usize] = 900;
    snapshot.counters.0[Counter::NapiFull as usize] = 3;
    snapshot.napis.push((
        NapiKey {
            cpu: 1,
            ifindex: 2,
            netns: 4,
            napi_id: 8193,
            poll: 0x400,
        },
        3,
    ));
    snapshot
}

/// Feeds an interval.
pub(in crate::tui) fn feed(state: &mut State, number: i64, snapshot: &Snapshot) {
    let moment = Moment {
        time: jiff::Timestamp::from_second(1_763_759_000 + number).unwrap(),
        time_squeeze: Some(&[(0, 0), (1, 2), (2, 0), (3, 0)]),
        output_lost: 0,
    };
    state.feed(snapshot, &moment, Some(0.012), &mut Canned);
}

/// Eight intervals: a firewall that drops more and more, a queue that did, and a
/// benign trickle.
pub(in crate::tui) fn busy() -> State {
    let mut state = empty();
    for number in 0..8 {
        let more = u64::try_from(number).unwrap() * 40;
        let mut drops = vec![
            (0x110, 1, 0, 443, 100 + more),
            (0x110, 1, 3, 8443, more),
            (0x320, 3, 2, 53, 2),
        ];
        if number < 4 {
            drops.push((0x230, 5, 1, 5001, 123_456));
        }
        feed(&mut state, number, &snapshot(&drops));
    }
    state
}
