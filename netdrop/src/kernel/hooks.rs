//! The tracepoints netdrop attaches to, and what each is for.

/// What leaving a hook out costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookRole {
    /// The drops themselves: without it there is nothing to see.
    Drops,
    /// Runs for every packet or poll; left out with `--lite`.
    PerPacket,
    /// Runs only when something goes wrong.
    Rare,
}

/// A tracepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// As tracefs spells it, for example `skb:kfree_skb`.
    pub name: &'static str,
    /// What is lost without it, to end the sentence "without it".
    pub feature: &'static str,
    /// How often it runs.
    pub role: HookRole,
}

impl Hook {
    /// The tracepoint's name without its subsystem: also the name of the
    /// program, and `btf_trace_…` in the kernel's type information.
    #[must_use]
    pub fn tracepoint(&self) -> &'static str {
        self.name
            .split_once(':')
            .map_or(self.name, |(_, name)| name)
    }
}

const fn hook(name: &'static str, role: HookRole, feature: &'static str) -> Hook {
    Hook {
        name,
        feature,
        role,
    }
}

/// Every hook, the drop itself first.
pub const HOOKS: &[Hook] = &[
    hook("skb:kfree_skb", HookRole::Drops, "no drop can be seen"),
    hook(
        "napi:napi_poll",
        HookRole::PerPacket,
        "polls that used up their budget are not counted",
    ),
    hook(
        "net:netif_receive_skb",
        HookRole::PerPacket,
        "received packets are not counted, so there is no drop ratio",
    ),
    hook(
        "net:net_dev_queue",
        HookRole::PerPacket,
        "sent packets are not counted, so there is no drop ratio",
    ),
    hook(
        "tcp:tcp_retransmit_skb",
        HookRole::Rare,
        "TCP retransmissions are not counted",
    ),
    hook(
        "tcp:tcp_retransmit_synack",
        HookRole::Rare,
        "SYN-ACK retransmissions are not counted",
    ),
    hook(
        "tcp:tcp_receive_reset",
        HookRole::Rare,
        "received TCP resets are not counted",
    ),
    hook(
        "tcp:tcp_send_reset",
        HookRole::Rare,
        "sent TCP resets are not counted",
    ),
    hook(
        "tcp:tcp_bad_csum",
        HookRole::Rare,
        "TCP checksum errors are seen only as drops",
    ),
    hook(
        "sock:sock_rcvqueue_full",
        HookRole::Rare,
        "full receive queues are seen only as drops",
    ),
    hook(
        "sock:sock_exceed_buf_limit",
        HookRole::Rare,
        "refusals for lack of protocol memory are not counted",
    ),
    hook(
        "udp:udp_fail_queue_rcv_skb",
        HookRole::Rare,
        "full UDP receive buffers are seen only as drops",
    ),
    hook(
        "net:net_dev_xmit_timeout",
        HookRole::Rare,
        "transmit queue time-outs are not counted",
    ),
    hook(
        "xdp:xdp_exception",
        HookRole::Rare,
        "frames lost to a failing XDP program are not counted",
    ),
    hook(
        "xdp:xdp_redirect_err",
        HookRole::Rare,
        "frames lost in an XDP redirect are not counted",
    ),
    hook(
        "qdisc:qdisc_drop",
        HookRole::Rare,
        "the qdisc that dropped a packet is not named (kernel 7.1 and later name it)",
    ),
];
