//! Which counters and settings belong to a stage.

use crate::{
    drops::stage::{Stage, StageInfo},
    host::counters::{Counter, Scope, ethtool::speaks_of_loss},
};

/// What a stage of the catalogue has on a host.
#[derive(Debug)]
pub(super) struct Place {
    stage: Stage,
    counters: Vec<&'static str>,
    settings: Vec<&'static str>,
}

/// Numbers beside those of loss that help to understand a stage.
const BESIDE: [(Stage, &[&str]); 11] = [
    (
        Stage::RX_NIC,
        &["irq.count", "softirq.NET_RX", "link.rx_packets"],
    ),
    (
        Stage::RX_BACKLOG,
        &[
            "softnet.processed",
            "softnet.received_rps",
            "softnet.backlog",
        ],
    ),
    (Stage::RX_IP, &["Ip.InReceives", "Ip6InReceives"]),
    (Stage::NETFILTER, &["conntrack.entries"]),
    (
        Stage::RX_FRAG,
        &[
            "Ip.ReasmReqds",
            "Ip6ReasmReqds",
            "sockstat.FRAG.memory",
            "sockstat.FRAG6.memory",
        ],
    ),
    (
        Stage::RX_ACCEPTQ,
        &["listener.queue", "listener.backlog", "Tcp.PassiveOpens"],
    ),
    (
        Stage::RX_SOCK,
        &[
            "sockstat.TCP.inuse",
            "sockstat.TCP.mem",
            "sockstat.UDP.inuse",
            "sockstat.UDP.mem",
            "socket.receive_memory",
            "socket.receive_buffer",
            "Udp6RcvbufErrors",
            "Udp6MemErrors",
        ],
    ),
    (
        Stage::TX_SOCK,
        &["sockstat.TCP.orphan", "sockstat.TCP.alloc"],
    ),
    (
        Stage::TX_NEIGH,
        &[
            "arp_cache.entries",
            "ndisc_cache.entries",
            "arp_cache.forced_gc_runs",
        ],
    ),
    (Stage::TX_QDISC, &["qdisc.packets", "qdisc.length"]),
    (Stage::TX_DEV, &["softirq.NET_TX", "link.tx_packets"]),
];

/// What settings are called that the catalogue tells by the command that changes
/// them.
const COMMANDS: [(&str, &[&str]); 16] = [
    ("ethtool -G DEV rx", &["ring.rx", "ring.rx_max", "ring"]),
    ("ethtool -G DEV tx", &["ring.tx", "ring.tx_max", "ring"]),
    (
        "ethtool -L ",
        &[
            "channels",
            "channels.rx",
            "channels.rx_max",
            "channels.tx",
            "channels.tx_max",
            "channels.combined",
            "channels.combined_max",
        ],
    ),
    (
        "ethtool -C DEV adaptive-rx",
        &[
            "coalesce",
            "coalesce.adaptive_rx",
            "coalesce.rx_usecs",
            "coalesce.rx_frames",
        ],
    ),
    (
        "ethtool -C DEV tx-usecs",
        &[
            "coalesce.adaptive_tx",
            "coalesce.tx_usecs",
            "coalesce.tx_frames",
        ],
    ),
    (
        "ethtool -X ",
        &["rss", "rss.queues", "rss.spread", "link.rx_queues"],
    ),
    ("ethtool -K DEV lro", &["feature.lro"]),
    ("ethtool -K DEV rx-gro-hw", &["feature.rx-gro-hw"]),
    ("ethtool -K DEV rx-gro-list", &["feature.rx-gro-list"]),
    (
        "ethtool -K DEV rx-udp-gro-forwarding",
        &["feature.rx-udp-gro-forwarding"],
    ),
    ("ethtool -K DEV gro", &["feature.gro"]),
    ("ethtool -K DEV rx off", &["feature.rx"]),
    ("ethtool -K DEV tx off", &["feature.tx"]),
    (
        "ethtool -K DEV tso off gso off",
        &["feature.tso", "feature.gso"],
    ),
    ("ip link set DEV txqueuelen", &["link.txqueuelen"]),
    ("ip link set DEV mtu", &["link.mtu"]),
];

