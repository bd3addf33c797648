//! A snapshot as one list of numbers.

use std::sync::Arc;

use super::{
    Scope, Snapshot,
    qdiscs::Qdisc,
    sockets::{Socket, SocketKind},
};

/// How a number behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It counts what happened.
    Count,
    /// It counts in 32 bits, and begins again at 0 after that.
    Count32,
    /// It says how much there is now.
    Gauge,
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What it belongs to.
    pub scope: Scope,
    /// Its name, as the catalogue of stages has it: `link.rx_dropped`,
    /// `TcpExt.ListenDrops`.
    pub name: Arc<str>,
    /// How it behaves.
    pub kind: Kind,
    /// The number.
    pub value: u64,
}

impl Counter {
    /// What was counted since an earlier value; `None` for what counts nothing,
    /// and for a counter that was reset (a driver that was loaded again).
    #[must_use]
    pub fn since(&self, before: u64) -> Option<u64> {
        self.kind.since(before, self.value)
    }
}

impl Kind {
    /// What was counted between two values; `None` as for [`Counter::since`].
    #[must_use]
    pub fn since(self, before: u64, now: u64) -> Option<u64> {
        match self {
            Self::Gauge => None,
            Self::Count => now.checked_sub(before),
            Self::Count32 => {
                let delta = now.wrapping_sub(before) & u64::from(u32::MAX);
                // Half the range in one interval: it was reset, not wrapped.
                (delta <= u64::from(u32::MAX / 2)).then_some(delta)
            }
        }
    }
}

/// What `snmp` and `sockstat` tell that is no count of events.
const GAUGES: [&str; 6] = [
    "Ip.Forwarding",
    "Ip.DefaultTTL",
    "Tcp.RtoAlgorithm",
    "Tcp.RtoMin",
    "Tcp.RtoMax",
    "Tcp.CurrEstab",
];

struct List(Vec<Counter>);

impl List {
    fn add(&mut self, scope: &Scope, name: impl AsRef<str>, kind: Kind, value: impl Into<u64>) {
        self.0.push(Counter {
            scope: scope.clone(),
            name: name.as_ref().into(),
            kind,
            value: value.into(),
        });
    }
}

pub(super) fn counters(snapshot: &Snapshot) -> Vec<Counter> {
    let mut list = List(Vec::new());
    let Snapshot {
        uptime,
        protocols,
        sockstat,
        conntrack,
        caches,
        ..
    } = snapshot;
    if let Some(uptime) = uptime {
        list.add(&Scope::Host, "uptime", Kind::Gauge, *uptime);
    }
    for (name, value) in caches {
        list.add(&Scope::Host, name, statistic(name), *value);
    }
    for (name, value) in protocols {
        let kind = if GAUGES.contains(&name.as_str()) {
            Kind::Gauge
        } else {
            Kind::Count
        };
        list.add(&Scope::Netns, name, kind, *value);
    }
    for (name, value) in sockstat {
        list.add(&Scope::Netns, name, Kind::Gauge, *value);
    }
    for (name, value) in conntrack {
        list.add(&Scope::Netns, name, statistic(name), *value);
    }
    list.0.extend(snapshot.marks.iter().cloned());
    cpus(&mut list, snapshot);
    devices(&mut list, snapshot);
    for socket in &snapshot.sockets {
        self::socket(&mut list, socket);
    }
    list.0
        .sort_by(|a, b| (&a.scope, &a.name).cmp(&(&b.scope, &b.name)));
    // A neighbour table's counters come from netlink and from /proc.
    list.0
        .dedup_by(|a, b| a.scope == b.scope && a.name == b.name);
    list.0
}

/// Columns of `/proc/net/stat` are sums over CPUs of 32 bits each: when one of
/// these wraps, the sum falls by 2^32. Those of neighbour tables have the machine's
/// width (include/net/neighbour.h `struct neigh_statistics`, 5.10 to 7.x).
fn statistic(name: &str) -> Kind {
    if name.ends_with(".entries") {
        Kind::Gauge
    } else if ["arp_cache.", "ndisc_cache."]
        .iter()
        .any(|table| name.starts_with(table))
    {
        Kind::Count
    } else {
        Kind::Count32
    }
}

