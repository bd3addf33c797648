use std::{sync::Arc, time::Duration};

use netdrop_ebpf::{
    area::{Counter, Weights},
    site::{NO_REASON, SiteKey},
};

use super::{Line, Number, Reconciler, Reconciliation, unexplained};
use crate::{
    kernel::snapshot::Snapshot,
    tally::names::{Attribution, Evidence, Names, NetnsName, Place, ReasonLabel, Severity},
};

const HERE: u32 = 7;
const ELSEWHERE: u32 = 8;

/// Reasons and functions by their place in these lists.
struct Host;

const REASONS: [&str; 7] = [
    "NO_SOCKET",
    "SOCKET_RCVBUFF",
    "UDP_CSUM",
    "CPU_BACKLOG",
    "QDISC_DROP",
    "NETFILTER_DROP",
    "QDISC_BURST_DROP",
];
const FUNCTIONS: [(&str, &str); 7] = [
    ("__udp4_lib_rcv", "rx_lookup"),
    ("udp_queue_rcv_one_skb", "rx_sock"),
    ("__udp4_lib_rcv", "rx_l4"),
    ("enqueue_to_backlog", "rx_backlog"),
    ("__dev_queue_xmit", "tx_qdisc"),
    ("nf_hook_slow", "netfilter"),
    ("__dev_queue_xmit", "tx_qdisc"),
];
const NO_SOCKET: u32 = 0;
const RCVBUFF: u32 = 1;
const CSUM: u32 = 2;
const BACKLOG: u32 = 3;
const QDISC: u32 = 4;
const NETFILTER: u32 = 5;
const BURST: u32 = 6;

impl Names for Host {
    fn reason(&mut self, reason: u32) -> ReasonLabel {
        ReasonLabel {
            text: REASONS[reason as usize].into(),
            named: true,
        }
    }

    fn function(&mut self, location: u64) -> Option<Place> {
        let (function, _) = FUNCTIONS[usize::try_from(location).unwrap()];
        Some(Place {
            function: function.into(),
            offset: 0,
        })
    }

    fn attribution(&mut self, site: &SiteKey, _stack: Option<&[u64]>) -> Attribution {
        let (_, stage) = FUNCTIONS[usize::try_from(site.location).unwrap()];
        Attribution {
            stage,
            hook: None,
            engine: None,
            by: Evidence::Reason,
            open: false,
            direction: Some("rx"),
            severity: Severity::Suspicious,
        }
    }

    fn device(&mut self, _netns: u32, ifindex: u32) -> Option<Arc<str>> {
        Some(format!("eth{ifindex}").into())
    }

    fn netns_name(&mut self, _inode: u32) -> Option<NetnsName> {
        None
    }
}

/// A kind of drops in a namespace, and how many.
type Died = (u32, u32, u64);

fn site(kind: u32, netns: u32) -> SiteKey {
    SiteKey {
        location: kind.into(),
        reason: kind,
        netns,
        ifindex: 1,
        ethertype: 0x0800,
        protocol: 17,
        ..SiteKey::default()
    }
}

fn snapshot(sites: impl IntoIterator<Item = (SiteKey, u64)>) -> Snapshot {
    let weights = |drops| Weights {
        drops,
        packets: drops,
        bytes: drops,
    };
    Snapshot {
        sites: sites
            .into_iter()
            .map(|(key, drops)| (key, weights(drops)))
            .collect(),
        ..Snapshot::default()
    }
}

type Numbers<'a> = &'a [(&'a str, &'a str, u64)];

fn read(reconciler: &mut Reconciler, numbers: Numbers<'_>) {
    let numbers = numbers
        .iter()
        .map(|&(scope, name, value)| Number { scope, name, value });
    reconciler.numbers(numbers, Some(Duration::from_millis(2)));
}

/// Numbers before and after, and what died meanwhile.
fn between(before: Numbers<'_>, after: Numbers<'_>, died: &[Died]) -> Reconciliation {
    let mut reconciler = Reconciler::new(HERE);
    read(&mut reconciler, before);
    let sites = died
        .iter()
        .map(|&(kind, netns, drops)| (site(kind, netns), drops));
    reconciler.drops(&snapshot(sites), &mut Host);
    read(&mut reconciler, after);
    let interval = reconciler.interval();
    let run = reconciler.run();
    assert_eq!(interval.lines, run.lines, "one interval is the run");
    for line in &run.lines {
        assert_eq!(line.delta, line.traced + line.unexplained, "{line:?}");
        let by: u64 = line.by.iter().map(|part| part.drops).sum();
        assert_eq!(by, line.traced + line.excess, "{line:?}");
    }
    interval
}

