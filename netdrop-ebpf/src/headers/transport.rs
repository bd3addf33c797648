//! Transport headers.

use super::{
    Memory,
    working::{know, mark, read_be16, read_u8},
};
use crate::{event::EVENT_TCP_FLAGS, get, packet::known, put, scratch::Scratch, site::state};

const IPPROTO_ICMP: u8 = 1;
/// IP protocol.
pub const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_DCCP: u8 = 33;
const IPPROTO_ICMPV6: u8 = 58;
const IPPROTO_SCTP: u8 = 132;
const IPPROTO_UDPLITE: u8 = 136;

/// Do the headers of this IP protocol begin with two ports?
#[inline(always)]
#[must_use]
pub fn has_ports(protocol: u8) -> bool {
    matches!(
        protocol,
        IPPROTO_TCP | IPPROTO_UDP | IPPROTO_UDPLITE | IPPROTO_SCTP | IPPROTO_DCCP
    )
}

/// Ports, or type and code.
#[inline(always)]
pub(super) fn read_transport<M: Memory>(
    skb: M,
    at: *const u8,
    offset: u32,
    available: u32,
    s: *mut Scratch,
) {
    if offset + 4 > available {
        mark(s, state::NO_TRANSPORT);
        return;
    }
    if skb.is_filtered() {
        know(s, known::TRANSPORT);
    }
    let first = read_be16(at);
    // SAFETY: callers leave at least 16 bytes behind `at` in the window.
    let second = read_be16(unsafe { at.add(2) });
    match get!(s, key.site.protocol) {
        IPPROTO_TCP => {
            put!(s, key.addrs.src_port, first);
            put!(s, key.addrs.dst_port, second);
            if offset + 14 <= available {
                // SAFETY: as above.
                let words = u32::from(read_u8(unsafe { at.add(12) }) >> 4);
                put!(s, header_bytes, offset + words * 4);
                // SAFETY: as above.
                put!(s, tcp_flags, u32::from(read_u8(unsafe { at.add(13) })));
                if skb.is_filtered() {
                    put!(s, packet.tcp_flags, get!(s, tcp_flags) as u8);
                    know(s, known::TCP_FLAGS);
                }
                put!(
                    s,
                    event_flags,
                    get!(s, event_flags) | u32::from(EVENT_TCP_FLAGS)
                );
            }
        }
        IPPROTO_UDP | IPPROTO_UDPLITE | IPPROTO_SCTP | IPPROTO_DCCP => {
            put!(s, key.addrs.src_port, first);
            put!(s, key.addrs.dst_port, second);
            put!(s, header_bytes, offset + 8);
        }
        IPPROTO_ICMP | IPPROTO_ICMPV6 => put!(s, key.addrs.dst_port, first),
        _ => {}
    }
}