/// Settings that the catalogue does not name.
const FURTHER: [(Stage, &[&str]); 4] = [
    (
        Stage::RX_NIC,
        &[
            "link.kind",
            "link.up",
            "link.carrier",
            "link.speed",
            "link.full_duplex",
        ],
    ),
    (Stage::NETFILTER, &["net.netfilter.nf_conntrack_count"]),
    (
        Stage::TX_NEIGH,
        &[
            "arp_cache.gc_thresh1",
            "arp_cache.gc_thresh2",
            "arp_cache.gc_thresh3",
            "ndisc_cache.gc_thresh1",
            "ndisc_cache.gc_thresh2",
            "ndisc_cache.gc_thresh3",
        ],
    ),
    (
        Stage::TX_QDISC,
        &[
            "qdisc.kind",
            "link.tx_queues",
            "/sys/class/net/DEV/queues/tx-N/xps_rxqs",
        ],
    ),
];

/// Is it one of the numbers beside those of loss?
pub(super) fn is_beside(stage: Stage, name: &str) -> bool {
    name.starts_with(INTERRUPTS)
        || BESIDE
            .iter()
            .any(|(of, names)| *of == stage && names.contains(&name))
}

/// Interrupts of one queue.
const INTERRUPTS: &str = "irq.count.";

