//! What a host is: its devices, and how its network stack is tuned, in the
//! network namespace that netdrop runs in.

use std::{collections::BTreeMap, fs, path::Path};

const DEVICES: &str = "/sys/class/net";
const SYSCTLS: &str = "/proc/sys";

/// The tunables that decide how much the stack takes before it drops.
const TUNABLES: [&str; 34] = [
    "net.core.default_qdisc",
    "net.core.dev_weight",
    "net.core.netdev_budget",
    "net.core.netdev_budget_usecs",
    "net.core.netdev_max_backlog",
    "net.core.optmem_max",
    "net.core.rmem_default",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_default",
    "net.core.wmem_max",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.default.rp_filter",
    "net.ipv4.icmp_msgs_per_sec",
    "net.ipv4.icmp_ratelimit",
    "net.ipv4.ip_forward",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ipfrag_high_thresh",
    "net.ipv4.ipfrag_time",
    "net.ipv4.neigh.default.gc_thresh3",
    "net.ipv4.neigh.default.unres_qlen_bytes",
    "net.ipv4.tcp_abort_on_overflow",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
    "net.ipv4.udp_mem",
    "net.ipv6.conf.all.forwarding",
    "net.ipv6.neigh.default.gc_thresh3",
    "net.netfilter.nf_conntrack_buckets",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_tcp_be_liberal",
];

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFact {
    /// Its name.
    pub name: String,
    /// Its index.
    pub ifindex: u32,
    /// Its driver, where it has one.
    pub driver: Option<String>,
    /// Its MTU.
    pub mtu: Option<u32>,
}

/// The devices, by index. Empty where they cannot be read.
#[must_use]
pub fn devices() -> Vec<DeviceFact> {
    let entries = fs::read_dir(DEVICES).into_iter().flatten().flatten();
    let mut devices: Vec<_> = entries.filter_map(|entry| device(&entry.path())).collect();
    devices.sort_by_key(|device| device.ifindex);
    devices
}

fn device(path: &Path) -> Option<DeviceFact> {
    let number = |name| {
        fs::read_to_string(path.join(name))
            .ok()?
            .trim()
            .parse()
            .ok()
    };
    let driver = fs::read_link(path.join("device/driver")).ok();
    Some(DeviceFact {
        name: path.file_name()?.to_str()?.to_owned(),
        ifindex: number("ifindex")?,
        driver: driver.and_then(|driver| Some(driver.file_name()?.to_str()?.to_owned())),
        mtu: number("mtu"),
    })
}

/// The tunables that this kernel has, as `sysctl` names them.
#[must_use]
pub fn sysctls() -> BTreeMap<String, String> {
    let read = |name: &&str| {
        let path = Path::new(SYSCTLS).join(name.replace('.', "/"));
        let value = fs::read_to_string(path).ok()?;
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        Some(((*name).to_owned(), value))
    };
    TUNABLES.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::{TUNABLES, devices, sysctls};

    #[test]
    fn every_host_has_a_loopback_device_and_a_backlog() {
        assert!(devices().iter().any(|device| device.name == "lo"));
        assert!(sysctls().contains_key("net.core.somaxconn"));
        assert!(TUNABLES.is_sorted());
    }
}
