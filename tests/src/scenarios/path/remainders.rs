//! What remains of a counter when all traced drops are taken off: losses that no
//! drop event shows, each with its cause. And counters of connection tracking, of
//! which nothing remains.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::socket::{setsockopt, sockopt::SndBuf};
use serde_json::Value;

use super::{PORT, connecting, tcp::syns};
use crate::{
    bench::{Bench, PATIENCE},
    case::reconciled::{adds_up, collect},
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, GlobalSysctl, Namespace, Pair},
    scenario::{Scenario, cannot},
    scenarios::tcp_handshake::listener,
    sender::{self, Datagrams},
    sys::{Redirect, Refusal, Refuse},
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "syns_that_a_full_syn_queue_loses_remain",
        about: "12 SYNs without cookies: ListenDrops, TCPReqQFullDrop, and no event",
        run: syns_that_a_full_syn_queue_loses_remain,
    },
    Scenario {
        name: "syns_that_a_full_accept_queue_loses_remain",
        about: "12 SYNs for a listener that accepts nothing: ListenDrops, ListenOverflows, no event",
        run: syns_that_a_full_accept_queue_loses_remain,
    },
    Scenario {
        name: "sends_without_a_route_remain",
        about: "sends refused with ENETUNREACH, of IPv4 and of IPv6: OutNoRoutes, and no event",
        run: sends_without_a_route_remain,
    },
    Scenario {
        name: "sends_without_room_remain",
        about: "sends refused with EAGAIN beside a full qdisc: SndbufErrors, and no event",
        run: sends_without_room_remain,
    },
    Scenario {
        name: "sends_that_a_firewall_refuses_do_not_remain",
        about: "sends refused with EPERM by a rule: OutDiscards, and an event for each",
        run: sends_that_a_firewall_refuses_do_not_remain,
    },
    Scenario {
        name: "icmp_errors_about_nobody_remain",
        about: "ICMP errors about a datagram that nobody sent: Icmp.InErrors, and no event",
        run: icmp_errors_about_nobody_remain,
    },
    Scenario {
        name: "datagrams_without_a_checksum_do_not_remain",
        about: "IPv6 datagrams with checksum 0 to a closed port: Udp6InCsumErrors, by NO_SOCKET",
        run: datagrams_without_a_checksum_do_not_remain,
    },
    Scenario {
        name: "frames_that_xdp_drops_remain",
        about: "frames that were no packets yet: the driver's counter, and no event",
        run: frames_that_xdp_drops_remain,
    },
    Scenario {
        name: "a_full_conntrack_table_is_explained",
        about: "connections beyond nf_conntrack_max: drop is explained, early_drop loses nothing",
        run: a_full_conntrack_table_is_explained,
    },
    Scenario {
        name: "a_clash_of_translated_ports_is_explained",
        about: "source NAT with one port: insert_failed and drop, explained by the same drops",
        run: a_clash_of_translated_ports_is_explained,
    },
];

/// How often a thing is done.
const TIMES: u64 = 12;