fn line<'a>(found: &'a Reconciliation, counter: &str) -> &'a Line {
    let mut lines = found.lines.iter();
    lines.find(|line| line.counter == counter).unwrap()
}

/// Delta, traced, unexplained, repeated, excess.
fn sums(line: &Line) -> [u64; 5] {
    [
        line.delta,
        line.traced,
        line.unexplained,
        line.repeated,
        line.excess,
    ]
}

#[test]
fn a_counter_is_explained_by_the_drops_of_its_namespace() {
    let found = between(
        &[("netns", "Udp.NoPorts", 100)],
        &[("netns", "Udp.NoPorts", 110)],
        &[(NO_SOCKET, HERE, 10), (NO_SOCKET, ELSEWHERE, 5)],
    );
    assert_eq!(found.lines.len(), 1);
    let line = line(&found, "Udp.NoPorts");
    assert_eq!(sums(line), [10, 10, 0, 0, 0]);
    assert_eq!((line.scope.as_str(), line.note.as_deref()), ("netns", None));
    let [part] = line.by.as_slice() else {
        panic!("{:?}", line.by);
    };
    assert_eq!(part.reason.as_deref(), Some("NO_SOCKET"));
    assert_eq!(part.function.as_deref(), Some("__udp4_lib_rcv"));
    assert_eq!((part.stage.as_str(), part.drops), ("rx_lookup", 10));
    assert_eq!((found.terms.uncounted, unexplained(&found.lines)), (0, 0));
    assert_eq!(found.terms.skew, Some(Duration::from_millis(2)));
}

#[test]
fn what_remains_in_two_counters_is_one_loss() {
    let found = between(
        &[
            ("netns", "Udp.RcvbufErrors", 0),
            ("netns", "Udp.InErrors", 0),
        ],
        &[
            ("netns", "Udp.RcvbufErrors", 9),
            ("netns", "Udp.InErrors", 14),
        ],
        &[(RCVBUFF, HERE, 6), (CSUM, HERE, 4)],
    );
    assert_eq!(sums(line(&found, "Udp.RcvbufErrors")), [9, 6, 3, 0, 0]);
    let errors = line(&found, "Udp.InErrors");
    assert_eq!(sums(errors), [14, 10, 4, 3, 0]);
    assert!(errors.note.is_some());
    assert_eq!(unexplained(&found.lines), 4);
}

#[test]
fn more_drops_than_were_counted_are_told_and_never_negative() {
    let found = between(
        &[("netns", "Udp.NoPorts", 5), ("netns", "conntrack.drop", 0)],
        &[("netns", "Udp.NoPorts", 5), ("netns", "conntrack.drop", 2)],
        &[(NO_SOCKET, HERE, 3), (NETFILTER, HERE, 7)],
    );
    assert_eq!(sums(line(&found, "Udp.NoPorts")), [0, 0, 0, 0, 3]);
    // A rule may have dropped them as well.
    assert_eq!(sums(line(&found, "conntrack.drop")), [2, 2, 0, 0, 0]);
    assert_eq!(found.terms.uncounted, 3 + 5);
}

#[test]
fn a_wrap_counts_on_and_a_reset_is_named() {
    let found = between(
        &[
            ("eth1 qdisc pfifo 8001:", "qdisc.root", 1),
            ("eth1 qdisc pfifo 8001:", "qdisc.drops", 0xffff_fffe),
            ("eth1", "link.rx_missed_errors", 1000),
        ],
        &[
            ("eth1 qdisc pfifo 8001:", "qdisc.drops", 2),
            ("eth1", "link.rx_missed_errors", 3),
        ],
        &[(QDISC, HERE, 4)],
    );
    assert_eq!(sums(line(&found, "qdisc.drops")), [4, 4, 0, 0, 0]);
    assert_eq!(found.lines.len(), 1, "{:?}", found.lines);
    assert_eq!(found.terms.reset, ["eth1 link.rx_missed_errors"]);
}

