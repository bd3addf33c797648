//! VXLAN.

use super::{NONE, SUSPICIOUS, Site, rx, tx};

const RCV: &[&str] = &["vxlan_rcv"];

pub(crate) const VXLAN_HEADER: &Site = &[rx("VXLAN_INVALID_HDR", RCV, "tunnel", SUSPICIOUS)];
pub(crate) const VXLAN_ID: &Site = &[rx("VXLAN_VNI_NOT_FOUND", RCV, "tunnel", SUSPICIOUS)];
pub(crate) const VXLAN_OWN_MAC: &Site = &[rx("LOCAL_MAC", RCV, "tunnel", SUSPICIOUS)];
pub(crate) const VXLAN_SOURCE: &Site = &[rx("MAC_INVALID_SOURCE", RCV, "tunnel", SUSPICIOUS)];
pub(crate) const VXLAN_ECN: &Site = &[rx("IP_TUNNEL_ECN", RCV, "tunnel", SUSPICIOUS)];
pub(crate) const VXLAN_ELSEWHERE: &Site = &[rx("VXLAN_ENTRY_EXISTS", RCV, "tunnel", SUSPICIOUS)];
pub(crate) const VXLAN_NO_REMOTE: &Site =
    &[tx("NO_TX_TARGET", &["vxlan_xmit"], "tunnel", SUSPICIOUS)];
// Before, it was freed as if it had been sent.
pub(crate) const VXLAN_NO_ROUTE: &Site = &[
    tx(NONE, &["vxlan_xmit_one"], "tunnel", SUSPICIOUS).since(6, 12),
    tx("IP_OUTNOROUTES", &["vxlan_xmit_one"], "tunnel", SUSPICIOUS).since(6, 13),
];
pub(crate) const VXLAN_EXTERNAL: &Site =
    &[tx("TUNNEL_TXINFO", &["vxlan_xmit"], "tunnel", SUSPICIOUS)];
