//! What `netdrop path` finds wrong, and that it finds nothing where all is well.

use std::{
    net::{SocketAddrV4, UdpSocket},
    os::fd::{AsRawFd as _, OwnedFd},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, SockFlag, SockType, SockaddrIn, connect, setsockopt, socket, sockopt::RcvBuf,
    },
};
use serde_json::Value;

use crate::{
    bench::Bench,
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, C, GlobalSysctl, Namespace, Pair},
    netdrop::journey::Journey,
    scenario::Scenario,
    sender::{self, Datagrams},
};

use super::tcp_handshake::listener;

pub(super) mod anew;
pub(super) mod devices;
pub(super) mod remainders;
pub(super) mod renamed;
pub(super) mod tables;
pub(super) mod tcp;
pub(super) mod traced;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "path_of_a_healthy_namespace",
        about: "datagrams and a connection that arrive: nothing is found",
        run: path_of_a_healthy_namespace,
    },
    Scenario {
        name: "path_names_a_full_accept_queue",
        about: "a listener that accepts nothing, with its port and process",
        run: path_names_a_full_accept_queue,
    },
    Scenario {
        name: "path_names_a_full_receive_buffer",
        about: "datagrams for a socket that nobody reads, with its port and process",
        run: path_names_a_full_receive_buffer,
    },
    Scenario {
        name: "path_finds_a_full_qdisc",
        about: "datagrams into a slow qdisc",
        run: path_finds_a_full_qdisc,
    },
    Scenario {
        name: "path_finds_that_forwarding_is_off",
        about: "frames for another host",
        run: path_finds_that_forwarding_is_off,
    },
    Scenario {
        name: "path_finds_that_forwarding_is_off_ipv6",
        about: "IPv6 frames for another host",
        run: path_finds_that_forwarding_is_off_ipv6,
    },
    Scenario {
        name: "path_finds_an_rp_filter",
        about: "frames from an address that another device leads to",
        run: path_finds_an_rp_filter,
    },
    Scenario {
        name: "path_finds_fragments_without_room",
        about: "first fragments that fill the memory for reassembly",
        run: path_finds_fragments_without_room,
    },
    Scenario {
        name: "path_finds_a_full_backlog",
        about: "a backlog that holds one packet",
        run: path_finds_a_full_backlog,
    },
    Scenario {
        name: "path_finds_a_full_conntrack_table",
        about: "a table of tracked connections with room for four",
        run: path_finds_a_full_conntrack_table,
    },
    Scenario {
        name: "path_finds_a_full_neighbour_table",
        about: "a table of neighbours with hardly any room",
        run: path_finds_a_full_neighbour_table,
    },
];

const PORT: u16 = 7000;
const UDP: Transport = Transport::Udp {
    src: 4000,
    dst: 9,
    payload: 10,
};

/// Runs until a rule finds something in an interval, and returns that interval.
/// The rule found nothing before.
fn until_found(
    bench: &Bench,
    namespace: &Namespace,
    rule: &str,
    act: impl FnOnce() -> Result<()>,
) -> Result<Journey> {
    Journey::during(bench, namespace, act, |journey| {
        journey.findings(rule).next().is_some()
    })
}

/// The same for a rule about the CPUs, which are busy with others' packets, too.
fn until_found_on_cpus(
    bench: &Bench,
    namespace: &Namespace,
    rule: &str,
    act: impl FnOnce() -> Result<()>,
) -> Result<Journey> {
    let found = |journey: &Journey| journey.findings(rule).next().is_some();
    Journey::during_noise(bench, namespace, act, found, |_| Ok(()))
}

/// The first finding of a rule has these words in these fields, and says what to
/// do and how to undo it.
fn says(journey: &Journey, rule: &str, fields: &[(&str, &str)]) -> Result<()> {
    let Journey(all) = journey;
    let found: Vec<&Value> = journey.findings(rule).collect();
    ensure!(!found.is_empty(), "no {rule}: {}", all["findings"]);
    let fits = |finding: &&&Value| {
        fields.iter().all(|(field, words)| {
            let text = finding[field].as_str().unwrap_or_default();
            text.contains(words)
        })
    };
    let Some(finding) = found.iter().find(fits) else {
        anyhow::bail!("{fields:?} is not what is said: {found:?}");
    };
    for field in ["evidence", "remedy", "undo"] {
        let text = finding[field].as_str().unwrap_or_default();
        ensure!(
            !text.is_empty() && !text.contains('{'),
            "{field}: {finding}"
        );
    }
    let text = finding.to_string();
    ensure!(!text.contains(" ?"), "something is not known: {finding}");
    Ok(())
}

