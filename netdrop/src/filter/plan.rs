//! What is decided where.
//!
//! Questions about headers, length and sender are the kernel's; the largest
//! parts of the tree that hold nothing else become up to four expressions whose
//! values the kernel keeps apart with each row. Everything else is asked in user
//! space, of whole rows, so every count stays exact.

use netdrop_ebpf::{
    filter::{INSTRUCTIONS, ROOTS, Rules, look, marks, needs, test, verdict},
    flow::FlowKey,
    kleene,
    packet::{Packet, extension, known},
    site::{SiteKey, state},
};

use super::{
    compile::{Located, Program, locate},
    logic::{Logic, Values},
    row::Row,
    tree::Expr,
};

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
}

/// What a part of the filter is answered from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// The value of one of the kernel's expressions.
    Kernel(u8),
    /// The row.
    Row(Located),
    /// The row's addresses and ports, since the kernel's table has no room.
    Flow(Located),
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

/// A filter that rows do not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a recording does not tell `{term}`; ask for addresses, ports, protocols, `reason`, `stage`, \
     `function`, `dev`, `netns`, `cpu` or `severity`, or give the filter to `netdrop record`"
)]
pub struct NotRecorded {
    /// What is not told.
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
        })
    }

    /// Decides everything from rows that were recorded.
    ///
    /// # Errors
    ///
    /// When it asks for something that no row tells.
    pub fn recorded(expr: &Expr) -> Result<Self, NotRecorded> {
        let located = locate(expr);
        let mut by_flow = false;
        located.each(&mut |leaf| by_flow |= leaf.is_for_kernel());
        let plan = Self::in_user_space(&located, String::new());
        let plan = plan.map_err(|TooLarge { term, .. }| NotRecorded { term })?;
        Ok(Self {
            overflow: None,
            by_flow,
            ..plan
        })
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
        let mut rules = Box::new(Rules::NONE);
        rules.length = 1;
        rules.needs = needs::MARKS;
        Ok(Self {
            rules,
            whole: map(located, &|leaf: &Located| {
                if leaf.is_for_kernel() {
                    Part::Flow(leaf.clone())
                } else {
                    Part::Row(leaf.clone())
                }
            }),
            kernel: None,
            user: Some(to_expr(located).to_string()),
            overflow: Some(limit),
            by_flow: true,
        })
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

    /// Decides about a row that the kernel counted. Of one without a flow, `flow`
    /// has no addresses.
    #[must_use]
    pub fn judge(&self, row: &Row<'_>, flow: &FlowKey) -> Verdict {
        let kernel = flow.site.filter;
        let packet = packet(flow);
        let value = self.whole.value(&mut |part| match part {
            Part::Kernel(root) => value_of(kernel, *root),
            Part::Row(leaf) => row.value(&leaf.term),
            Part::Flow(leaf) => match leaf.tests() {
                Some(tests) => tests.value(&mut |instruction| {
                    let value = look(instruction, &flow.addrs, &packet);
                    if instruction.negate == 0 {
                        value
                    } else {
                        kleene::not(value)
                    }
                }),
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

/// What is known of a packet from its row of the flow table.
fn packet(flow: &FlowKey) -> Packet {
    let site = &flow.site;
    let has = |mark: u8| site.filter & mark != 0;
    let mut packet = Packet {
        types: [site.ethertype, 0, 0, 0],
        protocol: site.protocol,
        ..Packet::default()
    };
    if has(marks::TAGGED) {
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
    packet
}

/// What a recorded row tells of its packets: their [`marks`].
#[must_use]
pub fn recorded_marks(site: &SiteKey) -> u8 {
    let mut found = 0;
    if site.ethertype != 0 {
        found |= marks::TYPES;
    }
    if site.state & state::FLOW != 0 {
        // The last header that was read, or a raw socket's, is no protocol.
        if extension(site.protocol) == 0 && site.protocol != RAW {
            found |= marks::PROTOCOL;
        }
        if site.state & state::NO_TRANSPORT == 0 {
            found |= marks::TRANSPORT;
        }
    }
    found
}

/// `IPPROTO_RAW` (`include/uapi/linux/in.h`)
const RAW: u8 = 255;

fn value_of(values: u8, root: u8) -> u32 {
    u32::from(values) >> (2 * u32::from(root)) & 3
}

/// Puts the largest parts that are only about the packet into `roots`.
fn split(located: &Logic<Located>, roots: &mut Vec<Logic<Located>>) -> Logic<Part> {
    if located.is_only(&Located::is_for_kernel) {
        let number = roots.iter().position(|root| root == located);
        let number = number.unwrap_or_else(|| {
            roots.push(located.clone());
            roots.len() - 1
        });
        return Logic::Leaf(Part::Kernel(u8::try_from(number).unwrap_or(u8::MAX)));
    }
    let mut grouped = |parts: &[Logic<Located>],
                       join: fn(Vec<Logic<Located>>) -> Logic<Located>| {
        let (kernel, other): (Vec<_>, Vec<_>) = parts
            .iter()
            .cloned()
            .partition(|part| part.is_only(&Located::is_for_kernel));
        let mut found = Vec::new();
        if !kernel.is_empty() {
            found.push(split(&join(kernel), roots));
        }
        for part in &other {
            found.push(split(part, roots));
        }
        found
    };
    match located {
        Logic::All(parts) => Logic::All(grouped(parts, Logic::all)),
        Logic::Any(parts) => Logic::Any(grouped(parts, Logic::any)),
        Logic::Not(inner) => split(inner, roots).negated(),
        Logic::Leaf(leaf) => Logic::Leaf(Part::Row(leaf.clone())),
    }
}

/// For all values of the kernel's expressions: can the whole still be true?
fn fill_verdicts(rules: &mut Rules, whole: &Logic<Part>) {
    for (values, verdict) in (0..=u8::MAX).zip(rules.verdicts.iter_mut()) {
        let possible = whole.values(&mut |part| match part {
            Part::Kernel(root) => Values::of(value_of(values, *root)),
            Part::Row(_) | Part::Flow(_) => Values::ANY,
        });
        *verdict = if possible == Values::of(kleene::FALSE) {
            verdict::REJECT
        } else if possible == Values::of(kleene::UNREAD) {
            verdict::UNDECIDED
        } else {
            verdict::KEEP
        };
    }
}

/// Replaces leaves.
fn map<A, B>(logic: &Logic<A>, leaf: &impl Fn(&A) -> B) -> Logic<B> {
    let many = |parts: &[Logic<A>]| parts.iter().map(|part| map(part, leaf)).collect();
    match logic {
        Logic::All(parts) => Logic::All(many(parts)),
        Logic::Any(parts) => Logic::Any(many(parts)),
        Logic::Not(inner) => Logic::Not(Box::new(map(inner, leaf))),
        Logic::Leaf(found) => Logic::Leaf(leaf(found)),
    }
}

fn tests(root: &Logic<Located>) -> Logic<netdrop_ebpf::filter::Instruction> {
    match root {
        Logic::All(parts) => Logic::all(parts.iter().map(tests)),
        Logic::Any(parts) => Logic::any(parts.iter().map(tests)),
        Logic::Not(inner) => tests(inner).negated(),
        Logic::Leaf(leaf) => leaf.tests().unwrap_or(Logic::All(Vec::new())),
    }
}

/// The questions to rows, the largest parts of the tree that hold nothing else.
fn rows(whole: &Logic<Part>) -> Vec<Logic<Located>> {
    let as_row = |part: &Logic<Part>| -> Option<Logic<Located>> {
        part.is_only(&|leaf| matches!(leaf, Part::Row(_)))
            .then(|| {
                map(part, &|leaf: &Part| match leaf {
                    Part::Row(located) | Part::Flow(located) => Some(located.clone()),
                    Part::Kernel(_) => None,
                })
            })
            .and_then(sequence)
    };
    if let Some(found) = as_row(whole) {
        return vec![found];
    }
    match whole {
        Logic::All(parts) | Logic::Any(parts) => parts.iter().flat_map(rows).collect(),
        Logic::Not(inner) => rows(inner),
        Logic::Leaf(_) => Vec::new(),
    }
}

fn sequence(logic: Logic<Option<Located>>) -> Option<Logic<Located>> {
    Some(match logic {
        Logic::All(parts) => Logic::All(parts.into_iter().map(sequence).collect::<Option<_>>()?),
        Logic::Any(parts) => Logic::Any(parts.into_iter().map(sequence).collect::<Option<_>>()?),
        Logic::Not(inner) => Logic::Not(Box::new(sequence(*inner)?)),
        Logic::Leaf(leaf) => Logic::Leaf(leaf?),
    })
}

fn text(parts: &[Logic<Located>]) -> Option<String> {
    let parts: Vec<_> = parts.iter().map(|part| to_expr(part).to_string()).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn to_expr(logic: &Logic<Located>) -> Expr {
    let many = |parts: &[Logic<Located>], join: fn(Expr, Expr) -> Expr| {
        parts.iter().map(to_expr).reduce(join)
    };
    match logic {
        Logic::All(parts) => many(parts, Expr::and),
        Logic::Any(parts) => many(parts, Expr::or),
        Logic::Not(inner) => Some(!to_expr(inner)),
        Logic::Leaf(leaf) => Some(leaf.term.clone().into()),
    }
    .unwrap_or(Expr::Term(super::tree::Term::Vlan(None)))
}

const _: () = assert!(INSTRUCTIONS <= 255);
