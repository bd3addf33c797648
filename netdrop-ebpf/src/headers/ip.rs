//! IPv4 and IPv6 headers.

use super::{
    Memory,
    transport::read_transport,
    working::{addresses, copy_words, know, mark, read_be16, read_u8, small, window},
};
use crate::{
    get,
    packet::{extension, known},
    put,
    scratch::Scratch,
    site::state,
};

const MAX_EXTENSIONS: usize = 8;

#[inline(always)]
pub(super) fn read_ipv4<M: Memory>(skb: M, at: u64, available: u32, s: *mut Scratch) {
    let first = read_u8(window(s, 0));
    if available < 20 || first >> 4 != 4 || first & 15 < 5 {
        return;
    }
    let (src, dst) = addresses(s);
    copy_words::<1>(window(s, 12), src);
    copy_words::<1>(window(s, 16), dst);
    put!(s, key.site.protocol, read_u8(window(s, 9)));
    mark(s, state::FLOW);
    if skb.is_filtered() {
        put!(s, packet.protocol, read_u8(window(s, 9)));
        know(s, known::PROTOCOL);
    }
    if read_be16(window(s, 6)) & 0x1FFF != 0 {
        end_fragment(skb, s);
        return;
    }
    let transport = u32::from(first & 15) * 4;
    if transport != 20 && !skb.copy::<16>(at + u64::from(transport), window(s, 20)) {
        mark(s, state::NO_TRANSPORT);
        return;
    }
    read_transport(skb, window(s, 20), transport, available, s);
}

#[inline(always)]
pub(super) fn read_ipv6<M: Memory>(skb: M, at: u64, available: u32, s: *mut Scratch) {
    if available < 40 || read_u8(window(s, 0)) >> 4 != 6 {
        return;
    }
    let (src, dst) = addresses(s);
    copy_words::<4>(window(s, 8), src);
    copy_words::<4>(window(s, 24), dst);
    mark(s, state::FLOW);
    put!(s, key.site.protocol, read_u8(window(s, 6)));
    let mut offset = 40;
    for _ in 0..MAX_EXTENSIONS {
        let next = get!(s, key.site.protocol);
        if extension(next) == 0 {
            break;
        }
        if offset + 8 > available || !skb.copy::<8>(at + u64::from(offset), small(s)) {
            mark(s, state::NO_TRANSPORT);
            return;
        }
        put!(s, key.site.protocol, read_u8(small(s)));
        if skb.is_filtered() {
            put!(
                s,
                packet.extensions,
                get!(s, packet.extensions) | extension(next)
            );
        }
        // SAFETY: one byte into a field of eight.
        let length = u32::from(read_u8(unsafe { small(s).add(1) }));
        match next {
            44 => {
                // SAFETY: two bytes into a field of eight.
                if read_be16(unsafe { small(s).add(2) }) & 0xFFF8 != 0 {
                    end_fragment(skb, s);
                    if skb.is_filtered() {
                        end_extensions(s);
                    }
                    return;
                }
                offset += 8;
            }
            51 => offset += (length + 2) * 4,
            _ => offset += (length + 1) * 8,
        }
    }
    if skb.is_filtered() {
        end_extensions(s);
    }
    if offset != 40 && !skb.copy::<16>(at + u64::from(offset), window(s, 40)) {
        mark(s, state::NO_TRANSPORT);
        return;
    }
    read_transport(skb, window(s, 40), offset, available, s);
}

/// What follows is not the start of what the packet carries.
#[inline(always)]
fn end_fragment<M: Memory>(skb: M, s: *mut Scratch) {
    put!(
        s,
        key.site.state,
        state::later_fragment(get!(s, key.site.state))
    );
    if skb.is_filtered() {
        know(s, known::LATER_FRAGMENT);
    }
}

/// Tells the filter the protocol, where the chain was followed to its end.
#[inline(always)]
fn end_extensions(s: *mut Scratch) {
    let protocol = get!(s, key.site.protocol);
    if extension(protocol) == 0 {
        put!(s, packet.protocol, protocol);
        know(s, known::PROTOCOL);
    }
}
