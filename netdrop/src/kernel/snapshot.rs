//! The exact counts of one interval, as read from the kernel.

use netdrop_ebpf::{
    area::{COUNTERS, Counter, Weights},
    flow::FlowKey,
    hurt::{Connection, Followed as Counts},
    site::SiteKey,
    squeeze::NapiKey,
};

use super::histogram::Histogram;

/// Event counters of one interval, indexed by [`Counter`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters(pub [u64; COUNTERS]);

impl Default for Counters {
    fn default() -> Self {
        Self([0; COUNTERS])
    }
}

impl Counters {
    /// The value of one counter.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }

    /// Drops that were neither part of another nor rejected: each is in a
    /// site's row or in `SiteOther`.
    #[must_use]
    pub fn counted(&self) -> u64 {
        let not_counted =
            self.get(Counter::Parts) + self.get(Counter::Filtered) + self.get(Counter::Undecided);
        self.get(Counter::Fired).saturating_sub(not_counted)
    }
}

/// What followed the drops of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Whose.
    pub connection: Connection,
    /// Since the connection came into the table: `Hurt::followed`.
    pub counts: Counts,
    /// It has been removed from the table: when it comes back, its counts begin
    /// at zero.
    pub removed: bool,
}

/// The connections whose drops may have consequences.
#[derive(Clone, Debug, Default)]
pub struct Aftermath {
    /// Every connection of which a packet died not long ago, but those that the
    /// table had no room for. Each once.
    pub connections: Vec<Followed>,
    /// Does this kernel show every retransmission?
    pub all_retransmits: bool,
    /// Does this kernel show every RST sent? Before 6.10 `tcp_send_reset` was
    /// silent about those without a socket.
    pub all_resets: bool,
}

/// What happened since the snapshot before.
///
/// `sites` and `flows` may hold a key more than once; sum them.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Measured length of the interval in seconds (`CLOCK_MONOTONIC`).
    pub seconds: f64,
    /// Counters summed over all CPUs.
    pub counters: Counters,
    /// Drops by site. `counters.counted()` − their sum = `counters[SiteOther]`.
    pub sites: Vec<(SiteKey, Weights)>,
    /// Drops by flow and site; `None` where flows are not counted.
    /// `counters.counted()` = their sum + `FlowOther` + `NoFlow`.
    pub flows: Option<Vec<(FlowKey, Weights)>>,
    /// Stacks met for the first time: their number in the site's key, and their
    /// frames, innermost first.
    pub stacks: Vec<(u16, Vec<u64>)>,
    /// Kinds of qdiscs met for the first time: CPU, the number there, from 1 on,
    /// and the name.
    pub qdiscs: Vec<(u16, u16, String)>,
    /// Full polls by NAPI instance and CPU. `counters[NapiFull]` = their sum +
    /// `counters[NapiOther]`.
    pub napis: Vec<(NapiKey, u64)>,
    /// What followed the drops of TCP connections; `None` where flows are not
    /// counted.
    pub aftermath: Option<Aftermath>,
    /// Drops that were counted and then, in user space, turned down by the filter
    /// or left undecided. They are part of `Filtered` and `Undecided`, and no
    /// longer of `counters.counted()`.
    pub rejected: u64,
    /// Runs that the kernel skipped because the program was already running on
    /// that CPU; `None` where the kernel cannot tell.
    pub recursion_missed: Option<u64>,
    /// Histograms of what the kernel side counted, whatever user space turned down;
    /// `None` where they are not counted.
    pub histograms: Option<Vec<Histogram>>,
}
