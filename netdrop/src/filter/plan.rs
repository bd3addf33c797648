//! What is decided where.
//!
//! Questions about headers, length and sender are the kernel's; the largest
//! parts of the tree that hold nothing else become up to four expressions whose
//! values the kernel keeps apart with each row. Everything else is asked in user
//! space, of whole rows, so every count stays exact.

use netdrop_ebpf::{
    filter::{INSTRUCTIONS, ROOTS, Rules, needs, test},
    flow::FlowKey,
    kleene,
    site::SiteKey,
};

mod facts;
mod parts;

pub use facts::recorded_marks;

use super::{
    compile::{Located, locate},
    logic::Logic,
    program::Program,
    row::Row,
    single::Single,
    tree::Expr,
};
use facts::Facts;
use parts::{Part, fill_verdicts, map, rows, split, tests, text, to_expr, value_of};

/// A filter ready for use.
#[derive(Clone, Debug)]
pub struct Plan {
    rules: Box<Rules>,
    whole: Logic<Part>,
    kernel: Option<String>,
    user: Option<String>,
    overflow: Option<String>,
    /// Is it asked of rows of the flow table?
    by_flow: bool,
    /// Does it ask for what rows do not tell?
    of_singles: bool,
}

/// What follows for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It matches.
    Keep,
    /// It does not.
    Filtered,
    /// What would decide was not read.
    Undecided,
}

/// A filter that cannot be applied exactly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the filter is too large for the kernel: {limit}; `{term}` can only be decided there, so make \
     the filter shorter"
)]
pub struct TooLarge {
    /// Which limit.
    pub limit: String,
    /// What stops user space from taking over.
    pub term: String,
}

impl Plan {
    /// Decides what is decided where.
    ///
    /// # Errors
    ///
    /// When the kernel's table has no room and user space cannot take over.
    pub fn new(expr: &Expr) -> Result<Self, TooLarge> {
        let located = locate(expr);
        let mut roots = Vec::new();
        let whole = split(&located, &mut roots);
        let mut program = Program::default();
        for (number, root) in roots.iter().enumerate() {
            program.add_root(u8::try_from(number).unwrap_or(u8::MAX), &tests(root));
        }
        let overflow = if roots.len() > ROOTS {
            Some(format!(
                "it mixes {} parts about packets with questions about rows, and the kernel's \
                 table has room for {ROOTS}",
                roots.len()
            ))
        } else {
            program.overflow()
        };
        if let Some(limit) = overflow {
            return Self::in_user_space(&located, limit);
        }
        let mut rules = Box::new(Rules::NONE);
        if !roots.is_empty() {
            let length = program.instructions.len();
            rules.instructions[..length].copy_from_slice(&program.instructions);
            rules.length = u32::try_from(length).unwrap_or(0);
            for instruction in &program.instructions {
                rules.needs |= match instruction.test {
                    test::PID | test::COMMAND => needs::SENDER,
                    test::TAG => needs::TAGS,
                    _ => 0,
                };
            }
            fill_verdicts(&mut rules, &whole);
        }
        Ok(Self {
            rules,
            kernel: text(&roots),
            user: text(&rows(&whole)),
            whole,
            overflow: None,
            by_flow: false,
            of_singles: false,
        })
    }

    /// Decides everything from what was recorded: rows, and single drops where
    /// rows do not tell.
    #[must_use]
    pub fn recorded(expr: &Expr) -> Self {
        let located = locate(expr);
        let (mut by_flow, mut of_singles) = (false, false);
        located.each(&mut |leaf| {
            by_flow |= leaf.is_for_kernel();
            of_singles |= !leaf.is_about_flow();
        });
        Self {
            overflow: None,
            by_flow,
            of_singles,
            ..Self::of_rows(&located)
        }
    }

    fn in_user_space(located: &Logic<Located>, limit: String) -> Result<Self, TooLarge> {
        let mut missing = None;
        located.each(&mut |leaf| {
            if !leaf.is_about_flow() && missing.is_none() {
                missing = Some(leaf.term.to_string());
            }
        });
        if let Some(term) = missing {
            return Err(TooLarge { limit, term });
        }
        Ok(Self {
            overflow: Some(limit),
            ..Self::of_rows(located)
        })
    }

    fn of_rows(located: &Logic<Located>) -> Self {
        let mut rules = Box::new(Rules::NONE);
        rules.length = 1;
        rules.needs = needs::MARKS;
        Self {
            rules,
            whole: map(located, &|leaf: &Located| {
                if leaf.is_for_kernel() {
                    Part::Packet(leaf.clone())
                } else {
                    Part::Row(leaf.clone())
                }
            }),
            kernel: None,
            user: Some(to_expr(located).to_string()),
            overflow: None,
            by_flow: true,
            of_singles: false,
        }
    }

    /// What the kernel applies.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// In words, what the kernel decides; `None` for nothing.
    #[must_use]
    pub fn kernel(&self) -> Option<&str> {
        self.kernel.as_deref()
    }

    /// In words, what user space decides; `None` for nothing.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Why the kernel decides nothing although it could.
    #[must_use]
    pub fn overflow(&self) -> Option<&str> {
        self.overflow.as_deref()
    }

    /// Has user space anything to decide?
    #[must_use]
    pub fn asks_rows(&self) -> bool {
        self.user.is_some()
    }

    /// Must flows be counted for it?
    #[must_use]
    pub fn needs_flows(&self) -> bool {
        self.by_flow
    }

    /// Must single drops be asked, because rows do not tell?
    #[must_use]
    pub fn asks_singles(&self) -> bool {
        self.of_singles
    }

    /// Decides about a row that the kernel counted. Of one without a flow, `flow`
    /// has no addresses.
    #[must_use]
    pub fn judge(&self, row: &Row<'_>, flow: &FlowKey) -> Verdict {
        self.decide(row, flow.site.filter, &Facts::of_row(flow))
    }

    /// Decides about drops at a site whose flows were not kept apart.
    #[must_use]
    pub fn judge_site(&self, row: &Row<'_>, site: &SiteKey) -> Verdict {
        self.decide(row, site.filter, &Facts::of_site(site))
    }

    /// Decides about a single drop of a recording.
    #[must_use]
    pub fn judge_single(&self, row: &Row<'_>, single: &Single<'_>, flow: &FlowKey) -> Verdict {
        self.decide(row, flow.site.filter, &Facts::of_single(single, flow))
    }

    fn decide(&self, row: &Row<'_>, kernel: u8, facts: &Facts) -> Verdict {
        let value = self.whole.value(&mut |part| match part {
            Part::Kernel(root) => value_of(kernel, *root),
            Part::Row(leaf) => row.value(&leaf.term),
            Part::Packet(leaf) => match leaf.tests() {
                Some(tests) => tests.value(&mut |instruction| facts.value(instruction)),
                None => kleene::UNREAD,
            },
        });
        match value {
            kleene::TRUE => Verdict::Keep,
            kleene::FALSE => Verdict::Filtered,
            _ => Verdict::Undecided,
        }
    }
}

const _: () = assert!(INSTRUCTIONS <= 255);