#[test]
fn a_cpu_whose_32_bits_wrap_takes_nothing_from_the_sum_of_all() {
    // Two CPUs: one at the end of its range, one with 5 so far.
    let whole = u64::from(u32::MAX);
    let found = between(
        &[
            ("netns", "conntrack.drop", whole + 5),
            ("host", "rt_cache.in_martian_src", whole - 1),
            ("host", "arp_cache.unresolved_discards", 2 * whole),
        ],
        &[
            ("netns", "conntrack.drop", 7),
            ("host", "rt_cache.in_martian_src", 1),
            ("host", "arp_cache.unresolved_discards", 2 * whole + 4),
        ],
        &[(NETFILTER, HERE, 3)],
    );
    assert_eq!(sums(line(&found, "conntrack.drop")), [3, 3, 0, 0, 0]);
    assert_eq!(
        sums(line(&found, "rt_cache.in_martian_src")),
        [3, 0, 3, 0, 0]
    );
    let discards = line(&found, "arp_cache.unresolved_discards");
    assert_eq!(sums(discards), [4, 0, 4, 0, 0]);
    assert_eq!(found.terms.reset, [""; 0]);
}

#[test]
fn a_driver_that_is_loaded_anew_counts_again_from_where_it_began() {
    let counter = "driver.rx_dropped";
    let numbers = |value| [("eth1", counter, value)];
    let mut reconciler = Reconciler::new(HERE);
    read(&mut reconciler, &numbers(1000));
    // It is there with less than before, goes, comes back and counts on.
    let mut told = Vec::new();
    for value in [Some(3), None, Some(0), Some(4)] {
        reconciler.drops(&snapshot([]), &mut Host);
        match value {
            Some(value) => read(&mut reconciler, &numbers(value)),
            None => read(&mut reconciler, &[]),
        }
        let Reconciliation { lines, terms } = reconciler.interval();
        told.push((
            lines.iter().map(|line| line.delta).sum::<u64>(),
            terms.reset,
        ));
    }
    let reset = || vec![format!("eth1 {counter}")];
    assert_eq!(
        told,
        [(0, reset()), (0, vec![]), (0, reset()), (4, vec![])],
        "a remainder that nobody has seen"
    );
    let run = reconciler.run();
    assert_eq!((run.lines.len(), run.terms.reset), (0, reset()));
}

#[test]
fn only_the_root_of_qdiscs_is_held_against_drops() {
    let found = between(
        &[
            ("eth1 qdisc htb 1:", "qdisc.root", 1),
            ("eth1 qdisc htb 1:", "qdisc.drops", 0),
            ("eth1 qdisc pfifo 2:", "qdisc.root", 0),
            ("eth1 qdisc pfifo 2:", "qdisc.drops", 0),
        ],
        &[
            ("eth1 qdisc htb 1:", "qdisc.drops", 4),
            ("eth1 qdisc pfifo 2:", "qdisc.drops", 4),
        ],
        &[(QDISC, HERE, 4)],
    );
    assert_eq!(found.lines.len(), 1);
    assert_eq!(found.lines[0].scope, "eth1 qdisc htb 1:");
}

#[test]
fn a_qdisc_does_not_count_what_died_before_it() {
    let count = |drops, died: &[Died]| {
        let scope = "eth1 qdisc htb 1:";
        let numbers = |drops| [(scope, "qdisc.root", 1), (scope, "qdisc.drops", drops)];
        between(&numbers(0), &numbers(drops), died)
    };
    let found = count(4, &[(QDISC, HERE, 4), (BURST, HERE, 9)]);
    let lines = line(&found, "qdisc.drops");
    assert_eq!(sums(lines), [4, 4, 0, 0, 0]);
    assert_eq!(found.terms.uncounted, 9);
    let found = count(6, &[(QDISC, HERE, 4), (BURST, HERE, 9)]);
    assert_eq!(sums(line(&found, "qdisc.drops")), [6, 4, 2, 0, 0]);
}

#[test]
fn the_backlog_of_all_cpus_is_held_against_the_drops_of_all_namespaces() {
    let found = between(
        &[
            ("cpu 0", "softnet.dropped", 10),
            ("cpu 1", "softnet.dropped", 20),
            ("eth1", "link.rx_dropped", 0),
        ],
        &[
            ("cpu 0", "softnet.dropped", 14),
            ("cpu 1", "softnet.dropped", 25),
            ("eth1", "link.rx_dropped", 7),
        ],
        &[(BACKLOG, HERE, 5), (BACKLOG, ELSEWHERE, 2)],
    );
    let backlog = line(&found, "softnet.dropped");
    assert_eq!(
        (backlog.scope.as_str(), sums(backlog)),
        ("host", [9, 7, 2, 0, 0])
    );
    assert_eq!(sums(line(&found, "link.rx_dropped")), [7, 5, 2, 2, 0]);
    assert_eq!(unexplained(&found.lines), 2);
}

