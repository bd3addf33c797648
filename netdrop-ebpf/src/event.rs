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
}

const _: () = assert!(size_of::<Event>() == 144);

/// Bytes of a packet sent with an event.
pub const HEADER_BYTES: usize = 128;

/// The bytes begin with the link layer's header, not with the network's.
pub const EVENT_LINK_LAYER: u8 = 1 << 1;
/// `tcp_flags` was read.
pub const EVENT_TCP_FLAGS: u8 = 1 << 0;
