//! From a packet's headers, or its socket, to protocol and flow. Headers are
//! read only from the linear part, at most eight IPv6 extension headers deep.

use netdrop_ebpf::{flow::FlowAddrs, site::state};

use crate::skb::{self, Skb, Sock};

const ETH_P_IP: u16 = 0x0800;
const ETH_P_ARP: u16 = 0x0806;
const ETH_P_8021Q: u16 = 0x8100;
const ETH_P_IPV6: u16 = 0x86DD;
const ETH_P_8021AD: u16 = 0x88A8;

const IPPROTO_ICMP: u8 = 1;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_DCCP: u8 = 33;
const IPPROTO_ICMPV6: u8 = 58;
const IPPROTO_SCTP: u8 = 132;
const IPPROTO_UDPLITE: u8 = 136;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// `TCP_TIME_WAIT` and `TCP_NEW_SYN_RECV` (include/net/tcp_states.h): sockets
/// that are no more than their `sock_common`.
const TCP_TIME_WAIT: u8 = 6;
const TCP_NEW_SYN_RECV: u8 = 12;

/// Bytes read at the network header in one go: IPv6 and a TCP header up to its
/// flags.
const WINDOW: usize = 64;
const MAX_EXTENSIONS: usize = 8;
const MAC_UNSET: u16 = 0xFFFF;

/// What the headers say.
#[derive(Clone, Copy)]
pub(crate) struct Headers {
    pub(crate) ethertype: u16,
    pub(crate) protocol: u8,
    /// Bits of [`state`].
    pub(crate) state: u16,
    pub(crate) addrs: FlowAddrs,
    /// The TCP flags byte.
    pub(crate) tcp_flags: Option<u8>,
    /// Bytes from the network header to the payload, where known, else 0.
    pub(crate) header_bytes: u32,
    /// The network header's offset from `head`; `u32::MAX` when there is none.
    pub(crate) network: u32,
}

impl Headers {
    #[inline(always)]
    const fn new() -> Self {
        Self {
            ethertype: 0,
            protocol: 0,
            state: 0,
            addrs: FlowAddrs {
                src: [0; 16],
                dst: [0; 16],
                src_port: 0,
                dst_port: 0,
            },
            tcp_flags: None,
            header_bytes: 0,
            network: u32::MAX,
        }
    }
}

/// Reads what can be read.
#[inline(always)]
pub(crate) fn read(skb: Skb, sk: Option<Sock>, headers: &mut Headers) {
    let tail = skb.tail();
    let mac = skb.mac_header();
    let mut network = u32::from(skb.network_header());
    let mut ethertype = skb.protocol();

    if mac != MAC_UNSET {
        headers.state |= state::MAC;
    }
    if network == 0 || network == 0xFFFF || network >= tail {
        network = u32::MAX;
        if mac != MAC_UNSET && u32::from(mac) + 14 <= tail {
            let mut kind = [0; 2];
            if skb::copy(skb.head() + u64::from(mac) + 12, &mut kind) {
                ethertype = u16::from_be_bytes(kind);
                network = u32::from(mac) + 14;
            }
        }
    } else {
        headers.state |= state::NETWORK;
    }
    headers.network = network;
    headers.ethertype = ethertype;
    if network != u32::MAX {
        read_network(skb, network, tail, headers);
    }
    if headers.state & state::FLOW == 0 {
        if let Some(sk) = sk
            && headers.state & state::NETWORK == 0
            && matches!(headers.ethertype, 0 | ETH_P_IP | ETH_P_IPV6)
        {
            read_socket(sk, headers);
        }
        if headers.state & state::FLOW == 0
            && matches!(headers.ethertype, ETH_P_IP | ETH_P_IPV6 | ETH_P_ARP)
        {
            headers.state |= state::UNPARSED;
        }
    }
}

