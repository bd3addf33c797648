//! From what the kernel said of a drop to where it happened and how much it
//! matters.
//!
//! The stage comes from, in this order: what is known of the reason in this
//! function, a specific reason, the function, a reason that only classifies
//! (out of memory, queue purged), the drop's own stack, what the packet looked
//! like, the stack of another drop of the site as a hint, nothing.
//!
//! The severity comes from, in this order: the owner (Unix and netlink buffers
//! are no packets: benign), what is known of the reason in this function, the
//! reason, and where there is none the stage.

use netdrop_ebpf::site::{SiteKey, facts, state};

use super::{
    catalogue::{self, Function, Override, Reason},
    direction::{Direction, Way, packet_type},
    evidence::Evidence,
    hook::Hook,
    severity::Severity,
    stack,
    stage::Stage,
};
use crate::kernel::symbols::plain_name;

/// What is known of a drop before it is attributed.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The reason's name without `SKB_DROP_REASON_`; `None` on kernels without
    /// reasons and for numbers without a name.
    pub reason: Option<&'a str>,
    /// The function; it may carry the compiler's suffixes.
    pub function: Option<&'a str>,
    /// Ethertype, protocol and the bits of [`state`] and [`facts`].
    pub site: &'a SiteKey,
    /// A stack.
    pub frames: Frames<'a>,
}

/// Function names of a stack, without suffixes, innermost first.
#[derive(Clone, Copy, Debug)]
pub enum Frames<'a> {
    /// None was taken.
    None,
    /// Of the drop itself.
    Own(&'a [&'a str]),
    /// Of another drop of the same site.
    Hint(&'a [&'a str]),
}

/// What a drop means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// Where it happened.
    pub stage: Stage,
    /// In which netfilter hook, where the stage is netfilter and it is known.
    pub hook: Option<Hook>,
    /// Which way the packet was going.
    pub direction: Direction,
    /// How much it matters.
    pub severity: Severity,
    /// What told stage and hook: the less certain of the two.
    pub by: Evidence,
}

impl Attribution {
    /// Did netfilter drop it?
    #[must_use]
    pub fn is_netfilter(&self) -> bool {
        self.stage.id() == NETFILTER
    }

    /// Could a stack tell more?
    #[must_use]
    pub fn is_open(&self) -> bool {
        let Self {
            stage, hook, by, ..
        } = self;
        *by == Evidence::Nothing || stage.id() == NETFILTER && hook.is_none()
    }
}

const NETFILTER: &str = "netfilter";

/// The reason that says there is none.
const NOT_SPECIFIED: &str = "NOT_SPECIFIED";

/// What the catalogue has for kernels without reasons, where it is not the
/// same as for [`NOT_SPECIFIED`]: the function then drops for reasons that newer
/// kernels name.
const REASONLESS: &str = "-";

/// Reasons that happen anywhere, so that the function tells more.
const ANYWHERE: [&str; 3] = ["NOMEM", "DEV_READY", "QUEUE_PURGE"];

/// Functions that free lists for others: up to 5.15 the qdisc's drops end
/// here.
const LIST_HELPERS: [&str; 3] = ["kfree_skb_list", "kfree_skb_list_reason", "skb_drop_list"];

const AF_UNIX: u8 = 1;
const AF_NETLINK: u8 = 16;

/// `PACKET_OTHERHOST` of `include/uapi/linux/if_packet.h`.
const PACKET_OTHERHOST: u16 = 3;

/// Functions that free packets of either path for others: the packet tells
/// which.
const DISCARD: &str = "dst_discard_out";

/// Where the last segments of handshakes arrive. What they drop is a connection
/// that found no room, or was refused; `TCP_LISTEN_OVERFLOW` from 6.15.
const HANDSHAKE: [&str; 2] = ["tcp_v4_rcv", "tcp_v6_rcv"];