fn own_process() -> Result<String> {
    let command = std::fs::read_to_string("/proc/self/comm")?;
    Ok(format!("{}[{}]", command.trim(), std::process::id()))
}

fn path_of_a_healthy_namespace(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let receiver = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v4, 5000))?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(socket)
    })?;
    let listener = listener(&lab.b, 5)?;
    let work = || {
        let datagrams = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 5000), 100, 20);
        datagrams.send(&lab.a)?;
        for _ in 0..20 {
            receiver.recv(&mut [0; 200])?;
        }
        let _client = connecting(&lab.a, B.v4, PORT)?;
        listener.accept()?;
        Ok(())
    };
    let passed = |journey: &Journey| {
        let scope = "netns";
        let datagrams = journey.number(scope, "Udp.InDatagrams", "delta");
        datagrams.is_some_and(|count| count >= 20)
    };
    let journey = Journey::during(bench, &lab.b, work, passed)?;
    let binary = bench.binary()?;
    let by_path = Journey::of(binary, &format!("/run/netns/{}", lab.b.name()))?;
    let by_inode = Journey::of(binary, &lab.b.inode().to_string())?;
    let since_boot = Journey::since_boot(binary, &lab.b)?;
    for journey in [journey, since_boot, by_path, by_inode] {
        let found = journey.found_here();
        ensure!(found.is_empty(), "{found:?}");
        let Journey(all) = journey;
        ensure!(all["unread"] == serde_json::json!([]), "{}", all["unread"]);
        ensure!(
            all["netns"] == lab.b.inode() && all["netns_name"] == lab.b.name(),
            "another namespace"
        );
    }
    Ok(())
}

/// A connection in the making, which is not waited for.
fn connecting(from: &Namespace, to: std::net::Ipv4Addr, port: u16) -> Result<OwnedFd> {
    from.inside(|| {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
        match connect(
            socket.as_raw_fd(),
            &SockaddrIn::from(SocketAddrV4::new(to, port)),
        ) {
            Ok(()) | Err(Errno::EINPROGRESS) => Ok(socket),
            Err(error) => Err(error).context("connect"),
        }
    })
}

fn path_names_a_full_accept_queue(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // Room for two: one more than the backlog.
    let _listener = listener(&lab.b, 1)?;
    let overflows = Counter::snmp(&lab.b, "TcpExt.ListenOverflows");
    let mut clients = Vec::new();
    let provoke = || {
        for _ in 0..4 {
            clients.push(connecting(&lab.a, B.v4, PORT)?);
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    };
    let journey = until_found(bench, &lab.b, "listen_overflows", provoke)?;
    ensure!(overflows.read()? > 0, "witness: no overflow");
    let process = own_process()?;
    says(
        &journey,
        "accept_queue_full",
        &[
            ("finding", "port 7000"),
            ("finding", &process),
            ("evidence", "drops of the listener +"),
            ("stage", "rx_acceptq"),
        ],
    )?;
    says(
        &journey,
        "listen_overflows",
        &[("evidence", "ListenOverflows +")],
    )?;
    // The queue is full whenever one looks.
    let now = Journey::since_boot(bench.binary()?, &lab.b)?;
    let queue = "2 connections wait, backlog 1;";
    says(
        &now,
        "accept_queue_full",
        &[
            ("finding", "10.99.0.2 port 7000"),
            ("finding", &process),
            ("evidence", queue),
            ("scope", "listener 10.99.0.2:7000"),
        ],
    )?;
    let Journey(all) = &now;
    let socket = &all["sockets"][0];
    ensure!(
        socket["pid"] == std::process::id() && socket["port"] == PORT && socket["full"] == true,
        "{socket}"
    );
    let listed = lab.b.run("ss", "-tlnH")?;
    let mut words = listed.split_whitespace().skip(1);
    let ours = [&socket["queue"], &socket["backlog"]].map(ToString::to_string);
    let theirs = [words.next(), words.next()].map(Option::unwrap_or_default);
    ensure!(ours == theirs, "ss says {theirs:?}, netdrop {ours:?}");
    Ok(())
}

fn path_names_a_full_receive_buffer(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _socket = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v4, 5000))?;
        setsockopt(&socket, RcvBuf, &1)?;
        Ok(socket)
    })?;
    let errors = Counter::snmp(&lab.b, "Udp.RcvbufErrors");
    let provoke = || {
        let datagrams = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 5000), 1000, 20);
        datagrams.send(&lab.a).map(drop)
    };
    let rule = "udp_receive_buffer_full";
    let journey = until_found(bench, &lab.b, rule, provoke)?;
    let process = own_process()?;
    let counted = format!("Udp.RcvbufErrors +{}", errors.read()?);
    says(
        &journey,
        rule,
        &[("evidence", &counted), ("stage", "rx_sock")],
    )?;
    says(
        &journey,
        "socket_drops",
        &[("finding", &process), ("scope", "udp 10.99.0.2:5000")],
    )
}

