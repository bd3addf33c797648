//! One test: what a packet's headers say to it.

use core::ptr::read_volatile;

use super::{ANY_PORTS, Instruction, direction, kind, machine::get, test};
use crate::{
    flow::FlowAddrs,
    kleene::{FALSE, TRUE, UNREAD, known as value_of},
    packet::{Packet, TAGS, extension, known},
};

/// The value of one test.
#[inline(always)]
#[must_use]
pub fn look(step: &Instruction, addrs: &FlowAddrs, packet: &Packet) -> u32 {
    match get(&step.test) {
        test::TYPE => ethertype(step, packet),
        test::TAG => tag(step, packet),
        test::ADDRESS => address(step, addrs, packet),
        test::PROTOCOL => protocol(step, packet),
        test::PORT => port(step, addrs, packet),
        test::TCP_FLAGS => match transport(step, packet) {
            TRUE if get(&packet.known) & known::TCP_FLAGS == 0 => UNREAD,
            TRUE => is_in_set(step, get(&packet.tcp_flags)),
            other => other,
        },
        test::ICMP_TYPE => match transport(step, packet) {
            TRUE => is_in_set(step, (get(&addrs.dst_port) >> 8) as u8),
            other => other,
        },
        test::ICMP_CODE => match transport(step, packet) {
            TRUE => is_in_set(step, get(&addrs.dst_port) as u8),
            other => other,
        },
        test::LENGTH if get(&packet.known) & known::LENGTH == 0 => UNREAD,
        test::LENGTH => is_between(step, get(&packet.length)),
        test::PID => match sender(packet) {
            TRUE => value_of(get(&packet.pid) == get(&step.low)),
            other => other,
        },
        test::COMMAND => match sender(packet) {
            TRUE => is_equal(step, &packet.command),
            other => other,
        },
        _ => TRUE,
    }
}

/// How many tags lie around the headers that are meant. Before any `vlan` these
/// are the frame's as it lies in memory, without a tag that the card took off;
/// behind one, every tag counts.
#[inline(always)]
fn wanted(step: &Instruction, packet: &Packet) -> u8 {
    match get(&step.depth) {
        0 => get(&packet.stripped),
        depth => depth,
    }
}

/// What lies below the last tag that was kept apart.
#[inline(always)]
fn beyond(packet: &Packet) -> u32 {
    let own = get(&packet.types[usize::from(get(&packet.depth)) & TAGS]);
    if is_tag(own) { UNREAD } else { FALSE }
}

/// Is this ethertype that of a VLAN tag (802.1Q, 802.1ad, and `QinQ` before it
/// had a standard)?
#[inline(always)]
#[must_use]
pub const fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, 0x8100 | 0x88A8 | 0x9100)
}

#[inline(always)]
fn ethertype(step: &Instruction, packet: &Packet) -> u32 {
    if get(&packet.known) & known::TYPES == 0 {
        return UNREAD;
    }
    let place = wanted(step, packet);
    if place > get(&packet.depth) {
        return beyond(packet);
    }
    let found = get(&packet.types[usize::from(place) & TAGS]);
    value_of(u32::from(found) == get(&step.low))
}

#[inline(always)]
fn tag(step: &Instruction, packet: &Packet) -> u32 {
    if get(&packet.known) & known::TYPES == 0 {
        return UNREAD;
    }
    let place = get(&step.depth);
    if place >= get(&packet.depth) {
        return beyond(packet);
    }
    let found = get(&packet.tags[usize::from(place) & TAGS]);
    is_between(step, u32::from(found))
}

/// Is the packet of a network protocol that is meant?
#[inline(always)]
fn network(step: &Instruction, packet: &Packet) -> u32 {
    if get(&packet.known) & known::TYPES == 0 {
        return UNREAD;
    }
    let place = wanted(step, packet);
    let depth = get(&packet.depth);
    if place > depth {
        return beyond(packet);
    }
    if place < depth {
        return FALSE;
    }
    let kind = match get(&packet.types[usize::from(place) & TAGS]) {
        0x0800 => kind::IP,
        0x86DD => kind::IP6,
        0x0806 => kind::ARP,
        0x8035 => kind::RARP,
        _ => 0,
    };
    value_of(get(&step.kinds) & kind != 0)
}