/// What must be said of a counter.
struct Expected<'a, 'n> {
    counter: &'a Counter<'n>,
    /// How much of it traced drops explain.
    traced: Traced,
    /// How much of the rest another counter has already.
    repeated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Traced {
    /// No drop event shows it, which the note says with these words.
    Nothing(&'static str),
    /// Drops of this reason; nothing remains.
    All(&'static str),
}

impl<'a, 'n> Expected<'a, 'n> {
    fn of(counter: &'a Counter<'n>, traced: Traced) -> Self {
        Self {
            counter,
            traced,
            repeated: false,
        }
    }

    fn repeated(self) -> Self {
        Self {
            repeated: true,
            ..self
        }
    }
}

/// Does something while netdrop watches, waits until the first counter has moved
/// as far as what was done says, and holds what is said against the counters.
fn holds(
    bench: &Bench,
    namespace: &Namespace,
    expected: &[Expected<'_, '_>],
    act: impl FnOnce() -> Result<u64>,
) -> Result<()> {
    let before = read(expected)?;
    let watch = format!(
        "watch --format json --severity all --interval 1s --reconcile --netns {}",
        namespace.name()
    );
    let netdrop = bench.ready(&watch)?;
    let times = act()?;
    let deadline = Instant::now() + PATIENCE;
    let moved = loop {
        let now = read(expected)?;
        let moved: Vec<u64> = now
            .iter()
            .zip(&before)
            .map(|(now, old)| now - old)
            .collect();
        if moved[0] >= times {
            break moved;
        }
        ensure!(
            Instant::now() < deadline,
            "witness: {moved:?} instead of {times}"
        );
        thread::sleep(Duration::from_millis(10));
    };
    let run = netdrop.stop()?;
    let lines = run.summary.reconciliation.context("no reconciliation")?;
    collect(&lines);
    let wrong: Vec<String> = lines
        .iter()
        .filter_map(adds_up)
        .chain(
            expected
                .iter()
                .zip(moved)
                .filter_map(|(expected, moved)| expected.against(bench, &lines, moved)),
        )
        .collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn read(expected: &[Expected<'_, '_>]) -> Result<Vec<u64>> {
    expected.iter().map(|one| one.counter.read()).collect()
}

impl Expected<'_, '_> {
    fn against(&self, bench: &Bench, lines: &[Value], moved: u64) -> Option<String> {
        let place = self.counter.place.as_ref()?;
        let line = lines.iter().find(|line| {
            let scope = line["scope"].as_str().unwrap_or_default();
            line["counter"] == *place.name && scope.starts_with(&place.scope)
        });
        let Some(line) = line else {
            return Some(format!("no line of {place:?}: {lines:?}"));
        };
        let number = |name: &str| line[name].as_u64();
        let note = line["note"].as_str();
        let by = line["by"].as_array()?;
        let (traced, fits) = match self.traced {
            Traced::Nothing(words) => (0, note.is_some_and(|note| note.contains(words))),
            Traced::All(reason) => {
                // Null where the kernel gives none.
                let reason = Value::from(bench.kernel.reason(reason));
                let fits = by.iter().all(|part| part["reason"] == reason);
                (moved, note.is_none() && fits)
            }
        };
        let repeated = if self.repeated { moved - traced } else { 0 };
        let is = moved > 0
            && fits
            && number("delta") == Some(moved)
            && number("traced") == Some(traced)
            && number("unexplained") == Some(moved - traced)
            && number("repeated") == Some(repeated)
            && number("excess") == Some(0);
        (!is).then(|| format!("moved by {moved}, {:?}, but {line}", self.traced))
    }
}

const NO_EVENT: &str = "without telling of a drop";

fn syns_that_a_full_syn_queue_loses_remain(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv4.tcp_syncookies", "0")?;
    let _listener = listener(&lab.b, 1)?;
    let refused = Counter::snmp(&lab.b, "TcpExt.TCPReqQFullDrop");
    let drops = Counter::snmp(&lab.b, "TcpExt.ListenDrops");
    let expected = [
        Expected::of(&drops, Traced::Nothing(NO_EVENT)).repeated(),
        Expected::of(&refused, Traced::Nothing(NO_EVENT)),
    ];
    holds(bench, &lab.b, &expected, || {
        syns(&lab.a)?;
        // Some had room.
        Ok(TIMES - 3)
    })
}

fn syns_that_a_full_accept_queue_loses_remain(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // Room for two: one more than the backlog.
    let _listener = listener(&lab.b, 1)?;
    let accepted = Counter::snmp(&lab.b, "Tcp.PassiveOpens");
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(connecting(&lab.a, B.v4, PORT)?);
        thread::sleep(Duration::from_millis(50));
    }
    let deadline = Instant::now() + PATIENCE;
    while accepted.read()? < 2 {
        ensure!(Instant::now() < deadline, "witness: the queue is not full");
        thread::sleep(Duration::from_millis(10));
    }
    let overflows = Counter::snmp(&lab.b, "TcpExt.ListenOverflows");
    let drops = Counter::snmp(&lab.b, "TcpExt.ListenDrops");
    let expected = [
        Expected::of(&drops, Traced::Nothing(NO_EVENT)).repeated(),
        Expected::of(&overflows, Traced::Nothing(NO_EVENT)),
    ];
    holds(bench, &lab.b, &expected, || {
        syns(&lab.a)?;
        Ok(TIMES)
    })
}

/// Sends from a socket that sends nothing else; tells how many were refused with
/// this error, and fails if another one came.
fn refused(from: &Namespace, to: SocketAddr, times: u64, error: i32) -> Result<u64> {
    from.inside(|| {
        let any: SocketAddr = match to {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, SndBuf, &1)?;
        let mut refused = 0;
        for _ in 0..times {
            match socket.send_to(&[0; 1000], to) {
                Ok(_) => {}
                Err(told) if told.raw_os_error() == Some(error) => refused += 1,
                Err(other) => return Err(other).context("another error"),
            }
        }
        Ok(refused)
    })
}

fn sends_without_a_route_remain(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let v4 = Counter::snmp(&lab.a, "Ip.OutNoRoutes");
    let v6 = Counter::snmp6(&lab.a, "Ip6OutNoRoutes");
    let expected = |counter| Expected::of(counter, Traced::Nothing("network unreachable"));
    let far = Ipv4Addr::new(10, 98, 0, 1);
    let far6 = Ipv6Addr::new(0xfd98, 0, 0, 0, 0, 0, 0, 1);
    holds(bench, &lab.a, &[expected(&v6), expected(&v4)], || {
        let mut all = [0; 2];
        for (refusals, to) in all.iter_mut().zip([far.into(), far6.into()]) {
            *refusals = refused(&lab.a, SocketAddr::new(to, 9), TIMES, libc::ENETUNREACH)?;
        }
        ensure!(all == [TIMES; 2], "witness: {all:?} were refused");
        Ok(TIMES)
    })
}

fn sends_without_room_remain(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // What waits here is still the socket's.
    lab.a
        .tc(&["qdisc add dev a0 root handle 7: tbf rate 8kbit burst 1600 limit 100000"])?;
    let errors = Counter::snmp(&lab.a, "Udp.SndbufErrors");
    let note = "the socket's send buffer was full: no packet was made";
    let expected = Expected::of(&errors, Traced::Nothing(note));
    holds(bench, &lab.a, &[expected], || {
        let to = SocketAddr::new(B.v4.into(), 9);
        let refused = refused(&lab.a, to, TIMES, libc::EAGAIN)?;
        ensure!(refused > 0, "witness: none was refused");
        Ok(refused)
    })
}

fn sends_that_a_firewall_refuses_do_not_remain(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a
        .nft("table ip t { chain c { type filter hook output priority 0; udp dport 9 drop; }; }")?;
    let discards = Counter::snmp(&lab.a, "Ip.OutDiscards");
    let expected = Expected::of(&discards, Traced::All("NETFILTER_DROP"));
    holds(bench, &lab.a, &[expected], || {
        let to = SocketAddr::new(B.v4.into(), 9);
        let refused = refused(&lab.a, to, TIMES, libc::EPERM)?;
        ensure!(refused == TIMES, "witness: {refused} were refused");
        Ok(TIMES)
    })
}

fn icmp_errors_about_nobody_remain(bench: &Bench) -> Result<()> {
    const ETHERNET: usize = 14;
    let lab = Pair::new()?;
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 10,
    };
    // "Your datagram came to a port where nobody listens."
    let unreachable = Transport::Icmp {
        kind: 3,
        code: 3,
        payload: Frame::v4(B, A, udp).bytes().split_off(ETHERNET),
    };
    let errors = Counter::snmp(&lab.b, "Icmp.InErrors");
    let expected = Expected::of(&errors, Traced::Nothing("an ICMP error about a connection"));
    holds(bench, &lab.b, &[expected], || {
        sender::frames(&lab.a, A.device, &Frame::v4(A, B, unreachable), TIMES)?;
        Ok(TIMES)
    })
}

fn datagrams_without_a_checksum_do_not_remain(bench: &Bench) -> Result<()> {
    // Ethernet, IPv6, ports and length.
    const CHECKSUM: usize = 14 + 40 + 6;
    let lab = Pair::new()?;
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 10,
    };
    let mut frame = Frame::v6(A, B, udp).bytes();
    frame[CHECKSUM..CHECKSUM + 2].fill(0);
    let errors = Counter::snmp6(&lab.b, "Udp6InErrors");
    let checksums = Counter::snmp6(&lab.b, "Udp6InCsumErrors");
    let expected = [
        Expected::of(&errors, Traced::All("NO_SOCKET")),
        Expected::of(&checksums, Traced::All("NO_SOCKET")),
    ];
    holds(bench, &lab.b, &expected, || {
        sender::raw_frames(&lab.a, A.device, &frame, TIMES)?;
        Ok(TIMES)
    })
}

fn frames_that_xdp_drops_remain(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    for namespace in [&lab.a, &lab.b] {
        namespace.sysctl("net.ipv6.conf.all.disable_ipv6", "1")?;
        namespace.sysctl("net.ipv6.conf.default.disable_ipv6", "1")?;
    }
    lab.a.ip(&[
        &format!("link add d0 type veth peer name c0 netns {}", lab.b.name()),
        "link set d0 up",
    ])?;
    lab.b.ip(&["link set c0 up"])?;
    // a0 sends to b0, which sends on by c0 to d0, which drops.
    let (from, to) = (lab.b.ifindex(B.device)?, lab.b.ifindex("c0")?);
    let end = lab.a.ifindex("d0")?;
    let unfit = |error: io::Error| format!("XDP on veth: {error}");
    let _drop = lab.a.inside(|| {
        let (ifindex, native) = (end, true);
        Refusal::attach(Refuse::Xdp { ifindex, native }).or_else(|error| cannot(unfit(error)))
    })?;
    let _redirect = lab
        .b
        .inside(|| Redirect::attach(from, to).or_else(|error| cannot(unfit(error))))?;
    let drops = Counter::driver(&lab.a, "d0", "rx_queue_0_xdp_drops");
    let note = "XDP_DROP acts before there is a packet";
    let expected = Expected::of(&drops, Traced::Nothing(note));
    holds(bench, &lab.a, &[expected], || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 10, TIMES).send(&lab.a)
    })
}

