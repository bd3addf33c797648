//! What the rules find at devices and CPUs: rings of veth and tun, squeezed
//! softirqs, flow limits, and memory that all sockets share.

use std::{
    net::UdpSocket,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::socket::{
    setsockopt,
    sockopt::{RcvBufForce, UdpGsoSegment},
};

use super::{says, until_found, until_found_on_cpus};
use crate::{
    bench::{Bench, PATIENCE},
    counter::Counter,
    lab::{A, B, GlobalSysctl, Namespace, Pair},
    netdrop::journey::Journey,
    scenario::{Scenario, cannot},
    sender::Datagrams,
    sys::{Accept, Tun},
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "path_finds_a_full_veth_ring",
        about: "two CPUs that flood the ring of a veth whose end has much to do",
        run: path_finds_a_full_veth_ring,
    },
    Scenario {
        name: "path_finds_a_device_that_does_not_send",
        about: "datagrams for a tun device whose process does not read",
        run: path_finds_a_device_that_does_not_send,
    },
    Scenario {
        name: "path_finds_squeezed_softirqs",
        about: "datagrams with a budget of one packet",
        run: path_finds_squeezed_softirqs,
    },
    Scenario {
        name: "path_finds_a_flow_limit",
        about: "one flow that fills a short backlog",
        run: path_finds_a_flow_limit,
    },
    Scenario {
        name: "path_finds_udp_without_memory",
        about: "a socket that takes more memory than all of UDP may",
        run: path_finds_udp_without_memory,
    },
];

/// Packets that come in are looked at by so many rules.
fn slow(namespace: &Namespace) -> Result<()> {
    let rules: Vec<String> = (1..=400)
        .map(|port| format!("udp dport {port} udp sport 1 drop; "))
        .collect();
    let rules = rules.concat();
    namespace.nft(&format!(
        "table inet t {{ chain c {{ type filter hook input priority 0; {rules} }}; }}"
    ))
}

fn path_finds_a_full_veth_ring(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let ifindex = lab.b.ifindex(B.device)?;
    // A program of the driver gives the device its ring on every kernel.
    let _program = lab.b.inside(|| {
        Accept::attach(ifindex).or_else(|error| cannot(format!("XDP on veth: {error}")))
    })?;
    slow(&lab.b)?;
    let dropped = Counter::link(&lab.a, A.device, "tx_dropped");
    let enough = AtomicBool::new(false);
    let flood = || {
        lab.a.inside(|| {
            let socket = UdpSocket::bind((A.v4, 0))?;
            while !enough.load(Ordering::Relaxed) {
                // Nobody listens, which the socket hears of.
                socket.send_to(&[0; 10], (B.v4, 5000)).ok();
            }
            Ok(())
        })
    };
    let provoke = || {
        let deadline = Instant::now() + PATIENCE;
        thread::scope(|scope| {
            let floods: Vec<_> = (0..4).map(|_| scope.spawn(flood)).collect();
            let mut lost = dropped.read();
            while lost.as_ref().is_ok_and(|lost| *lost < 2000) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(50));
                lost = dropped.read();
            }
            enough.store(true, Ordering::Relaxed);
            for flood in floods {
                flood.join().ok().context("a thread died")??;
            }
            ensure!(lost? > 0, "witness: nothing was lost");
            Ok(())
        })
    };
    let journey = until_found(bench, &lab.a, "veth_peer_full", provoke)?;
    says(
        &journey,
        "veth_peer_full",
        &[
            ("finding", "the other end of a0"),
            ("evidence", "a0 tx_dropped +"),
            ("scope", "a0"),
            ("stage", "tx_dev"),
        ],
    )?;
    let other = "device_does_not_send";
    ensure!(journey.findings(other).next().is_none(), "found twice");
    Ok(())
}

