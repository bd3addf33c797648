//! From a packet's headers, or its socket, to protocol and flow. Headers are
//! read only from the linear part, at most eight IPv6 extension headers deep.

use netdrop_ebpf::{event::EVENT_TCP_FLAGS, site::state};

use crate::{
    scratch::{NO_HEADER, Scratch, get, put},
    skb::{self, Skb, Sock},
};

pub(crate) const ETH_P_IP: u16 = 0x0800;
const ETH_P_ARP: u16 = 0x0806;
const ETH_P_8021Q: u16 = 0x8100;
const ETH_P_IPV6: u16 = 0x86DD;
const ETH_P_8021AD: u16 = 0x88A8;

const IPPROTO_ICMP: u8 = 1;
pub(crate) const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_DCCP: u8 = 33;
const IPPROTO_ICMPV6: u8 = 58;
const IPPROTO_SCTP: u8 = 132;
const IPPROTO_UDPLITE: u8 = 136;

pub(crate) const AF_INET: u16 = 2;
pub(crate) const AF_INET6: u16 = 10;

/// `TCP_TIME_WAIT` and `TCP_NEW_SYN_RECV` (`include/net/tcp_states.h`): sockets
/// that are no more than their `sock_common`.
const TCP_TIME_WAIT: u8 = 6;
const TCP_NEW_SYN_RECV: u8 = 12;

const MAX_EXTENSIONS: usize = 8;
const MAC_UNSET: u32 = 0xFFFF;
const MAC_BYTES: u32 = 14;

/// Reads what can be read into the key's addresses, ethertype, protocol and
/// state.
#[inline(always)]
pub(crate) fn read(skb: Skb, sk: Option<Sock>, s: *mut Scratch) {
    clear(s);
    let tail = skb.tail();
    let mac = u32::from(skb.mac_header());
    let network = u32::from(skb.network_header());
    put!(s, key.site.ethertype, skb.protocol());
    if mac != MAC_UNSET {
        mark(s, state::MAC);
    }
    if network != 0 && network != 0xFFFF && network < tail {
        mark(s, state::NETWORK);
        put!(s, network, network);
    } else if mac != MAC_UNSET && mac + MAC_BYTES <= tail {
        // Not yet parsed by the stack: believe the Ethernet header.
        if skb::copy::<2>(skb.head() + u64::from(mac) + 12, small(s)) {
            put!(s, key.site.ethertype, read_be16(small(s)));
            put!(s, network, mac + MAC_BYTES);
        }
    }
    if get!(s, network) != NO_HEADER {
        read_network(skb, tail, s);
    }
    let bits = get!(s, key.site.state);
    if bits & state::FLOW == 0 {
        let ethertype = get!(s, key.site.ethertype);
        if bits & state::NETWORK == 0
            && matches!(ethertype, 0 | ETH_P_IP | ETH_P_IPV6)
            && let Some(sk) = sk
        {
            read_socket(sk, s);
        }
        let bits = get!(s, key.site.state);
        let ethertype = get!(s, key.site.ethertype);
        if bits & state::FLOW == 0 && matches!(ethertype, ETH_P_IP | ETH_P_IPV6 | ETH_P_ARP) {
            mark(s, state::UNPARSED);
        }
    }
}

#[inline(always)]
fn clear_addresses(s: *mut Scratch) {
    put!(s, key.addrs.src, [0; 16]);
    put!(s, key.addrs.dst, [0; 16]);
}

/// Is this an IPv4 address in IPv6 form?
#[inline(always)]
fn is_mapped(address: *const u8) -> bool {
    // SAFETY: callers point at 16 bytes of a live map value, aligned to four.
    let words: [u32; 3] = unsafe { core::ptr::read_volatile(address.cast()) };
    words[0] | words[1] == 0 && words[2] == u32::from_be(0xFFFF)
}

#[inline(always)]
fn clear(s: *mut Scratch) {
    // SAFETY: the key is nine words of a live map value.
    let words = unsafe { (&raw mut (*s).key).cast::<u64>() };
    for i in 0..9 {
        // SAFETY: as above.
        unsafe { core::ptr::write_volatile(words.add(i), 0) };
    }
    put!(s, network, NO_HEADER);
    put!(s, header_bytes, 0);
    put!(s, tcp_flags, 0);
    put!(s, event_flags, 0);
}

