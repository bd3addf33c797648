//! A sampled drop as a row, and such a row as a drop.

pub(super) mod hexadecimal;

use std::{net::IpAddr, num::NonZeroU64, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use netdrop_ebpf::site::{SiteKey, state};

use super::{
    columns::Line,
    names::{ENGINES, KINDS, address, direction, evidence, hook, word},
};
use crate::{
    drops::{
        frame::{Frame, Tag},
        stage::Stage,
    },
    tally::{
        headers::Headers,
        names::{Evidence, Process, Severity},
        packet::Drop,
    },
};

/// Events of an interval at most; further ones are counted as sampled out.
pub const MOST_EVENTS: usize = 1 << 14;

/// Texts that a row of an event needs.
#[derive(Debug)]
pub(super) struct Texts {
    address: Option<String>,
    src: Option<String>,
    dst: Option<String>,
    headers: Option<String>,
    stack: Option<String>,
}

impl Texts {
    pub(super) fn of(drop: &Drop) -> Self {
        Self {
            address: drop.address.map(|address| format!("{address:#x}")),
            src: drop.src.map(|end| end.to_string()),
            dst: drop.dst.map(|end| end.to_string()),
            headers: drop.headers.as_ref().map(Headers::hexadecimal),
            stack: drop.stack.as_ref().map(|frames| frames.join(";")),
        }
    }

    /// The row of an event at this site.
    pub(super) fn line<'a>(&'a self, base: &Line<'a>, drop: &'a Drop, key: &SiteKey) -> Line<'a> {
        let tag = drop.tag();
        Line {
            stage: drop.stage.as_deref(),
            hook: drop.hook.as_deref(),
            engine: drop.engine.as_deref(),
            qdisc: drop.qdisc.as_deref(),
            stage_by: drop.stage_by.as_str(),
            reason: drop.reason.as_deref(),
            function: drop.function.as_deref(),
            offset: drop.offset,
            address: self.address.as_deref(),
            direction: drop.direction.as_deref(),
            severity: Some(drop.severity.as_str()),
            protocol: drop.protocol.as_deref(),
            ethertype: Some(key.ethertype),
            ip_protocol: Some(key.protocol.into()),
            state: Some(key.state),
            facts: Some(key.facts),
            device: drop.device.as_deref(),
            ifindex: drop.ifindex,
            netns: drop.netns,
            netns_name: drop.netns_name.as_deref(),
            netns_kind: drop.netns_kind.as_deref(),
            cpu: Some(drop.cpu),
            src: self.src.as_deref(),
            src_port: drop.src_port,
            dst: self.dst.as_deref(),
            dst_port: drop.dst_port,
            icmp_type: drop.icmp.map(|(r#type, _)| r#type.into()),
            icmp_code: drop.icmp.map(|(_, code)| code.into()),
            at: i64::try_from(drop.time.as_nanosecond()).ok(),
            length: Some(drop.length),
            segments: Some(drop.segments),
            frame_length: drop.frame.and_then(|frame| frame.length),
            frame_tags: drop.frame.map(|frame| frame.tags_inside.into()),
            vlan_type: tag.map(|tag| tag.ethertype),
            vlan_control: tag.map(|tag| tag.control),
            tcp_flags: drop.tcp_flags.as_deref(),
            pid: drop.pid,
            command: drop.command.as_deref(),
            cgroup: drop.cgroup.as_deref(),
            receiver_pid: drop.receiver.as_ref().map(|process| process.pid),
            receiver_command: drop.receiver.as_ref().map(|process| &*process.command),
            headers: self.headers.as_deref(),
            headers_from: drop.headers.as_ref().map(Headers::from),
            stack: self.stack.as_deref(),
            ..*base
        }
    }
}

/// The drop of a row; `None` where it does not say when.
pub(super) fn drop(line: &Line<'_>) -> Option<Drop> {
    let text = |text: Option<&str>| text.map(Arc::<str>::from);
    let end = |text: Option<&str>| text.and_then(|text| text.parse::<IpAddr>().ok());
    let small = |number: Option<u16>| number.and_then(|number| u8::try_from(number).ok());
    let process = |pid: Option<u32>, command: Option<&str>| {
        Some(Process {
            pid: pid?,
            command: command?.into(),
        })
    };
    Some(Drop {
        time: Timestamp::from_nanosecond(line.at?.into()).ok()?,
        cpu: line.cpu.unwrap_or_default(),
        reason: text(line.reason),
        stage: line.stage.map(|stage| {
            let known = Stage::find(stage).unwrap_or(Stage::unknown());
            known.id().into()
        }),
        hook: text(line.hook.and_then(hook)),
        engine: text(line.engine.and_then(|engine| word(engine, &ENGINES))),
        qdisc: text(line.qdisc),
        stage_by: line.stage_by.map_or(Evidence::Nothing, evidence),
        direction: text(line.direction.and_then(direction)),
        function: text(line.function),
        offset: line.offset,
        address: line.address.and_then(|text| NonZeroU64::new(address(text))),
        device: text(line.device),
        ifindex: line.ifindex,
        netns: line.netns,
        netns_name: text(line.netns_name),
        netns_kind: text(line.netns_kind.and_then(|kind| word(kind, &KINDS))),
        protocol: text(line.protocol),
        src: end(line.src),
        src_port: line.src_port,
        dst: end(line.dst),
        dst_port: line.dst_port,
        icmp: small(line.icmp_type).zip(small(line.icmp_code)),
        cut: line.state.unwrap_or_default() & state::NO_TRANSPORT != 0,
        length: line.length.unwrap_or_default(),
        segments: line.segments.unwrap_or_default(),
        frame: small(line.frame_tags).map(|tags_inside| Frame {
            length: line.frame_length,
            tag: line.vlan_type.map(|ethertype| Tag {
                ethertype,
                control: line.vlan_control.unwrap_or_default(),
            }),
            tags_inside,
        }),
        ethertype: line.ethertype.filter(|number| *number != 0),
        tcp_flags: line.tcp_flags.map(str::to_owned),
        pid: line.pid,
        command: line.command.map(str::to_owned),
        cgroup: text(line.cgroup),
        receiver: process(line.receiver_pid, line.receiver_command),
        severity: line
            .severity
            .and_then(|word| word.parse().ok())
            .unwrap_or(Severity::Suspicious),
        headers: line
            .headers
            .and_then(hexadecimal::read)
            .map(|bytes| Headers {
                link_layer: line.headers_from == Some("link"),
                bytes: Bytes::from(bytes),
            }),
        stack: line.stack.map(|frames| {
            let frames = frames.split(';').filter(|frame| !frame.is_empty());
            frames.map(str::to_owned).collect()
        }),
    })
}
