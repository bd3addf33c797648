//! Network devices and their statistics (`RTM_GETLINK`).

use std::{io, sync::Arc};

use nix::sys::socket::SockProtocol;

use crate::host::netlink::{attributes, dump, longs, text, word};

const RTM_GETLINK: u16 = 18;
/// Length of `struct ifinfomsg` (include/uapi/linux/rtnetlink.h).
const FIXED: usize = 16;

// Attributes (include/uapi/linux/if_link.h).
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_QDISC: u16 = 6;
const IFLA_TXQLEN: u16 = 13;
const IFLA_LINKINFO: u16 = 18;
const IFLA_STATS64: u16 = 23;
const IFLA_NUM_TX_QUEUES: u16 = 31;
const IFLA_NUM_RX_QUEUES: u16 = 32;
const IFLA_CARRIER: u16 = 33;
const IFLA_INFO_KIND: u16 = 1;

const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 8;

/// `struct rtnl_link_stats64`, in its order. The last came with 5.19.
const STATISTICS: [&str; 25] = [
    "rx_packets",
    "tx_packets",
    "rx_bytes",
    "tx_bytes",
    "rx_errors",
    "tx_errors",
    "rx_dropped",
    "tx_dropped",
    "multicast",
    "collisions",
    "rx_length_errors",
    "rx_over_errors",
    "rx_crc_errors",
    "rx_frame_errors",
    "rx_fifo_errors",
    "rx_missed_errors",
    "tx_aborted_errors",
    "tx_carrier_errors",
    "tx_fifo_errors",
    "tx_heartbeat_errors",
    "tx_window_errors",
    "rx_compressed",
    "tx_compressed",
    "rx_nohandler",
    "rx_otherhost_dropped",
];

/// A device of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Its index.
    pub index: u32,
    /// Its name (not escaped).
    pub name: Arc<str>,
    /// What it is, for a virtual one: `veth`, `bridge`.
    pub kind: Option<String>,
    /// Was it switched on?
    pub up: bool,
    /// Is it `lo`?
    pub loopback: bool,
    /// Has it a carrier? `None` where the kernel does not say.
    pub carrier: Option<bool>,
    /// Largest packet, in bytes.
    pub mtu: Option<u32>,
    /// Packets that its own queue may hold.
    pub tx_queue_length: Option<u32>,
    /// Its queues.
    pub rx_queues: Option<u32>,
    /// Its queues for sending.
    pub tx_queues: Option<u32>,
    /// Its root queueing discipline.
    pub qdisc: Option<String>,
    /// Counters by name, as far as this kernel has them.
    pub statistics: Vec<(&'static str, u64)>,
}

/// The devices of the calling thread's namespace.
pub(super) fn read() -> io::Result<Vec<Link>> {
    dump(SockProtocol::NetlinkRoute, RTM_GETLINK, &[0; FIXED], parse)
}

pub(super) fn parse(payload: &[u8]) -> Option<Link> {
    let flags = word(payload, 8)?;
    let mut link = Link {
        index: word(payload, 4)?,
        up: flags & IFF_UP != 0,
        loopback: flags & IFF_LOOPBACK != 0,
        ..Link::default()
    };
    for (kind, value) in attributes(payload, FIXED) {
        match kind {
            IFLA_IFNAME => link.name = text(value).into(),
            IFLA_MTU => link.mtu = word(value, 0),
            IFLA_QDISC => link.qdisc = Some(text(value)),
            IFLA_TXQLEN => link.tx_queue_length = word(value, 0),
            IFLA_NUM_TX_QUEUES => link.tx_queues = word(value, 0),
            IFLA_NUM_RX_QUEUES => link.rx_queues = word(value, 0),
            IFLA_CARRIER => link.carrier = value.first().map(|carrier| *carrier != 0),
            IFLA_STATS64 => link.statistics = STATISTICS.into_iter().zip(longs(value)).collect(),
            IFLA_LINKINFO => {
                link.kind = attributes(value, 0)
                    .find(|(kind, _)| *kind == IFLA_INFO_KIND)
                    .map(|(_, value)| text(value));
            }
            _ => {}
        }
    }
    Some(link)
}

#[cfg(test)]
mod tests {
    use super::{super::attribute, *};

    fn veth(statistics: usize) -> Vec<u8> {
        let mut bytes = vec![0; FIXED];
        bytes[4] = 7;
        bytes[8] = 1;
        attribute(&mut bytes, IFLA_IFNAME, b"a0\0");
        attribute(&mut bytes, IFLA_CARRIER, &[1]);
        let numbers: Vec<u8> = (1..=statistics as u64).flat_map(u64::to_ne_bytes).collect();
        attribute(&mut bytes, IFLA_STATS64, &numbers);
        let mut info = Vec::new();
        attribute(&mut info, IFLA_INFO_KIND, b"veth\0");
        attribute(&mut bytes, IFLA_LINKINFO, &info);
        bytes
    }

    #[test]
    fn a_counter_that_the_kernel_lacks_is_absent_and_not_zero() {
        let link = parse(&veth(24)).unwrap();
        assert_eq!(&*link.name, "a0");
        assert_eq!(link.kind.as_deref(), Some("veth"));
        assert_eq!((link.up, link.carrier, link.mtu), (true, Some(true), None));
        assert_eq!(link.statistics.last(), Some(&("rx_nohandler", 24)));
        let newer = parse(&veth(26)).unwrap();
        assert_eq!(newer.statistics.last(), Some(&("rx_otherhost_dropped", 25)));
        assert_eq!(parse(&[0; 8]), None);
    }

    #[test]
    fn every_namespace_has_a_loopback_device() {
        let links = read().unwrap();
        assert!(
            links
                .iter()
                .any(|link| link.loopback && &*link.name == "lo")
        );
    }
}
