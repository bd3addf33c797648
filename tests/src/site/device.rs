//! From the device to the network layer: XDP, backlog, tc, bridge, taps, tun.

use super::{BENIGN, HARMFUL, NONE, SUSPICIOUS, Site, rx, tx};

const BRIDGE: &[&str] = &["br_handle_frame"];

pub(crate) const UNKNOWN_ETHERTYPE: &Site = &[rx(
    "UNHANDLED_PROTO",
    &["__netif_receive_skb_core"],
    "rx_core",
    BENIGN,
)];
pub(crate) const CPU_BACKLOG: &Site = &[rx(
    "CPU_BACKLOG",
    &["enqueue_to_backlog"],
    "rx_backlog",
    HARMFUL,
)
.nameless("rx_backlog", HARMFUL)];
pub(crate) const GENERIC_XDP: &Site = &[rx(
    NONE,
    &["do_xdp_generic", "netif_receive_generic_xdp"],
    "rx_xdp",
    SUSPICIOUS,
)];
pub(crate) const NATIVE_XDP: &Site = &[rx(
    NONE,
    &["veth_xdp_rcv_skb", "veth_poll"],
    "rx_xdp",
    SUSPICIOUS,
)
.reasonless("rx_dev", SUSPICIOUS)];
pub(crate) const TC_INGRESS: &Site = &[rx(
    "TC_INGRESS",
    &["__netif_receive_skb_core", "sch_handle_ingress"],
    "rx_tc",
    SUSPICIOUS,
)
.reasonless("rx_core", SUSPICIOUS)];
pub(crate) const PACKET_SOCKET: &Site =
    &[rx("PACKET_SOCK_ERROR", &["packet_rcv"], "rx_tap", BENIGN).nameless("rx_tap", BENIGN)];

// 6.12 knows the reason, for vxlan, but the bridge does not give it.
pub(crate) const BRIDGE_SOURCE: &Site = &[
    rx(NONE, BRIDGE, "l2", SUSPICIOUS),
    rx("MAC_INVALID_SOURCE", BRIDGE, "l2", SUSPICIOUS).since(6, 14),
];
pub(crate) const BRIDGE_CONTROL: &Site = &[rx("MAC_IEEE_MAC_CONTROL", BRIDGE, "l2", BENIGN)];
pub(crate) const BRIDGE_DISABLED: &Site = &[rx("BRIDGE_INGRESS_STP_STATE", BRIDGE, "l2", BENIGN)];
pub(crate) const BRIDGE_LOCKED: &Site =
    &[rx(NONE, &["br_handle_frame_finish"], "l2", SUSPICIOUS).since(5, 18)];

pub(crate) const TUN_RING: &Site = &[tx("FULL_RING", &["tun_net_xmit"], "tun", HARMFUL)];
pub(crate) const TUN_DOWN: &Site = &[rx("DEV_READY", &["tun_get_user"], "tun", SUSPICIOUS)];
pub(crate) const TUN_FAULT: &Site = &[rx("SKB_UCOPY_FAULT", &["tun_get_user"], "tun", SUSPICIOUS)];
