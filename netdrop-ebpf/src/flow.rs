//! The key of the flow table.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::site::SiteKey;

/// Addresses and ports of a packet, as in its headers.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct FlowAddrs {
    /// Source address in network byte order; IPv4 in the first four bytes, the
    /// rest zero. The site's ethertype tells which (ARP: sender and target).
    pub src: [u8; 16],
    /// Destination address, as `src`.
    pub dst: [u8; 16],
    /// Source port in host byte order; 0 where the protocol has none. The
    /// echo identifier is not kept.
    pub src_port: u16,
    /// Destination port in host byte order; for ICMP and `ICMPv6` type and code
    /// (`type << 8 | code`).
    pub dst_port: u16,
}

const _: () = assert!(size_of::<FlowAddrs>() == 36);

/// A flow at a site. Keeping the site in the key makes every combination of
/// flow and site keys exact, and so every filter on them.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct FlowKey {
    /// Where the packets of this flow died.
    pub site: SiteKey,
    /// Who sent them to whom.
    pub addrs: FlowAddrs,
    /// Always zero.
    pub reserved: u32,
}

const _: () = assert!(size_of::<FlowKey>() == 72);
