//! Working memory of the drop program. It lies in a map, not on the stack: the
//! verifier does not follow values through maps, so the many ways to read a
//! packet meet again after each step instead of multiplying (5.10 and 6.1
//! refused the stack version at a million instructions).

use zerocopy::FromBytes;

use crate::{
    filter::Machine,
    flow::FlowKey,
    hurt::{Connection, Hurt},
    packet::Packet,
};

/// Bytes read at the network header in one go: IPv6 and a TCP header up to its
/// flags, and the room for a copied transport header.
pub const WINDOW: usize = 64;

/// What one run works on.
#[repr(C, align(8))]
#[derive(Clone, Copy, FromBytes)]
pub struct Scratch {
    /// Complete once the headers are read and the site is known.
    pub key: FlowKey,
    /// The connection of a TCP packet, whichever way it was going.
    pub connection: Connection,
    /// What is first known of that connection.
    pub hurt: Hurt,
    /// Header bytes.
    pub window: [u8; WINDOW],
    /// A VLAN tag or IPv6 extension header.
    pub small: [u8; 8],
    /// The network header's offset from `head`, or [`NO_HEADER`].
    pub network: u32,
    /// Bytes from the network header to the payload, 0 when unknown.
    pub header_bytes: u32,
    /// Bytes from the network header on.
    pub length: u32,
    /// Packets on the wire.
    pub packets: u32,
    /// The TCP flags byte.
    pub tcp_flags: u32,
    /// Bits of an event's `flags`.
    pub event_flags: u32,
    /// Address of the receiving socket, 0 when unknown; set where events are
    /// sent.
    pub receiver: u64,
    /// What only a filter asks for.
    pub packet: Packet,
    /// The filter's own working memory.
    pub machine: Machine,
}

/// [`Scratch::network`] of a packet without a network header.
pub const NO_HEADER: u32 = u32::MAX;

/// Reads a field of `*mut Scratch`, hiding from the compiler, and so from the
/// verifier, what was written before.
#[macro_export]
macro_rules! get {
    ($scratch:expr, $($field:tt)+) => {{
        let scratch = $scratch;
        // SAFETY: a Scratch is a live map value.
        unsafe { core::ptr::read_volatile(&raw const (*scratch).$($field)+) }
    }};
}

/// Writes a field of `*mut Scratch`.
#[macro_export]
macro_rules! put {
    ($scratch:expr, $($field:ident).+, $value:expr) => {{
        let scratch = $scratch;
        let value = $value;
        // SAFETY: a Scratch is a live map value.
        unsafe { core::ptr::write_volatile(&raw mut (*scratch).$($field).+, value) }
    }};
}
