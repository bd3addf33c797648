//! What rows of the flow table tell of their packets.

use netdrop_ebpf::{
    filter::marks,
    flow::FlowKey,
    packet::{Packet, extension, known},
    site::{SiteKey, state},
};

/// What is known of a packet from its row of the flow table.
pub(super) fn packet(flow: &FlowKey) -> Packet {
    let site = &flow.site;
    let has = |mark: u8| site.filter & mark != 0;
    let mut packet = Packet {
        types: [site.ethertype, 0, 0, 0],
        protocol: site.protocol,
        ..Packet::default()
    };
    if has(marks::TAGGED) {
        // Which tag does not matter: questions about tags are not asked here.
        packet.types = [0x8100, site.ethertype, 0, 0];
        packet.depth = 1;
    }
    for (mark, bit) in [
        (marks::LATER_FRAGMENT, known::LATER_FRAGMENT),
        (marks::PROTOCOL, known::PROTOCOL),
        (marks::TRANSPORT, known::TRANSPORT),
        (marks::TYPES, known::TYPES),
    ] {
        if has(mark) {
            packet.known |= bit;
        }
    }
    if site.state & state::FLOW != 0 {
        packet.known |= known::ADDRESSES;
    }
    packet
}

/// What a recorded row tells of its packets: their [`marks`].
#[must_use]
pub fn recorded_marks(site: &SiteKey) -> u8 {
    let mut found = 0;
    if site.ethertype != 0 {
        found |= marks::TYPES;
    }
    if site.state & state::FLOW != 0 {
        // The last header that was read, or a raw socket's, is no protocol.
        if extension(site.protocol) == 0 && site.protocol != RAW {
            found |= marks::PROTOCOL;
        }
        if site.state & state::NO_TRANSPORT == 0 {
            found |= marks::TRANSPORT;
        }
    }
    found
}

/// `IPPROTO_RAW` (`include/uapi/linux/in.h`)
const RAW: u8 = 255;
