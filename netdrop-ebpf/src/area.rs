//! The memory in which drops are counted: one [`CpuArea`] per possible CPU and
//! generation, mapped into user space, and two preallocated hashes behind it.
//!
//! A generation is counted into until user space flips [`Control::generation`]
//! and has waited until every program that started before has ended; then it is
//! read and cleared while the other one is counted into. Deltas are exact and
//! every limit holds per interval.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{flow::FlowKey, site::SiteKey};

/// Site slots of one CPU.
pub const SITE_SLOTS: usize = 256;
/// Flow slots of one CPU.
pub const FLOW_SLOTS: usize = 512;
/// Generations: one is counted into, the other is read.
pub const GENERATIONS: usize = 2;
/// Entries of the site hash behind the slots.
pub const SITE_SPILL_ENTRIES: u32 = 4096;
/// Default entries of the flow hash behind the slots.
pub const FLOW_ENTRIES: u32 = 65_536;

/// What is added up for a site or a flow.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Weights {
    /// Dropped skbs.
    pub drops: u64,
    /// Packets on the wire: GSO segments of those skbs.
    pub packets: u64,
    /// Bytes from the network header on.
    pub bytes: u64,
}

/// A slot for one site or flow. Nested runs on one CPU are strictly last-in
/// first-out, so the run that reads 1 after adding 1 to `claim` owns the slot.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, Immutable, KnownLayout)]
pub struct Slot<K> {
    /// How many runs tried to claim the slot. Once it is `ready`, and if it is a
    /// flow's: the jiffies in which a drop of its connection was last noted,
    /// their lowest bit set.
    pub claim: u32,
    /// 1 once `key` is complete.
    pub ready: u32,
    /// What is counted here.
    pub key: K,
    /// Its sums.
    pub weights: Weights,
}

const _: () = assert!(size_of::<Slot<SiteKey>>() == 64);
const _: () = assert!(size_of::<Slot<FlowKey>>() == 104);

/// What one CPU counts in one generation.
#[repr(C)]
#[derive(FromBytes, Immutable, KnownLayout)]
pub struct CpuArea {
    /// Indexed by [`Counter`].
    pub counters: [u64; COUNTERS],
    /// First-come slots, two candidates per key.
    pub sites: [Slot<SiteKey>; SITE_SLOTS],
    /// First-come slots, two candidates per key.
    pub flows: [Slot<FlowKey>; FLOW_SLOTS],
}

/// Length of [`CpuArea::counters`].
pub const COUNTERS: usize = 40;

/// Index into [`CpuArea::counters`].
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Runs of the `skb:kfree_skb` program.
    Fired,
    /// Members of a `frag_list`, freed with the packet they belong to.
    Parts,
    /// Drops that the filter rejected.
    Filtered,
    /// Drops that the filter could not decide.
    Undecided,
    /// Counted drops for which no site row was left. What is not a part and
    /// not rejected is counted: in a row or here.
    SiteOther,
    /// Their wire packets.
    SiteOtherPackets,
    /// Their bytes.
    SiteOtherBytes,
    /// Counted drops for which no flow row was left.
    FlowOther,
    /// Counted drops without a flow: not IP or ARP, or not readable.
    NoFlow,
    /// Counted drops that should have a flow which could not be read.
    Unparsed,
    /// Events handed to the ring.
    Emitted,
    /// Events the ring had no room for.
    RingLost,
    /// Drops that emit no event although events are emitted. Where none are,
    /// user space sets it to all that were counted.
    SampledOut,
    /// Drops counted in the site hash.
    SiteSpilled,
    /// Drops counted in the flow hash.
    FlowSpilled,
    /// Runs of `net:netif_receive_skb`.
    RxPackets,
    /// Runs of `net:net_dev_queue`.
    TxPackets,
    /// Runs of `napi:napi_poll`.
    NapiPolls,
    /// Polls that used their whole budget: the ring was not drained.
    NapiFull,
    /// Runs of `tcp:tcp_retransmit_skb`.
    TcpRetransmitSkb,
    /// Runs of `tcp:tcp_retransmit_synack`.
    TcpRetransmitSynack,
    /// Runs of `tcp:tcp_receive_reset`.
    TcpReceiveReset,
    /// Runs of `tcp:tcp_send_reset`.
    TcpSendReset,
    /// Runs of `tcp:tcp_bad_csum`.
    TcpBadCsum,
    /// Runs of `sock:sock_rcvqueue_full`.
    SockRcvqueueFull,
    /// Runs of `sock:sock_exceed_buf_limit`.
    SockExceedBufLimit,
    /// Runs of `udp:udp_fail_queue_rcv_skb`.
    UdpFailQueueRcvSkb,
    /// Runs of `net:net_dev_xmit_timeout`.
    NetDevXmitTimeout,
    /// Runs of `xdp:xdp_exception`.
    XdpException,
    /// Runs of `xdp:xdp_redirect_err`.
    XdpRedirectErr,
    /// Runs of `qdisc:qdisc_drop`.
    QdiscDrop,
    /// Full polls of instances for which the table had no room.
    NapiOther,
    /// Counted drops of TCP flows for which the table of consequences had no
    /// room.
    ConsequenceOther,
}

const _: () = assert!((Counter::ConsequenceOther as usize) < COUNTERS);

/// What user space tells running programs; one entry, mapped into user space.
#[repr(C)]
#[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Control {
    /// The generation to count into, 0 or 1.
    pub generation: u32,
    /// Events that each CPU may send in this generation, with
    /// [`EMIT_SOME`](crate::config::EMIT_SOME).
    pub allowance: u32,
    /// Start and size of `skb_release_data`, which frees the members of a
    /// `frag_list`; an empty range matches nothing.
    pub part_range: [u64; 2],
    /// Start and size of `kfree_skb_list` on kernels where both a `frag_list` and a list
    /// of packets dropped by a qdisc are freed from it (5.10, 5.15).
    pub list_range: [u64; 2],
}

const _: () = assert!(size_of::<Control>() == 40);

/// The packet a CPU has in hand on one path, written by the per-packet hooks.
#[repr(C)]
#[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Tag {
    /// Address of the skb; only compared, never read through.
    pub skb: u64,
    /// Its device at the hook.
    pub ifindex: u32,
    /// Its network namespace at the hook.
    pub netns: u32,
}

/// Both tags of a CPU, in a cache line of their own.
#[repr(C, align(64))]
#[derive(Clone, Copy, Default)]
pub struct Tags {
    /// Set by `net:netif_receive_skb`.
    pub rx: Tag,
    /// Set by `net:net_dev_queue`.
    pub tx: Tag,
    /// When `rx` was set, in nanoseconds of `CLOCK_MONOTONIC`; 0 once the packet
    /// is known to be no longer in hand, and without histograms.
    pub rx_time: u64,
    /// When `tx` was set.
    pub tx_time: u64,
}
