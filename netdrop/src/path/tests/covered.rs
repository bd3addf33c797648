//! Every rule finds what it is for, and nothing where that is not so.

use std::collections::{BTreeMap, BTreeSet};

use super::snapshot;
use crate::{
    host::counters::{Counter, Kind, Scope},
    path::{Reach, Reading, finding, rules},
};

/// Numbers by which a rule finds something in an interval; one change by which it
/// does not; and, for rules that are also applied since boot, the changes by which
/// it then finds something, which with the first numbers it does not. A CPU other
/// than the first stands behind `@`.
struct Covered {
    rule: &'static str,
    finds: &'static str,
    not: &'static str,
    since_boot: Option<&'static str>,
}

const fn covered(
    rule: &'static str,
    finds: &'static str,
    not: &'static str,
    since_boot: Option<&'static str>,
) -> Covered {
    Covered {
        rule,
        finds,
        not,
        since_boot,
    }
}

const COVERED: &[Covered] = &[
    covered(
        "ring_too_small",
        "link.rx_missed_errors=3 link.rx_fifo_errors=0 link.rx_packets=10000 ring.rx=256 ring.rx_max=4096",
        "link.rx_missed_errors=0",
        Some("link.rx_missed_errors=1001"),
    ),
    covered(
        "ring_full",
        "link.rx_missed_errors=0 link.rx_fifo_errors=3 link.rx_packets=10000 ring.rx=4096 ring.rx_max=4096",
        "ring.rx=256",
        Some("link.rx_fifo_errors=1001"),
    ),
    covered(
        "frames_damaged",
        "link.rx_crc_errors=0 link.rx_frame_errors=3 link.rx_length_errors=0 link.rx_packets=10000",
        "link.rx_frame_errors=0",
        Some("link.rx_frame_errors=101"),
    ),
    covered(
        "half_duplex",
        "link.full_duplex=0 link.carrier=1",
        "link.full_duplex=1",
        None,
    ),
    covered(
        "one_cpu_takes_all_interrupts",
        "link.rx_queues=2 softnet.processed=1 softnet.processed@1=1 irq.count=9000 irq.count@1=10",
        "irq.count@1=9000",
        None,
    ),
    covered(
        "softirq_squeezed",
        "softnet.time_squeeze=10 softirq.NET_RX=900",
        "softirq.NET_RX=1000",
        Some("softnet.time_squeeze=1001 softirq.NET_RX=20000"),
    ),
    covered(
        "backlog_overflow",
        "softnet.dropped=1 softnet.processed=100000",
        "softnet.dropped=0",
        Some("softnet.dropped=1001"),
    ),
    covered(
        "flow_limit",
        "softnet.flow_limit_count=1 softnet.processed=100000",
        "softnet.flow_limit_count=0",
        Some("softnet.flow_limit_count=1001"),
    ),
    covered(
        "conntrack_nearly_full",
        "net.netfilter.nf_conntrack_max=1000 net.netfilter.nf_conntrack_count=900",
        "net.netfilter.nf_conntrack_count=899",
        None,
    ),
    covered(
        "conntrack_dropped",
        "conntrack.drop=3 conntrack.insert_failed=2 uptime=1000",
        "conntrack.drop=2",
        Some("conntrack.drop=1003"),
    ),
    covered(
        "conntrack_insert_failed",
        "conntrack.insert_failed=1 uptime=1000",
        "conntrack.insert_failed=0",
        Some("conntrack.insert_failed=1001"),
    ),
    covered(
        "fragments_fill_memory",
        "net.ipv4.ipfrag_high_thresh=1000 sockstat.FRAG.memory=900",
        "sockstat.FRAG.memory=899",
        None,
    ),
    covered(
        "fragments_fill_memory_ipv6",
        "net.ipv6.ip6frag_high_thresh=1000 sockstat.FRAG6.memory=900",
        "sockstat.FRAG6.memory=899",
        None,
    ),
    covered(
        "reassembly_failed",
        "Ip.ReasmFails=1 Ip.ReasmReqds=10000",
        "Ip.ReasmFails=0",
        Some("Ip.ReasmFails=1001"),
    ),
    covered(
        "reassembly_failed_ipv6",
        "Ip6ReasmFails=1 Ip6ReasmReqds=10000",
        "Ip6ReasmFails=0",
        Some("Ip6ReasmFails=1001"),
    ),
    covered(
        "rp_filter_drops",
        "TcpExt.IPReversePathFilter=10 Ip.InReceives=1000",
        "Ip.InReceives=10000",
        Some("TcpExt.IPReversePathFilter=1001"),
    ),
    covered(
        "forwarding_off",
        "Ip.InAddrErrors=10 Ip.InReceives=1000 net.ipv4.ip_forward=0",
        "net.ipv4.ip_forward=1",
        Some("Ip.InAddrErrors=101"),
    ),
    covered(
        "forwarding_off_ipv6",
        "Ip6InAddrErrors=4 Ip6InNoRoutes=6 Ip6InReceives=1000 net.ipv6.conf.all.forwarding=0",
        "net.ipv6.conf.all.forwarding=1",
        Some("Ip6InNoRoutes=101"),
    ),
    covered(
        "syn_queue_full",
        "TcpExt.TCPReqQFullDrop=1 Tcp.PassiveOpens=10000",
        "TcpExt.TCPReqQFullDrop=0",
        Some("TcpExt.TCPReqQFullDrop=1001"),
    ),
    covered(
        "syn_cookies_sent",
        "TcpExt.TCPReqQFullDoCookies=1 Tcp.PassiveOpens=10000",
        "TcpExt.TCPReqQFullDoCookies=0",
        Some("TcpExt.TCPReqQFullDoCookies=1001"),
    ),
    covered(
        "accept_queue_full",
        "listener.queue=6 listener.backlog=5",
        "listener.queue=5",
        None,
    ),
    covered(
        "listener_drops",
        "sk_drops=1 listener.queue=5 listener.backlog=5 TcpExt.ListenOverflows=0 TcpExt.TCPReqQFullDrop=0",
        "sk_drops=0",
        None,
    ),
    covered(
        "listener_syn_queue_full",
        "sk_drops=1 listener.queue=0 listener.backlog=5 TcpExt.ListenOverflows=0 TcpExt.TCPReqQFullDrop=1",
        "TcpExt.TCPReqQFullDrop=0",
        None,
    ),
    covered(
        "listen_overflows",
        "TcpExt.ListenOverflows=1 Tcp.PassiveOpens=10000",
        "TcpExt.ListenOverflows=0",
        Some("TcpExt.ListenOverflows=1001"),
    ),
    covered(
        "udp_receive_buffer_full",
        "Udp.RcvbufErrors=0 Udp6RcvbufErrors=1 Udp.InDatagrams=100 Udp6InDatagrams=10000",
        "Udp6RcvbufErrors=0",
        Some("Udp6RcvbufErrors=1001"),
    ),
    covered(
        "udp_memory_full",
        "sockstat.UDP.mem=60 udp_mem.most=60",
        "sockstat.UDP.mem=59",
        None,
    ),
    covered(
        "tcp_memory_full",
        "sockstat.TCP.mem=60 tcp_mem.most=60",
        "sockstat.TCP.mem=59",
        None,
    ),
    covered(
        "socket_drops",
        "sk_drops=1 socket.is_tcp=0 socket.receive_memory=0 socket.receive_buffer=1000",
        "sk_drops=0",
        Some("socket.receive_memory=901"),
    ),
    covered(
        "tcp_receive_buffer_fixed",
        "sk_drops=1 socket.is_tcp=1 socket.fixed_buffer=1 TcpExt.RcvPruned=1 \
         socket.receive_memory=0 socket.receive_buffer=1000",
        "socket.fixed_buffer=0",
        Some("socket.receive_memory=901"),
    ),
    covered(
        "tcp_socket_drops",
        "sk_drops=1 socket.is_tcp=1 socket.fixed_buffer=0 TcpExt.TCPOFODrop=1 \
         socket.receive_memory=0 socket.receive_buffer=1000",
        "TcpExt.TCPOFODrop=0 TcpExt.TCPRcvQDrop=0 TcpExt.RcvPruned=0 TcpExt.OfoPruned=0",
        Some("socket.receive_memory=901"),
    ),
    covered(
        "tcp_receive_pruned",
        "TcpExt.RcvPruned=1 TcpExt.TCPRcvQDrop=0 TcpExt.TCPOFODrop=0 TcpExt.OfoPruned=0 Tcp.InSegs=100000",
        "TcpExt.RcvPruned=0",
        Some("TcpExt.RcvPruned=1001"),
    ),
    covered(
        "tcp_backlog_drops",
        "TcpExt.TCPBacklogDrop=1 Tcp.InSegs=100000",
        "TcpExt.TCPBacklogDrop=0",
        Some("TcpExt.TCPBacklogDrop=1001"),
    ),
    covered(
        "neighbour_table_full",
        "arp_cache.entries=900 arp_cache.gc_thresh3=1000",
        "arp_cache.entries=899",
        None,
    ),
    covered(
        "neighbour_table_full_ipv6",
        "ndisc_cache.entries=900 ndisc_cache.gc_thresh3=1000",
        "ndisc_cache.entries=899",
        None,
    ),
    covered(
        "neighbour_table_overflow",
        "arp_cache.table_fulls=1 uptime=1000",
        "arp_cache.table_fulls=0",
        Some("arp_cache.table_fulls=1001"),
    ),
    covered(
        "neighbour_table_overflow_ipv6",
        "ndisc_cache.table_fulls=1 uptime=1000",
        "ndisc_cache.table_fulls=0",
        Some("ndisc_cache.table_fulls=1001"),
    ),
    covered(
        "qdisc_drops",
        "qdisc.drops=10 qdisc.packets=1000 qdisc.ingress=0",
        "qdisc.ingress=1",
        Some("qdisc.drops=1001"),
    ),
    covered(
        "veth_peer_full",
        "link.veth=1 link.carrier=1 link.tx_dropped=20 link.tx_packets=1000 softnet.dropped=5",
        "softnet.dropped=20",
        Some("link.tx_dropped=1016"),
    ),
    covered(
        "device_does_not_send",
        "link.veth=0 link.carrier=1 link.tx_errors=0 link.tx_dropped=20 link.tx_carrier_errors=0 \
         link.tx_packets=1000",
        "link.veth=1",
        Some("link.tx_dropped=1001"),
    ),
];