#[test]
fn without_reasons_a_function_explains_no_more_than_was_counted() {
    let mut key = site(NO_SOCKET, HERE);
    key.reason = NO_REASON;
    let mut reconciler = Reconciler::new(HERE);
    read(
        &mut reconciler,
        &[
            ("netns", "Udp.NoPorts", 0),
            ("netns", "Udp.InCsumErrors", 0),
        ],
    );
    reconciler.drops(&snapshot([(key, 9)]), &mut Host);
    read(
        &mut reconciler,
        &[
            ("netns", "Udp.NoPorts", 5),
            ("netns", "Udp.InCsumErrors", 3),
        ],
    );
    let found = reconciler.interval();
    assert_eq!(sums(line(&found, "Udp.NoPorts")), [5, 5, 0, 0, 0]);
    assert_eq!(sums(line(&found, "Udp.InCsumErrors")), [3, 3, 0, 0, 0]);
}

#[test]
fn without_reasons_a_function_that_drops_only_what_is_counted_comes_first() {
    let without = |kind, drops| {
        let key = SiteKey {
            reason: NO_REASON,
            ..site(kind, HERE)
        };
        (key, drops)
    };
    let mut reconciler = Reconciler::new(HERE);
    read(&mut reconciler, &[("netns", "Udp.InErrors", 0)]);
    let died = snapshot([without(NO_SOCKET, 9), without(RCVBUFF, 4)]);
    reconciler.drops(&died, &mut Host);
    read(&mut reconciler, &[("netns", "Udp.InErrors", 5)]);
    let found = reconciler.interval();
    let errors = line(&found, "Udp.InErrors");
    assert_eq!(sums(errors), [5, 5, 0, 0, 0]);
    let by = |part: &super::Part| (part.function.clone().unwrap(), part.drops);
    assert_eq!(
        errors.by.iter().map(by).collect::<Vec<_>>(),
        [
            ("udp_queue_rcv_one_skb".to_owned(), 4),
            ("__udp4_lib_rcv".to_owned(), 1)
        ]
    );
}

#[test]
fn intervals_add_up_to_the_run_and_what_comes_later_has_counted_before() {
    let mut reconciler = Reconciler::new(HERE);
    read(&mut reconciler, &[("netns", "Udp.NoPorts", 3)]);
    for (value, drops) in [(5, 2), (5, 0), (9, 3)] {
        let died = snapshot([(site(NO_SOCKET, HERE), drops)]);
        reconciler.drops(&died, &mut Host);
        read(&mut reconciler, &[("netns", "Udp.NoPorts", value)]);
        let found = reconciler.interval();
        assert_eq!(found.lines.len(), usize::from(drops > 0));
    }
    let mut died = snapshot([(site(BACKLOG, HERE), 1)]);
    died.counters.0[Counter::SiteOther as usize] = 4;
    reconciler.drops(&died, &mut Host);
    read(
        &mut reconciler,
        &[
            ("eth1", "link.rx_dropped", 2),
            // This one has counted before it came online.
            ("cpu 3", "softnet.dropped", 800),
        ],
    );
    reconciler.interval();
    read(&mut reconciler, &[("eth1", "link.rx_dropped", 5)]);
    let found = reconciler.interval();
    assert_eq!(found.terms.late, Vec::<String>::new());
    let found = reconciler.run();
    assert_eq!(sums(line(&found, "Udp.NoPorts")), [6, 5, 1, 0, 0]);
    assert_eq!(sums(line(&found, "link.rx_dropped")), [3, 1, 2, 0, 0]);
    assert_eq!(sums(line(&found, "softnet.dropped")), [0, 0, 0, 0, 1]);
    assert_eq!(found.terms.late, ["eth1 link.rx_dropped"]);
    assert_eq!(found.terms.untold, 4);
}

#[test]
fn a_device_with_another_name_leaves_no_false_remainder() {
    let found = between(
        &[("eth1", "link.rx_dropped", 200)],
        &[
            ("eth9", "link.rx_dropped", 200),
            ("eth9", "link.tx_dropped", 0),
            ("eth9 qdisc fq_codel 0:", "qdisc.root", 1),
            ("eth9 qdisc fq_codel 0:", "qdisc.drops", 40),
        ],
        &[],
    );
    assert_eq!(found.lines, []);
    assert_eq!(
        found.terms.late,
        ["eth9 link.rx_dropped", "eth9 qdisc fq_codel 0: qdisc.drops"]
    );
}