impl Place {
    pub(super) fn of(stage: Stage) -> Self {
        let StageInfo {
            counters, tunables, ..
        } = stage.info();
        let beside = |list: &[(Stage, &[&'static str])]| -> Vec<&'static str> {
            list.iter()
                .filter(|(of, _)| *of == stage)
                .flat_map(|(_, names)| names.iter().copied())
                .collect()
        };
        let mut settings = beside(&FURTHER);
        for tunable in *tunables {
            let mut commands = COMMANDS.iter();
            match commands.find(|(command, _)| tunable.starts_with(command)) {
                Some((_, names)) => settings.extend(*names),
                None => settings.extend(first_word(tunable)),
            }
        }
        let mut all = beside(&BESIDE);
        all.extend(counters.iter().filter_map(|text| first_word(text)));
        Self {
            stage,
            counters: all,
            settings,
        }
    }

    pub(super) fn has_counter(&self, counter: &Counter) -> bool {
        let Counter { scope, name, .. } = counter;
        if let Some(name) = name.strip_prefix("driver.") {
            return self.has_driver(name);
        }
        if name.starts_with("qdisc.") && !self.has_qdisc(scope) {
            return false;
        }
        if name.starts_with(INTERRUPTS) {
            return self.stage == Stage::RX_NIC;
        }
        if &**name == "sk_drops" && !self.has_socket(counter) {
            return false;
        }
        self.counters
            .iter()
            .any(|known| match known.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => **known == **name,
            })
    }

    /// A driver's counters belong to the ends of the way.
    fn has_driver(&self, name: &str) -> bool {
        let (tx, xdp) = (name.contains("tx"), name.contains("xdp"));
        speaks_of_loss(name)
            && match self.stage {
                Stage::RX_XDP => xdp,
                Stage::RX_NIC => !tx && !xdp,
                Stage::TX_DEV => tx && !xdp,
                _ => false,
            }
    }

    /// `clsact` works on both sides and tells one number.
    fn has_qdisc(&self, scope: &Scope) -> bool {
        let Scope::Qdisc { name, .. } = scope else {
            return false;
        };
        let starts = |kind: &str| name.starts_with(kind);
        match self.stage {
            Stage::RX_TC => starts("ingress ") || starts("clsact "),
            Stage::TX_TC => starts("clsact "),
            _ => !starts("ingress ") && !starts("clsact "),
        }
    }

    fn has_socket(&self, counter: &Counter) -> bool {
        // A listener's and another's drops have one name.
        let Scope::Socket { name, .. } = &counter.scope else {
            return false;
        };
        match self.stage {
            Stage::RX_ACCEPTQ | Stage::RX_SYNQ => name.starts_with("listener "),
            Stage::RX_SOCK => !name.starts_with("listener "),
            // Those of packet sockets are not read.
            _ => false,
        }
    }

    pub(super) fn has_setting(&self, name: &str) -> bool {
        if name.starts_with("irq.affinity.") {
            return self.stage == Stage::RX_NIC;
        }
        self.settings.iter().any(|known| {
            *known == name
                || known.split_once("DEV").is_some_and(|(start, end)| {
                    // The value of all devices together.
                    name.strip_prefix(start)
                        .and_then(|rest| rest.strip_suffix(end))
                        .is_some_and(|rest| rest == "all")
                })
        })
    }
}

/// `link.rx_dropped` of `link.rx_dropped (tunnels)`; nothing of a sentence.
fn first_word(text: &'static str) -> Option<&'static str> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (rest.is_empty() || rest.starts_with('(')).then_some(word)
}

/// The sysctls and files of devices that the catalogue names, and those that the
/// rules use.
pub(super) fn settings() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Stage::all()
        .flat_map(|stage| Place::of(stage).settings)
        .filter(|name| {
            ["net.", "vm.", "/sys/class/net/DEV/"]
                .iter()
                .any(|start| name.starts_with(start))
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::counters::Kind;

    fn has(stage: Stage, scope: &Scope, name: &str) -> bool {
        Place::of(stage).has_counter(&Counter {
            scope: scope.clone(),
            name: name.into(),
            kind: Kind::Count,
            value: 1,
        })
    }

    #[test]
    fn counters_are_placed_as_the_catalogue_says() {
        let device = Scope::Device("eth0".into());
        assert!(has(Stage::RX_NIC, &device, "link.rx_missed_errors"));
        assert!(!has(Stage::RX_NIC, &device, "link.tx_dropped"));
        assert!(has(Stage::XFRM, &Scope::Netns, "xfrm.XfrmInNoStates"));
        assert!(has(Stage::RX_NIC, &device, "driver.rx_queue_0_drops"));
        assert!(!has(Stage::RX_NIC, &device, "driver.rx_queue_0_packets"));
        assert!(has(Stage::RX_XDP, &device, "driver.rx_queue_0_xdp_drops"));
        assert!(has(Stage::TX_DEV, &device, "driver.tx_queue_0_tx_timeouts"));
        let qdisc = |name: &str| Scope::Qdisc {
            device: "eth0".into(),
            name: name.into(),
        };
        assert!(has(Stage::TX_QDISC, &qdisc("fq_codel 0:"), "qdisc.drops"));
        assert!(!has(Stage::TX_QDISC, &qdisc("clsact ffff:"), "qdisc.drops"));
        assert!(has(Stage::RX_TC, &qdisc("ingress ffff:"), "qdisc.drops"));
    }

    #[test]
    fn settings_are_placed_by_name_and_by_command() {
        let nic = Place::of(Stage::RX_NIC);
        assert!(nic.has_setting("ring.rx_max"));
        assert!(nic.has_setting("net.core.netdev_budget"));
        assert!(!nic.has_setting("ring.tx"));
        let route = Place::of(Stage::RX_ROUTE);
        assert!(route.has_setting("net.ipv4.conf.DEV.rp_filter"));
        assert!(route.has_setting("net.ipv4.conf.all.rp_filter"));
        let all = settings();
        assert!(all.contains(&"net.core.somaxconn"));
        assert!(all.contains(&"/sys/class/net/DEV/queues/rx-N/rps_cpus"));
        assert!(all.iter().all(|name| !name.contains(' ')));
    }
}