fn cpus(list: &mut List, snapshot: &Snapshot) {
    for (cpu, counts) in snapshot.softnet.iter().flat_map(|softnet| &softnet.cpus) {
        let scope = Scope::Cpu(*cpu);
        for (name, value) in [
            ("softnet.processed", counts.processed),
            ("softnet.dropped", counts.dropped),
            ("softnet.time_squeeze", counts.time_squeeze),
            ("softnet.received_rps", counts.received_rps),
            ("softnet.flow_limit_count", counts.flow_limit),
        ] {
            list.add(&scope, name, Kind::Count32, value);
        }
    }
    for (cpu, length) in snapshot.softnet.iter().flat_map(|softnet| &softnet.backlog) {
        list.add(&Scope::Cpu(*cpu), "softnet.backlog", Kind::Gauge, *length);
    }
    for (name, cpus) in &snapshot.softirqs {
        for (cpu, count) in cpus {
            let name = format!("softirq.{name}");
            list.add(&Scope::Cpu(*cpu), name, Kind::Count32, *count);
        }
    }
}

fn devices(list: &mut List, snapshot: &Snapshot) {
    for link in &snapshot.links {
        let scope = Scope::Device(Arc::clone(&link.name));
        for (name, value) in &link.statistics {
            list.add(&scope, format!("link.{name}"), Kind::Count, *value);
        }
    }
    for driver in &snapshot.drivers {
        let scope = Scope::Device(Arc::clone(&driver.device));
        for (name, value) in &driver.statistics {
            list.add(&scope, format!("driver.{name}"), Kind::Count, *value);
        }
    }
    let mut sums = std::collections::BTreeMap::<(Arc<str>, u32), u64>::new();
    for (device, interrupt) in &snapshot.interrupts {
        for (cpu, count) in &interrupt.counts {
            *sums.entry((Arc::clone(device), *cpu)).or_default() += count;
        }
    }
    for (device, interrupt) in &snapshot.interrupts {
        let name = format!("irq.count.{}", interrupt.name);
        // Most queues interrupt one CPU only.
        for (cpu, count) in interrupt.counts.iter().filter(|(_, count)| *count > 0) {
            let scope = Scope::Interrupts(Arc::clone(device), *cpu);
            list.add(&scope, &name, Kind::Count32, *count);
        }
    }
    for ((device, cpu), count) in sums {
        list.add(
            &Scope::Interrupts(device, cpu),
            "irq.count",
            Kind::Count,
            count,
        );
    }
    for qdisc in &snapshot.qdiscs {
        let Qdisc {
            length,
            backlog,
            parent,
            ifindex,
            ..
        } = qdisc;
        let mut links = snapshot.links.iter();
        let Some(link) = links.find(|link| link.index == *ifindex) else {
            continue;
        };
        let scope = scope(qdisc, &link.name);
        for (name, kind, value) in of_qdisc(qdisc) {
            list.add(&scope, name, kind, value);
        }
        for (name, kind, value) in [
            ("qdisc.length", Kind::Gauge, u64::from(*length)),
            ("qdisc.backlog", Kind::Gauge, (*backlog).into()),
            ("qdisc.ingress", Kind::Gauge, parent.is_ingress().into()),
            ("qdisc.root", Kind::Gauge, parent.is_root().into()),
        ] {
            list.add(&scope, name, kind, value);
        }
    }
    for table in &snapshot.neighbours {
        let name = |what: &str| format!("{}.{what}", table.name);
        if let Some(entries) = table.entries {
            list.add(&Scope::Host, name("entries"), Kind::Gauge, entries);
        }
        for (what, value) in &table.statistics {
            list.add(&Scope::Host, name(what), Kind::Count, *value);
        }
    }
}

