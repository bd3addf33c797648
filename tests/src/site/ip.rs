//! The IP layer: headers, options, routes of received packets, forwarding,
//! reassembly and neighbour discovery.

use super::{BENIGN, NONE, SUSPICIOUS, Severity, Since, Site, forward, rx};

const CORE: &[&str] = &["ip_rcv_core"];
const CORE_6: &[&str] = &["ip6_rcv_core"];
const FINISH: &[&str] = &["ip_rcv_finish_core"];
const ERROR: &[&str] = &["ip_error"];

pub(crate) const OTHER_HOST: &Site =
    &[rx("OTHERHOST", CORE, "rx_ip", BENIGN).nameless("rx_ip", BENIGN)];
pub(crate) const IP_CHECKSUM: &Site = &[rx("IP_CSUM", CORE, "rx_ip", SUSPICIOUS)];
pub(crate) const IP_HEADER: &Site = &[rx("IP_INHDR", CORE, "rx_ip", SUSPICIOUS)];
pub(crate) const IP_SHORT: &Site = &[rx("PKT_TOO_SMALL", CORE, "rx_ip", SUSPICIOUS)];
pub(crate) const IP_OPTIONS: &Site = &[
    rx(NONE, FINISH, "rx_route", SUSPICIOUS),
    rx("IP_INHDR", FINISH, "rx_ip", SUSPICIOUS).since(6, 14),
];
pub(crate) const IP6_HEADER: &Site = &[rx("IP_INHDR", CORE_6, "rx_ip", SUSPICIOUS)];
pub(crate) const IP6_SHORT: &Site = &[rx("PKT_TOO_SMALL", CORE_6, "rx_ip", SUSPICIOUS)];
pub(crate) const IP6_VERSION: &Site = &[rx("UNHANDLED_PROTO", CORE_6, "rx_ip", SUSPICIOUS)];
pub(crate) const IP6_DISABLED: &Site = &[rx("IPV6DISABLED", CORE_6, "rx_ip", BENIGN)];
pub(crate) const IN_MULTICAST_FRAME: &Site =
    &[rx("UNICAST_IN_L2_MULTICAST", FINISH, "rx_ip", BENIGN).nameless("rx_route", SUSPICIOUS)];

pub(crate) const NO_ROUTE: &Site = &[
    rx(NONE, ERROR, "rx_route", SUSPICIOUS),
    rx("IP_INNOROUTES", ERROR, "rx_route", SUSPICIOUS).since(5, 19),
];
pub(crate) const NOT_FORWARDING: &Site = &[
    rx(NONE, ERROR, "rx_route", SUSPICIOUS),
    rx("IP_INADDRERRORS", ERROR, "rx_route", SUSPICIOUS).since(5, 19),
];
pub(crate) const UNREACHABLE: &Site = &[rx(NONE, ERROR, "rx_route", SUSPICIOUS)];
pub(crate) const NO_ROUTE_6: &Site = &[rx(
    "IP_INNOROUTES",
    &["ip6_pkt_drop", "ip6_pkt_discard"],
    "rx_route",
    SUSPICIOUS,
)];
pub(crate) const BLACKHOLE_6: &Site = &[rx(
    NONE,
    &["dst_discard_out", "dst_discard"],
    "rx_route",
    SUSPICIOUS,
)];
pub(crate) const REVERSE_PATH: &Site = &[rx("IP_RPFILTER", FINISH, "rx_route", SUSPICIOUS)];
pub(crate) const MARTIAN: &Site = &[rx("IP_INVALID_SOURCE", FINISH, "rx_route", SUSPICIOUS)];
pub(crate) const OWN_SOURCE: &Site = &[rx("IP_LOCAL_SOURCE", FINISH, "rx_route", SUSPICIOUS)];
pub(crate) const LOOPBACK: &Site = &[rx("IP_LOCALNET", FINISH, "rx_route", SUSPICIOUS)];
pub(crate) const NO_DESTINATION: &Site = &[rx("IP_INVALID_DEST", FINISH, "rx_route", SUSPICIOUS)];
pub(crate) const NOT_JOINED: &Site = &[rx(NONE, FINISH, "rx_route", SUSPICIOUS)];
pub(crate) const NOT_JOINED_6: &Site =
    &[rx(NONE, &["ip6_mc_input"], "rx_ip", BENIGN).nameless("rx_ip", BENIGN)];

pub(crate) const TTL: &Site = &[forward("IP_INHDR", &["ip_forward"], "fwd", SUSPICIOUS)];
pub(crate) const HOP_LIMIT: &Site = &[forward("IP_INHDR", &["ip6_forward"], "fwd", SUSPICIOUS)];
pub(crate) const TOO_BIG: &Site = &[forward("PKT_TOO_BIG", &["ip_forward"], "fwd", SUSPICIOUS)];
pub(crate) const TOO_BIG_6: &Site = &[forward("PKT_TOO_BIG", &["ip6_forward"], "fwd", SUSPICIOUS)];

pub(crate) const FRAGMENT_TIMEOUT: &Site = &[rx(
    "FRAG_REASM_TIMEOUT",
    &["ip_expire", "inet_frag_rbtree_purge"],
    "rx_frag",
    SUSPICIOUS,
)];
pub(crate) const FRAGMENT_TWICE: &Site = &[rx("DUP_FRAG", &["ip_defrag"], "rx_frag", BENIGN)];
pub(crate) const FRAGMENT_TOO_FAR: &Site = &[rx(
    "FRAG_TOO_FAR",
    &["inet_frag_rbtree_purge", "ip_defrag"],
    "rx_frag",
    SUSPICIOUS,
)];

/// From 6.3 on; before, every message that reaches the function dies in it.
const fn discovery(reason: &'static str, severity: Severity) -> Since {
    rx(reason, &["icmpv6_rcv"], "rx_nd", severity)
        .nameless("rx_l4", BENIGN)
        .reasonless("rx_l4", SUSPICIOUS)
}

pub(crate) const ND_HOP_LIMIT: &Site = &[discovery("IPV6_NDISC_HOP_LIMIT", SUSPICIOUS)];
pub(crate) const ND_CODE: &Site = &[discovery("IPV6_NDISC_BAD_CODE", SUSPICIOUS)];
pub(crate) const ND_OPTIONS: &Site = &[discovery("IPV6_NDISC_BAD_OPTIONS", SUSPICIOUS)];
pub(crate) const ND_OTHER_HOST: &Site = &[discovery("IPV6_NDISC_NS_OTHERHOST", BENIGN)];
pub(crate) const ND_FRAGMENT: &Site = &[discovery("IPV6_NDISC_FRAG", SUSPICIOUS)];
