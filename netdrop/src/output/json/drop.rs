//! `{"type":"drop",…}`

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    drops::frame::Tag,
    tally::{headers::Headers, packet::Drop, protocol::ethertype_text},
};

#[derive(Serialize)]
pub(super) struct Object<'a> {
    r#type: &'static str,
    #[serde(serialize_with = "nanoseconds")]
    time: Timestamp,
    cpu: u32,
    reason: Option<&'a str>,
    stage: Option<&'a str>,
    direction: Option<&'a str>,
    function: Option<&'a str>,
    offset: Option<u64>,
    address: Option<String>,
    device: Option<&'a str>,
    ifindex: Option<u32>,
    netns: Option<u32>,
    netns_name: Option<&'a str>,
    netns_kind: Option<&'a str>,
    protocol: Option<&'a str>,
    src: Option<IpAddr>,
    src_port: Option<u16>,
    dst: Option<IpAddr>,
    dst_port: Option<u16>,
    icmp_type: Option<u8>,
    icmp_code: Option<u8>,
    length: u32,
    segments: u16,
    ethertype: Option<String>,
    tcp_flags: Option<&'a str>,
    pid: Option<u32>,
    command: Option<&'a str>,
    cgroup: Option<&'a str>,
    receiver_pid: Option<u32>,
    receiver_command: Option<&'a str>,
    /// Comes with an option of its own.
    age_ns: Option<u64>,
    severity: &'static str,
    stack: Option<&'a [String]>,
    hook: Option<&'a str>,
    engine: Option<&'a str>,
    qdisc: Option<&'a str>,
    stage_by: Option<&'static str>,
    headers: Option<String>,
    headers_from: Option<&'static str>,
    frame_length: Option<u32>,
    vlan: Option<u16>,
}

impl<'a> Object<'a> {
    pub(super) fn of(drop: &'a Drop) -> Self {
        Self {
            r#type: "drop",
            time: drop.time,
            cpu: drop.cpu,
            reason: drop.reason.as_deref(),
            stage: drop.stage.as_deref(),
            hook: drop.hook.as_deref(),
            engine: drop.engine.as_deref(),
            qdisc: drop.qdisc.as_deref(),
            stage_by: drop.stage_by.as_str(),
            direction: drop.direction.as_deref(),
            function: drop.function.as_deref(),
            offset: drop.offset,
            address: drop.address.map(|address| format!("{address:#x}")),
            device: drop.device.as_deref(),
            ifindex: drop.ifindex,
            netns: drop.netns,
            netns_name: drop.netns_name.as_deref(),
            netns_kind: drop.netns_kind.as_deref(),
            protocol: drop.protocol.as_deref(),
            src: drop.src,
            src_port: drop.src_port,
            dst: drop.dst,
            dst_port: drop.dst_port,
            icmp_type: drop.icmp.map(|(r#type, _)| r#type),
            icmp_code: drop.icmp.map(|(_, code)| code),
            length: drop.length,
            segments: drop.segments,
            ethertype: drop.ethertype.map(ethertype_text),
            tcp_flags: drop.tcp_flags.as_deref(),
            pid: drop.pid,
            command: drop.command.as_deref(),
            cgroup: drop.cgroup.as_deref(),
            receiver_pid: drop.receiver.as_ref().map(|process| process.pid),
            receiver_command: drop.receiver.as_ref().map(|process| &*process.command),
            age_ns: None,
            severity: drop.severity.as_str(),
            stack: drop.stack.as_deref(),
            headers: drop.headers.as_ref().map(Headers::hexadecimal),
            headers_from: drop.headers.as_ref().map(Headers::from),
            frame_length: drop.frame.and_then(|frame| frame.length),
            vlan: drop.tag().map(Tag::vlan),
        }
    }
}

fn nanoseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.9}"))
}