#[test]
fn a_qdisc_that_a_known_device_was_given_began_at_zero() {
    let found = between(
        &[("eth1", "link.rx_dropped", 0)],
        &[
            ("eth1", "link.rx_dropped", 0),
            ("eth1 qdisc tbf 7:", "qdisc.root", 1),
            ("eth1 qdisc tbf 7:", "qdisc.drops", 4),
        ],
        &[(QDISC, HERE, 4)],
    );
    assert_eq!(sums(line(&found, "qdisc.drops")), [4, 4, 0, 0, 0]);
    assert_eq!(found.terms.late, Vec::<String>::new());
}

#[test]
fn a_reset_is_seen_where_the_bytes_fall_though_the_counter_has_grown() {
    let tbf = "eth1 qdisc tbf 7:";
    let found = between(
        &[
            (tbf, "qdisc.bytes", 9000),
            (tbf, "qdisc.drops", 21),
            (tbf, "qdisc.root", 1),
            // This one has counted in 32 bits, and goes on.
            ("eth1", "link.rx_bytes", 0xffff_ff00),
            ("eth1", "link.rx_dropped", 3),
        ],
        &[
            (tbf, "qdisc.bytes", 4000),
            (tbf, "qdisc.drops", 81),
            ("eth1", "link.rx_bytes", 500),
            ("eth1", "link.rx_dropped", 5),
        ],
        &[(QDISC, HERE, 81)],
    );
    assert_eq!(found.terms.reset, ["eth1 qdisc tbf 7: qdisc.drops"]);
    assert_eq!(found.lines.len(), 1, "{:?}", found.lines);
    assert_eq!(sums(line(&found, "link.rx_dropped")), [2, 0, 2, 0, 0]);
}

const TBF: &str = "eth1 qdisc tbf 7:";

#[test]
fn a_qdisc_that_was_made_anew_and_has_counted_more_leaves_no_false_remainder() {
    let found = between(
        &[
            (TBF, "qdisc.bytes", 4000),
            (TBF, "qdisc.drops", 21),
            (TBF, "qdisc.root", 1),
        ],
        &[
            // 4 more until it ended, and 60 of the new one.
            (TBF, "qdisc.made", 2),
            (TBF, "ended.qdisc.drops", 25),
            (TBF, "began.qdisc.drops", 0),
            (TBF, "qdisc.bytes", 9000),
            (TBF, "qdisc.drops", 60),
            (TBF, "qdisc.root", 1),
        ],
        &[(QDISC, HERE, 64)],
    );
    assert_eq!(sums(line(&found, "qdisc.drops")), [64, 64, 0, 0, 0]);
    assert_eq!(found.terms.reset, Vec::<String>::new());
}

#[test]
fn a_device_that_was_made_anew_counts_from_where_it_began() {
    let found = between(
        &[("eth1", "link.index", 5), ("eth1", "link.rx_dropped", 3)],
        &[
            ("eth1", "link.index", 5),
            ("eth1", "link.made", 2),
            ("eth1", "ended.link.rx_dropped", 4),
            ("eth1", "began.link.rx_dropped", 100),
            ("eth1", "link.rx_dropped", 107),
        ],
        &[],
    );
    assert_eq!(sums(line(&found, "link.rx_dropped")), [8, 0, 8, 0, 0]);
}

#[test]
fn another_device_of_the_same_name_is_seen_for_the_first_time() {
    let found = between(
        &[
            ("eth1", "link.index", 5),
            ("eth1", "link.rx_dropped", 3),
            (TBF, "qdisc.drops", 1),
            (TBF, "qdisc.root", 1),
        ],
        &[
            ("eth1", "link.index", 6),
            ("eth1", "link.rx_dropped", 300),
            (TBF, "qdisc.drops", 9),
            (TBF, "qdisc.root", 1),
        ],
        &[],
    );
    assert_eq!(found.lines, []);
    let qdisc = format!("{TBF} qdisc.drops");
    assert_eq!(found.terms.reset, ["eth1 link.rx_dropped", &qdisc]);
}

