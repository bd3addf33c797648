//! Where packets die, kernel by kernel: the one table of expectations.
//!
//! A reason that a kernel does not know yet is `NOT_SPECIFIED` there, and null
//! where `skb:kfree_skb` has no reason argument; both follow from the running
//! kernel and need no line here. A line is needed where a death moved to another
//! function, or where a kernel knows the reason but does not give it yet.

use serde_json::Value;

use crate::{
    kernel::{Kernel, bare},
    netdrop::record::Row,
};

/// A place of death.
pub(crate) type Site = [Since];

/// How a place looks from some version on.
pub(crate) struct Since {
    version: (u32, u32),
    reason: &'static str,
    /// Any of these, as inlining differs from build to build.
    functions: &'static [&'static str],
    stage: &'static str,
}

/// What must be seen on the running kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) reason: Option<&'static str>,
    pub(crate) functions: &'static [&'static str],
    pub(crate) stage: &'static str,
}

impl Seen {
    /// Whether a row that is split by reason and function belongs to the site.
    pub(crate) fn is_of(&self, row: &Row) -> bool {
        let function = row.key("function").as_str().map(bare);
        *row.key("reason") == Value::from(self.reason)
            && function.is_some_and(|function| self.functions.contains(&function))
    }
}

/// The site as this kernel shows it.
pub(crate) fn on(site: &Site, kernel: &Kernel) -> Option<Seen> {
    let since = site
        .iter()
        .rev()
        .find(|since| since.version <= kernel.version)?;
    Some(Seen {
        reason: kernel.reason(since.reason),
        functions: since.functions,
        stage: since.stage,
    })
}

const fn since(
    version: (u32, u32),
    reason: &'static str,
    functions: &'static [&'static str],
    stage: &'static str,
) -> Since {
    Since {
        version,
        reason,
        functions,
        stage,
    }
}

const ALWAYS: (u32, u32) = (5, 10);
const REASONS: (u32, u32) = (5, 17);

