//! From what the kernel said of a drop to where it happened and how much it
//! matters.
//!
//! The stage comes from, in this order: what is known of the reason in this
//! function, a specific reason, the function, a reason that only classifies
//! (out of memory, queue purged), what the packet looked like, nothing.
//!
//! The severity comes from, in this order: the owner (Unix and netlink buffers
//! are no packets: benign), what is known of the reason in this function, the
//! reason, and where there is none the stage.

use netdrop_ebpf::site::state;

use super::{
    catalogue::{self, Function, Override, Reason},
    direction::{Direction, Way, packet_type},
    severity::Severity,
    stage::Stage,
};
use crate::kernel::symbols::plain_name;

/// What a drop means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// Where it happened.
    pub stage: Stage,
    /// Which way the packet was going.
    pub direction: Direction,
    /// How much it matters.
    pub severity: Severity,
    /// What told the stage.
    pub by: By,
}

/// What told the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The reason and the function together.
    ReasonInFunction,
    /// The reason.
    Reason,
    /// The function.
    Function,
    /// Tags and headers of the packet.
    Packet,
    /// Nothing: the stage is unknown.
    Nothing,
}

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

/// Says what a drop means.
///
/// `reason` is the name without `SKB_DROP_REASON_`, `None` on kernels without
/// reasons and for numbers without a name; `function` may carry the compiler's
/// suffixes; `bits` are those of [`state`]; `ethertype` and `protocol` as in
/// [`netdrop_ebpf::site::SiteKey`].
#[must_use]
pub fn attribute(
    reason: Option<&str>,
    function: Option<&str>,
    bits: u16,
    ethertype: u16,
    protocol: u8,
) -> Attribution {
    let function = function.map(plain_name);
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
    let (mut stage, way, by) = known.place(function, bits);
    let mut severity = known.severity(stage, reason.is_none(), bits);
    let mut direction = Direction::of(way, stage, bits);
    if ethertype == 0 && matches!(protocol, AF_UNIX | AF_NETLINK) {
        if stage.id() != "sock_purge" {
            stage = named("other");
        }
        severity = Severity::Benign;
        direction = Direction::Unknown;
    }
    Attribution {
        stage,
        direction,
        severity,
        by,
    }
}

/// What the catalogue has for a drop.
struct Known {
    reason: Option<&'static Reason>,
    function: Option<&'static Function>,
    both: Option<&'static Override>,
}

