//! Sampled drops as packets, for Wireshark and its kin: what is known of each
//! drop stands in its comment.

mod blocks;

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt::Write as _,
    io::{self, Write},
};

use self::blocks::{Link, Packet, Toward};
use super::{Exporter, Source};
use crate::{
    drops::frame::Tag,
    output::escape::escape,
    tally::{headers::Headers, key::By, packet::Drop, period::Period},
};

/// Which interface a packet belongs to: of which namespace and device, and with
/// which header its bytes begin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Interface {
    netns: Option<u32>,
    ifindex: Option<u32>,
    device: Option<Box<str>>,
    link: Link,
}

/// Writes pcapng.
#[derive(Debug, Default)]
pub struct Pcapng {
    interfaces: HashMap<Interface, u32>,
}

impl Exporter for Pcapng {
    fn keys(&self) -> &'static str {
        "reason"
    }

    fn wants_events(&self) -> bool {
        true
    }

    fn start(&mut self, out: &mut dyn Write, source: &Source<'_>, _by: &By) -> io::Result<()> {
        let header = source.header;
        let system = format!("Linux {}", header.kernel);
        let application = format!("netdrop {}", header.version);
        let host = format!("host {}", header.host);
        blocks::section(
            out,
            &escape(&header.machine),
            &escape(&system),
            &escape(&application),
            &escape(&host),
        )
    }

    fn event(&mut self, out: &mut dyn Write, drop: &Drop) -> io::Result<()> {
        let interface = Interface {
            netns: drop.netns,
            ifindex: drop.ifindex,
            device: drop.device.as_deref().map(Into::into),
            link: match &drop.headers {
                None => Link::Nothing,
                Some(headers) if headers.link_layer => Link::Ethernet,
                Some(_) => Link::Raw,
            },
        };
        let next = u32::try_from(self.interfaces.len()).map_err(io::Error::other)?;
        let number = if let Some(number) = self.interfaces.get(&interface) {
            *number
        } else {
            let (name, description) = named(drop);
            blocks::interface(out, interface.link, &name, &description)?;
            self.interfaces.insert(interface, next);
            next
        };
        let bytes = drop.headers.as_ref().map(|headers| whole(headers, drop));
        let before = drop
            .headers
            .as_ref()
            .map_or(0, |headers| link_length(headers, drop));
        blocks::packet(
            out,
            &Packet {
                interface: number,
                // Before 1970 there was no eBPF.
                time: u64::try_from(drop.time.as_nanosecond()).unwrap_or_default(),
                bytes: bytes.as_deref().unwrap_or_default(),
                length: drop.length.saturating_add(before),
                toward: match drop.direction.as_deref() {
                    Some("rx") => Toward::In,
                    Some("tx") => Toward::Out,
                    _ => Toward::Unknown,
                },
                comment: &comment(drop),
            },
        )
    }

    fn interval(&mut self, _out: &mut dyn Write, _period: &Period) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _out: &mut dyn Write, _summary: &Period) -> io::Result<()> {
        Ok(())
    }
}

/// A VLAN tag's bytes in a frame, and those before it: the addresses of the link.
const TAG_BYTES: usize = 4;
const LINK_ADDRESSES: usize = 12;

/// The bytes, with the VLAN tag put back that was taken off the frame, as in a
/// capture.
fn whole<'a>(headers: &'a Headers, drop: &Drop) -> Cow<'a, [u8]> {
    let Headers { bytes, link_layer } = headers;
    match (drop.tag(), bytes.split_at_checked(LINK_ADDRESSES)) {
        (Some(tag), Some((addresses, rest))) if *link_layer => {
            let Tag { ethertype, control } = tag;
            let tag = [ethertype.to_be_bytes(), control.to_be_bytes()];
            Cow::Owned([addresses, tag.as_flattened(), rest].concat())
        }
        _ => Cow::Borrowed(bytes),
    }
}

