//! What is known of a packet that the kernel does not look at any more: from its
//! row, and from what was kept of it as a single drop.

mod read;
mod tags;

use netdrop_ebpf::{
    filter::{Instruction, is_tag, look, marks, test},
    flow::{FlowAddrs, FlowKey},
    headers::ETH_P_IP,
    kleene,
    packet::{Packet, extension, known},
    site::{SiteKey, state},
};

use self::{read::Read, tags::Tags};
use crate::filter::single::Single;

/// What is known of a packet, and whether what it does not show is known to be
/// missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    packet: Packet,
    addrs: FlowAddrs,
    /// Bytes that the frame has at least, where its length is not known.
    least: Option<u32>,
    tags: Tags,
    /// Are all extension headers known?
    extended: bool,
    /// Is the sender's command known where the sender is?
    named: bool,
}

impl Facts {
    /// What a row of the flow table, or of the site table, tells of its packets.
    pub(super) fn of_row(flow: &FlowKey) -> Self {
        let site = &flow.site;
        let has = |mark: u8| site.filter & mark != 0;
        let mut packet = Packet {
            types: [site.ethertype, 0, 0, 0],
            protocol: site.protocol,
            ..Packet::default()
        };
        if has(marks::TAGGED) || site.is_tagged() {
            // Which tag does not matter: questions about tags are not asked here.
            packet.types = [0x8100, site.ethertype, 0, 0];
            packet.depth = 1;
        }
        for (mark, bit) in [
            (marks::LATER_FRAGMENT, known::LATER_FRAGMENT),
            (marks::PROTOCOL, known::PROTOCOL),
            (marks::TRANSPORT, known::TRANSPORT),
            (marks::TYPES, known::TYPES),
        ] {
            if has(mark) {
                packet.known |= bit;
            }
        }
        if site.state & state::FLOW != 0 {
            packet.known |= known::ADDRESSES;
        }
        if site.state & state::RECEIVED != 0 {
            packet.known |= known::NO_SENDER;
        }
        Self {
            packet,
            addrs: flow.addrs,
            least: None,
            tags: Tags::Unknown,
            extended: false,
            named: false,
        }
    }

    /// What a row of the site table tells of packets whose flow it does not tell.
    pub(super) fn of_site(site: &SiteKey) -> Self {
        let mut facts = Self::of_row(&FlowKey {
            site: *site,
            ..FlowKey::default()
        });
        facts.packet.known &= !(known::ADDRESSES | known::TRANSPORT);
        facts
    }

    /// What was kept of a single drop of this flow.
    pub(super) fn of_single(single: &Single<'_>, flow: &FlowKey) -> Self {
        let mut facts = Self::of_row(flow);
        let bits = flow.site.state;
        let packet = &mut facts.packet;
        if let Some(flags) = single.tcp_flags {
            packet.tcp_flags = flags;
            packet.known |= known::TCP_FLAGS;
        }
        // A packet that has got its device may be another's that this process only
        // passes on, unless the device was handed it just now.
        let own =
            bits & state::RECEIVED == 0 && (bits & state::DEVICE == 0 || bits & state::TAG_TX != 0);
        if let Some((pid, command)) = single.sender.filter(|_| own) {
            packet.pid = pid;
            packet.known |= known::SENDER;
            let bytes = command.as_bytes();
            // What stands for bytes that are no text is not what they were.
            facts.named = bytes.len() <= 15 && !command.contains('\u{fffd}');
            for (to, from) in packet.command.iter_mut().zip(bytes) {
                *to = *from;
            }
        }
        let tag = single.frame.and_then(|frame| frame.tag);
        let headers = single.headers.as_ref();
        let read = headers.and_then(|first| Read::of(first, tag, flow));
        if let Some(read) = &read {
            facts.learn(read);
        }
        let Some(frame) = single.frame else {
            facts.measure(single.length, read.as_ref(), &flow.site);
            return facts;
        };
        if let Some(length) = frame.length {
            facts.packet.length = length;
            facts.packet.known |= known::LENGTH;
        }
        facts.tag(&frame, read.as_ref(), &flow.site);
        facts
    }

    /// Finds the length of the frame of which only the packet's was kept.
    fn measure(&mut self, packet: u32, read: Option<&Read>, site: &SiteKey) {
        let bits = site.state;
        let length = match read {
            Some(Read {
                network,
                link_layer: true,
                ..
            }) => packet.checked_add(*network),
            // Where its frame begins is not known.
            _ if bits & state::MAC != 0 => None,
            _ if bits & state::NETWORK != 0 || is_local(site) => Some(packet),
            _ => None,
        };
        if let Some(length) = length {
            self.packet.length = length;
            self.packet.known |= known::LENGTH;
        } else if bits & state::NETWORK != 0 {
            // Wherever the frame begins, it is not behind the network header.
            self.least = Some(packet);
        }
    }

