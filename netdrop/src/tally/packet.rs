//! One drop in full, as `trace` shows it.

use std::{net::IpAddr, num::NonZeroU64, sync::Arc};

use jiff::Timestamp;
use netdrop_ebpf::{
    event::{EVENT_LINK_LAYER, EVENT_TCP_FLAGS, Event},
    site::state,
};

use super::{
    headers::Headers,
    intern::Name,
    names::{Evidence, Names, Process, Severity},
    protocol::{self, Ends},
    site::Sites,
};
use crate::{
    drops::{
        frame::{Frame, Tag},
        stage::Stage,
    },
    filter::row::Row,
    kernel::capture::{Detail, kind_name},
};

/// A dropped packet. `None` is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// When, by the wall clock.
    pub time: Timestamp,
    /// On which CPU.
    pub cpu: u32,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// In which stage of the stack.
    pub stage: Option<Arc<str>>,
    /// In which netfilter hook.
    pub hook: Option<Arc<str>>,
    /// By which netfilter engine.
    pub engine: Option<Arc<str>>,
    /// By which kind of qdisc.
    pub qdisc: Option<Arc<str>>,
    /// What told the stage.
    pub stage_by: Evidence,
    /// `rx`, `tx` or `forward`.
    pub direction: Option<Arc<str>>,
    /// In which function.
    pub function: Option<Arc<str>>,
    /// Bytes from the function's start.
    pub offset: Option<u64>,
    /// Where, when the function is unknown.
    pub address: Option<NonZeroU64>,
    /// Device.
    pub device: Option<Arc<str>>,
    /// Its index.
    pub ifindex: Option<u32>,
    /// Inode number of the network namespace.
    pub netns: Option<u32>,
    /// What the namespace is called.
    pub netns_name: Option<Arc<str>>,
    /// How that was found.
    pub netns_kind: Option<Arc<str>>,
    /// Protocol.
    pub protocol: Option<Arc<str>>,
    /// Source address.
    pub src: Option<IpAddr>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination address.
    pub dst: Option<IpAddr>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// ICMP type and code.
    pub icmp: Option<(u8, u8)>,
    /// Are its ports, or type and code, unknown, because it is a later fragment
    /// or its transport header is cut off?
    pub cut: bool,
    /// Bytes.
    pub length: u32,
    /// Packets on the wire.
    pub segments: u16,
    /// Its frame; `None` of a drop that an older version recorded.
    pub frame: Option<Frame>,
    /// Ethertype.
    pub ethertype: Option<u16>,
    /// TCP flags, as `SYN|ACK`.
    pub tcp_flags: Option<String>,
    /// The sender's process.
    pub pid: Option<u32>,
    /// The sender's command.
    pub command: Option<String>,
    /// The sender's control group.
    pub cgroup: Option<Arc<str>>,
    /// The process that holds the receiving socket.
    pub receiver: Option<Process>,
    /// How much it matters.
    pub severity: Severity,
    /// Its headers, where they were asked for and could be read.
    pub headers: Option<Headers>,
    /// Kernel stack from `function` on, innermost first.
    pub stack: Option<Vec<String>>,
}

/// Stages that packets of other senders reach in this sender's context, unless
/// the tag shows that this packet was sent just now.
const SHARED_STAGES: [&str; 5] = ["tx_neigh", "tx_qdisc", "tx_dev", "tx_tc", "tx_done"];

/// Stages in which a received packet that holds a socket holds its receiver's.
const SOCKET_STAGES: [&str; 5] = [
    "rx_synq",
    "rx_acceptq",
    "rx_tcp_auth",
    "rx_tcp_state",
    "rx_sock",
];

