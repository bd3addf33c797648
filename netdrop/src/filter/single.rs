//! What was kept of a single drop that rows do not tell.

use crate::drops::frame::Frame;

/// A packet in full, as far as it was kept; `None` is unknown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Single<'a> {
    /// Bytes from the network header on.
    pub length: u32,
    /// The TCP flags byte.
    pub tcp_flags: Option<u8>,
    /// The sender's process and command, where it is known that it sent this packet.
    pub sender: Option<(u32, &'a str)>,
    /// Its first bytes.
    pub headers: Option<First<'a>>,
    /// Its frame.
    pub frame: Option<Frame>,
}

/// The first bytes of a packet.
#[derive(Clone, Copy, Debug)]
pub struct First<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Do they begin with the link layer's header, not with the network's?
    pub link_layer: bool,
}
