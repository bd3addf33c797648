//! One drop in detail, as it leaves the ring.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{discipline::Kind, flow::FlowAddrs, site::SiteKey};

/// Frames of a kernel stack sent with an event.
pub const STACK_DEPTH: usize = 32;

/// One drop.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Event {
    /// `CLOCK_BOOTTIME` in nanoseconds.
    pub time: u64,
    /// The row it is counted in.
    pub site: SiteKey,
    /// Its addresses and ports; meaningful with `state::FLOW`.
    pub addrs: FlowAddrs,
    /// Bytes from the network header on.
    pub length: u32,
    /// Byte offset of `location` is resolved in user space; this is the
    /// sender's process (thread group) where the drop happened in its context,
    /// else 0.
    pub pid: u32,
    /// Packets on the wire.
    pub segments: u16,
    /// TCP flags byte, with [`EVENT_TCP_FLAGS`].
    pub tcp_flags: u8,
    /// Bits `EVENT_*`.
    pub flags: u8,
    /// The sender's command, zero-padded, with `pid`.
    pub command: [u8; 16],
    /// Bytes of the stack that follow (8 per frame); 0 without `--stack`.
    pub stack_len: u16,
    /// Bytes of the packet that follow behind the room for a stack
    /// ([`STACK_DEPTH`]); 0 where none were asked for or could be read.
    pub headers_len: u16,
    /// The generation it is counted in.
    pub generation: u32,
    /// The sender's control group (version 2), with `pid`; 0 when unknown.
    pub cgroup: u64,
    /// Inode number of the receiving socket; 0 when unknown.
    pub receiver: u64,
    /// Kind of the qdisc that dropped it; zero when unknown.
    pub qdisc: Kind,
    /// Bytes of the frame, as a capture would have seen it, with
    /// [`EVENT_FRAME`].
    pub frame_length: u32,
    /// Ethertype of the VLAN tag that is not in the frame but beside it; 0
    /// without one.
    pub tag_type: u16,
    /// Its control word.
    pub tag_control: u16,
}

const _: () = assert!(size_of::<Event>() == 152);

/// Bytes of a packet sent with an event.
pub const HEADER_BYTES: usize = 128;

/// `tcp_flags` was read.
pub const EVENT_TCP_FLAGS: u8 = 1 << 0;
/// The bytes begin with the link layer's header, not with the network's.
pub const EVENT_LINK_LAYER: u8 = 1 << 1;
/// `frame_length` was read.
pub const EVENT_FRAME: u8 = 1 << 2;
/// Where the number of VLAN tags in the frame stands, two bits: those that were
/// passed to the network header.
pub const EVENT_TAGS_SHIFT: u8 = 4;

/// How many VLAN tags lie in the frame, by the bits of an event.
#[must_use]
pub const fn tags_inside(flags: u8) -> u8 {
    flags >> EVENT_TAGS_SHIFT & 3
}