fn path_finds_a_full_qdisc(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a
        .tc(&["qdisc add dev a0 root handle 7: tbf rate 8kbit burst 1600 limit 3000"])?;
    let dropped = Counter::qdisc(&lab.a, A.device);
    let provoke = || {
        let datagrams = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1000, 20);
        datagrams.send(&lab.a).map(drop)
    };
    let journey = until_found(bench, &lab.a, "qdisc_drops", provoke)?;
    let counted = format!("a0 qdisc tbf 7: dropped +{},", dropped.read()?);
    says(
        &journey,
        "qdisc_drops",
        &[
            ("evidence", &counted),
            ("finding", "a0"),
            ("stage", "tx_qdisc"),
        ],
    )
}

fn path_finds_that_forwarding_is_off(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.ip_forward", "0")?;
    // There is a way to go.
    lab.b.ip(&["route add 10.99.1.0/24 via 10.99.0.1 dev b0"])?;
    let frame = Frame::v4(A, B, UDP).dst(C.v4);
    let errors = Counter::snmp(&lab.b, "Ip.InAddrErrors");
    let provoke = || sender::frames(&lab.a, A.device, &frame, 20);
    let journey = until_found(bench, &lab.b, "forwarding_off", provoke)?;
    let counted = format!("Ip.InAddrErrors +{}", errors.read()?);
    says(
        &journey,
        "forwarding_off",
        &[
            ("evidence", &counted),
            ("evidence", "ip_forward 0"),
            ("undo", "net.ipv4.ip_forward=0"),
        ],
    )
}

fn path_finds_that_forwarding_is_off_ipv6(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let setting = "net.ipv6.conf.all.forwarding";
    lab.b.sysctl(setting, "0")?;
    let frame = Frame::v6(A, B, UDP).dst(C.v6);
    let rule = "forwarding_off_ipv6";
    // Without a way to go another counter tells of them.
    let routes = Counter::snmp6(&lab.b, "Ip6InNoRoutes");
    let journey = until_found(bench, &lab.b, rule, || {
        sender::frames(&lab.a, A.device, &frame, 20)
    })?;
    ensure!(routes.read()? >= 20, "witness: they had a way to go");
    says(
        &journey,
        rule,
        &[
            ("evidence", "Ip6InAddrErrors +0 of "),
            ("evidence", "Ip6InNoRoutes +"),
            ("remedy", "needs a route"),
        ],
    )?;
    lab.b
        .ip(&["route add fd99:0:0:1::/64 via fd99::1 dev b0"])?;
    let errors = Counter::snmp6(&lab.b, "Ip6InAddrErrors");
    let journey = until_found(bench, &lab.b, rule, || {
        sender::frames(&lab.a, A.device, &frame, 20)
    })?;
    let counted = errors.read()?;
    ensure!(counted == 20, "witness: {counted} were refused");
    says(
        &journey,
        rule,
        &[
            ("evidence", "Ip6InAddrErrors +20 of "),
            ("evidence", "net.ipv6.conf.all.forwarding 0"),
            ("undo", "net.ipv6.conf.all.forwarding=0"),
            ("stage", "fwd"),
        ],
    )?;
    // The same packets, and they are passed on.
    lab.b.sysctl(setting, "1")?;
    let forwarded = Counter::snmp6(&lab.b, "Ip6OutForwDatagrams");
    let work = || sender::frames(&lab.a, A.device, &frame, 20);
    let passed = |journey: &Journey| {
        let forwarded = journey.number("netns", "Ip6OutForwDatagrams", "delta");
        forwarded.is_some_and(|count| count > 0)
    };
    let healthy = Journey::during(bench, &lab.b, work, passed)?;
    ensure!(forwarded.read()? > 0, "witness: nothing was passed on");
    ensure!(healthy.findings(rule).next().is_none(), "found in a router");
    Ok(())
}