#[inline(always)]
fn address(step: &Instruction, addrs: &FlowAddrs, packet: &Packet) -> u32 {
    let here = network(step, packet);
    if here != TRUE {
        return here;
    }
    if get(&packet.known) & known::ADDRESSES == 0 {
        return UNREAD;
    }
    let source = is_equal(step, &addrs.src);
    let destination = is_equal(step, &addrs.dst);
    ends(step, source, destination)
}

#[inline(always)]
fn protocol(step: &Instruction, packet: &Packet) -> u32 {
    let here = network(step, packet);
    if here != TRUE {
        return here;
    }
    let wanted = get(&step.protocol);
    if get(&packet.extensions) & extension(wanted) != 0 {
        return TRUE;
    }
    if get(&packet.known) & known::PROTOCOL == 0 {
        return UNREAD;
    }
    value_of(get(&packet.protocol) == wanted)
}

/// Does the packet have the transport header that is meant?
#[inline(always)]
fn transport(step: &Instruction, packet: &Packet) -> u32 {
    let here = network(step, packet);
    if here != TRUE {
        return here;
    }
    let bits = get(&packet.known);
    if bits & known::LATER_FRAGMENT != 0 {
        return FALSE;
    }
    if bits & known::PROTOCOL == 0 {
        return UNREAD;
    }
    let wanted = get(&step.protocol);
    let found = get(&packet.protocol);
    let matches = found == wanted || wanted == ANY_PORTS && matches!(found, 6 | 17 | 132);
    if !matches {
        return FALSE;
    }
    if bits & known::TRANSPORT == 0 {
        return UNREAD;
    }
    TRUE
}

#[inline(always)]
fn port(step: &Instruction, addrs: &FlowAddrs, packet: &Packet) -> u32 {
    let here = transport(step, packet);
    if here != TRUE {
        return here;
    }
    let source = is_between(step, u32::from(get(&addrs.src_port)));
    let destination = is_between(step, u32::from(get(&addrs.dst_port)));
    ends(step, source, destination)
}

/// Is the sender known?
#[inline(always)]
fn sender(packet: &Packet) -> u32 {
    let bits = get(&packet.known);
    if bits & known::SENDER != 0 {
        TRUE
    } else if bits & known::NO_SENDER != 0 {
        FALSE
    } else {
        UNREAD
    }
}

#[inline(always)]
fn ends(step: &Instruction, source: u32, destination: u32) -> u32 {
    match get(&step.direction) {
        direction::SOURCE => source,
        direction::DESTINATION => destination,
        direction::BOTH => source & destination,
        _ => source | destination,
    }
}

#[inline(always)]
fn is_between(step: &Instruction, number: u32) -> u32 {
    value_of(number >= get(&step.low) && number <= get(&step.high))
}

/// Compares 16 bytes.
#[inline(always)]
fn is_equal(step: &Instruction, bytes: &[u8; 16]) -> u32 {
    let mut difference = 0;
    for i in 0..4 {
        difference |= (word(bytes, i) ^ word(&step.value, i)) & word(&step.mask, i);
    }
    value_of(difference == 0)
}

/// Four bytes of 16.
#[inline(always)]
fn word(bytes: &[u8; 16], i: usize) -> u32 {
    // SAFETY: `i` is below 4, and every array this is used on lies at a
    // multiple of four in its struct.
    unsafe { read_volatile(bytes.as_ptr().cast::<u32>().add(i)) }
}

/// Is a byte in the set? Its two halves lie side by side; choosing one of them
/// first becomes a test of a sign, which 5.10 cannot follow.
#[inline(always)]
fn is_in_set(step: &Instruction, byte: u8) -> u32 {
    const SET: usize = core::mem::offset_of!(Instruction, value);
    const { assert!(core::mem::offset_of!(Instruction, mask) == SET + 16) };
    let set = core::ptr::from_ref(step).cast::<u8>();
    // SAFETY: at most 31 bytes behind the start of the 32 bytes of both arrays.
    let bits = unsafe { read_volatile(set.add(SET + usize::from(byte >> 3))) };
    value_of(bits >> (byte & 7) & 1 != 0)
}
