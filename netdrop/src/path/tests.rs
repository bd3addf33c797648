use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use super::*;
use crate::host::{
    counters::{Scope, interrupts::Interrupt, links::Link, sockets::SocketKind},
    sockets::Holder,
    softnet::{Counts, Softnet},
};

mod covered;

fn snapshot() -> Snapshot {
    Snapshot {
        taken: Instant::now(),
        skew: Duration::ZERO,
        netns: 7,
        uptime: Some(1000),
        protocols: [("Ip.InAddrErrors", 500), ("Ip.InReceives", 1000)]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        sockstat: BTreeMap::default(),
        conntrack: BTreeMap::default(),
        caches: BTreeMap::default(),
        softnet: Some(Softnet {
            cpus: vec![(
                3,
                Counts {
                    processed: 1_000_000,
                    dropped: 50,
                    ..Counts::default()
                },
            )],
            backlog: vec![(3, 0)],
        }),
        softirqs: Vec::new(),
        links: Vec::new(),
        interrupts: Vec::new(),
        qdiscs: Vec::new(),
        neighbours: Vec::new(),
        drivers: Vec::new(),
        sockets: Vec::new(),
        tunables: vec![setting(Scope::Netns, "net.ipv4.ip_forward", "0")],
        marks: Vec::new(),
        unread: Vec::new(),
    }
}