fn path_finds_an_rp_filter(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.conf.b0.rp_filter", "1")?;
    // 127/8 aside, nothing leads back to it.
    let frame = Frame::v4(A, B, UDP).src(C.v4);
    let refused = Counter::snmp(&lab.b, "TcpExt.IPReversePathFilter");
    let provoke = || sender::frames(&lab.a, A.device, &frame, 20);
    let journey = until_found(bench, &lab.b, "rp_filter_drops", provoke)?;
    let counted = format!("IPReversePathFilter +{}", refused.read()?);
    says(&journey, "rp_filter_drops", &[("evidence", &counted)])?;
    let Journey(all) = &journey;
    let tunables = all["stages"].as_array().into_iter().flatten();
    let mut tunables =
        tunables.flat_map(|stage| stage["tunables"].as_array().into_iter().flatten());
    let own = tunables.find(|tunable| {
        tunable["scope"] == "b0" && tunable["name"] == "net.ipv4.conf.DEV.rp_filter"
    });
    ensure!(own.is_some_and(|own| own["value"] == "1"), "{own:?}");
    Ok(())
}

/// "More fragments", at the beginning.
const FIRST: u16 = 0x2000;

fn path_finds_fragments_without_room(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // The lower threshold cannot be above the upper one.
    lab.b.sysctl("net.ipv4.ipfrag_low_thresh", "4000")?;
    lab.b.sysctl("net.ipv4.ipfrag_high_thresh", "8000")?;
    let payload = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 1000,
    };
    let provoke = || {
        (1..=30).try_for_each(|id| {
            let frame = Frame::v4(A, B, payload.clone()).fragment(FIRST).id(id);
            sender::frames(&lab.a, A.device, &frame, 1)
        })
    };
    let journey = until_found(bench, &lab.b, "fragments_fill_memory", provoke)?;
    says(
        &journey,
        "fragments_fill_memory",
        &[
            ("evidence", "of 8000 bytes"),
            ("undo", "ipfrag_high_thresh=8000"),
        ],
    )
}

fn path_finds_a_full_backlog(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a
        .run("ethtool", "-K a0 tx on sg on tx-udp-segmentation off")?;
    let backlog = Counter::backlog();
    let before = backlog.read()?;
    let provoke = || {
        let _short = GlobalSysctl::set("net.core.netdev_max_backlog", "2")?;
        lab.a.inside(|| {
            let socket = UdpSocket::bind((A.v4, 4000))?;
            setsockopt(&socket, nix::sys::socket::sockopt::UdpGsoSegment, &100)
                .context("UDP_SEGMENT")?;
            for _ in 0..5 {
                socket.send_to(&[0; 2000], (B.v4, 9)).context("send")?;
            }
            Ok(())
        })
    };
    let journey = until_found_on_cpus(bench, &lab.b, "backlog_overflow", provoke)?;
    ensure!(backlog.read()? > before, "witness: nothing was dropped");
    says(
        &journey,
        "backlog_overflow",
        &[
            ("finding", "the backlog of CPU "),
            ("evidence", "softnet dropped +"),
        ],
    )
}

fn path_finds_a_full_conntrack_table(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.nft(
        "table inet t { chain c { type filter hook input priority 0; ct state invalid accept; }; }",
    )?;
    let journey = {
        let provoke = || {
            let _few = GlobalSysctl::set("net.netfilter.nf_conntrack_max", "4")?;
            for port in 4000..4012 {
                Datagrams::new((A.v4.into(), port), (B.v4.into(), 9), 10, 1).send(&lab.a)?;
            }
            Ok(())
        };
        until_found(bench, &lab.b, "conntrack_dropped", provoke)?
    };
    says(
        &journey,
        "conntrack_dropped",
        &[("evidence", "conntrack drop +"), ("stage", "netfilter")],
    )?;
    let _few = GlobalSysctl::set("net.netfilter.nf_conntrack_max", "4")?;
    let now = Journey::since_boot(bench.binary()?, &lab.b)?;
    says(&now, "conntrack_nearly_full", &[("evidence", " of 4")])
}

fn path_finds_a_full_neighbour_table(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let provoke = || {
        let _few = GlobalSysctl::set("net.ipv4.neigh.default.gc_thresh3", "8")?;
        for host in 100..140 {
            let to = std::net::Ipv4Addr::new(10, 99, 0, host);
            Datagrams::new((A.v4.into(), 4000), (to.into(), 9), 10, 1).send(&lab.a)?;
        }
        let now = Journey::since_boot(bench.binary()?, &lab.a)?;
        says(
            &now,
            "neighbour_table_full",
            &[("evidence", "gc_thresh3 8"), ("stage", "tx_neigh")],
        )
    };
    let journey = until_found(bench, &lab.a, "neighbour_table_overflow", provoke)?;
    says(
        &journey,
        "neighbour_table_overflow",
        &[("evidence", "table_fulls +"), ("stage", "tx_neigh")],
    )
}
