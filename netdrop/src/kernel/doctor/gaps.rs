//! Losses that no drop event tells of, on any kernel, and who tells instead.

use super::Check;

/// What is lost, why it is not seen, and what to look at.
const GAPS: [(&str, &str, &str); 6] = [
    (
        "NIC ring and hardware",
        "lost before there is a packet buffer",
        "ip -s -s link show DEV (missed, fifo, crc); ethtool -S DEV",
    ),
    (
        "native XDP_DROP",
        "the frame never becomes a packet buffer",
        "ethtool -S DEV (xdp_drop and the like); counters of the XDP program",
    ),
    (
        "SYN and accept queue, for a SYN",
        "the kernel frees the SYN as if it had been used",
        "nstat -az TcpExtListenDrops TcpExtListenOverflows TcpExtTCPReqQFullDrop; ss -lnt",
    ),
    (
        "raw sockets with a full buffer",
        "the copy for the socket is never made",
        "ss -wm (the number after d)",
    ),
    (
        "refused sends",
        "the application gets an error before there is a packet",
        "nstat -az IpOutNoRoutes; the application's errors",
    ),
    (
        "drivers and offloads",
        "some drivers free a failed packet as if sent; hardware drops by itself",
        "ip -s link show DEV (tx errors, dropped); ethtool -S DEV; devlink trap show",
    ),
];

pub(super) fn all() -> impl Iterator<Item = Check> {
    GAPS.into_iter()
        .map(|(name, why, instead)| Check::warn(format!("gap: {name}"), why).remedy(instead))
}
