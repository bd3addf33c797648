//! The one function that applies the rules.

use core::ptr::read_volatile;

use zerocopy::FromBytes;

use super::{INSTRUCTIONS, Instruction, ROOTS, Rules, join, look, test};
use crate::{flow::FlowAddrs, kleene::not, packet::Packet};

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
pub(super) fn get<T: Copy>(from: &T) -> T {
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