#[test]
fn another_device_that_stands_at_zero_is_not_taken_for_the_old_one() {
    let numbers = |index| {
        [
            ("eth1", "link.index", index),
            ("eth1", "link.rx_dropped", 0),
        ]
    };
    let found = between(&numbers(5), &numbers(6), &[(BACKLOG, HERE, 77)]);
    assert_eq!(found.terms.reset, ["eth1 link.rx_dropped"]);
    assert_eq!(
        found
            .lines
            .iter()
            .filter(|line| line.scope == "eth1")
            .count(),
        0
    );
    // What the old one counted was told.
    let found = between(
        &numbers(5),
        &[
            ("eth1", "link.index", 6),
            ("eth1", "link.made", 2),
            ("eth1", "ended.link.rx_dropped", 77),
            ("eth1", "began.link.rx_dropped", 0),
            ("eth1", "link.rx_dropped", 0),
        ],
        &[(BACKLOG, HERE, 77)],
    );
    assert_eq!(found.terms.reset, Vec::<String>::new());
    assert_eq!(sums(line(&found, "link.rx_dropped")), [77, 77, 0, 0, 0]);
}

#[test]
fn what_is_removed_is_counted_to_its_end_and_from_its_beginning_when_it_is_back() {
    let mut reconciler = Reconciler::new(HERE);
    let mut next = |numbers| {
        read(&mut reconciler, numbers);
        let found = reconciler.interval();
        assert_eq!(found.terms.reset, Vec::<String>::new());
        found
            .lines
            .iter()
            .map(|line| line.delta)
            .collect::<Vec<_>>()
    };
    next(&[(TBF, "qdisc.root", 1), (TBF, "qdisc.drops", 20)]);
    let gone = [(TBF, "qdisc.gone", 2), (TBF, "ended.qdisc.drops", 24)];
    assert_eq!(next(&gone), [4]);
    assert_eq!(next(&gone), [0; 0]);
    let back = [
        (TBF, "qdisc.made", 4),
        (TBF, "ended.qdisc.drops", 24),
        (TBF, "began.qdisc.drops", 0),
        (TBF, "qdisc.root", 1),
        (TBF, "qdisc.drops", 7),
    ];
    assert_eq!(next(&back), [7]);
    let run = reconciler.run();
    assert_eq!(sums(line(&run, "qdisc.drops")), [11, 0, 11, 0, 0]);
    // It went with nothing told.
    read(&mut reconciler, &[(TBF, "qdisc.unknown", 5)]);
    let reset = [format!("{TBF} qdisc.drops")];
    assert_eq!(reconciler.interval().terms.reset, reset);
}

#[test]
fn a_handle_that_was_at_the_root_and_is_below_another_one_now_has_no_line() {
    let htb = "eth1 qdisc htb 1:";
    let found = between(
        &[(TBF, "qdisc.root", 1), (TBF, "qdisc.drops", 20)],
        &[
            (TBF, "qdisc.root", 0),
            (TBF, "qdisc.drops", 25),
            (htb, "qdisc.root", 1),
            (htb, "qdisc.ingress", 0),
            (htb, "qdisc.drops", 5),
            ("eth1", "link.rx_dropped", 0),
        ],
        &[],
    );
    assert!(
        found.lines.iter().all(|line| line.scope != TBF),
        "{:?}",
        found.lines
    );
}

#[test]
fn what_is_not_known_is_no_remainder() {
    let before = [
        ("eth1", "link.rx_dropped", 3),
        ("eth1", "link.tx_dropped", 0),
    ];
    let after = [
        ("eth1", "link.unknown", 2),
        ("eth1", "link.rx_dropped", 300),
        ("eth1", "link.tx_dropped", 0),
    ];
    let found = between(&before, &after, &[]);
    assert_eq!(found.lines, []);
    assert_eq!(found.terms.reset, ["eth1 link.rx_dropped"]);
}

#[test]
fn what_was_made_anew_goes_on_as_any_other() {
    let mut reconciler = Reconciler::new(HERE);
    let mut next = |numbers| {
        read(&mut reconciler, numbers);
        let found = reconciler.interval();
        found
            .lines
            .iter()
            .map(|line| line.delta)
            .collect::<Vec<_>>()
    };
    next(&[("eth1", "link.rx_dropped", 3)]);
    let made = [
        ("eth1", "link.made", 2),
        ("eth1", "ended.link.rx_dropped", 3),
        ("eth1", "began.link.rx_dropped", 0),
        ("eth1", "link.rx_dropped", 1),
    ];
    assert_eq!(next(&made), [1]);
    // The marks stay as they were.
    let mut later = made;
    later[3].2 = 6;
    assert_eq!(next(&later), [5]);
    // A recording tells only what is no longer as it was.
    assert_eq!(
        next(&[
            ("eth1", "link.made", 4),
            ("eth1", "ended.link.rx_dropped", 8),
            ("eth1", "link.rx_dropped", 2)
        ]),
        [4]
    );
}
