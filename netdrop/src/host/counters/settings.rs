//! Settings that come with what else is read: of devices, drivers and tables.

use std::sync::Arc;

use super::{
    Scope, Snapshot,
    tunables::{self, Tunable},
};

/// What devices and drivers are set to, and the thresholds of tables.
pub(super) fn all(snapshot: &Snapshot) -> Vec<Tunable> {
    let mut found = Vec::new();
    let mut add = |scope: &Scope, name: &str, value: String| {
        found.push(Tunable {
            scope: scope.clone(),
            name: name.to_owned(),
            value,
        });
    };
    for link in &snapshot.links {
        let scope = Scope::Device(Arc::clone(&link.name));
        add(&scope, "link.up", u8::from(link.up).to_string());
        for (name, value) in [
            ("link.carrier", link.carrier.map(u32::from)),
            ("link.mtu", link.mtu),
            ("link.txqueuelen", link.tx_queue_length),
            ("link.rx_queues", link.rx_queues),
            ("link.tx_queues", link.tx_queues),
            ("link.loopback", Some(link.loopback.into())),
            (
                "link.veth",
                Some((link.kind.as_deref() == Some("veth")).into()),
            ),
        ] {
            if let Some(value) = value {
                add(&scope, name, value.to_string());
            }
        }
        for (name, word) in [("link.kind", &link.kind), ("qdisc.kind", &link.qdisc)] {
            if let Some(word) = word {
                add(&scope, name, word.clone());
            }
        }
    }
    for driver in &snapshot.drivers {
        let scope = Scope::Device(Arc::clone(&driver.device));
        for (name, value) in &driver.settings {
            add(&scope, name, value.to_string());
        }
        for (name, word) in &driver.words {
            add(&scope, name, word.clone());
        }
    }
    for (name, most) in [
        ("net.ipv4.tcp_mem", "tcp_mem.most"),
        ("net.ipv4.udp_mem", "udp_mem.most"),
    ] {
        if let Some(pages) = tunables::nth(&snapshot.tunables, name, 2) {
            add(&Scope::Host, most, pages.to_string());
        }
    }
    for table in &snapshot.neighbours {
        for (number, threshold) in (1..).zip(table.thresholds) {
            if let Some(threshold) = threshold {
                let name = format!("{}.gc_thresh{number}", table.name);
                add(&Scope::Host, &name, threshold.to_string());
            }
        }
    }
    found
}
