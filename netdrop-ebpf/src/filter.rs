//! The kernel's part of a filter: a table of rules and the one function that
//! applies it, here and in the tests on the host.
//!
//! An expression is a program without jumps for a stack of three-valued
//! numbers. User space compiles up to [`ROOTS`] expressions into it; their
//! values together are the index of the verdict.

use core::ptr::read_volatile;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{
    flow::FlowAddrs,
    kleene::{FALSE, TRUE, UNREAD, known as value_of, not},
    packet::{Packet, TAGS, extension, known},
};

/// Room for instructions.
pub const INSTRUCTIONS: usize = 64;
/// Room on the stack.
pub const STACK: usize = 32;
/// Expressions whose values are kept apart, two bits each, in
/// [`SiteKey::filter`](crate::site::SiteKey::filter).
pub const ROOTS: usize = 4;

/// One step.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Instruction {
    /// What to look at, one of [`test`].
    pub test: u8,
    /// What to do with the value, one of [`join`].
    pub join: u8,
    /// 1 to turn the value around first.
    pub negate: u8,
    /// VLAN tags around the headers that are meant.
    pub depth: u8,
    /// Bits of [`direction`].
    pub direction: u8,
    /// Network protocols that are meant, bits of [`kind`].
    pub kinds: u8,
    /// IP protocol; [`ANY_PORTS`] for ports of any; field for bytes.
    pub protocol: u8,
    /// Which expression ends here.
    pub root: u8,
    /// Lowest number that matches.
    pub low: u32,
    /// Highest number that matches.
    pub high: u32,
    /// Bytes to compare with; the lower half of a set of byte values.
    pub value: [u8; 16],
    /// Bits to compare; the upper half of a set of byte values.
    pub mask: [u8; 16],
}

const _: () = assert!(size_of::<Instruction>() == 48);

/// Values of [`Instruction::test`].
pub mod test {
    /// Nothing: take the value on top of the stack.
    pub const TOP: u8 = 0;
    /// The value on top of the stack is that of an expression.
    pub const ROOT: u8 = 1;
    /// The ethertype is `low`.
    pub const TYPE: u8 = 2;
    /// There is a tag at `depth`, its identifier from `low` to `high`.
    pub const TAG: u8 = 3;
    /// Addresses under `mask` are `value`.
    pub const ADDRESS: u8 = 4;
    /// The IP protocol, or one before it, is `protocol`.
    pub const PROTOCOL: u8 = 5;
    /// Ports from `low` to `high`.
    pub const PORT: u8 = 6;
    /// The TCP flags byte is in the set.
    pub const TCP_FLAGS: u8 = 7;
    /// The ICMP type of `protocol` is in the set.
    pub const ICMP_TYPE: u8 = 8;
    /// The ICMP code of `protocol` is in the set.
    pub const ICMP_CODE: u8 = 9;
    /// Length from `low` to `high`.
    pub const LENGTH: u8 = 10;
    /// The sender's process is `low`.
    pub const PID: u8 = 11;
    /// The sender's command under `mask` is `value`.
    pub const COMMAND: u8 = 12;
    /// Always true.
    pub const ALWAYS: u8 = 13;
}

/// Values of [`Instruction::join`].
pub mod join {
    /// Onto the stack.
    pub const PUSH: u8 = 0;
    /// Into the top by *and*.
    pub const AND: u8 = 1;
    /// Into the top by *or*.
    pub const OR: u8 = 2;
}

/// Bits of [`Instruction::direction`]. With both bits either end may match.
pub mod direction {
    /// The source.
    pub const SOURCE: u8 = 1;
    /// The destination.
    pub const DESTINATION: u8 = 2;
    /// Both ends must match.
    pub const BOTH: u8 = 4;
}

/// Bits of [`Instruction::kinds`].
pub mod kind {
    /// IPv4.
    pub const IP: u8 = 1;
    /// IPv6.
    pub const IP6: u8 = 2;
    /// ARP.
    pub const ARP: u8 = 4;
    /// RARP.
    pub const RARP: u8 = 8;
}

/// [`Instruction::protocol`] of ports of TCP, UDP or SCTP.
pub const ANY_PORTS: u8 = 255;

/// A compiled filter; all zero is none.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Rules {
    /// How many instructions; 0 when there is no filter.
    pub length: u32,
    /// Bits of [`needs`].
    pub needs: u32,
    /// The program.
    pub instructions: [Instruction; INSTRUCTIONS],
    /// What follows from the values of all expressions, one of [`verdict`].
    pub verdicts: [u8; 1 << (2 * ROOTS)],
}