type Numbers = BTreeMap<(Scope, String), u64>;

/// Adds `NAME=NUMBER`, one after the other.
fn change(numbers: &mut Numbers, text: &str) {
    for word in text.split_whitespace() {
        let (name, number) = word.split_once('=').unwrap();
        let (name, cpu) = name.split_once('@').unwrap_or((name, "0"));
        let key = (scope(name, cpu.parse().unwrap()), name.to_owned());
        numbers.insert(key, number.parse().unwrap());
    }
}

fn scope(name: &str, cpu: u32) -> Scope {
    let starts = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    let device = || "eth0".into();
    if name == "irq.count" {
        Scope::Interrupts(device(), cpu)
    } else if starts(&["softnet.", "softirq."]) {
        Scope::Cpu(cpu)
    } else if starts(&["link.", "ring.", "channels."]) {
        Scope::Device(device())
    } else if starts(&["qdisc."]) {
        Scope::Qdisc {
            device: device(),
            name: "pfifo 0:".into(),
        }
    } else if starts(&["sk_drops", "listener.", "socket."]) {
        Scope::Socket {
            inode: 7,
            name: "udp 10.0.0.1:53".into(),
        }
    } else if starts(&[
        "uptime",
        "arp_cache.",
        "ndisc_cache.",
        "tcp_mem.",
        "udp_mem.",
    ]) {
        Scope::Host
    } else {
        Scope::Netns
    }
}

