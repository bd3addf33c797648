//! A table of sampled drops, as RFC 4180 has it.

use std::io::{self, Write};

use super::{Exporter, Source, csv::quoted};
use crate::{
    drops::frame::Tag,
    tally::{headers::Headers, key::By, packet::Drop, period::Period, protocol::ethertype_text},
};

/// A cell; empty where it is unknown.
type Cell = fn(&Drop) -> Option<String>;

/// The columns, under the names of `docs/json.md`.
const COLUMNS: [(&str, Cell); 40] = [
    ("time", |drop| Some(format!("{:.9}", drop.time))),
    ("cpu", |drop| Some(drop.cpu.to_string())),
    ("reason", |drop| text(drop.reason.as_deref())),
    ("stage", |drop| text(drop.stage.as_deref())),
    ("hook", |drop| text(drop.hook.as_deref())),
    ("engine", |drop| text(drop.engine.as_deref())),
    ("qdisc", |drop| text(drop.qdisc.as_deref())),
    ("stage_by", |drop| text(drop.stage_by.as_str())),
    ("direction", |drop| text(drop.direction.as_deref())),
    ("severity", |drop| text(Some(drop.severity.as_str()))),
    ("function", |drop| text(drop.function.as_deref())),
    ("offset", |drop| number(drop.offset)),
    ("address", |drop| {
        drop.address.map(|address| format!("{address:#x}"))
    }),
    ("device", |drop| text(drop.device.as_deref())),
    ("ifindex", |drop| number(drop.ifindex)),
    ("netns", |drop| number(drop.netns)),
    ("netns_name", |drop| text(drop.netns_name.as_deref())),
    ("netns_kind", |drop| text(drop.netns_kind.as_deref())),
    ("protocol", |drop| text(drop.protocol.as_deref())),
    ("src", |drop| number(drop.src)),
    ("src_port", |drop| number(drop.src_port)),
    ("dst", |drop| number(drop.dst)),
    ("dst_port", |drop| number(drop.dst_port)),
    ("icmp_type", |drop| number(drop.icmp.map(|icmp| icmp.0))),
    ("icmp_code", |drop| number(drop.icmp.map(|icmp| icmp.1))),
    ("length", |drop| number(Some(drop.length))),
    ("segments", |drop| number(Some(drop.segments))),
    ("ethertype", |drop| drop.ethertype.map(ethertype_text)),
    ("tcp_flags", |drop| drop.tcp_flags.clone()),
    ("pid", |drop| number(drop.pid)),
    ("command", |drop| text(drop.command.as_deref())),
    ("cgroup", |drop| text(drop.cgroup.as_deref())),
    ("receiver_pid", |drop| {
        number(drop.receiver.as_ref().map(|process| process.pid))
    }),
    ("receiver_command", |drop| {
        text(drop.receiver.as_ref().map(|process| &*process.command))
    }),
    ("headers", |drop| {
        drop.headers.as_ref().map(Headers::hexadecimal)
    }),
    ("headers_from", |drop| {
        text(drop.headers.as_ref().map(Headers::from))
    }),
    ("cut", |drop| number(Some(drop.cut))),
    ("stack", |drop| {
        drop.stack.as_ref().map(|frames| quoted(&frames.join(";")))
    }),
    ("frame_length", |drop| {
        number(drop.frame.and_then(|frame| frame.length))
    }),
    ("vlan", |drop| number(drop.tag().map(Tag::vlan))),
];

fn text(text: Option<&str>) -> Option<String> {
    text.map(quoted)
}

fn number(number: Option<impl ToString>) -> Option<String> {
    number.map(|number| number.to_string())
}

/// Writes CSV.
#[derive(Debug, Default)]
pub struct CsvEvents;

impl Exporter for CsvEvents {
    fn keys(&self) -> &'static str {
        "reason"
    }

    fn wants_events(&self) -> bool {
        true
    }

    fn start(&mut self, out: &mut dyn Write, _source: &Source<'_>, _by: &By) -> io::Result<()> {
        write!(out, "{}\r\n", COLUMNS.map(|(name, _)| name).join(","))
    }

    fn event(&mut self, out: &mut dyn Write, drop: &Drop) -> io::Result<()> {
        let cells = COLUMNS.map(|(_, cell)| cell(drop).unwrap_or_default());
        write!(out, "{}\r\n", cells.join(","))
    }

    fn interval(&mut self, _out: &mut dyn Write, _period: &Period) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _out: &mut dyn Write, _summary: &Period) -> io::Result<()> {
        Ok(())
    }
}
