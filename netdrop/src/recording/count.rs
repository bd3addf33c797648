//! The kernel side's counters under the names that a recording gives them.

use netdrop_ebpf::area::Counter;

use crate::tally::choose::Singles;

/// Scope of the kernel side's own counters.
pub(super) const KERNEL: &str = "netdrop";
/// Scope of runs of the hooks that are no drops.
pub(super) const HOOK: &str = "hook";
/// Scope of the kernel's own `softnet_stat`.
pub(super) const SOFTNET: &str = "softnet";

/// Scope of the single drops that a filter of a recording asked.
pub(super) const SINGLES: &str = "singles";

/// Runs that the kernel skipped.
pub(super) const RECURSION_MISSED: &str = "recursion_missed";
/// Drops that user space's part of a filter did not want.
pub(super) const REJECTED: &str = "rejected";
/// Drops of flows that were counted, but are beyond `--top`.
pub(super) const FLOW_CUT: &str = "flow_cut";
/// Does this kernel show every retransmission?
pub(super) const ALL_RETRANSMITS: &str = "all_retransmits";
/// Does this kernel show every reset?
pub(super) const ALL_RESETS: &str = "all_resets";
/// Delta of `time_squeeze`, by CPU.
pub(super) const TIME_SQUEEZE: &str = "time_squeeze";

/// Counters, their scope and name, and the hook without which they mean nothing.
pub(super) const COUNTS: [(Counter, &str, &str, Option<&str>); 33] = [
    (Counter::Fired, KERNEL, "fired", None),
    (Counter::Parts, KERNEL, "parts", None),
    (Counter::Filtered, KERNEL, "filtered", None),
    (Counter::Undecided, KERNEL, "undecided", None),
    (Counter::SiteOther, KERNEL, "site_other", None),
    (
        Counter::SiteOtherPackets,
        KERNEL,
        "site_other_packets",
        None,
    ),
    (Counter::SiteOtherBytes, KERNEL, "site_other_bytes", None),
    (Counter::FlowOther, KERNEL, "flow_other", None),
    (Counter::NoFlow, KERNEL, "no_flow", None),
    (Counter::Unparsed, KERNEL, "unparsed", None),
    (Counter::Emitted, KERNEL, "delivered", None),
    (Counter::RingLost, KERNEL, "ring_lost", None),
    (Counter::SampledOut, KERNEL, "sampled_out", None),
    (Counter::SiteSpilled, KERNEL, "site_spilled", None),
    (Counter::FlowSpilled, KERNEL, "flow_spilled", None),
    (
        Counter::RxPackets,
        KERNEL,
        "rx_packets",
        Some("net:netif_receive_skb"),
    ),
    (
        Counter::TxPackets,
        KERNEL,
        "tx_packets",
        Some("net:net_dev_queue"),
    ),
    (
        Counter::NapiPolls,
        KERNEL,
        "napi_polls",
        Some("napi:napi_poll"),
    ),
    (
        Counter::NapiFull,
        KERNEL,
        "napi_full",
        Some("napi:napi_poll"),
    ),
    (
        Counter::NapiOther,
        KERNEL,
        "napi_other",
        Some("napi:napi_poll"),
    ),
    (Counter::ConsequenceOther, KERNEL, "consequence_other", None),
    hook(Counter::TcpRetransmitSkb, "tcp:tcp_retransmit_skb"),
    hook(Counter::TcpRetransmitSynack, "tcp:tcp_retransmit_synack"),
    hook(Counter::TcpReceiveReset, "tcp:tcp_receive_reset"),
    hook(Counter::TcpSendReset, "tcp:tcp_send_reset"),
    hook(Counter::TcpBadCsum, "tcp:tcp_bad_csum"),
    hook(Counter::SockRcvqueueFull, "sock:sock_rcvqueue_full"),
    hook(Counter::SockExceedBufLimit, "sock:sock_exceed_buf_limit"),
    hook(Counter::UdpFailQueueRcvSkb, "udp:udp_fail_queue_rcv_skb"),
    hook(Counter::NetDevXmitTimeout, "net:net_dev_xmit_timeout"),
    hook(Counter::XdpException, "xdp:xdp_exception"),
    hook(Counter::XdpRedirectErr, "xdp:xdp_redirect_err"),
    hook(Counter::QdiscDrop, "qdisc:qdisc_drop"),
];

/// How far single drops decided, by the names of JSON.
pub(super) fn singles(singles: Singles) -> [(&'static str, u64); 3] {
    let Singles {
        asked,
        kept,
        decided,
    } = singles;
    [("asked", asked), ("kept", kept), ("decided", decided)]
}

const fn hook(
    counter: Counter,
    name: &'static str,
) -> (Counter, &'static str, &'static str, Option<&'static str>) {
    (counter, HOOK, name, Some(name))
}

#[cfg(test)]
mod tests {
    use super::{COUNTS, Counter};

    #[test]
    fn every_counter_is_recorded_under_one_name() {
        // The last of the enumeration tells how many there are.
        assert_eq!(COUNTS.len(), Counter::ConsequenceOther as usize + 1);
        for (index, (counter, scope, name, _)) in COUNTS.iter().enumerate() {
            let same = |(other, in_scope, called, _): &(Counter, &str, &str, _)| {
                *other as usize == *counter as usize || (in_scope, called) == (scope, name)
            };
            assert!(!COUNTS[..index].iter().any(same), "{name}");
        }
    }
}