fn path_finds_a_device_that_does_not_send(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.sysctl("net.ipv6.conf.default.disable_ipv6", "1")?;
    drop(lab.a.run("modprobe", "tun"));
    let _tun = lab
        .a
        .inside(|| Tun::new("tun0").or_else(|error| cannot(format!("tun: {error}"))))?;
    lab.a.ip(&[
        "link set tun0 txqueuelen 2",
        "addr add 10.88.0.1/24 dev tun0",
        "link set tun0 up",
    ])?;
    let dropped = Counter::link(&lab.a, "tun0", "tx_dropped");
    let provoke = || {
        let ends = (([10, 88, 0, 1].into(), 4000), ([10, 88, 0, 2].into(), 9));
        Datagrams::new(ends.0, ends.1, 10, 30)
            .send(&lab.a)
            .map(drop)
    };
    let rule = "device_does_not_send";
    let journey = until_found(bench, &lab.a, rule, provoke)?;
    let counted = format!("tx_dropped +{},", dropped.read()?);
    says(
        &journey,
        rule,
        &[
            ("evidence", &counted),
            ("scope", "tun0"),
            ("stage", "tx_dev"),
        ],
    )
}

fn path_finds_squeezed_softirqs(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let provoke = || {
        let _one = GlobalSysctl::set("net.core.netdev_budget", "1")?;
        let datagrams = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 10, 20_000);
        datagrams.send(&lab.a).map(drop)
    };
    let rule = "softirq_squeezed";
    let journey = until_found_on_cpus(bench, &lab.b, rule, provoke)?;
    says(
        &journey,
        rule,
        &[("evidence", "time_squeeze +"), ("stage", "rx_nic")],
    )
}

fn path_finds_a_flow_limit(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a
        .run("ethtool", "-K a0 tx on sg on tx-udp-segmentation off")?;
    // Every CPU, as far as one word tells. The kernel tells the count as long as
    // the limit is on.
    let cpus = thread::available_parallelism()?.get().min(32);
    let all = format!("{:x}", (1_u64 << cpus) - 1);
    let _limit = GlobalSysctl::set("net.core.flow_limit_cpu_bitmap", &all)
        .or_else(|error| cannot(format!("a flow limit: {error:#}")))?;
    let provoke = || {
        let _short = GlobalSysctl::set("net.core.netdev_max_backlog", "60")?;
        lab.a.inside(|| {
            let socket = UdpSocket::bind((A.v4, 4000))?;
            setsockopt(&socket, UdpGsoSegment, &10).context("UDP_SEGMENT")?;
            for _ in 0..100 {
                // Datagrams that the kernel takes apart at the device.
                socket.send_to(&[0; 500], (B.v4, 9)).context("send")?;
            }
            Ok(())
        })
    };
    let journey = until_found_on_cpus(bench, &lab.b, "flow_limit", provoke)?;
    says(
        &journey,
        "flow_limit",
        &[
            ("finding", "the flow limit of CPU "),
            ("evidence", "flow_limit_count +"),
            ("stage", "rx_backlog"),
        ],
    )
}

fn path_finds_udp_without_memory(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let socket = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v4, 5000))?;
        setsockopt(&socket, RcvBufForce, &4_000_000)?;
        Ok(socket)
    })?;
    let fill = || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 5000), 1000, 600)
            .send(&lab.a)
            .map(drop)
    };
    fill()?;
    let healthy = Journey::since_boot(bench.binary()?, &lab.b)?;
    let rule = "udp_memory_full";
    ensure!(healthy.findings(rule).next().is_none(), "found before");
    let _few = GlobalSysctl::set("net.ipv4.udp_mem", "20 40 60")?;
    fill()?;
    let now = Journey::since_boot(bench.binary()?, &lab.b)?;
    says(
        &now,
        rule,
        &[
            ("evidence", "udp_mem 20 40 60"),
            ("undo", "udp_mem='20 40 60'"),
            ("stage", "rx_sock"),
        ],
    )?;
    drop(socket);
    Ok(())
}