impl Drop {
    /// Names what an event tells by number. `boot` is the wall clock at
    /// `CLOCK_BOOTTIME` 0, `stack` whether stacks were asked for.
    pub fn of(
        detail: &Detail,
        boot: Timestamp,
        stack: bool,
        sites: &mut Sites,
        names: &mut dyn Names,
    ) -> Self {
        let Detail { event, .. } = detail;
        let key = &event.site;
        let site = sites.site(key, names);
        let frames = detail.frames();
        let site = if stack {
            sites.with_stack(key, &site, &frames, names)
        } else {
            site
        };
        let device = sites.device(key, names);
        sites.learn_netns(key.netns, names);
        let netns = sites.netns(key.netns);
        let ends = Ends::of(key, &event.addrs);
        let text = |name: Option<Name>| name.map(|name| Arc::clone(sites.interner.text(name)));
        let stage = text(site.stage);
        let (pid, command) = sender(event, stage.as_deref());
        let cgroup = match (pid, event.cgroup) {
            (None, _) | (_, 0) => None,
            (Some(pid), id) => names.cgroup(id, pid),
        };
        let receiver = receiver(event, stage.as_deref()).and_then(|socket| names.holder(socket));
        Self {
            time: at(boot, event.time),
            cpu: key.cpu.into(),
            reason: text(site.reason),
            hook: text(site.hook),
            engine: text(site.engine),
            qdisc: qdisc(event, stage.as_deref()),
            stage_by: site.by,
            direction: text(site.direction),
            function: text(site.function),
            offset: site.offset,
            address: site.address,
            device: text(device),
            ifindex: known(key.ifindex),
            netns: known(key.netns),
            netns_name: text(netns.map(|netns| netns.name)),
            netns_kind: text(netns.map(|netns| netns.kind)),
            protocol: text(site.protocol),
            src: ends.src,
            src_port: ends.src_port,
            dst: ends.dst,
            dst_port: ends.dst_port,
            icmp: protocol::icmp(key, &event.addrs),
            cut: key.state & state::NO_TRANSPORT != 0,
            length: event.length,
            segments: event.segments,
            frame: Some(Frame::of(event)),
            ethertype: (key.ethertype != 0).then_some(key.ethertype),
            tcp_flags: (event.flags & EVENT_TCP_FLAGS != 0).then(|| tcp_flags(event.tcp_flags)),
            pid,
            command,
            cgroup,
            receiver,
            severity: site.severity,
            headers: Headers::of(&detail.headers, event.flags & EVENT_LINK_LAYER != 0),
            stack: stack.then(|| super::stack::frames(&frames, key.location, names)),
            stage,
        }
    }

    /// The VLAN tag that is not in its frame but beside it.
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        self.frame?.tag
    }
}

impl<'a> From<&'a Drop> for Row<'a> {
    fn from(drop: &'a Drop) -> Self {
        Self {
            reason: drop.reason.as_deref(),
            stage: drop.stage.as_deref().and_then(Stage::find),
            function: drop.function.as_deref(),
            device: drop.device.as_deref(),
            netns: drop.netns,
            netns_name: drop.netns_name.as_deref(),
            cpu: u16::try_from(drop.cpu).unwrap_or(u16::MAX),
            severity: drop.severity,
        }
    }
}

fn known(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

fn at(boot: Timestamp, nanoseconds: u64) -> Timestamp {
    i64::try_from(nanoseconds)
        .ok()
        .map(jiff::SignedDuration::from_nanos)
        .and_then(|since| boot.checked_add(since).ok())
        .unwrap_or(boot)
}

fn sender(event: &Event, stage: Option<&str>) -> (Option<u32>, Option<String>) {
    let shared = stage.is_some_and(|stage| SHARED_STAGES.contains(&stage))
        && event.site.state & state::TAG_TX == 0;
    if event.pid == 0 || shared {
        return (None, None);
    }
    let command = event.command.split(|byte| *byte == 0).next();
    let command = command.map(|command| String::from_utf8_lossy(command).into_owned());
    (Some(event.pid), command)
}

/// The socket that was to get the packet: the one that the kernel names, or,
/// where the packet has come to sockets, the one it holds. Before that it may
/// still hold its sender's.
fn receiver(event: &Event, stage: Option<&str>) -> Option<u64> {
    let named = event.site.state & state::RX_SOCKET != 0;
    let at_socket = stage.is_some_and(|stage| SOCKET_STAGES.contains(&stage));
    (event.receiver != 0 && (named || at_socket)).then_some(event.receiver)
}

/// The kind of qdisc that dropped it.
fn qdisc(event: &Event, stage: Option<&str>) -> Option<Arc<str>> {
    let kind = kind_name(&event.qdisc);
    (stage == Some("tx_qdisc") && !kind.is_empty()).then(|| kind.into())
}

const FLAGS: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];

/// The flags that are set, lowest bit first.
#[must_use]
pub fn tcp_flags(flags: u8) -> String {
    let set: Vec<&str> = FLAGS
        .into_iter()
        .enumerate()
        .filter_map(|(bit, name)| (flags & (1 << bit) != 0).then_some(name))
        .collect();
    set.join("|")
}

/// The byte of these flags; `None` where one has another name.
pub(super) fn flags_of(text: &str) -> Option<u8> {
    let names = text.split('|').filter(|name| !name.is_empty());
    names
        .map(|name| FLAGS.iter().position(|flag| *flag == name))
        .try_fold(0, |byte, bit| Some(byte | 1 << bit?))
}

#[cfg(test)]
mod tests;
