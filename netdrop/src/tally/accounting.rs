//! How sure the counts are, and what they are a share of.

use netdrop_ebpf::{area::Counter, squeeze::NapiKey};

use crate::kernel::{capture::HookStatus, snapshot::Snapshot};

/// Where every run of the drop hook went. Always:
/// runs = `recursion_missed` + `parts` + `filtered` + `undecided` + `counted`,
/// and `counted` + `rejected` − `sampled_out` − `ring_lost` = `delivered` where
/// events are emitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    /// Drops counted.
    pub counted: u64,
    /// Drops that the filter rejected.
    pub filtered: u64,
    /// Drops that the filter could not decide.
    pub undecided: u64,
    /// Those of `filtered` and `undecided` that user space turned down, after
    /// the kernel had counted them.
    pub rejected: u64,
    /// Members of a `frag_list`, freed with the packet they belong to.
    pub parts: u64,
    /// Drops that the kernel did not hand to the program; `None` where it
    /// cannot tell.
    pub recursion_missed: Option<u64>,
    /// Counted drops without room in the flow table; `None` where flows are
    /// not counted.
    pub flow_other: Option<u64>,
    /// Counted drops that have no flow, or none that could be read; `None`
    /// where flows are not counted.
    pub no_flow: Option<u64>,
    /// Counted drops of TCP flows without room in the table of consequences;
    /// `None` where flows are not counted.
    pub consequence_other: Option<u64>,
    /// Counted drops without room in the site table.
    pub site_other: u64,
    /// Events handed to the ring.
    pub delivered: u64,
    /// Events the ring had no room for.
    pub ring_lost: u64,
    /// Events not sent, to bound their rate.
    pub sampled_out: u64,
    /// Counted drops whose headers could not be read.
    pub unparsed: u64,
    /// Objects or lines that the reader of the output was too slow for.
    pub output_lost: u64,
}

impl Accounting {
    /// The accounting of one interval.
    #[must_use]
    pub fn of(snapshot: &Snapshot, output_lost: u64) -> Self {
        let count = |counter| snapshot.counters.get(counter);
        Self {
            counted: snapshot.counters.counted(),
            filtered: count(Counter::Filtered),
            undecided: count(Counter::Undecided),
            rejected: snapshot.rejected,
            parts: count(Counter::Parts),
            recursion_missed: snapshot.recursion_missed,
            flow_other: snapshot.flows.as_ref().map(|_| count(Counter::FlowOther)),
            no_flow: snapshot.flows.as_ref().map(|_| count(Counter::NoFlow)),
            consequence_other: snapshot
                .aftermath
                .as_ref()
                .map(|_| count(Counter::ConsequenceOther)),
            site_other: count(Counter::SiteOther),
            delivered: count(Counter::Emitted),
            ring_lost: count(Counter::RingLost),
            sampled_out: count(Counter::SampledOut),
            unparsed: count(Counter::Unparsed),
            output_lost,
        }
    }

    /// Adds a later interval.
    pub fn add(&mut self, other: &Self) {
        self.counted += other.counted;
        self.filtered += other.filtered;
        self.undecided += other.undecided;
        self.rejected += other.rejected;
        self.parts += other.parts;
        self.recursion_missed = sum(self.recursion_missed, other.recursion_missed);
        self.flow_other = sum(self.flow_other, other.flow_other);
        self.no_flow = sum(self.no_flow, other.no_flow);
        self.consequence_other = sum(self.consequence_other, other.consequence_other);
        self.site_other += other.site_other;
        self.delivered += other.delivered;
        self.ring_lost += other.ring_lost;
        self.sampled_out += other.sampled_out;
        self.unparsed += other.unparsed;
        self.output_lost += other.output_lost;
    }
}

/// What passed. `None` where the hook is not attached or the file not readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Passes of `netif_receive_skb`.
    pub rx_packets: Option<u64>,
    /// Passes of `net_dev_queue`.
    pub tx_packets: Option<u64>,
    /// NAPI polls.
    pub napi_polls: Option<u64>,
    /// Polls that used their whole budget.
    pub napi_full: Option<u64>,
    /// Delta of `time_squeeze` in `/proc/net/softnet_stat`, all CPUs.
    pub time_squeeze: Option<u64>,
}