/// What a queueing discipline counts.
pub(super) fn of_qdisc(qdisc: &Qdisc) -> [(&'static str, Kind, u64); 5] {
    [
        ("qdisc.bytes", Kind::Count, qdisc.bytes),
        ("qdisc.packets", Kind::Count, qdisc.packets),
        ("qdisc.drops", Kind::Count32, qdisc.drops),
        ("qdisc.overlimits", Kind::Count32, qdisc.overlimits),
        ("qdisc.requeues", Kind::Count32, qdisc.requeues),
    ]
}

pub(super) fn device(name: &Arc<str>) -> Scope {
    Scope::Device(Arc::clone(name))
}

/// The scope of a queueing discipline of this device.
pub(super) fn scope(qdisc: &Qdisc, device: &Arc<str>) -> Scope {
    // Those that the kernel made below `mq` have no handle of their own.
    let number = if qdisc.handle.0 == 0 {
        format!("parent {}", qdisc.parent)
    } else {
        qdisc.handle.to_string()
    };
    let name = if qdisc.handle.0 == 0 && qdisc.parent.is_root() {
        format!("{} 0:", qdisc.kind)
    } else {
        format!("{} {number}", qdisc.kind)
    };
    Scope::Qdisc {
        device: Arc::clone(device),
        name: name.into(),
    }
}

fn socket(list: &mut List, socket: &Socket) {
    let scope = scope_of(socket);
    if let Some(backlog) = socket.backlog {
        list.add(&scope, "listener.queue", Kind::Gauge, socket.queue);
        list.add(&scope, "listener.backlog", Kind::Gauge, backlog);
    } else if let Some([used, most]) = socket.memory {
        list.add(&scope, "socket.receive_memory", Kind::Gauge, used);
        list.add(&scope, "socket.receive_buffer", Kind::Gauge, most);
        let tcp = socket.kind == SocketKind::Tcp;
        list.add(&scope, "socket.is_tcp", Kind::Gauge, tcp);
    }
    if let Some(fixed) = socket.fixed_buffer {
        list.add(&scope, "socket.fixed_buffer", Kind::Gauge, fixed);
    }
    if let Some(drops) = socket.drops {
        list.add(&scope, "sk_drops", Kind::Count32, drops);
    }
}

/// The scope of a socket's numbers.
#[must_use]
pub(crate) fn scope_of(socket: &Socket) -> Scope {
    Scope::Socket {
        inode: socket.inode,
        name: format!("{} {}", socket.kind.as_str(), socket.local).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(kind: Kind, value: u64) -> Counter {
        Counter {
            scope: Scope::Netns,
            name: "x".into(),
            kind,
            value,
        }
    }

    #[test]
    fn a_wrap_counts_on_and_a_reset_is_unknown() {
        assert_eq!(counter(Kind::Count, 7).since(5), Some(2));
        assert_eq!(counter(Kind::Count, 2).since(5), None);
        assert_eq!(counter(Kind::Count32, 3).since(0xffff_fffe), Some(5));
        assert_eq!(counter(Kind::Count32, 3).since(1000), None);
        assert_eq!(counter(Kind::Gauge, 7).since(5), None);
    }

    #[test]
    fn columns_of_32_bits_count_on_after_a_wrap_of_one_cpu() {
        // Two CPUs: the first wraps, so the sum falls.
        let sum = |cpus: [u64; 2]| cpus.iter().map(|count| count & 0xffff_ffff).sum::<u64>();
        let (before, now) = (sum([0xffff_fffe, 7]), sum([0x1_0000_0003, 9]));
        for name in ["conntrack.insert_failed", "rt_cache.in_martian_src"] {
            assert_eq!(statistic(name).since(before, now), Some(7), "{name}");
        }
        assert_eq!(statistic("arp_cache.lookups"), Kind::Count);
        assert_eq!(statistic("conntrack.entries"), Kind::Gauge);
    }

    #[test]
    fn the_running_system_is_read_with_every_name_once() {
        let snapshot = Snapshot::take(&super::super::Wanted {
            tunables: vec!["net.core.somaxconn"],
            drivers: true,
            sockets: true,
            brief: false,
            host: None,
        });
        let flat = snapshot.flat();
        let find = |scope: &str, name: &str| {
            let mut found = flat
                .iter()
                .filter(|counter| counter.scope.to_string() == scope && &*counter.name == name);
            let first = found.next();
            assert!(found.next().is_none(), "{scope} {name} stands twice");
            first
        };
        for (scope, name) in [
            ("netns", "TcpExt.ListenOverflows"),
            ("netns", "Udp6RcvbufErrors"),
            ("netns", "sockstat.TCP.mem"),
            ("cpu 0", "softnet.dropped"),
            ("cpu 0", "softirq.NET_RX"),
            ("lo", "link.rx_dropped"),
            ("host", "arp_cache.res_failed"),
        ] {
            assert!(find(scope, name).is_some(), "no {scope} {name}");
        }
        let mut tunables = snapshot.tunables.iter().map(|tunable| &*tunable.name);
        assert!(tunables.any(|name| name == "arp_cache.gc_thresh3"));
    }
}
