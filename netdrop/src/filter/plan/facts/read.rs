//! The kernel's reader of headers, on bytes that were kept.

use netdrop_ebpf::{
    flow::FlowKey,
    headers::{self, Copied},
    packet::Packet,
    scratch::Scratch,
    site::state,
};
use zerocopy::FromZeros as _;

use crate::{drops::frame::Tag, filter::single::First};

/// What the kernel's reader finds in the bytes that were kept.
pub(super) struct Read {
    pub(super) packet: Packet,
    /// Where the network header begins.
    pub(super) network: u32,
    pub(super) link_layer: bool,
}

impl Read {
    /// `None` where the bytes are not of a packet of this flow.
    pub(super) fn of(first: &First<'_>, tag: Option<Tag>, flow: &FlowKey) -> Option<Self> {
        let First { bytes, link_layer } = *first;
        let site = &flow.site;
        let mut scratch = Scratch::new_zeroed();
        let copied = Copied {
            bytes,
            link_layer,
            ethertype: site.ethertype,
            stripped_tag: tag.map_or((0, 0), |tag| (tag.ethertype, tag.control)),
        };
        headers::read(copied, &raw mut scratch);
        let found = &scratch.key;
        let network = scratch.network.checked_sub(Copied::START)?;
        let same = if site.state & state::FLOW == 0 {
            found.site.state & state::FLOW == 0
        } else {
            !site.is_from_socket()
                && (found.addrs.src, found.addrs.dst) == (flow.addrs.src, flow.addrs.dst)
        };
        (same && found.site.ethertype == site.ethertype).then_some(Self {
            packet: scratch.packet,
            network,
            link_layer,
        })
    }
}
