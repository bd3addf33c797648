//! A running capture: the loaded and attached programs and their maps.

use bytes::Bytes;
use netdrop_ebpf::event::Event;

use super::snapshot::Snapshot;

/// Which events leave the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// None.
    Nothing,
    /// The first drop of each site and a bounded number more.
    Sampled,
    /// Every drop.
    All,
}

/// What to capture.
#[derive(Clone, Debug)]
pub struct CaptureConfig {
    /// Count flows, with this many entries an interval behind the per-CPU
    /// slots; `None`: do not count flows.
    pub flows: Option<u32>,
    /// Which events to emit.
    pub emit: Emit,
    /// Send stacks with events.
    pub stack: bool,
    /// Leave out the per-packet and per-poll hooks.
    pub lite: bool,
    /// Bytes of the event ring; a power of two and a multiple of 4096.
    pub ring_bytes: u32,
}

/// A hook and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookStatus {
    /// As tracefs spells it, for example `skb:kfree_skb`.
    pub name: &'static str,
    /// Is it attached?
    pub attached: bool,
    /// Why not.
    pub why: Option<String>,
}

/// One event and the stack that came with it.
#[derive(Clone, Debug)]
pub struct Detail {
    /// The drop.
    pub event: Event,
    /// Kernel return addresses as 8-byte host-order words, innermost first;
    /// empty without `--stack`.
    pub stack: Bytes,
}

/// Attached programs. Dropping it detaches them.
#[derive(Debug)]
pub struct Capture {}

/// Why a capture could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {}

impl Capture {
    /// Loads and attaches the programs. Every drop after this returns is
    /// counted.
    ///
    /// # Errors
    ///
    /// When the kernel refuses; the message names the remedy.
    pub fn start(_config: &CaptureConfig) -> Result<Self, CaptureError> {
        todo!()
    }

    /// The hooks, attached or not, in a fixed order.
    #[must_use]
    pub fn hooks(&self) -> &[HookStatus] {
        todo!()
    }

    /// Things the user should know, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        todo!()
    }

    /// Ends the current interval and returns its exact counts. May block for
    /// some milliseconds while running programs end.
    ///
    /// # Errors
    ///
    /// When a map cannot be read.
    pub fn collect(&mut self) -> Result<Snapshot, CaptureError> {
        todo!()
    }

    /// Takes up to `most` events that wait in the ring. Programs do not wake
    /// the reader: call it on a timer.
    ///
    /// # Errors
    ///
    /// When a record is malformed.
    pub fn events(&mut self, _most: usize) -> Result<Vec<Detail>, CaptureError> {
        todo!()
    }
}
