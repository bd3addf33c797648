use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::{
    drops::stage::Stage,
    host::{
        counters::{Counter, Kind, Scope, Unread, sockets::Socket, tunables::Tunable},
        sockets::Holder,
    },
    output::palette::Palette,
    path::Reading,
};

fn reading(scope: Scope, name: &str, value: u64, delta: Option<u64>) -> Reading {
    Reading {
        counter: Counter {
            scope,
            name: name.into(),
            kind: Kind::Count32,
            value,
        },
        delta,
    }
}

fn tunable(scope: Scope, name: &str, value: &str) -> Tunable {
    Tunable {
        scope,
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn journey(interval: Option<Duration>) -> Journey {
    let delta = |number| interval.map(|_| number);
    let device = |name: &str| Scope::Device(name.into());
    Journey {
        netns: 4_026_532_177,
        interval,
        devices: 2,
        uptime: Some(7200),
        stages: vec![
            At {
                stage: Stage::RX_BACKLOG,
                counters: vec![
                    reading(Scope::Cpu(0), "softnet.dropped", 12, delta(5)),
                    reading(Scope::Cpu(1), "softnet.dropped", 0, delta(0)),
                    reading(device("eth0"), "link.rx_dropped", 7, delta(0)),
                ],
                tunables: vec![
                    tunable(Scope::Host, "net.core.netdev_max_backlog", "1000"),
                    tunable(device("eth0"), "link.mtu", "1500"),
                    tunable(device("lo"), "link.mtu", "1500"),
                ],
            },
            At {
                stage: Stage::RX_CORE,
                counters: vec![reading(device("eth0"), "link.rx_dropped", 7, delta(0))],
                tunables: vec![
                    tunable(device("eth0"), "feature.gro", "1"),
                    tunable(device("lo"), "feature.gro", "0"),
                ],
            },
        ],
        other: vec![reading(Scope::Netns, "Tcp.InSegs", 9, delta(1))],
        sockets: vec![Socket {
            kind: SocketKind::Listener,
            local: "192.0.2.1:443".parse().unwrap(),
            inode: 77,
            queue: 3,
            backlog: Some(2),
            memory: Some([0, 87380]),
            drops: Some(4),
            holder: Some(Holder {
                pid: 12,
                command: "server".into(),
            }),
            fixed_buffer: None,
        }],
        findings: vec![Finding {
            id: "backlog_overflow",
            severity: Severity::Harmful,
            stage: Stage::RX_BACKLOG,
            scope: Scope::Cpu(0),
            since_boot: interval.is_none(),
            finding: "the backlog of CPU 0 was full".to_owned(),
            evidence: "softnet dropped +5".to_owned(),
            remedy: "sysctl -w net.core.netdev_max_backlog=5000".to_owned(),
            undo: "sysctl -w net.core.netdev_max_backlog=1000".to_owned(),
        }],
        unread: vec![Unread {
            what: "the driver of eth\x1b0".to_owned(),
            why: "it did not answer".to_owned(),
        }],
        reconciliation: interval.map(|_| crate::output::samples::reconciliation()),
    }
}

fn heading() -> Heading<'static> {
    Heading {
        time: "2026-01-02T03:04:05Z".parse().unwrap(),
        host: "vm".to_owned(),
        kernel: "6.18.44".to_owned(),
        identity: None,
    }
}

fn page(interval: Option<Duration>, all: bool) -> String {
    let layout = Layout {
        width: Some(80),
        palette: Palette { on: false },
    };
    let journey = Journey {
        reconciliation: None,
        ..journey(interval)
    };
    text(&journey, &heading(), layout, Options { all })
}

#[test]
fn an_interval_shows_what_moved_and_what_is_wrong() {
    assert_eq!(
        page(Some(Duration::from_secs(5)), false),
        "\
2026-01-02T03:04:05Z  vm, Linux 6.18.44, network namespace 4026532177: counted
in 5.0 s

What is wrong
  rx_backlog    backlog_overflow, harmful
                The backlog of CPU 0 was full
    evidence    softnet dropped +5
    remedy      sysctl -w net.core.netdev_max_backlog=5000
    undo        sysctl -w net.core.netdev_max_backlog=1000

Receiving
  rx_backlog    Per-CPU backlog
    wrong       backlog_overflow (cpu 0)
    counted     softnet.dropped +5 (cpu 0)
    quiet       2 counters did not move
    set         net.core.netdev_max_backlog 1000; link.mtu 1500
  rx_core       Receive core
    set         feature.gro 1 (eth0) 0 (lo)

Sending

Not read
  the driver of eth\\x1b0: it did not answer

Wrong, see the top: backlog_overflow.

"
    );
}

#[test]
fn settings_with_one_beginning_stand_together_and_say_whose_they_are() {
    let device = |name: &str| Scope::Device(name.into());
    let name = |what: &str| format!("net.ipv4.conf.DEV.{what}");
    let mut tunables = Vec::new();
    for (what, lo, all) in [("accept_local", "0", "0"), ("rp_filter", "2", "1")] {
        for dev in ["lo", "a0", "b0"] {
            tunables.push(tunable(device(dev), &name(what), lo));
        }
        let name = name(what).replace("DEV", "all");
        tunables.push(tunable(Scope::Netns, &name, all));
    }
    tunables.push(tunable(device("a0"), "irq.affinity.a0-rx.0", "0-1"));
    tunables.push(tunable(device("a0"), "irq.affinity.a0-tx.0", "1"));
    tunables.push(tunable(Scope::Host, "net.core.somaxconn", "4096"));
    assert_eq!(
        settings(&tunables, 3, false),
        [
            "net.ipv4.conf.DEV: accept_local 0, rp_filter 2 (each device) 1 (all)",
            "irq.affinity: a0-rx.0 0-1 (a0), a0-tx.0 1 (a0)",
            "net.core.somaxconn 4096",
        ]
    );
    let mut many: Vec<_> = (0..10)
        .map(|number| tunable(device(&format!("v{number}")), "link.up", "1"))
        .collect();
    many.push(tunable(device("lo"), "link.up", "0"));
    assert_eq!(
        settings(&many, 11, false),
        ["link.up 1 (v0, v1, v2 and 7 more) 0 (lo)"]
    );
    assert!(settings(&many, 11, true)[0].contains("v9"));
}

#[test]
fn since_boot_says_that_it_may_be_old_and_all_shows_zeros() {
    let page = page(None, true);
    assert!(page.contains("softnet.dropped 12 (cpu 0), 0 (cpu 1); link.rx_dropped 7 (eth0)"));
    assert!(page.contains("it may be long over"), "{page}");
    assert!(page.contains("since boot, 2 h ago"));
    assert!(!page.contains("quiet"));
}

#[test]
fn every_field_is_documented() {
    let document = include_str!("../../../../docs/json.md");
    let (_, document) = document.split_once("## `path`").unwrap();
    let (document, _) = document.split_once("\n## ").unwrap_or((document, ""));
    let mut line = Vec::new();
    json::write(&mut line, &journey(None), &heading());
    let object: Value = serde_json::from_slice(&line).unwrap();
    let stage = &object["stages"][0];
    for part in [
        &object,
        &object["findings"][0],
        stage,
        &stage["counters"][0],
        &stage["tunables"][0],
        &object["other_counters"][0],
        &object["sockets"][0],
        &object["unread"][0],
    ] {
        for field in part.as_object().unwrap().keys() {
            assert!(document.contains(&format!("`{field}`")), "{field}");
        }
    }
    assert_eq!(object["seconds"], Value::Null);
    assert_eq!(stage["counters"][0]["delta"], Value::Null);
    assert_eq!(object["findings"][0]["since_boot"], true);
}

#[test]
fn every_line_fits_the_terminal() {
    for width in [80, 100, 160] {
        let layout = Layout {
            width: Some(width),
            ..Layout::default()
        };
        let journey = journey(Some(Duration::from_secs(5)));
        assert!(journey.reconciliation.is_some());
        let found = text(&journey, &heading(), layout, Options { all: true });
        for line in found.lines() {
            let commanded = line.trim_start().starts_with("$ ");
            assert!(commanded || line.chars().count() <= width, "{line}");
        }
    }
}