/// Says what a drop means.
#[must_use]
pub fn attribute(facts: &Facts<'_>) -> Attribution {
    let Facts {
        reason,
        function,
        site,
        frames,
    } = *facts;
    let function = function.map(plain_name);
    let bits = site.state;
    let known = Known {
        reason: reason
            .filter(|&reason| reason != NOT_SPECIFIED)
            .and_then(catalogue::reason),
        function: function.and_then(catalogue::function),
        both: function.and_then(|function| match reason {
            Some(reason) => catalogue::at(reason, function),
            None => catalogue::at(REASONLESS, function)
                .or_else(|| catalogue::at(NOT_SPECIFIED, function)),
        }),
    };
    let (mut stage, way, mut by) = known.place(function, site, frames);
    let mut severity = known.severity(stage, reason.is_none(), bits);
    if is_overflow(reason, function, site) {
        (stage, by) = (named("rx_acceptq"), Evidence::State);
        severity = Severity::Harmful;
    }
    let mut direction = Direction::of(way, stage, bits);
    let mut hook = None;
    if stage.id() == NETFILTER {
        let (found, told) = hook_of(function, site, frames);
        hook = found;
        if let Some(hook) = hook {
            by = by.max(told);
            direction = hook.direction(bits & state::RECEIVED != 0);
        } else if is_bridged_on(site) {
            direction = Direction::Forward;
        }
    }
    if site.ethertype == 0 && matches!(site.protocol, AF_UNIX | AF_NETLINK) {
        if stage.id() != "sock_purge" {
            stage = named("other");
        }
        severity = Severity::Benign;
        direction = Direction::Unknown;
        hook = None;
    }
    Attribution {
        stage,
        hook,
        direction,
        severity,
        by,
    }
}

/// Did a connection find no room in the accept queue, without the kernel saying
/// so? Telling needs the receiving socket (6.11+).
fn is_overflow(reason: Option<&str>, function: Option<&str>, site: &SiteKey) -> bool {
    site.facts & facts::ACCEPT_QUEUE_FULL != 0
        && reason == Some(NOT_SPECIFIED)
        && function.is_some_and(|function| HANDSHAKE.contains(&function))
}

/// Is it on another port of a bridge than the one it came in by?
fn is_bridged_on(site: &SiteKey) -> bool {
    let port = site.facts & (facts::BRIDGE_PORT | facts::ON_INCOMING_DEVICE);
    site.state & state::RECEIVED != 0 && port == facts::BRIDGE_PORT
}

/// A function into which a hook was inlined knows it, then the drop's own stack,
/// then the packet, then a hint.
fn hook_of(function: Option<&str>, site: &SiteKey, frames: Frames<'_>) -> (Option<Hook>, Evidence) {
    if let Some(hook) = function.and_then(Hook::run_by) {
        return (Some(hook), Evidence::Function);
    }
    if let Frames::Own(frames) = frames
        && let Some(hook) = stack::hook(frames)
    {
        return (Some(hook), Evidence::Stack);
    }
    if let Some(hook) = Hook::of(site.state, site.facts) {
        return (Some(hook), Evidence::State);
    }
    if let Frames::Hint(frames) = frames {
        return (stack::hook(frames), Evidence::Hint);
    }
    (None, Evidence::Nothing)
}

/// What the catalogue has for a drop.
struct Known {
    reason: Option<&'static Reason>,
    function: Option<&'static Function>,
    both: Option<&'static Override>,
}

