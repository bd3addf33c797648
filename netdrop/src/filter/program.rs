//! Instructions in the order in which the kernel carries them out.

use netdrop_ebpf::filter::{INSTRUCTIONS, Instruction, STACK, join, test};

use super::logic::Logic;

/// Instructions, and how much of the stack they need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Program {
    /// The instructions.
    pub(super) instructions: Vec<Instruction>,
    /// Values on the stack at the same time.
    pub(super) stack: usize,
}

impl Program {
    /// Adds an expression whose value becomes that of root number `root`.
    pub(super) fn add_root(&mut self, root: u8, tests: &Logic<Instruction>) {
        self.add(tests, join::PUSH, false, 0);
        self.instructions.push(Instruction {
            test: test::ROOT,
            root,
            ..Instruction::default()
        });
    }

    /// Why it does not fit into the kernel's table.
    #[must_use]
    pub(super) fn overflow(&self) -> Option<String> {
        let steps = self.instructions.len();
        if steps > INSTRUCTIONS {
            Some(format!(
                "it takes {steps} steps, and the kernel's table has room for {INSTRUCTIONS}"
            ))
        } else if self.stack > STACK {
            let deep = self.stack;
            Some(format!(
                "its parentheses are {deep} deep, and the kernel's table has room for {STACK}"
            ))
        } else {
            None
        }
    }

    /// Adds what joins the value into the stack, on which lie `below` values
    /// that are not the target of the join.
    fn add(&mut self, tests: &Logic<Instruction>, how: u8, negate: bool, below: usize) {
        match tests {
            Logic::Leaf(instruction) => {
                self.stack = self.stack.max(below + 1);
                self.instructions.push(Instruction {
                    join: how,
                    negate: instruction.negate ^ u8::from(negate),
                    ..*instruction
                });
            }
            Logic::Not(inner) => self.add(inner, how, !negate, below),
            Logic::All(parts) => self.add_joined(parts, join::AND, how, negate, below),
            Logic::Any(parts) => self.add_joined(parts, join::OR, how, negate, below),
        }
    }

    fn add_joined(
        &mut self,
        parts: &[Logic<Instruction>],
        inner: u8,
        how: u8,
        negate: bool,
        below: usize,
    ) {
        let base = if how == join::PUSH { below } else { below + 1 };
        // What is itself joined comes first: it can then be built in place.
        let is_leaf = |part: &&Logic<Instruction>| match part {
            Logic::Leaf(_) => true,
            Logic::Not(inner) => matches!(**inner, Logic::Leaf(_)),
            _ => false,
        };
        let (leaves, joined): (Vec<_>, Vec<_>) = parts.iter().partition(is_leaf);
        let mut first = true;
        for part in joined.into_iter().chain(leaves) {
            self.add(part, if first { join::PUSH } else { inner }, false, base);
            first = false;
        }
        if first {
            // Nothing to join: all of nothing is true, any of nothing false.
            self.stack = self.stack.max(base + 1);
            self.instructions.push(Instruction {
                test: test::ALWAYS,
                negate: u8::from(inner == join::OR),
                ..Instruction::default()
            });
        }
        if how != join::PUSH || negate {
            self.instructions.push(Instruction {
                test: test::TOP,
                join: how,
                negate: u8::from(negate),
                ..Instruction::default()
            });
        }
    }
}