impl Known {
    fn place(&self, function: Option<&str>, bits: u16) -> (Stage, Way, By) {
        let unknown = Stage::unknown();
        if let Some(both) = self.both
            && both.stage != unknown
        {
            return (both.stage, both.way, By::ReasonInFunction);
        }
        let reason = self.reason.filter(|reason| reason.stage != unknown);
        if let Some(reason) = reason
            && !ANYWHERE.contains(&reason.name)
        {
            return (reason.stage, self.way(reason), By::Reason);
        }
        if let Some(function) = self.function
            && function.stage != unknown
        {
            return (function.stage, function.way, By::Function);
        }
        if let Some(reason) = reason {
            return (reason.stage, reason.way, By::Reason);
        }
        by_packet(function, bits).map_or((unknown, Way::Both, By::Nothing), |(stage, way)| {
            (stage, way, By::Packet)
        })
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

/// The stage as far as the packet itself tells it.
fn by_packet(function: Option<&str>, bits: u16) -> Option<(Stage, Way)> {
    let has = |bit| bits & bit != 0;
    let sent = has(state::TAG_TX) || !has(state::RECEIVED) && !has(state::RX_SOCKET);
    let on_device = has(state::DEVICE) && has(state::MAC);
    let (stage, way) = if sent && on_device && function.is_some_and(|it| LIST_HELPERS.contains(&it))
    {
        ("tx_qdisc", Way::Tx)
    } else if has(state::TAG_TX) {
        // Behind net_dev_queue and in no function of the stack: a driver.
        ("tx_dev", Way::Tx)
    } else if has(state::RX_SOCKET) {
        ("rx_sock", Way::Rx)
    } else if has(state::TAG_RX) && !has(state::ROUTED) {
        ("rx_core", Way::Rx)
    } else if has(state::RECEIVED) && !has(state::NETWORK) {
        ("rx_dev", Way::Rx)
    } else {
        return None;
    };
    Some((named(stage), way))
}

fn named(id: &str) -> Stage {
    Stage::find(id).unwrap_or_else(Stage::unknown)
}

#[cfg(test)]
mod tests {
    use netdrop_ebpf::site::state;

    use super::{By, Direction, Severity, attribute};

    const IPV4: u16 = 0x0800;

    /// Stage, direction, severity and what told the stage, of a UDP packet.
    fn of(
        reason: Option<&str>,
        function: Option<&str>,
        bits: u16,
    ) -> (&'static str, Direction, Severity, By) {
        let found = attribute(reason, function, bits, IPV4, 17);
        (found.stage.id(), found.direction, found.severity, found.by)
    }

    #[test]
    fn a_specific_reason_tells_the_stage() {
        assert_eq!(
            of(Some("NO_SOCKET"), Some("__udp4_lib_rcv"), state::RECEIVED),
            ("rx_lookup", Direction::Rx, Severity::Suspicious, By::Reason)
        );
    }

    #[test]
    fn the_same_reason_elsewhere_is_another_stage_and_severity() {
        assert_eq!(
            of(Some("NO_SOCKET"), Some("cookie_v4_check.isra.0"), 0),
            (
                "rx_acceptq",
                Direction::Rx,
                Severity::Harmful,
                By::ReasonInFunction
            )
        );
        assert_eq!(
            of(Some("IP_INHDR"), Some("ip_forward"), 0).1,
            Direction::Forward
        );
    }

    #[test]
    fn without_a_reason_the_function_tells_the_stage() {
        for reason in [None, Some("NOT_SPECIFIED")] {
            let (stage, direction, _, by) = of(reason, Some("arp_process"), state::RECEIVED);
            assert_eq!(
                (stage, direction, by),
                ("rx_nd", Direction::Rx, By::Function)
            );
        }
        let (stage, _, severity, by) = of(None, Some("ip6_mc_input"), 0);
        assert_eq!(
            (stage, severity, by),
            ("rx_ip", Severity::Benign, By::ReasonInFunction)
        );
    }

    #[test]
    fn a_reason_that_happens_anywhere_leaves_the_stage_to_the_function() {
        assert_eq!(of(Some("NOMEM"), Some("ip_rcv"), 0).0, "rx_ip");
        assert_eq!(of(Some("NOMEM"), Some("foreign_function"), 0).0, "mem");
        assert_eq!(of(Some("NOMEM"), None, 0).2, Severity::Harmful);
    }

    #[test]
    fn a_kernel_without_reasons_gets_the_severity_its_newer_twin_would_say() {
        assert_eq!(of(None, Some("enqueue_to_backlog"), 0).2, Severity::Harmful);
        assert_eq!(
            of(Some("NOT_SPECIFIED"), Some("flush_backlog"), 0).2,
            Severity::Suspicious
        );
        // Hidden as benign, closed ports would be missing on 5.10.
        assert_eq!(of(None, Some("tcp_v4_rcv"), 0).2, Severity::Suspicious);
        assert_eq!(
            of(Some("NOT_SPECIFIED"), Some("tcp_v4_rcv"), 0).2,
            Severity::Benign
        );
        let otherhost = 3 << state::PACKET_TYPE_SHIFT;
        assert_eq!(of(None, Some("ip_rcv_core"), otherhost).2, Severity::Benign);
    }

    #[test]
    fn qdisc_drops_of_old_kernels_are_known_by_the_packet() {
        let sent = state::TAG_TX | state::DEVICE | state::MAC | state::SOCKET;
        assert_eq!(
            of(None, Some("kfree_skb_list"), sent),
            ("tx_qdisc", Direction::Tx, Severity::Harmful, By::Packet)
        );
        assert_eq!(
            of(
                None,
                Some("kfree_skb_list"),
                state::RECEIVED | state::NETWORK
            )
            .0,
            "unknown"
        );
    }

    #[test]
    fn unix_and_netlink_buffers_are_benign_and_no_packets() {
        let found = attribute(
            Some("NOMEM"),
            Some("unix_dgram_sendmsg"),
            state::SOCKET,
            0,
            1,
        );
        assert_eq!(
            (found.stage.id(), found.severity, found.direction),
            ("other", Severity::Benign, Direction::Unknown)
        );
        let purged = attribute(Some("QUEUE_PURGE"), None, 0, 0, 16);
        assert_eq!(purged.stage.id(), "sock_purge");
    }

    #[test]
    fn a_received_packet_that_dies_on_its_way_out_was_forwarded() {
        let reason = Some("QDISC_DROP");
        let function = Some("__dev_queue_xmit");
        assert_eq!(of(reason, function, state::SOCKET).1, Direction::Tx);
        assert_eq!(of(reason, function, state::RECEIVED).1, Direction::Forward);
    }

    #[test]
    fn what_nothing_tells_stays_unknown() {
        assert_eq!(
            of(None, None, 0),
            (
                "unknown",
                Direction::Unknown,
                Severity::Suspicious,
                By::Nothing
            )
        );
    }
}
