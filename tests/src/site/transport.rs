//! Transport headers, look-up of the socket, and the sockets themselves.

use super::{BENIGN, HARMFUL, NONE, SUSPICIOUS, Site, rx};

const UDP: &[&str] = &["__udp4_lib_rcv"];
const UDP_7: &[&str] = &["udp_rcv", "__udp4_lib_rcv"];
const UDP6: &[&str] = &["__udp6_lib_rcv"];
const UDP6_7: &[&str] = &["udpv6_rcv", "__udp6_lib_rcv"];

pub(crate) const UDP_NO_SOCKET: &Site = &[
    rx("NO_SOCKET", UDP, "rx_lookup", SUSPICIOUS),
    rx("NO_SOCKET", UDP_7, "rx_lookup", SUSPICIOUS).since(7, 0),
];
pub(crate) const UDP6_NO_SOCKET: &Site = &[
    rx("NO_SOCKET", UDP6, "rx_lookup", SUSPICIOUS),
    rx("NO_SOCKET", UDP6_7, "rx_lookup", SUSPICIOUS).since(7, 0),
];
// Without a reason, checksum, length and look-up are the same place.
pub(crate) const UDP_CHECKSUM: &Site = &[
    rx("UDP_CSUM", UDP, "rx_l4", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS),
    rx("UDP_CSUM", UDP_7, "rx_l4", SUSPICIOUS).since(7, 0),
];
pub(crate) const UDP6_CHECKSUM: &Site = &[
    rx("UDP_CSUM", UDP6, "rx_l4", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS),
    rx("UDP_CSUM", UDP6_7, "rx_l4", SUSPICIOUS).since(7, 0),
];
pub(crate) const UDP_SHORT: &Site = &[
    rx("PKT_TOO_SMALL", UDP, "rx_l4", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS),
    rx("PKT_TOO_SMALL", UDP_7, "rx_l4", SUSPICIOUS).since(7, 0),
];
pub(crate) const UDP_RECEIVE_BUFFER: &Site = &[rx(
    "SOCKET_RCVBUFF",
    &["udp_queue_rcv_one_skb"],
    "rx_sock",
    HARMFUL,
)];
pub(crate) const UDP6_RECEIVE_BUFFER: &Site = &[rx(
    "SOCKET_RCVBUFF",
    &["udpv6_queue_rcv_one_skb"],
    "rx_sock",
    HARMFUL,
)];
pub(crate) const UDP_FILTER: &Site = &[rx(
    "SOCKET_FILTER",
    &["udp_queue_rcv_one_skb"],
    "rx_sock",
    SUSPICIOUS,
)];
pub(crate) const UDP_POLICY: &Site = &[rx(
    "XFRM_POLICY",
    &["udp_queue_rcv_one_skb"],
    "xfrm",
    SUSPICIOUS,
)
.nameless("rx_sock", SUSPICIOUS)];
pub(crate) const RAW_FILTER: &Site = &[rx("SOCKET_FILTER", &["raw_rcv"], "rx_sock", SUSPICIOUS)];
pub(crate) const UDP_UNREAD: &Site = &[rx(
    NONE,
    &["udp_destruct_common", "udp_destruct_sock"],
    "sock_purge",
    BENIGN,
)
.nameless("sock_purge", BENIGN)];
pub(crate) const ICMP_CHECKSUM: &Site = &[rx("ICMP_CSUM", &["icmp_rcv"], "rx_l4", SUSPICIOUS)];
pub(crate) const ICMP6_CHECKSUM: &Site = &[rx("ICMP_CSUM", &["icmpv6_rcv"], "rx_l4", SUSPICIOUS)];
pub(crate) const ICMP_BROADCAST: &Site = &[rx("INVALID_PROTO", &["icmp_rcv"], "rx_l4", BENIGN)];
pub(crate) const ICMP_UNKNOWN: &Site = &[rx("UNHANDLED_PROTO", &["icmp_rcv"], "rx_l4", BENIGN)];
pub(crate) const NO_PROTOCOL: &Site = &[rx(
    "IP_NOPROTO",
    &["ip_protocol_deliver_rcu", "ip_local_deliver_finish"],
    "rx_l4",
    SUSPICIOUS,
)];
pub(crate) const NO_PROTOCOL_6: &Site = &[rx(
    "IP_NOPROTO",
    &["ip6_protocol_deliver_rcu", "ip6_input_finish", "ip6_input"],
    "rx_l4",
    SUSPICIOUS,
)];