impl Known {
    fn place(
        &self,
        function: Option<&str>,
        site: &SiteKey,
        frames: Frames<'_>,
    ) -> (Stage, Way, Evidence) {
        let unknown = Stage::unknown();
        if function == Some(DISCARD)
            && let Some((stage, way)) = discarded(site)
        {
            return (stage, way, Evidence::State);
        }
        if let Some(both) = self.both
            && both.stage != unknown
        {
            return (both.stage, both.way, Evidence::Function);
        }
        let reason = self.reason.filter(|reason| reason.stage != unknown);
        if let Some(reason) = reason
            && !ANYWHERE.contains(&reason.name)
        {
            return (reason.stage, self.way(reason), Evidence::Reason);
        }
        if let Some(function) = self.function
            && function.stage != unknown
        {
            return (function.stage, function.way, Evidence::Function);
        }
        if let Some(reason) = reason {
            return (reason.stage, reason.way, Evidence::Reason);
        }
        if let Frames::Own(frames) = frames
            && let Some((stage, way)) = stack::place(frames)
        {
            return (stage, way, Evidence::Stack);
        }
        if let Some(found) = by_packet(function, site.state) {
            return found;
        }
        if let Frames::Hint(frames) = frames
            && let Some((stage, way)) = stack::place(frames)
        {
            return (stage, way, Evidence::Hint);
        }
        (unknown, Way::Both, Evidence::Nothing)
    }

    /// A reason that occurs both ways leaves the direction to its function.
    fn way(&self, reason: &Reason) -> Way {
        match (reason.way, self.function) {
            (Way::Both, Some(function)) => function.way,
            (way, _) => way,
        }
    }

    fn severity(&self, stage: Stage, reasonless: bool, bits: u16) -> Severity {
        let told = self.both.and_then(|both| both.severity);
        if let Some(severity) = told.or(self.reason.map(|reason| reason.severity)) {
            return severity;
        }
        match stage.id() {
            "sock_purge" | "rx_tap" | "other" => Severity::Benign,
            // Frames for others, which a switch floods; OTHERHOST from 5.17.
            "rx_ip" if packet_type(bits) == PACKET_OTHERHOST => Severity::Benign,
            // What newer kernels call CPU_BACKLOG, TCP_LISTEN_OVERFLOW and
            // QDISC_DROP. A kernel with reasons would have said so.
            "rx_backlog" | "rx_acceptq" | "tx_qdisc" if reasonless => Severity::Harmful,
            _ => Severity::Suspicious,
        }
    }
}

/// A packet that a route or the absence of one threw away. Received ones went to
/// a refusing route or, in IPv6, carry no next header (59), whose handler is
/// the same function (net/ipv6/exthdrs.c, 5.10 to 7.2).
fn discarded(site: &SiteKey) -> Option<(Stage, Way)> {
    if site.state & state::RECEIVED == 0 {
        return None;
    }
    match site.facts & facts::ROUTE_MASK {
        facts::ROUTE_UNREAD => None,
        facts::ROUTE_LOCAL => Some((named("rx_l4"), Way::Rx)),
        _ => Some((named("rx_route"), Way::Rx)),
    }
}

/// The stage as far as the packet itself tells it.
fn by_packet(function: Option<&str>, bits: u16) -> Option<(Stage, Way, Evidence)> {
    let has = |bit| bits & bit != 0;
    let sent = has(state::TAG_TX) || !has(state::RECEIVED) && !has(state::RX_SOCKET);
    let on_device = has(state::DEVICE) && has(state::MAC);
    let (stage, way, by) =
        if sent && on_device && function.is_some_and(|it| LIST_HELPERS.contains(&it)) {
            ("tx_qdisc", Way::Tx, Evidence::State)
        } else if has(state::TAG_TX) {
            // Behind net_dev_queue and in no function of the stack: a driver.
            ("tx_dev", Way::Tx, Evidence::Tag)
        } else if has(state::RX_SOCKET) {
            ("rx_sock", Way::Rx, Evidence::State)
        } else if has(state::TAG_RX) && !has(state::ROUTED) {
            ("rx_core", Way::Rx, Evidence::Tag)
        } else if has(state::RECEIVED) && !has(state::NETWORK) {
            ("rx_dev", Way::Rx, Evidence::State)
        } else {
            return None;
        };
    Some((named(stage), way, by))
}

fn named(id: &str) -> Stage {
    Stage::find(id).unwrap_or_else(Stage::unknown)
}

#[cfg(test)]
mod tests;
