//! From a packet's headers to protocol and flow. Headers are read only from the
//! linear part, at most eight IPv6 extension headers deep.
//!
//! The code is the same for an skb in the kernel and for a frame in a test.

mod copied;
mod ip;
mod tags;
mod transport;
mod working;

pub use copied::Copied;
pub use tags::end_tags;
pub use transport::{IPPROTO_TCP, has_ports};
pub use working::{addresses, clear_addresses, is_mapped, know, mark};

use self::{
    ip::{read_ipv4, read_ipv6},
    tags::add_tag,
    working::{clear, copy_words, read_be16, read_u8, small, window},
};
use crate::{
    event::EVENT_TAGS_SHIFT,
    filter::is_tag,
    get,
    packet::known,
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

const MAC_UNSET: u32 = 0xFFFF;
const MAC_BYTES: u32 = 14;
const TAG_BYTES: u32 = 4;
/// `VLAN_MAX_DEPTH` tags (`include/linux/if_vlan.h`).
const TAGS_BYTES: u32 = 8 * TAG_BYTES;

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
        // them, however many, while the ethertype is still the first tag's
        // (`packet_parse_headers`, `__vlan_insert_tag`, 5.10 to 7.2).
        let behind = network.wrapping_sub(mac).wrapping_sub(MAC_BYTES);
        if is_tag(get!(s, key.site.ethertype))
            && mac != MAC_UNSET
            && behind <= TAGS_BYTES
            && behind % TAG_BYTES == 0
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
        mark(s, state::UNPARSED_OR_TAGGED);
        put!(
            s,
            event_flags,
            get!(s, event_flags).wrapping_add(1 << EVENT_TAGS_SHIFT)
        );
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