impl Traffic {
    /// Adds a later interval.
    pub fn add(&mut self, other: &Self) {
        self.rx_packets = sum(self.rx_packets, other.rx_packets);
        self.tx_packets = sum(self.tx_packets, other.tx_packets);
        self.napi_polls = sum(self.napi_polls, other.napi_polls);
        self.napi_full = sum(self.napi_full, other.napi_full);
        self.time_squeeze = sum(self.time_squeeze, other.time_squeeze);
    }

    /// Passes in both directions, where both are known.
    #[must_use]
    pub fn passes(&self) -> Option<u64> {
        sum(self.rx_packets, self.tx_packets)
    }
}

/// Runs of a hook that is neither the drop nor traffic; `None` where it is not
/// attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookCount {
    /// As tracefs spells it.
    pub name: &'static str,
    /// Runs.
    pub count: Option<u64>,
}

/// Which hooks are attached, and so which counters mean something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    rx: bool,
    tx: bool,
    napi: bool,
    others: Vec<(&'static str, Option<Counter>)>,
}

/// The hooks that only count, by name.
const OTHERS: [(&str, Counter); 12] = [
    ("tcp:tcp_retransmit_skb", Counter::TcpRetransmitSkb),
    ("tcp:tcp_retransmit_synack", Counter::TcpRetransmitSynack),
    ("tcp:tcp_receive_reset", Counter::TcpReceiveReset),
    ("tcp:tcp_send_reset", Counter::TcpSendReset),
    ("tcp:tcp_bad_csum", Counter::TcpBadCsum),
    ("sock:sock_rcvqueue_full", Counter::SockRcvqueueFull),
    ("sock:sock_exceed_buf_limit", Counter::SockExceedBufLimit),
    ("udp:udp_fail_queue_rcv_skb", Counter::UdpFailQueueRcvSkb),
    ("net:net_dev_xmit_timeout", Counter::NetDevXmitTimeout),
    ("xdp:xdp_exception", Counter::XdpException),
    ("xdp:xdp_redirect_err", Counter::XdpRedirectErr),
    ("qdisc:qdisc_drop", Counter::QdiscDrop),
];

impl Attached {
    /// What a capture reports about its hooks.
    #[must_use]
    pub fn of(hooks: &[HookStatus]) -> Self {
        let attached = |name: &str| hooks.iter().any(|hook| hook.name == name && hook.attached);
        Self {
            rx: attached("net:netif_receive_skb"),
            tx: attached("net:net_dev_queue"),
            napi: attached("napi:napi_poll"),
            others: OTHERS
                .iter()
                .map(|(name, counter)| (*name, attached(name).then_some(*counter)))
                .collect(),
        }
    }

    /// What passed in one interval.
    #[must_use]
    pub fn traffic(&self, snapshot: &Snapshot, time_squeeze: Option<u64>) -> Traffic {
        let count = |attached: bool, counter| attached.then(|| snapshot.counters.get(counter));
        Traffic {
            rx_packets: count(self.rx, Counter::RxPackets),
            tx_packets: count(self.tx, Counter::TxPackets),
            napi_polls: count(self.napi, Counter::NapiPolls),
            napi_full: count(self.napi, Counter::NapiFull),
            time_squeeze,
        }
    }

    /// Full polls by instance; `None` where they are not counted.
    pub(super) fn full_polls<'s>(&self, snapshot: &'s Snapshot) -> Option<&'s [(NapiKey, u64)]> {
        self.napi.then_some(&snapshot.napis)
    }

    /// Runs of the other hooks in one interval.
    #[must_use]
    pub fn hook_counts(&self, snapshot: &Snapshot) -> Vec<HookCount> {
        self.others
            .iter()
            .map(|(name, counter)| HookCount {
                name,
                count: counter.map(|counter| snapshot.counters.get(counter)),
            })
            .collect()
    }
}

/// Known only where both are.
pub(crate) fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    Some(a? + b?)
}