/// Bits of [`Rules::needs`]: what is read for the filter alone.
pub mod needs {
    /// The sender.
    pub const SENDER: u32 = 1 << 0;
    /// VLAN tags.
    pub const TAGS: u32 = 1 << 1;
    /// The kernel decides nothing, but leaves [`marks`] with each row, for a
    /// filter that is too large for its table.
    pub const MARKS: u32 = 1 << 2;
}

/// Bits of [`SiteKey::filter`](crate::site::SiteKey::filter) with
/// [`needs::MARKS`]: what a row cannot tell of its packets otherwise.
pub mod marks {
    /// [`known::LATER_FRAGMENT`](crate::packet::known::LATER_FRAGMENT).
    pub const LATER_FRAGMENT: u8 = 1 << 0;
    /// A VLAN tag lies in the frame.
    pub const TAGGED: u8 = 1 << 1;
    /// [`known::PROTOCOL`](crate::packet::known::PROTOCOL).
    pub const PROTOCOL: u8 = 1 << 2;
    /// [`known::TRANSPORT`](crate::packet::known::TRANSPORT).
    pub const TRANSPORT: u8 = 1 << 3;
    /// [`known::TYPES`](crate::packet::known::TYPES).
    pub const TYPES: u8 = 1 << 4;
}

/// Values of [`Rules::verdicts`].
pub mod verdict {
    /// The filter is not true, whatever else is known.
    pub const REJECT: u8 = 0;
    /// It may be true.
    pub const KEEP: u8 = 1;
    /// It cannot be decided, whatever else is known.
    pub const UNDECIDED: u8 = 2;
}

impl Rules {
    /// No filter.
    pub const NONE: Self = Self {
        length: 0,
        needs: 0,
        instructions: [Instruction {
            test: 0,
            join: 0,
            negate: 0,
            depth: 0,
            direction: 0,
            kinds: 0,
            protocol: 0,
            root: 0,
            low: 0,
            high: 0,
            value: [0; 16],
            mask: [0; 16],
        }; INSTRUCTIONS],
        verdicts: [0; 1 << (2 * ROOTS)],
    };
}

/// Working memory. In the kernel it lies in a map: what the verifier does not
/// follow does not multiply its states.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes)]
pub struct Machine {
    stack: u64,
    value: u32,
    values: u32,
}

/// Reads in a way that hides the value from the compiler, so that each step
/// starts from memory.
#[inline(always)]
fn get<T: Copy>(from: &T) -> T {
    // SAFETY: a reference is valid for reads.
    unsafe { read_volatile(from) }
}

#[inline(always)]
fn put<T>(to: &mut T, value: T) {
    // SAFETY: a reference is valid for writes.
    unsafe { core::ptr::write_volatile(to, value) };
}

/// The values of all expressions, two bits each.
#[inline(always)]
pub fn run(rules: &Rules, addrs: &FlowAddrs, packet: &Packet, machine: &mut Machine) -> u8 {
    put(&mut machine.stack, 0);
    put(&mut machine.values, 0);
    let length = get(&rules.length) as usize;
    for i in 0..INSTRUCTIONS {
        if i >= length {
            break;
        }
        step(&rules.instructions[i], addrs, packet, machine);
    }
    get(&machine.values) as u8
}

/// What follows from the values of all expressions.
#[inline(always)]
#[must_use]
pub fn decide(rules: &Rules, values: u8) -> u8 {
    get(&rules.verdicts[usize::from(values)])
}

#[inline(always)]
fn step(step: &Instruction, addrs: &FlowAddrs, packet: &Packet, machine: &mut Machine) {
    let kind = get(&step.test);
    if kind == test::ROOT {
        let top = (get(&machine.stack) & 3) as u32;
        let place = u32::from(get(&step.root)) % ROOTS as u32 * 2;
        let values = get(&machine.values) | top << place;
        put(&mut machine.values, values);
        let rest = get(&machine.stack) >> 2;
        put(&mut machine.stack, rest);
        return;
    }
    if kind == test::TOP {
        put(&mut machine.value, (get(&machine.stack) & 3) as u32);
        let rest = get(&machine.stack) >> 2;
        put(&mut machine.stack, rest);
    } else {
        let value = look(step, addrs, packet);
        put(&mut machine.value, value);
    }
    if get(&step.negate) != 0 {
        let value = not(get(&machine.value));
        put(&mut machine.value, value);
    }
    let value = u64::from(get(&machine.value));
    let stack = get(&machine.stack);
    let stack = match get(&step.join) {
        join::AND => stack & (value | !3),
        join::OR => stack | value,
        _ => stack << 2 | value,
    };
    put(&mut machine.stack, stack);
}

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
