//! Rules of a firewall, by hook.

use super::{SUSPICIOUS, Since, Site, forward, rx, tx};

/// nftables drops within its own function from 6.7 on.
const fn nft(hook: &'static str, of: &[Since; 2]) -> [Since; 2] {
    [of[0].hook(hook), of[1].since(6, 7).hook(hook)]
}

const BEFORE: &[&str] = &["nf_hook_slow"];
const NFT: &[&str] = &["nft_do_chain"];
const DROP: &str = "NETFILTER_DROP";

const RX: [Since; 2] = [
    rx(DROP, BEFORE, "netfilter", SUSPICIOUS),
    rx(DROP, NFT, "netfilter", SUSPICIOUS),
];
const FORWARD: [Since; 2] = [
    forward(DROP, BEFORE, "netfilter", SUSPICIOUS),
    forward(DROP, NFT, "netfilter", SUSPICIOUS),
];
const TX: [Since; 2] = [
    tx(DROP, BEFORE, "netfilter", SUSPICIOUS),
    tx(DROP, NFT, "netfilter", SUSPICIOUS),
];

pub(crate) const NFT_PREROUTING: &Site = &nft("prerouting", &RX);
pub(crate) const NFT_INPUT: &Site = &nft("input", &RX);
pub(crate) const NFT_FORWARD: &Site = &nft("forward", &FORWARD);
pub(crate) const NFT_OUTPUT: &Site = &nft("output", &TX);
pub(crate) const NFT_POSTROUTING: &Site = &nft("postrouting", &TX);
pub(crate) const NFT_POSTROUTING_FORWARDED: &Site = &nft("postrouting", &FORWARD);

/// The ingress hook of a device, before the IP layer.
pub(crate) const NFT_INGRESS: &Site = &[
    rx(
        DROP,
        &["nf_hook_slow", "__netif_receive_skb_core"],
        "netfilter",
        SUSPICIOUS,
    )
    .hook("ingress"),
    rx(DROP, NFT, "netfilter", SUSPICIOUS)
        .since(6, 7)
        .hook("ingress"),
];

pub(crate) const XT_PREROUTING: &Site =
    &[rx(DROP, BEFORE, "netfilter", SUSPICIOUS).hook("prerouting")];
pub(crate) const XT_INPUT: &Site = &[rx(DROP, BEFORE, "netfilter", SUSPICIOUS).hook("input")];
pub(crate) const XT_FORWARD: &Site =
    &[forward(DROP, BEFORE, "netfilter", SUSPICIOUS).hook("forward")];
pub(crate) const XT_OUTPUT: &Site = &[tx(DROP, BEFORE, "netfilter", SUSPICIOUS).hook("output")];

/// A queue to which nobody listens.
pub(crate) const NFQUEUE: &Site = &[rx(
    super::NONE,
    &["nf_queue", "nf_hook_slow", "__nf_queue"],
    "netfilter",
    SUSPICIOUS,
)
.hook("input")];