/// Sets bits of the key's state.
#[inline(always)]
pub(crate) fn mark(s: *mut Scratch, bits: u16) {
    put!(s, key.site.state, get!(s, key.site.state) | bits);
}

#[inline(always)]
fn small(s: *mut Scratch) -> *mut u8 {
    // SAFETY: a field of a live map value.
    unsafe { (&raw mut (*s).small).cast() }
}

#[inline(always)]
fn window(s: *mut Scratch, offset: usize) -> *mut u8 {
    // SAFETY: callers stay inside the window.
    unsafe { (&raw mut (*s).window).cast::<u8>().add(offset) }
}

#[inline(always)]
fn read_u8(at: *const u8) -> u8 {
    // SAFETY: callers point into a live map value.
    unsafe { core::ptr::read_volatile(at) }
}

#[inline(always)]
fn read_be16(at: *const u8) -> u16 {
    // SAFETY: callers point at an even offset of a live map value.
    u16::from_be(unsafe { core::ptr::read_volatile(at.cast()) })
}

/// Copies `N` words of four bytes inside the scratch.
#[inline(always)]
fn copy_words<const N: usize>(from: *const u8, to: *mut u8) {
    for i in 0..N {
        // SAFETY: callers point at multiples of four in a live map value.
        unsafe {
            let word = core::ptr::read_volatile(from.cast::<u32>().add(i));
            core::ptr::write_volatile(to.cast::<u32>().add(i), word);
        }
    }
}

#[inline(always)]
fn addresses(s: *mut Scratch) -> (*mut u8, *mut u8) {
    // SAFETY: fields of a live map value.
    unsafe {
        (
            (&raw mut (*s).key.addrs.src).cast(),
            (&raw mut (*s).key.addrs.dst).cast(),
        )
    }
}

#[inline(always)]
fn read_network(skb: Skb, tail: u32, s: *mut Scratch) {
    let head = skb.head();
    // A VLAN tag that the card did not take off stands before the header, at
    // most twice. It is part of the frame, not of the packet.
    for _ in 0..2 {
        if !matches!(get!(s, key.site.ethertype), ETH_P_8021Q | ETH_P_8021AD) {
            break;
        }
        let network = get!(s, network);
        if network + 4 > tail || !skb::copy::<4>(head + u64::from(network), small(s)) {
            return;
        }
        // SAFETY: two bytes into a field of eight.
        put!(s, key.site.ethertype, read_be16(unsafe { small(s).add(2) }));
        put!(s, network, network + 4);
    }
    let network = get!(s, network);
    let at = head + u64::from(network);
    // Behind the linear part lies struct skb_shared_info, so the copy stays
    // inside the buffer; what lies beyond `tail` is not looked at.
    if !skb::copy::<{ crate::scratch::WINDOW }>(at, window(s, 0)) {
        return;
    }
    let available = tail.saturating_sub(network);
    let mut ethertype = get!(s, key.site.ethertype);
    if ethertype == 0 {
        ethertype = guess(read_u8(window(s, 0)), skb, network);
    }
    match ethertype {
        ETH_P_IP => read_ipv4(at, available, s),
        ETH_P_IPV6 => read_ipv6(at, available, s),
        ETH_P_ARP => read_arp(available, s),
        _ => return,
    }
    if get!(s, key.site.state) & state::FLOW != 0 {
        put!(s, key.site.ethertype, ethertype);
    }
}

/// A local packet has no ethertype until IP output sets it: believe the
/// version nibble when the transport header stands where it should.
#[inline(always)]
fn guess(first: u8, skb: Skb, network: u32) -> u16 {
    let header = u32::from(skb.transport_header()).wrapping_sub(network);
    match first >> 4 {
        4 if first & 15 >= 5 && header == u32::from(first & 15) * 4 => ETH_P_IP,
        6 if (40..1024).contains(&header) => ETH_P_IPV6,
        _ => 0,
    }
}

#[inline(always)]
fn read_arp(available: u32, s: *mut Scratch) {
    // Only Ethernet and IPv4 (RFC 826): sender at 14, target at 24.
    if available < 28 || read_u8(window(s, 4)) != 6 || read_u8(window(s, 5)) != 4 {
        return;
    }
    let (src, dst) = addresses(s);
    for i in 0..2 {
        // SAFETY: even offsets inside the window and the addresses.
        unsafe {
            let half = core::ptr::read_volatile(window(s, 14 + 2 * i).cast::<u16>());
            core::ptr::write_volatile(src.cast::<u16>().add(i), half);
        }
    }
    copy_words::<1>(window(s, 24), dst);
    mark(s, state::FLOW);
}