    fn learn(&mut self, read: &Read) {
        let Self {
            packet,
            tags,
            extended,
            ..
        } = self;
        let found = &read.packet;
        if read.link_layer {
            packet.types = found.types;
            packet.tags = found.tags;
            packet.depth = found.depth;
            packet.known |= found.known & known::TYPES;
            if found.known & known::TYPES != 0 {
                *tags = Tags::Inside;
            }
        }
        packet.extensions = found.extensions;
        packet.known |= found.known & (known::LATER_FRAGMENT | known::PROTOCOL);
        if found.known & known::PROTOCOL != 0 {
            packet.protocol = found.protocol;
            *extended = true;
        }
    }

    /// What it says to a question.
    pub(super) fn value(&self, instruction: &Instruction) -> u32 {
        let Self { packet, addrs, .. } = self;
        let value = match instruction.test {
            test::TAG if self.tags == Tags::All => look(instruction, addrs, packet),
            // Whether the card or the kernel took a tag off is not known, and what lies
            // behind a tag depends on it.
            test::TAG if self.shows_any_tag(instruction) => kleene::TRUE,
            test::TAG => kleene::UNREAD,
            _ if instruction.depth > 0 && self.tags != Tags::All => kleene::UNREAD,
            test::TYPE if self.tags == Tags::Unknown && is_tag_number(instruction.low) => {
                kleene::UNREAD
            }
            test::PROTOCOL if self.may_be_extended() && extension(instruction.protocol) != 0 => {
                let packet = Packet {
                    known: packet.known & !known::PROTOCOL,
                    ..*packet
                };
                look(instruction, addrs, &packet)
            }
            test::LENGTH if self.least.is_some() => {
                at_least(instruction, self.least.unwrap_or_default())
            }
            test::COMMAND if !self.named => {
                let packet = Packet {
                    known: packet.known & !known::SENDER,
                    ..*packet
                };
                look(instruction, addrs, &packet)
            }
            _ => look(instruction, addrs, packet),
        };
        if instruction.negate == 0 {
            value
        } else {
            kleene::not(value)
        }
    }

    /// May it have extension headers that are not known?
    fn may_be_extended(&self) -> bool {
        let Self {
            packet, extended, ..
        } = self;
        !extended && packet.types[usize::from(packet.depth)] != ETH_P_IP
    }

    /// Is any tag asked for, and is one in the frame?
    fn shows_any_tag(&self, instruction: &Instruction) -> bool {
        let any = (instruction.low, instruction.high) == (0, u16::MAX.into());
        self.packet.depth > 0 && instruction.depth == 0 && any
    }
}

/// Is a length between the bounds that is at least so much?
fn at_least(instruction: &Instruction, least: u32) -> u32 {
    let Instruction { low, high, .. } = *instruction;
    if high < least {
        kleene::FALSE
    } else if low <= least && high == u32::MAX {
        kleene::TRUE
    } else {
        kleene::UNREAD
    }
}

fn is_tag_number(ethertype: u32) -> bool {
    u16::try_from(ethertype).is_ok_and(is_tag)
}

/// Does it belong to a socket of this host that sends no packets of a network?
fn is_local(site: &SiteKey) -> bool {
    site.ethertype == 0 && site.protocol != 0
}

/// What a recorded row tells of its packets: their [`marks`].
#[must_use]
pub fn recorded_marks(site: &SiteKey) -> u8 {
    let mut found = 0;
    if site.ethertype != 0 || is_local(site) {
        found |= marks::TYPES;
    }
    if site.state & state::FLOW != 0 {
        // The last header of IPv6 that was read is no protocol, and a raw socket's may
        // be any.
        let is_last = extension(site.protocol) == 0 || site.ethertype == ETH_P_IP;
        let is_any = site.protocol == RAW && site.is_from_socket();
        if is_last && !is_any {
            found |= marks::PROTOCOL;
        }
        if site.state & state::NO_TRANSPORT == 0 {
            found |= marks::TRANSPORT;
        }
        if site.is_later_fragment() {
            found |= marks::LATER_FRAGMENT;
        }
    }
    found
}

/// `IPPROTO_RAW` (`include/uapi/linux/in.h`)
const RAW: u8 = 255;
