//! `trace` for people: an aligned line per drop.

use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

use super::{escape::escape, palette::Palette};
use crate::tally::{
    headers::Headers,
    names::{Process, Severity},
    packet::Drop,
};

/// Writes lines whose columns stay as wide as they once were.
#[derive(Debug)]
pub struct Lines {
    palette: Palette,
    verbose: bool,
    stage: usize,
    reason: usize,
    place: usize,
    device: usize,
}

/// No column grows beyond this.
const WIDEST: usize = 44;

impl Lines {
    /// Columns wide enough for common names. `verbose`: below each drop, how its
    /// stage is known and where it was.
    #[must_use]
    pub fn new(palette: Palette, verbose: bool) -> Self {
        Self {
            palette,
            verbose,
            stage: 16,
            reason: 16,
            place: 30,
            device: 6,
        }
    }

    /// Appends a drop, and its stack if there is one.
    pub fn write(&mut self, out: &mut String, drop: &Drop) {
        let palette = self.palette;
        let reason = drop.reason.as_deref().unwrap_or("-");
        let reason = pad(&mut self.reason, reason);
        let reason = match drop.severity {
            Severity::Suspicious => reason.into(),
            severity => palette.severity(severity, &reason),
        };
        let _ = write!(
            out,
            "{} {} {reason} {} {} {}",
            drop.time.strftime("%H:%M:%S.%6fZ"),
            pad(&mut self.stage, &stage(drop)),
            pad(&mut self.place, &place(drop)),
            pad(&mut self.device, &device(drop)),
            packet(drop),
        );
        out.push('\n');
        if self.verbose {
            let _ = writeln!(out, "    {}", palette.dim(&details(drop)));
        }
        if let Some(headers) = &drop.headers {
            hexadecimal(out, headers);
        }
        for frame in drop.stack.iter().flatten() {
            let _ = writeln!(out, "    {}", escape(frame));
        }
    }
}

/// A drop in one line of fixed columns, without its nanoseconds and place;
/// where there is little room without stage and device, too.
pub(crate) fn short(drop: &Drop, wide: bool) -> String {
    let time = drop.time.strftime("%H:%M:%S.%3f");
    let reason = escape(drop.reason.as_deref().unwrap_or("-"));
    let packet = packet(drop);
    if wide {
        let (stage, device) = (stage(drop), device(drop));
        format!("{time} {stage:<16} {reason:<22} {device:<10} {packet}")
    } else {
        format!("{time} {reason:<18} {packet}")
    }
}

fn pad(width: &mut usize, text: &str) -> String {
    *width = text.chars().count().clamp(*width, WIDEST.max(*width));
    format!("{text:<0$}", *width)
}

/// Sixteen bytes a line, as tcpdump shows them.
fn hexadecimal(out: &mut String, headers: &Headers) {
    for (line, bytes) in headers.bytes.chunks(16).enumerate() {
        let _ = write!(out, "    0x{:04x}: ", line * 16);
        for pair in bytes.chunks(2) {
            out.push(' ');
            for byte in pair {
                let _ = write!(out, "{byte:02x}");
            }
        }
        out.push('\n');
    }
}

/// What has no column.
fn details(drop: &Drop) -> String {
    let mut text = format!(
        "{}; stage by {}",
        drop.severity,
        drop.stage_by.as_str().unwrap_or("nothing")
    );
    if let Some(engine) = &drop.engine {
        let _ = write!(text, " ({engine})");
    }
    if let Some(qdisc) = &drop.qdisc {
        let _ = write!(text, "; qdisc {}", escape(qdisc));
    }
    let _ = write!(
        text,
        "; {}",
        drop.direction.as_deref().unwrap_or("direction unknown")
    );
    let _ = write!(text, "; CPU {}", drop.cpu);
    if let Some(index) = drop.ifindex {
        let _ = write!(text, "; ifindex {index}");
    }
    if let Some(netns) = drop.netns {
        let _ = write!(text, "; netns {netns}");
        if let Some(name) = &drop.netns_name {
            let _ = write!(text, " ({})", escape(name));
        }
    }
    if let Some(ethertype) = drop.ethertype {
        let _ = write!(text, "; ethertype {ethertype:#06x}");
    }
    text
}