#[inline(always)]
fn read_network(skb: Skb, mut network: u32, tail: u32, headers: &mut Headers) {
    let head = skb.head();
    // A VLAN tag that the card did not take off stands before the header, at
    // most twice.
    for _ in 0..2 {
        if !matches!(headers.ethertype, ETH_P_8021Q | ETH_P_8021AD) {
            break;
        }
        let mut tag = [0; 4];
        if network + 4 > tail || !skb::copy(head + u64::from(network), &mut tag) {
            return;
        }
        headers.ethertype = u16::from_be_bytes([tag[2], tag[3]]);
        network += 4;
    }
    let mut window = [0; WINDOW];
    // Behind the linear part lies struct skb_shared_info, so the copy stays
    // inside the buffer; what lies beyond `tail` is not looked at.
    if !skb::copy(head + u64::from(network), &mut window) {
        return;
    }
    let available = tail.saturating_sub(network);
    let mut ethertype = headers.ethertype;
    if ethertype == 0 {
        ethertype = guess(window[0], skb, network);
    }
    match ethertype {
        ETH_P_IP => read_ipv4(head + u64::from(network), &window, available, headers),
        ETH_P_IPV6 => read_ipv6(head + u64::from(network), &window, available, headers),
        ETH_P_ARP => read_arp(&window, available, headers),
        _ => return,
    }
    if headers.state & state::FLOW != 0 {
        headers.ethertype = ethertype;
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
fn read_arp(window: &[u8; WINDOW], available: u32, headers: &mut Headers) {
    // Only Ethernet and IPv4 (RFC 826): sender at 14, target at 24.
    if available < 28 || window[4] != 6 || window[5] != 4 {
        return;
    }
    let addrs = &mut headers.addrs;
    for i in 0..4 {
        addrs.src[i] = window[14 + i];
        addrs.dst[i] = window[24 + i];
    }
    headers.state |= state::FLOW;
}

#[inline(always)]
fn read_ipv4(at: u64, window: &[u8; WINDOW], available: u32, headers: &mut Headers) {
    if available < 20 || window[0] >> 4 != 4 || window[0] & 15 < 5 {
        return;
    }
    let addrs = &mut headers.addrs;
    for i in 0..4 {
        addrs.src[i] = window[12 + i];
        addrs.dst[i] = window[16 + i];
    }
    headers.protocol = window[9];
    headers.state |= state::FLOW;
    let transport = u32::from(window[0] & 15) * 4;
    if u16::from_be_bytes([window[6], window[7]]) & 0x1FFF != 0 {
        headers.state |= state::FRAGMENT;
        return;
    }
    let mut bytes = [0; 16];
    if transport == 20 {
        for i in 0..16 {
            bytes[i] = window[20 + i];
        }
    } else if !skb::copy(at + u64::from(transport), &mut bytes) {
        return;
    }
    read_transport(&bytes, transport, available, headers);
}

#[inline(always)]
fn read_ipv6(at: u64, window: &[u8; WINDOW], available: u32, headers: &mut Headers) {
    if available < 40 || window[0] >> 4 != 6 {
        return;
    }
    let addrs = &mut headers.addrs;
    for i in 0..16 {
        addrs.src[i] = window[8 + i];
        addrs.dst[i] = window[24 + i];
    }
    headers.state |= state::FLOW;
    let mut next = window[6];
    let mut bytes = [0; 16];
    if matches!(next, IPPROTO_TCP | IPPROTO_UDP | IPPROTO_ICMPV6) {
        headers.protocol = next;
        for i in 0..16 {
            bytes[i] = window[40 + i];
        }
        read_transport(&bytes, 40, available, headers);
        return;
    }
    let mut offset = 40;
    for _ in 0..MAX_EXTENSIONS {
        headers.protocol = next;
        let mut extension = [0; 8];
        // Hop-by-hop, routing, destination options, mobility, HIP, Shim6:
        // length in 8 bytes without the first. Fragment: always 8 bytes.
        // Authentication: length in 4 bytes without the first two.
        match next {
            0 | 43 | 60 | 135 | 139 | 140 | 44 | 51 => {}
            _ => {
                if skb::copy(at + u64::from(offset), &mut bytes) {
                    read_transport(&bytes, offset, available, headers);
                }
                return;
            }
        }
        if offset + 8 > available || !skb::copy(at + u64::from(offset), &mut extension) {
            return;
        }
        let length = match next {
            44 => {
                if u16::from_be_bytes([extension[2], extension[3]]) & 0xFFF8 != 0 {
                    headers.state |= state::FRAGMENT;
                    headers.protocol = extension[0];
                    return;
                }
                8
            }
            51 => (u32::from(extension[1]) + 2) * 4,
            _ => (u32::from(extension[1]) + 1) * 8,
        };
        next = extension[0];
        offset += length;
    }
    headers.protocol = next;
}

/// Ports, or type and code.
#[inline(always)]
fn read_transport(bytes: &[u8; 16], offset: u32, available: u32, headers: &mut Headers) {
    if offset + 4 > available {
        return;
    }
    let addrs = &mut headers.addrs;
    let first = u16::from_be_bytes([bytes[0], bytes[1]]);
    let second = u16::from_be_bytes([bytes[2], bytes[3]]);
    match headers.protocol {
        IPPROTO_TCP => {
            addrs.src_port = first;
            addrs.dst_port = second;
            if offset + 14 <= available {
                headers.tcp_flags = Some(bytes[13]);
                headers.header_bytes = offset + u32::from(bytes[12] >> 4) * 4;
            }
        }
        IPPROTO_UDP | IPPROTO_UDPLITE | IPPROTO_SCTP | IPPROTO_DCCP => {
            addrs.src_port = first;
            addrs.dst_port = second;
            headers.header_bytes = offset + 8;
        }
        IPPROTO_ICMP | IPPROTO_ICMPV6 => addrs.dst_port = first,
        _ => {}
    }
}

/// A packet whose headers are not built yet: its sender's socket knows.
#[inline(always)]
fn read_socket(sk: Sock, headers: &mut Headers) {
    let family = sk.family();
    let addrs = &mut headers.addrs;
    match family {
        AF_INET => {
            let mut local = [0; 4];
            let mut remote = [0; 4];
            if !sk.addresses_v4(&mut local, &mut remote) {
                return;
            }
            for i in 0..4 {
                addrs.src[i] = local[i];
                addrs.dst[i] = remote[i];
            }
            headers.ethertype = ETH_P_IP;
        }
        AF_INET6 => {
            if !sk.addresses_v6(&mut addrs.src, &mut addrs.dst) {
                return;
            }
            headers.ethertype = ETH_P_IPV6;
        }
        _ => {
            if headers.ethertype == 0 {
                headers.protocol = family as u8;
            }
            return;
        }
    }
    (addrs.src_port, addrs.dst_port) = sk.ports();
    headers.protocol = if matches!(sk.state(), TCP_TIME_WAIT | TCP_NEW_SYN_RECV) {
        IPPROTO_TCP
    } else {
        sk.protocol()
    };
    headers.state |= state::FLOW | state::FLOW_FROM_SOCKET;
}

/// An empty result to fill.
#[inline(always)]
pub(crate) const fn empty() -> Headers {
    Headers::new()
}
