//! Settings that come with what else is read: of devices, drivers and tables.

use std::sync::Arc;

use super::{Scope, Snapshot, tunables::Tunable};

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
        ] {
            if let Some(value) = value {
                add(&scope, name, value.to_string());
            }
        }
    }
    for driver in &snapshot.drivers {
        let scope = Scope::Device(Arc::clone(&driver.device));
        for (name, value) in &driver.settings {
            add(&scope, name, value.to_string());
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
