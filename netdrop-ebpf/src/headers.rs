//! From a packet's headers to protocol and flow. Headers are read only from the
//! linear part, at most eight IPv6 extension headers deep.
//!
//! The code is the same for an skb in the kernel and for a frame in a test.

use crate::{
    event::EVENT_TCP_FLAGS,
    filter::is_tag,
    get,
    packet::{TAGS, extension, known},
    put,
    scratch::{NO_HEADER, Scratch, WINDOW},
    site::state,
};

/// A packet in memory: offsets count from the start of its buffer.
pub trait Memory: Copy {
    /// Address of the buffer.
    fn head(self) -> u64;
    /// End of the linear part.
    fn tail(self) -> u32;
    /// The link layer header, 0xFFFF when unset.
    fn mac_header(self) -> u16;
    /// The network header; 0 or 0xFFFF when unset.
    fn network_header(self) -> u16;
    /// The transport header.
    fn transport_header(self) -> u16;
    /// Ethertype, 0 when unset.
    fn protocol(self) -> u16;
    /// Ethertype and control word of a VLAN tag that is not in the frame; zero
    /// when there is none.
    fn stripped_tag(self) -> (u16, u16);
    /// Is there a filter to read for?
    fn is_filtered(self) -> bool;
    /// Copies `N` bytes to where `to` points: `N` writable bytes.
    fn copy<const N: usize>(self, address: u64, to: *mut u8) -> bool;
}

/// Ethertype.
pub const ETH_P_IP: u16 = 0x0800;
/// Ethertype.
pub const ETH_P_ARP: u16 = 0x0806;
/// Ethertype.
pub const ETH_P_IPV6: u16 = 0x86DD;

const IPPROTO_ICMP: u8 = 1;
/// IP protocol.
pub const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_DCCP: u8 = 33;
const IPPROTO_ICMPV6: u8 = 58;
const IPPROTO_SCTP: u8 = 132;
const IPPROTO_UDPLITE: u8 = 136;

const MAX_EXTENSIONS: usize = 8;
const MAC_UNSET: u32 = 0xFFFF;
const MAC_BYTES: u32 = 14;

/// Reads what can be read into the key's addresses, ethertype, protocol and
/// state.
#[inline(always)]
pub fn read<M: Memory>(skb: M, s: *mut Scratch) {
    clear(skb, s);
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
        // Where tags are put in while sending, the network header is set behind
        // them while the ethertype is still the tag's (`packet_parse_headers`,
        // `__vlan_insert_tag`, 5.10 to 7.2).
        if is_tag(get!(s, key.site.ethertype))
            && mac != MAC_UNSET
            && matches!(network.wrapping_sub(mac), 18 | 22)
        {
            put!(s, network, mac + MAC_BYTES);
        }
    } else if mac != MAC_UNSET && mac + MAC_BYTES <= tail {
        // Not yet parsed by the stack: believe the Ethernet header.
        if skb.copy::<2>(skb.head() + u64::from(mac) + 12, small(s)) {
            put!(s, key.site.ethertype, read_be16(small(s)));
            put!(s, network, mac + MAC_BYTES);
        }
    }
    if skb.is_filtered() {
        let (ethertype, control) = skb.stripped_tag();
        if ethertype != 0 {
            put!(s, packet.stripped, 1);
            add_tag(s, ethertype, control);
        }
        end_tags(s);
    }
    if get!(s, network) != NO_HEADER {
        read_network(skb, tail, s);
    }
}

/// How many tags are remembered, so that it is a place in the arrays. Read anew,
/// so that the mask stays: 5.10 does not carry a bound over from a comparison.
#[inline(always)]
fn place(s: *mut Scratch) -> usize {
    usize::from(get!(s, packet.depth)) & TAGS
}

/// Remembers a VLAN tag for the filter.
#[inline(always)]
fn add_tag(s: *mut Scratch, ethertype: u16, control: u16) {
    if usize::from(get!(s, packet.depth)) >= TAGS {
        return;
    }
    let place = place(s);
    // SAFETY: fields of a live map value; the place is inside the arrays.
    unsafe {
        core::ptr::write_volatile(&raw mut (*s).packet.types[place], ethertype);
        core::ptr::write_volatile(&raw mut (*s).packet.tags[place], control & 0x0FFF);
    }
    put!(s, packet.depth, get!(s, packet.depth).wrapping_add(1));
}

/// Remembers the ethertype behind the tags for the filter.
#[inline(always)]
pub fn end_tags(s: *mut Scratch) {
    let ethertype = get!(s, key.site.ethertype);
    if ethertype != 0 {
        let place = place(s);
        // SAFETY: a field of a live map value; the place is inside the array.
        unsafe { core::ptr::write_volatile(&raw mut (*s).packet.types[place], ethertype) };
        know(s, known::TYPES);
    }
}

