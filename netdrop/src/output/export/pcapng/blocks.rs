//! The blocks of a pcapng file that a list of packets takes, as in
//! draft-ietf-opsawg-pcapng.

use std::io::{self, Write};

/// Bytes of a packet's beginning at most.
const SNAP_LENGTH: u32 = 128;
/// Most bytes of a text: longer ones are cut.
const MOST_TEXT: usize = 32 << 10;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
const SECTION_HARDWARE: u16 = 2;
const SECTION_SYSTEM: u16 = 3;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_DESCRIPTION: u16 = 3;
const INTERFACE_RESOLUTION: u16 = 9;
const PACKET_FLAGS: u16 = 2;
/// Time stamps are in units of 10 to the minus so much seconds.
const NANOSECONDS: u8 = 9;

/// With which header the bytes of an interface's packets begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Link {
    /// Ethernet.
    Ethernet,
    /// IPv4 or IPv6.
    Raw,
    /// There are no bytes (for use by whoever wants to).
    Nothing,
}

impl Link {
    /// Its `LINKTYPE_`.
    fn number(self) -> u16 {
        match self {
            Self::Ethernet => 1,
            Self::Raw => 101,
            Self::Nothing => 147,
        }
    }
}

/// Where a packet was going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Toward {
    Unknown,
    In,
    Out,
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// Number of its interface, from 0 on.
    pub(super) interface: u32,
    /// Nanoseconds since 1970.
    pub(super) time: u64,
    /// Its first bytes.
    pub(super) bytes: &'a [u8],
    /// How many it had.
    pub(super) length: u32,
    pub(super) toward: Toward,
    pub(super) comment: &'a str,
}

/// Begins a file.
pub(super) fn section(
    out: &mut dyn Write,
    hardware: &str,
    system: &str,
    application: &str,
    comment: &str,
) -> io::Result<()> {
    const MAGIC: u32 = 0x1A2B_3C4D;
    let mut body = Vec::new();
    body.extend(MAGIC.to_le_bytes());
    body.extend(1_u16.to_le_bytes());
    body.extend(0_u16.to_le_bytes());
    // How long it becomes is not known yet.
    body.extend((-1_i64).to_le_bytes());
    text(&mut body, COMMENT, comment);
    text(&mut body, SECTION_HARDWARE, hardware);
    text(&mut body, SECTION_SYSTEM, system);
    text(&mut body, SECTION_APPLICATION, application);
    option(&mut body, END_OF_OPTIONS, &[]);
    block(out, SECTION, &body)
}

/// Describes the next interface.
pub(super) fn interface(
    out: &mut dyn Write,
    link: Link,
    name: &str,
    description: &str,
) -> io::Result<()> {
    let mut body = Vec::new();
    body.extend(link.number().to_le_bytes());
    body.extend(0_u16.to_le_bytes());
    body.extend(SNAP_LENGTH.to_le_bytes());
    text(&mut body, INTERFACE_NAME, name);
    text(&mut body, INTERFACE_DESCRIPTION, description);
    option(&mut body, INTERFACE_RESOLUTION, &[NANOSECONDS]);
    option(&mut body, END_OF_OPTIONS, &[]);
    block(out, INTERFACE, &body)
}

/// Writes a packet of an interface that was described.
pub(super) fn packet(out: &mut dyn Write, packet: &Packet<'_>) -> io::Result<()> {
    let Packet {
        interface,
        time,
        bytes,
        length,
        toward,
        comment,
    } = *packet;
    let [l0, l1, l2, l3, h0, h1, h2, h3] = time.to_le_bytes();
    let high = u32::from_le_bytes([h0, h1, h2, h3]);
    let low = u32::from_le_bytes([l0, l1, l2, l3]);
    let captured = length32(bytes.len())?;
    let mut body = Vec::new();
    for word in [interface, high, low, captured, length.max(captured)] {
        body.extend(word.to_le_bytes());
    }
    padded(&mut body, bytes);
    text(&mut body, COMMENT, comment);
    let toward = match toward {
        Toward::Unknown => 0,
        Toward::In => 1,
        Toward::Out => 2_u32,
    };
    if toward != 0 {
        option(&mut body, PACKET_FLAGS, &toward.to_le_bytes());
    }
    option(&mut body, END_OF_OPTIONS, &[]);
    block(out, ENHANCED_PACKET, &body)
}

fn block(out: &mut dyn Write, kind: u32, body: &[u8]) -> io::Result<()> {
    // With its kind and, before and behind, its length.
    let length = length32(body.len())?.saturating_add(12).to_le_bytes();
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&length)?;
    out.write_all(body)?;
    out.write_all(&length)
}

/// A text that is not empty.
fn text(body: &mut Vec<u8>, code: u16, text: &str) {
    if !text.is_empty() {
        let end = text.floor_char_boundary(MOST_TEXT);
        option(body, code, &text.as_bytes()[..end]);
    }
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    // Texts are cut, everything else is short.
    body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    padded(body, value);
}

fn padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn length32(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(io::Error::other)
}
