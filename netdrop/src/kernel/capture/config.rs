//! What is asked of a capture, and what became of its hooks.

use netdrop_ebpf::filter::Rules;

/// Stacks whose number fits into a site key.
pub const MOST_STACKS: u32 = 32_768;

/// Which events leave the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// None.
    Nothing,
    /// The first one of a site in an interval, with its stack, where the reason
    /// leaves the stage open: a hint, not counted as delivered.
    Hints,
    /// The first one of a site in an interval, and others as they come, up to so
    /// many a second over all CPUs; the rest is counted as sampled out. See
    /// [`Capture::refill`].
    Some(u32),
    /// Every drop.
    All,
}

/// Which capabilities are kept when the programs are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Those that counting and naming take.
    ToCount,
    /// Those that loading takes, too, for another filter.
    ToLoad,
}

/// What to capture.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each switches something on that has nothing to do with the others"
)]
pub struct CaptureConfig {
    /// Count flows, with this many entries an interval behind the per-CPU
    /// slots; `None`: do not count flows.
    pub flows: Option<u32>,
    /// Which events to emit.
    pub emit: Emit,
    /// Send stacks with events.
    pub stack: bool,
    /// Send the packet's first [`HEADER_BYTES`](netdrop_ebpf::event::HEADER_BYTES)
    /// with events.
    pub headers: bool,
    /// Count stacks apart: so many different ones, at most [`MOST_STACKS`].
    pub stacks: Option<u32>,
    /// Leave out the per-packet and per-poll hooks.
    pub lite: bool,
    /// Count histograms.
    pub histograms: bool,
    /// Bytes of the event ring; a power of two and a multiple of 4096.
    pub ring_bytes: u32,
    /// The kernel's part of a filter.
    pub rules: Box<Rules>,
    /// The capabilities that are kept.
    pub keep: Keep,
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
