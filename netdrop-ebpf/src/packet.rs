//! What a filter may ask about a packet, beside its addresses and ports
//! ([`FlowAddrs`](crate::flow::FlowAddrs)).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// VLAN tags that are kept apart, one of them in the skb's metadata.
pub const TAGS: usize = 3;

// It is a mask, too.
const _: () = assert!((TAGS + 1).is_power_of_two());

/// What was read of a packet.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Packet {
    /// Ethertypes from the outside: one for every tag, then the packet's own.
    pub types: [u16; TAGS + 1],
    /// VLAN identifiers from the outside.
    pub tags: [u16; TAGS + 1],
    /// Bytes of the frame, as a capture would have seen it.
    pub length: u32,
    /// Process that sent it, with [`known::SENDER`].
    pub pid: u32,
    /// Its command, zero-padded, with [`known::SENDER`].
    pub command: [u8; 16],
    /// Bits of [`known`].
    pub known: u16,
    /// IPv6 extension headers met: bits of [`extension`].
    pub extensions: u8,
    /// IP protocol, behind all extension headers.
    pub protocol: u8,
    /// How many tags.
    pub depth: u8,
    /// 1 when the outermost tag lies in the skb's metadata, not in the frame.
    pub stripped: u8,
    /// The TCP flags byte.
    pub tcp_flags: u8,
    /// Always zero.
    pub reserved: u8,
}

const _: () = assert!(size_of::<Packet>() == 48);

/// Bits of [`Packet::known`]: which parts were read.
pub mod known {
    /// The ethertypes and tags.
    pub const TYPES: u16 = 1 << 0;
    /// Source and destination address.
    pub const ADDRESSES: u16 = 1 << 1;
    /// The IP protocol.
    pub const PROTOCOL: u16 = 1 << 2;
    /// Ports, or type and code.
    pub const TRANSPORT: u16 = 1 << 3;
    /// It is a fragment other than the first, so it has none of these.
    pub const LATER_FRAGMENT: u16 = 1 << 4;
    /// The TCP flags.
    pub const TCP_FLAGS: u16 = 1 << 5;
    /// The length.
    pub const LENGTH: u16 = 1 << 6;
    /// The sending process.
    pub const SENDER: u16 = 1 << 7;
    /// No process of this host sent it.
    pub const NO_SENDER: u16 = 1 << 8;
}

/// The bit of an IPv6 extension header in [`Packet::extensions`]; 0 for other
/// protocols.
#[inline(always)]
#[must_use]
pub const fn extension(protocol: u8) -> u8 {
    match protocol {
        // Hop-by-hop, routing, fragment, authentication, destination options,
        // mobility, HIP, Shim6.
        0 => 1 << 0,
        43 => 1 << 1,
        44 => 1 << 2,
        51 => 1 << 3,
        60 => 1 << 4,
        135 => 1 << 5,
        139 => 1 << 6,
        140 => 1 << 7,
        _ => 0,
    }
}