/// What is found in these numbers.
fn found(numbers: &Numbers, interval: bool) -> Vec<&'static str> {
    let mut snapshot = snapshot();
    snapshot.tunables.clear();
    let readings: Vec<Reading> = numbers
        .iter()
        .map(|((scope, name), value)| Reading {
            counter: Counter {
                scope: scope.clone(),
                name: name.as_str().into(),
                kind: Kind::Count,
                value: *value,
            },
            delta: Some(*value),
        })
        .collect();
    let findings = finding::all(&snapshot, &readings, interval, &Reach::default());
    findings.iter().map(|finding| finding.id).collect()
}

#[test]
fn every_rule_finds_what_it_is_for_and_nothing_else() {
    for Covered {
        rule,
        finds,
        not,
        since_boot,
    } in COVERED
    {
        let mut numbers = Numbers::new();
        change(&mut numbers, finds);
        assert!(found(&numbers, true).contains(rule), "{rule}: {finds}");
        let old = found(&numbers, false).contains(rule);
        if since_boot.is_some() {
            assert!(!old, "{rule}: so little since boot: {finds}");
        }
        let mut without = numbers.clone();
        change(&mut without, not);
        assert!(!found(&without, true).contains(rule), "{rule}: {not}");
        for key in numbers.keys() {
            let mut unknown = numbers.clone();
            unknown.remove(key);
            let judged = found(&unknown, true).contains(rule);
            // What one side decides needs no other, and only since boot some of
            // them matter.
            if judged {
                let mut most = unknown.clone();
                most.insert(key.clone(), u64::from(u32::MAX));
                let mut least = unknown;
                least.insert(key.clone(), 0);
                let always = [most, least].map(|numbers| found(&numbers, true).contains(rule));
                assert_eq!(always, [true; 2], "{rule} without {key:?}");
            }
        }
        if let Some(change_of) = since_boot {
            change(&mut numbers, change_of);
            assert!(found(&numbers, false).contains(rule), "{rule}: {change_of}");
        }
    }
}

#[test]
fn there_is_no_rule_that_nobody_has_seen_find_something() {
    let all: Vec<&str> = rules::all().iter().map(|rule| rule.id).collect();
    let seen: Vec<&str> = COVERED.iter().map(|one| one.rule).collect();
    assert_eq!(
        seen.iter().collect::<BTreeSet<_>>(),
        all.iter().collect::<BTreeSet<_>>()
    );
    assert_eq!(seen.len(), all.len(), "twice");
    for (rule, covered) in rules::all()
        .iter()
        .filter_map(|rule| Some((rule, COVERED.iter().find(|one| one.rule == rule.id)?)))
    {
        assert_eq!(
            rule.since_boot.is_some(),
            covered.since_boot.is_some(),
            "{}",
            rule.id
        );
    }
}