fn a_full_conntrack_table_is_explained(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.nft(
        "table inet t { chain c { type filter hook input priority 0; ct state invalid accept; }; }",
    )?;
    let drops = Counter::conntrack(&lab.b, "drop");
    let expected = Expected::of(&drops, Traced::All("NETFILTER_DROP"));
    holds(bench, &lab.b, &[expected], || {
        let _few = GlobalSysctl::set("net.netfilter.nf_conntrack_max", "4")?;
        for port in 4000..4030 {
            Datagrams::new((A.v4.into(), port), (B.v4.into(), 9), 10, 1).send(&lab.a)?;
        }
        let dropped = drops.read()?;
        ensure!(dropped > 0, "witness: nothing was dropped");
        Ok(dropped)
    })
}

fn a_clash_of_translated_ports_is_explained(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.nft(
        "table ip n { chain c { type nat hook postrouting priority 100; \
         udp dport 9 snat to 10.99.0.1:5000; }; }",
    )?;
    let failed = Counter::conntrack(&lab.a, "insert_failed");
    let drops = Counter::conntrack(&lab.a, "drop");
    let expected = [
        Expected::of(&failed, Traced::All("NETFILTER_DROP")),
        Expected::of(&drops, Traced::All("NETFILTER_DROP")),
    ];
    holds(bench, &lab.a, &expected, || {
        for port in 4000..4005 {
            Datagrams::new((A.v4.into(), port), (B.v4.into(), 9), 10, 2).send(&lab.a)?;
        }
        failed.read()
    })
}