#[inline(always)]
fn read_ipv4(at: u64, available: u32, s: *mut Scratch) {
    let first = read_u8(window(s, 0));
    if available < 20 || first >> 4 != 4 || first & 15 < 5 {
        return;
    }
    let (src, dst) = addresses(s);
    copy_words::<1>(window(s, 12), src);
    copy_words::<1>(window(s, 16), dst);
    put!(s, key.site.protocol, read_u8(window(s, 9)));
    mark(s, state::FLOW);
    if read_be16(window(s, 6)) & 0x1FFF != 0 {
        mark(s, state::NO_TRANSPORT);
        return;
    }
    let transport = u32::from(first & 15) * 4;
    if transport != 20 && !skb::copy::<16>(at + u64::from(transport), window(s, 20)) {
        mark(s, state::NO_TRANSPORT);
        return;
    }
    read_transport(window(s, 20), transport, available, s);
}

#[inline(always)]
fn read_ipv6(at: u64, available: u32, s: *mut Scratch) {
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
        // Hop-by-hop, routing, fragment, authentication, destination options,
        // mobility, HIP, Shim6.
        if !matches!(next, 0 | 43 | 44 | 51 | 60 | 135 | 139 | 140) {
            break;
        }
        if offset + 8 > available || !skb::copy::<8>(at + u64::from(offset), small(s)) {
            mark(s, state::NO_TRANSPORT);
            return;
        }
        put!(s, key.site.protocol, read_u8(small(s)));
        // SAFETY: one byte into a field of eight.
        let length = u32::from(read_u8(unsafe { small(s).add(1) }));
        match next {
            44 => {
                // SAFETY: two bytes into a field of eight.
                if read_be16(unsafe { small(s).add(2) }) & 0xFFF8 != 0 {
                    mark(s, state::NO_TRANSPORT);
                    return;
                }
                offset += 8;
            }
            51 => offset += (length + 2) * 4,
            _ => offset += (length + 1) * 8,
        }
    }
    if offset != 40 && !skb::copy::<16>(at + u64::from(offset), window(s, 40)) {
        mark(s, state::NO_TRANSPORT);
        return;
    }
    read_transport(window(s, 40), offset, available, s);
}

/// Ports, or type and code.
#[inline(always)]
fn read_transport(at: *const u8, offset: u32, available: u32, s: *mut Scratch) {
    if offset + 4 > available {
        mark(s, state::NO_TRANSPORT);
        return;
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
                put!(s, event_flags, u32::from(EVENT_TCP_FLAGS));
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

/// A packet whose headers are not built yet: its sender's socket knows.
#[inline(always)]
fn read_socket(sk: Sock, s: *mut Scratch) {
    let (src, dst) = addresses(s);
    let family = sk.family();
    let read = match family {
        AF_INET => sk.addresses_v4(src, dst),
        AF_INET6 => sk.addresses_v6(src, dst),
        _ => {
            if get!(s, key.site.ethertype) == 0 {
                put!(s, key.site.protocol, family as u8);
            }
            return;
        }
    };
    let (local, remote) = sk.ports();
    if !read || remote == 0 {
        // Not connected: the socket knows only one end.
        clear_addresses(s);
        return;
    }
    let mapped = family == AF_INET6 && is_mapped(dst);
    if mapped {
        // An IPv4 peer of an IPv6 socket (::ffff:0:0/96).
        clear_addresses(s);
        if !sk.addresses_v4(src, dst) {
            return;
        }
    }
    let ethertype = if family == AF_INET || mapped {
        ETH_P_IP
    } else {
        ETH_P_IPV6
    };
    put!(s, key.site.ethertype, ethertype);
    put!(s, key.addrs.src_port, local);
    put!(s, key.addrs.dst_port, remote);
    let protocol = if matches!(sk.state(), TCP_TIME_WAIT | TCP_NEW_SYN_RECV) {
        IPPROTO_TCP
    } else {
        sk.protocol()
    };
    put!(s, key.site.protocol, protocol);
    mark(s, state::FLOW | state::FLOW_FROM_SOCKET);
}
