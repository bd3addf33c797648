//! Packets on their way out.

use super::{HARMFUL, SUSPICIOUS, Site, tx};

pub(crate) const QDISC: &Site = &[
    tx("QDISC_DROP", &["kfree_skb_list"], "tx_qdisc", HARMFUL).nameless("tx_qdisc", HARMFUL),
    tx(
        "QDISC_DROP",
        &["kfree_skb_list_reason", "__dev_queue_xmit"],
        "tx_qdisc",
        HARMFUL,
    )
    .since(6, 1),
    tx("QDISC_DROP", &["__dev_queue_xmit"], "tx_qdisc", HARMFUL).since(6, 18),
    tx(
        "QDISC_DROP",
        &["__tcf_kfree_skb_list", "__dev_queue_xmit"],
        "tx_qdisc",
        HARMFUL,
    )
    .since(7, 0),
];
pub(crate) const QDISC_LIMIT: &Site = &[
    QDISC[0],
    QDISC[1],
    tx(
        "QDISC_OVERLIMIT",
        &["__dev_queue_xmit"],
        "tx_qdisc",
        HARMFUL,
    )
    .since(6, 14),
    QDISC[3],
];
pub(crate) const NEIGHBOUR_FAILED: &Site = &[tx(
    "NEIGH_FAILED",
    &["arp_error_report", "neigh_invalidate"],
    "tx_neigh",
    SUSPICIOUS,
)];
pub(crate) const NEIGHBOUR_QUEUE: &Site = &[tx(
    "NEIGH_QUEUEFULL",
    &["__neigh_event_send"],
    "tx_neigh",
    SUSPICIOUS,
)];
pub(crate) const CGROUP_EGRESS: &Site = &[tx(
    "BPF_CGROUP_EGRESS",
    &["ip_finish_output"],
    "tx_cgroup",
    SUSPICIOUS,
)
.reasonless("tx_ip", SUSPICIOUS)];
pub(crate) const TC_EGRESS: &Site = &[tx(
    "TC_EGRESS",
    &["__dev_queue_xmit", "sch_handle_egress"],
    "tx_tc",
    SUSPICIOUS,
)
.reasonless("tx_dev", SUSPICIOUS)];
pub(crate) const ROUTE_GONE: &Site = &[tx(
    "IP_OUTNOROUTES",
    &["__ip_queue_xmit"],
    "tx_route",
    SUSPICIOUS,
)];
