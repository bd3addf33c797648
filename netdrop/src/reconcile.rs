//! The kernel's counters of loss against the drops that were traced.
//!
//! Comes in: how far each counter went in an interval, and the exact counts of
//! drops by site. Goes out: for each counter, how much of it the traced drops
//! explain and what remains, with the causes that no drop event shows.

/// A counter of loss and what it is made of: `delta` = `traced` + `unexplained`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The counter: `Udp.RcvbufErrors`, `link.rx_dropped`.
    pub counter: String,
    /// Whose it is: `netns`, `host`, `eth0`, `eth0 qdisc fq_codel 0:` (device names
    /// not escaped).
    pub scope: String,
    /// What it counted.
    pub delta: u64,
    /// How much of that traced drops explain.
    pub traced: u64,
    /// The rest.
    pub unexplained: u64,
    /// How much of the rest is also the rest of a more specific counter
    /// (`Udp.RcvbufErrors` of `Udp.InErrors`): the same loss, counted twice.
    pub repeated: u64,
    /// Traced drops that belong to this counter and were not counted by it; with
    /// `traced` they are the drops in `by`.
    pub excess: u64,
    /// The traced drops, those that are most first.
    pub by: Vec<Part>,
    /// What no drop event shows, where something remains and it is known.
    pub note: Option<String>,
}

/// Traced drops behind a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Why; `None` where the kernel gives no reason.
    pub reason: Option<String>,
    /// In which function; `None` where it is unknown.
    pub function: Option<String>,
    /// At which stage.
    pub stage: String,
    /// How many.
    pub drops: u64,
}