fn setting(scope: Scope, name: &str, value: &str) -> Tunable {
    Tunable {
        scope,
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn ids(journey: &Journey) -> Vec<&str> {
    journey.findings.iter().map(|finding| finding.id).collect()
}

#[test]
fn a_small_old_count_is_no_finding_and_a_large_share_is_an_old_one() {
    let journey = Journey::of(&snapshot(), None, &Reach::default());
    assert_eq!(ids(&journey), ["forwarding_off"]);
    assert!(journey.findings[0].since_boot);
    let mut never = snapshot();
    never.protocols.insert("Ip.InAddrErrors".to_owned(), 5);
    assert!(
        Journey::of(&never, None, &Reach::default())
            .findings
            .is_empty()
    );
}

#[test]
fn what_happens_now_is_found_with_what_was_counted_and_what_is_set() {
    let before = snapshot();
    let mut now = snapshot();
    let softnet = now.softnet.as_mut().unwrap();
    softnet.cpus[0].1.dropped += 7;
    softnet.cpus[0].1.processed += 93;
    now.tunables
        .push(setting(Scope::Host, "net.core.netdev_max_backlog", "1000"));
    let journey = Journey::of(&now, Some(&before), &Reach::default());
    assert_eq!(ids(&journey), ["backlog_overflow"]);
    let finding = &journey.findings[0];
    assert_eq!(finding.scope, Scope::Cpu(3));
    assert!(!finding.since_boot);
    assert_eq!(
        finding.evidence,
        "softnet dropped +7 of +93 processed; netdev_max_backlog 1000"
    );
    assert_eq!(
        finding.undo,
        "sysctl -w net.core.netdev_max_backlog=1000; rps_cpus as rx_backlog shows them now"
    );
}

#[test]
fn a_reset_counter_makes_no_finding() {
    let mut before = snapshot();
    before.softnet.as_mut().unwrap().cpus[0].1.dropped = 5_000;
    let journey = Journey::of(&snapshot(), Some(&before), &Reach::default());
    assert!(journey.findings.is_empty());
    let dropped = journey.stages.iter().flat_map(|at| &at.counters);
    let mut dropped = dropped.filter(|one| &*one.counter.name == "softnet.dropped");
    assert_eq!(dropped.next().unwrap().delta, None);
}

#[test]
fn what_is_not_known_finds_nothing() {
    let mut blind = snapshot();
    blind.tunables.clear();
    assert!(
        Journey::of(&blind, None, &Reach::default())
            .findings
            .is_empty()
    );
}

#[test]
fn a_full_listener_is_named_with_port_and_process_whenever_one_looks() {
    let mut now = snapshot();
    now.protocols.clear();
    now.sockets = vec![Socket {
        kind: SocketKind::Listener,
        local: "[fd00::1]:443".parse().unwrap(),
        inode: 77,
        queue: 3,
        backlog: Some(2),
        memory: None,
        drops: None,
        holder: Some(Holder {
            pid: 12,
            command: "server".into(),
        }),
        fixed_buffer: None,
    }];
    let journey = Journey::of(&now, None, &Reach::default());
    assert_eq!(ids(&journey), ["accept_queue_full"]);
    let finding = &journey.findings[0];
    assert!(!finding.since_boot);
    assert!(
        finding
            .finding
            .contains("fd00::1 port 443 is full: server[12] "),
        "{}",
        finding.finding
    );
    assert!(finding.evidence.contains("drops of the listener ?"));
}

#[test]
fn what_a_device_that_came_in_the_interval_counted_is_not_known() {
    let before = snapshot();
    let mut now = snapshot();
    now.links = vec![Link {
        name: "veth1".into(),
        statistics: vec![("rx_dropped", 4), ("tx_dropped", 0)],
        ..Link::default()
    }];
    let journey = Journey::of(&now, Some(&before), &Reach::default());
    let readings = journey.stages.iter().flat_map(|at| &at.counters);
    let delta = |name: &str| {
        let reading = readings.clone().find(|one| &*one.counter.name == name);
        reading.unwrap().delta
    };
    assert_eq!(delta("link.rx_dropped"), None, "it may have another's name");
    assert_eq!(delta("link.tx_dropped"), Some(0));
}

#[test]
fn every_name_in_the_rules_is_one_that_a_snapshot_can_have() {
    // Kernel modules and hardware are not everywhere.
    const ELSEWHERE: [&str; 8] = [
        "conntrack.",
        "net.netfilter.",
        "ring.",
        "channels.",
        "link.",
        "socket.",
        "listener.",
        "irq.",
    ];
    let now = Snapshot::take(&wanted(None));
    let flat = now.flat();
    let known: BTreeSet<&str> = flat
        .iter()
        .map(|counter| &*counter.name)
        .chain(now.tunables.iter().map(|tunable| &*tunable.name))
        .collect();
    for rule in rules::all() {
        for step in rule
            .when
            .iter()
            .chain(rule.since_boot.into_iter().flatten())
        {
            let (step::Step::Name(name) | step::Step::Over(_, name)) = step else {
                continue;
            };
            let elsewhere = ELSEWHERE.iter().any(|start| name.starts_with(start));
            assert!(
                elsewhere || *name == "sk_drops" || known.contains(name),
                "{name} of the rule {}",
                rule.id
            );
        }
    }
}

/// Statistics and settings of a card, which no lab has.
fn card(statistic: &'static str, count: u64, settings: &[(&str, &str)]) -> Snapshot {
    const ALL: [&str; 5] = [
        "rx_missed_errors",
        "rx_fifo_errors",
        "rx_crc_errors",
        "rx_frame_errors",
        "rx_length_errors",
    ];
    let mut card = snapshot();
    card.protocols.clear();
    let count = |name| (name, if name == statistic { count } else { 0 });
    card.links = vec![Link {
        name: "eth0".into(),
        statistics: ALL.map(count).into(),
        ..Link::default()
    }];
    let device = || Scope::Device("eth0".into());
    let settings = settings.iter();
    card.tunables = settings
        .map(|(name, value)| setting(device(), name, value))
        .collect();
    card
}

#[test]
fn a_card_that_loses_is_found_with_what_can_be_done() {
    let small: &[_] = &[("ring.rx", "256"), ("ring.rx_max", "4096")];
    let large: &[_] = &[("ring.rx", "4096"), ("ring.rx_max", "4096")];
    for (rule, statistic, settings, remedy) in [
        (
            "ring_too_small",
            "rx_missed_errors",
            small,
            "ethtool -G eth0 rx 4096",
        ),
        ("ring_full", "rx_fifo_errors", large, "ethtool -L eth0"),
        ("frames_damaged", "rx_crc_errors", &[], "ethtool -m eth0"),
    ] {
        let before = card(statistic, 100, settings);
        let quiet = Journey::of(
            &card(statistic, 100, settings),
            Some(&before),
            &Reach::default(),
        );
        assert_eq!(ids(&quiet), [""; 0], "nothing moved");
        let journey = Journey::of(
            &card(statistic, 103, settings),
            Some(&before),
            &Reach::default(),
        );
        assert_eq!(ids(&journey), [rule]);
        let finding = &journey.findings[0];
        assert!(finding.remedy.contains(remedy), "{}", finding.remedy);
        let counted = format!("{statistic} +3");
        assert!(finding.evidence.contains(&counted), "{}", finding.evidence);
        assert!(!finding.undo.contains('?') || rule == "ring_full");
    }
    let mut slow = card(
        "rx_crc_errors",
        0,
        &[("link.full_duplex", "0"), ("link.speed", "100")],
    );
    assert_eq!(
        ids(&Journey::of(&slow, None, &Reach::default())),
        [""; 0],
        "without a carrier"
    );
    let carrier = setting(Scope::Device("eth0".into()), "link.carrier", "1");
    slow.tunables.push(carrier);
    assert_eq!(
        ids(&Journey::of(&slow, None, &Reach::default())),
        ["half_duplex"]
    );
    for word in ["1", "unknown"] {
        slow.tunables[0].value = word.to_owned();
        assert_eq!(
            ids(&Journey::of(&slow, None, &Reach::default())),
            [""; 0],
            "{word}"
        );
    }
}

/// A card with two queues, and how often each CPU was interrupted.
fn interrupted(first: u64, second: u64) -> Snapshot {
    let mut card = card("rx_crc_errors", 0, &[("link.rx_queues", "2")]);
    let cpu = |cpu| (cpu, Counts::default());
    card.softnet = Some(Softnet {
        cpus: vec![cpu(0), cpu(1)],
        backlog: Vec::new(),
    });
    let queue = |number: u32, count| Interrupt {
        number,
        counts: vec![(number, count), (1 - number, 0)],
        name: format!("eth0-rx-{number}"),
    };
    card.interrupts = vec![
        ("eth0".into(), queue(0, first)),
        ("eth0".into(), queue(1, second)),
    ];
    card
}

#[test]
fn one_cpu_that_takes_all_interrupts_is_found_and_two_that_share_are_not() {
    let before = interrupted(100, 0);
    let uneven = Journey::of(&interrupted(9100, 10), Some(&before), &Reach::default());
    assert_eq!(ids(&uneven), ["one_cpu_takes_all_interrupts"]);
    let even = Journey::of(&interrupted(9100, 9000), Some(&before), &Reach::default());
    assert_eq!(ids(&even), [""; 0]);
    // The queue had not interrupted this CPU before.
    let queue = even.stages.iter().flat_map(|at| &at.counters);
    let mut queue = queue.filter(|one| &*one.counter.name == "irq.count.eth0-rx-1");
    assert_eq!(queue.next().unwrap().delta, Some(9000));
    assert!(queue.next().is_none(), "CPUs without any are left out");
}

#[test]
fn what_no_lab_can_do_to_tcp_is_found() {
    let backlog = |count| {
        let mut snapshot = snapshot();
        let name = "TcpExt.TCPBacklogDrop".to_owned();
        snapshot.protocols.insert(name, count);
        snapshot
    };
    let mut now = backlog(2);
    assert_eq!(
        ids(&Journey::of(&now, Some(&backlog(2)), &Reach::default())),
        [""; 0]
    );
    let journey = Journey::of(&now, Some(&backlog(1)), &Reach::default());
    assert_eq!(ids(&journey), ["tcp_backlog_drops"]);

    now.sockstat.insert("sockstat.TCP.mem".to_owned(), 99);
    let most = |pages| setting(Scope::Host, "tcp_mem.most", pages);
    now.tunables.push(most("100"));
    assert_eq!(
        ids(&Journey::of(&now, Some(&now.clone()), &Reach::default())),
        [""; 0]
    );
    now.tunables.push(most("99"));
    now.tunables.swap_remove(1);
    let journey = Journey::of(&now, Some(&now.clone()), &Reach::default());
    assert_eq!(ids(&journey), ["tcp_memory_full"]);
}

#[test]
fn every_rule_is_documented_as_it_is() {
    let document = include_str!("../../../docs/path.md");
    let file = include_str!("../../data/rules.toml");
    let mut written = 0;
    for (name, text) in file.lines().filter_map(|line| line.split_once(" = \"")) {
        let text = text.trim_end_matches('"');
        written += usize::from(name == "when");
        if !["id", "stage", "each", "severity"].contains(&name) {
            assert!(document.contains(text), "{name}: {text}");
        }
    }
    let ids: Vec<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .collect();
    let rules: Vec<&str> = rules::all().iter().map(|rule| rule.id).collect();
    assert_eq!(ids, rules);
    assert_eq!(written, rules.len());
}