/// Bytes before the network header; the length of a drop begins with that.
fn link_length(headers: &Headers, drop: &Drop) -> u32 {
    const VLANS: [[u8; 2]; 3] = [[0x81, 0], [0x88, 0xa8], [0x91, 0]];
    if !headers.link_layer {
        return 0;
    }
    let mut length = 14;
    while let Some(ethertype) = headers.bytes.get(length - 2..length)
        && VLANS.iter().any(|vlan| vlan == ethertype)
        && headers.bytes.len() >= length + TAG_BYTES
    {
        length += TAG_BYTES;
    }
    let put_back = drop.tag().map_or(0, |_| TAG_BYTES);
    u32::try_from(length + put_back).unwrap_or_default()
}

/// What an interface is called, and where it is.
fn named(drop: &Drop) -> (String, String) {
    let name = match (&drop.device, drop.ifindex) {
        (Some(device), _) => escape(device).into_owned(),
        (None, Some(ifindex)) => format!("ifindex {ifindex}"),
        (None, None) => "no device".to_owned(),
    };
    let place = match (drop.netns, &drop.netns_name) {
        (None, _) => "in an unknown network namespace".to_owned(),
        (Some(inode), None) => format!("in network namespace {inode}"),
        (Some(inode), Some(name)) => format!("in network namespace {} ({inode})", escape(name)),
    };
    (name, place)
}

/// Everything that the bytes do not tell, one `name=value` behind another.
fn comment(drop: &Drop) -> String {
    let mut text = String::new();
    let mut say = |name: &str, value: Option<&str>| {
        let Some(value) = value else { return };
        let value = escape(value);
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = if value.contains([' ', '"']) {
            write!(text, "{space}{name}=\"{}\"", value.replace('"', "\\\""))
        } else {
            write!(text, "{space}{name}={value}")
        };
    };
    let address = drop.address.map(|address| format!("{address:#x}"));
    let function = match (&drop.function, drop.offset) {
        (Some(function), Some(offset)) => Some(format!("{function}+{offset:#x}")),
        (Some(function), None) => Some(function.to_string()),
        (None, _) => address,
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let netns = number(drop.netns);
    let cpu = drop.cpu.to_string();
    say("reason", drop.reason.as_deref());
    say("stage", drop.stage.as_deref());
    say("hook", drop.hook.as_deref());
    say("engine", drop.engine.as_deref());
    say("qdisc", drop.qdisc.as_deref());
    say("function", function.as_deref());
    say("severity", Some(drop.severity.as_str()));
    say("direction", drop.direction.as_deref());
    say("device", drop.device.as_deref());
    say("netns", netns.as_deref());
    say("netns_name", drop.netns_name.as_deref());
    say("cpu", Some(&cpu));
    if drop.segments > 1 {
        say("segments", Some(&drop.segments.to_string()));
    }
    if !drop.headers.as_ref().is_some_and(|it| it.link_layer) {
        let vlan = drop.tag().map(|tag| tag.vlan().to_string());
        say("vlan", vlan.as_deref());
    }
    if drop.headers.is_none() {
        let ends = [(drop.src, drop.src_port), (drop.dst, drop.dst_port)];
        let [src, dst] = ends.map(|(address, port)| match (address, port) {
            (Some(address), Some(port)) => Some(format!("{address} port {port}")),
            (address, _) => address.map(|address| address.to_string()),
        });
        say("protocol", drop.protocol.as_deref());
        say("src", src.as_deref());
        say("dst", dst.as_deref());
    }
    say("pid", number(drop.pid).as_deref());
    say("command", drop.command.as_deref());
    say("cgroup", drop.cgroup.as_deref());
    let receiver = drop.receiver.as_ref();
    let pid = receiver.map(|process| process.pid.to_string());
    say("receiver_pid", pid.as_deref());
    say(
        "receiver_command",
        receiver.map(|process| &*process.command),
    );
    let stack = drop.stack.as_ref().map(|frames| frames.join(";"));
    say("stack", stack.as_deref());
    text
}

#[cfg(test)]
mod tests;