/// Notes what the filter may rely on.
#[inline(always)]
pub fn know(s: *mut Scratch, bits: u16) {
    put!(s, packet.known, get!(s, packet.known) | bits);
}

/// Forgets both addresses.
#[inline(always)]
pub fn clear_addresses(s: *mut Scratch) {
    put!(s, key.addrs.src, [0; 16]);
    put!(s, key.addrs.dst, [0; 16]);
}

/// Is this an IPv4 address in IPv6 form?
#[inline(always)]
#[must_use]
pub fn is_mapped(address: *const u8) -> bool {
    // SAFETY: callers point at 16 bytes of a live map value, aligned to four.
    let words: [u32; 3] = unsafe { core::ptr::read_volatile(address.cast()) };
    words[0] | words[1] == 0 && words[2] == u32::from_be(0xFFFF)
}

#[inline(always)]
fn clear<M: Memory>(skb: M, s: *mut Scratch) {
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
    if skb.is_filtered() {
        // SAFETY: six words of a live map value.
        let words = unsafe { (&raw mut (*s).packet).cast::<u64>() };
        for i in 0..6 {
            // SAFETY: as above.
            unsafe { core::ptr::write_volatile(words.add(i), 0) };
        }
    }
}

/// Sets bits of the key's state.
#[inline(always)]
pub fn mark(s: *mut Scratch, bits: u16) {
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

/// Where source and destination address stand.
#[inline(always)]
pub fn addresses(s: *mut Scratch) -> (*mut u8, *mut u8) {
    // SAFETY: fields of a live map value.
    unsafe {
        (
            (&raw mut (*s).key.addrs.src).cast(),
            (&raw mut (*s).key.addrs.dst).cast(),
        )
    }
}

#[inline(always)]
fn read_network<M: Memory>(skb: M, tail: u32, s: *mut Scratch) {
    let head = skb.head();
    // A VLAN tag that the card did not take off stands before the header, at
    // most twice. It is part of the frame, not of the packet.
    for _ in 0..2 {
        if !is_tag(get!(s, key.site.ethertype)) {
            break;
        }
        let network = get!(s, network);
        if network + 4 > tail || !skb.copy::<4>(head + u64::from(network), small(s)) {
            return;
        }
        if skb.is_filtered() {
            add_tag(s, get!(s, key.site.ethertype), read_be16(small(s)));
        }
        // SAFETY: two bytes into a field of eight.
        put!(s, key.site.ethertype, read_be16(unsafe { small(s).add(2) }));
        put!(s, network, network + 4);
        if skb.is_filtered() {
            end_tags(s);
        }
    }
    let network = get!(s, network);
    let at = head + u64::from(network);
    // Behind the linear part lies struct skb_shared_info, so the copy stays
    // inside the buffer; what lies beyond `tail` is not looked at.
    if !skb.copy::<WINDOW>(at, window(s, 0)) {
        return;
    }
    let available = tail.saturating_sub(network);
    let mut ethertype = get!(s, key.site.ethertype);
    if ethertype == 0 {
        ethertype = guess(read_u8(window(s, 0)), skb, network);
    }
    match ethertype {
        ETH_P_IP => read_ipv4(skb, at, available, s),
        ETH_P_IPV6 => read_ipv6(skb, at, available, s),
        ETH_P_ARP => read_arp(available, s),
        _ => return,
    }
    if get!(s, key.site.state) & state::FLOW != 0 {
        put!(s, key.site.ethertype, ethertype);
        if skb.is_filtered() {
            know(s, known::ADDRESSES);
            end_tags(s);
        }
    }
}

/// A local packet has no ethertype until IP output sets it: believe the
/// version nibble when the transport header stands where it should.
#[inline(always)]
fn guess<M: Memory>(first: u8, skb: M, network: u32) -> u16 {
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
fn read_ipv4<M: Memory>(skb: M, at: u64, available: u32, s: *mut Scratch) {
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
        mark(s, state::NO_TRANSPORT);
        if skb.is_filtered() {
            know(s, known::LATER_FRAGMENT);
        }
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
fn read_ipv6<M: Memory>(skb: M, at: u64, available: u32, s: *mut Scratch) {
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
                    mark(s, state::NO_TRANSPORT);
                    if skb.is_filtered() {
                        know(s, known::LATER_FRAGMENT);
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

/// Tells the filter the protocol, where the chain was followed to its end.
#[inline(always)]
fn end_extensions(s: *mut Scratch) {
    let protocol = get!(s, key.site.protocol);
    if extension(protocol) == 0 {
        put!(s, packet.protocol, protocol);
        know(s, known::PROTOCOL);
    }
}

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
fn read_transport<M: Memory>(skb: M, at: *const u8, offset: u32, available: u32, s: *mut Scratch) {
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