pub(crate) const UDP_NO_SOCKET: &Site = &[
    since(ALWAYS, "NO_SOCKET", &["__udp4_lib_rcv"], "rx_lookup"),
    since(
        (7, 0),
        "NO_SOCKET",
        &["udp_rcv", "__udp4_lib_rcv"],
        "rx_lookup",
    ),
];
pub(crate) const UDP6_NO_SOCKET: &Site = &[
    since(ALWAYS, "NO_SOCKET", &["__udp6_lib_rcv"], "rx_lookup"),
    since(
        (7, 0),
        "NO_SOCKET",
        &["udpv6_rcv", "__udp6_lib_rcv"],
        "rx_lookup",
    ),
];
pub(crate) const TCP_NO_SOCKET: &Site = &[since(ALWAYS, "NO_SOCKET", &["tcp_v4_rcv"], "rx_lookup")];
pub(crate) const UDP_RECEIVE_BUFFER: &Site = &[since(
    ALWAYS,
    "SOCKET_RCVBUFF",
    &["udp_queue_rcv_one_skb"],
    "rx_sock",
)];
pub(crate) const NFT: &Site = &[
    since(ALWAYS, "NETFILTER_DROP", &["nf_hook_slow"], "netfilter"),
    since((6, 7), "NETFILTER_DROP", &["nft_do_chain"], "netfilter"),
];
pub(crate) const XTABLES: &Site = &[since(
    ALWAYS,
    "NETFILTER_DROP",
    &["nf_hook_slow"],
    "netfilter",
)];
pub(crate) const NO_ROUTE: &Site = &[
    since(ALWAYS, "NOT_SPECIFIED", &["ip_error"], "rx_route"),
    since((5, 19), "IP_INNOROUTES", &["ip_error"], "rx_route"),
];
pub(crate) const REVERSE_PATH: &Site = &[since(
    ALWAYS,
    "IP_RPFILTER",
    &["ip_rcv_finish_core"],
    "rx_route",
)];
pub(crate) const MARTIAN: &Site = &[since(
    ALWAYS,
    "IP_INVALID_SOURCE",
    &["ip_rcv_finish_core"],
    "rx_route",
)];
pub(crate) const TTL: &Site = &[since(ALWAYS, "IP_INHDR", &["ip_forward"], "fwd")];
pub(crate) const HOP_LIMIT: &Site = &[since(ALWAYS, "IP_INHDR", &["ip6_forward"], "fwd")];
pub(crate) const IP_CHECKSUM: &Site = &[since(ALWAYS, "IP_CSUM", &["ip_rcv_core"], "rx_ip")];
// Without a reason, checksum and look-up are the same place.
pub(crate) const TCP_CHECKSUM: &Site = &[
    since(ALWAYS, "TCP_CSUM", &["tcp_v4_rcv"], "rx_lookup"),
    since(REASONS, "TCP_CSUM", &["tcp_v4_rcv"], "rx_l4"),
];
pub(crate) const UDP_CHECKSUM: &Site = &[
    since(ALWAYS, "UDP_CSUM", &["__udp4_lib_rcv"], "rx_lookup"),
    since(REASONS, "UDP_CSUM", &["__udp4_lib_rcv"], "rx_l4"),
    since((7, 0), "UDP_CSUM", &["udp_rcv", "__udp4_lib_rcv"], "rx_l4"),
];
pub(crate) const UNKNOWN_ETHERTYPE: &Site = &[since(
    ALWAYS,
    "UNHANDLED_PROTO",
    &["__netif_receive_skb_core"],
    "rx_core",
)];
pub(crate) const OTHER_HOST: &Site = &[since(ALWAYS, "OTHERHOST", &["ip_rcv_core"], "rx_ip")];
pub(crate) const QDISC: &Site = &[
    since(ALWAYS, "QDISC_DROP", &["kfree_skb_list"], "tx_qdisc"),
    since(
        (6, 1),
        "QDISC_DROP",
        &["kfree_skb_list_reason", "__dev_queue_xmit"],
        "tx_qdisc",
    ),
    since((6, 18), "QDISC_DROP", &["__dev_queue_xmit"], "tx_qdisc"),
    since(
        (7, 0),
        "QDISC_DROP",
        &["__tcf_kfree_skb_list", "__dev_queue_xmit"],
        "tx_qdisc",
    ),
];
pub(crate) const NEIGHBOUR_FAILED: &Site = &[since(
    ALWAYS,
    "NEIGH_FAILED",
    &["arp_error_report", "neigh_invalidate"],
    "tx_neigh",
)];
pub(crate) const CPU_BACKLOG: &Site = &[since(
    ALWAYS,
    "CPU_BACKLOG",
    &["enqueue_to_backlog"],
    "rx_backlog",
)];
// 6.12 knows the reason, for vxlan, but the bridge does not give it.
pub(crate) const BRIDGE_SOURCE: &Site = &[
    since(ALWAYS, "NOT_SPECIFIED", &["br_handle_frame"], "l2"),
    since((6, 14), "MAC_INVALID_SOURCE", &["br_handle_frame"], "l2"),
];
pub(crate) const FRAGMENT_TIMEOUT: &Site = &[since(
    ALWAYS,
    "FRAG_REASM_TIMEOUT",
    &["ip_expire", "inet_frag_rbtree_purge"],
    "rx_frag",
)];
pub(crate) const GENERIC_XDP: &Site = &[since(
    ALWAYS,
    "NOT_SPECIFIED",
    &["do_xdp_generic", "netif_receive_generic_xdp"],
    "rx_xdp",
)];
/// The ingress hook of a device, before the IP layer.
pub(crate) const NFT_INGRESS: &Site = &[
    since(
        ALWAYS,
        "NETFILTER_DROP",
        &["nf_hook_slow", "__netif_receive_skb_core"],
        "netfilter",
    ),
    since((6, 7), "NETFILTER_DROP", &["nft_do_chain"], "netfilter"),
];