fn stage(drop: &Drop) -> String {
    match (&drop.stage, &drop.hook) {
        (Some(stage), Some(hook)) => format!("{stage}/{hook}"),
        (Some(stage), None) => stage.to_string(),
        (None, _) => "-".to_owned(),
    }
}

/// In which function, as far as is known.
pub(crate) fn place(drop: &Drop) -> String {
    match (&drop.function, drop.offset, drop.address) {
        (Some(function), Some(offset), _) => format!("{}+{offset:#x}", escape(function)),
        (_, _, Some(address)) => format!("{address:#x}"),
        _ => "-".to_owned(),
    }
}

/// On which device, as far as is known.
pub(crate) fn device(drop: &Drop) -> String {
    match (&drop.device, drop.ifindex) {
        (Some(device), _) => escape(device).into_owned(),
        (None, Some(index)) => format!("#{index}"),
        (None, None) => "-".to_owned(),
    }
}

/// Protocol, source and destination, as far as they are known.
pub(crate) fn ends(drop: &Drop) -> String {
    let mut text = drop.protocol.as_deref().unwrap_or("-").to_owned();
    if let (Some(src), Some(dst)) = (drop.src, drop.dst) {
        let _ = write!(
            text,
            " {} > {}",
            end(src, drop.src_port),
            end(dst, drop.dst_port)
        );
    }
    text
}

fn packet(drop: &Drop) -> String {
    let mut text = ends(drop);
    if let Some((r#type, code)) = drop.icmp {
        let _ = write!(text, " type {type} code {code}");
    }
    let _ = write!(text, " length {}", drop.length);
    if let Some(tag) = drop.tag() {
        let _ = write!(text, " vlan {}", tag.vlan());
    }
    if let Some(flags) = drop.tcp_flags.as_deref() {
        let flags = if flags.is_empty() { "none" } else { flags };
        let _ = write!(text, " {flags}");
    }
    if drop.segments > 1 {
        let _ = write!(text, " segments {}", drop.segments);
    }
    if drop.cut {
        text.push_str(" without ports");
    }
    if let Some(pid) = drop.pid {
        let command = drop.command.as_deref().unwrap_or_default();
        let _ = write!(text, " from {}[{pid}]", escape(command));
    }
    if let Some(Process { pid, command }) = &drop.receiver {
        let _ = write!(text, " for {}[{pid}]", escape(command));
    }
    text
}

fn end(address: IpAddr, port: Option<u16>) -> String {
    match port {
        Some(port) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn a_verbose_drop_says_how_its_stage_is_known() {
        let mut out = String::new();
        Lines::new(Palette::default(), true).write(&mut out, &samples::datagram());
        let (_, details) = out.split_once('\n').unwrap();
        assert_eq!(
            details,
            "    suspicious; stage by reason; rx; CPU 0; ifindex 1; netns 4026531833 (host); ethertype 0x0800\n"
        );
    }

    #[test]
    fn a_drop_is_a_line() {
        let mut out = String::new();
        let mut lines = Lines::new(Palette::default(), false);
        lines.write(&mut out, &samples::datagram());
        lines.write(&mut out, &samples::segment());
        println!("{out}");
        assert_eq!(
            out,
            "21:01:02.003004Z rx_lookup        NO_SOCKET        __udp4_lib_rcv+0x7b            lo     \
             udp 127.0.0.1:40000 > 127.0.0.1:9 length 29\n\
             21:01:02.003004Z rx_lookup        NO_SOCKET        0xffffffffc0001234             lo     \
             tcp [2001:db8::1]:40000 > [fe80::2]:9 length 29 vlan 100 SYN|ACK segments 3 from \
             cu\\x1brl[321] for ng\\x1binx[5]\n    \
             0x0000:  0200 0000 0002 0200 0000 0001 86dd 6000\n    0x0010:  00\n    ip_rcv+0x1a\n    0xffffffffc0001234\n"
        );
    }
}
