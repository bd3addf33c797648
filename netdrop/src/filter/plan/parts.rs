//! The tree of a filter, taken apart into what the kernel answers and what rows do.

use netdrop_ebpf::{
    filter::{Instruction, Rules, verdict},
    kleene,
};

use crate::filter::{
    compile::Located,
    logic::{Logic, Values},
    tree::{Expr, Term},
};

/// What a part of the filter is answered from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The value of one of the kernel's expressions.
    Kernel(u8),
    /// The row.
    Row(Located),
    /// What is known of the packet, since the kernel's table has no room or the
    /// drop was recorded.
    Packet(Located),
}

pub(super) fn value_of(values: u8, root: u8) -> u32 {
    u32::from(values) >> (2 * u32::from(root)) & 3
}

/// Puts the largest parts that are only about the packet into `roots`.
pub(super) fn split(located: &Logic<Located>, roots: &mut Vec<Logic<Located>>) -> Logic<Part> {
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
pub(super) fn fill_verdicts(rules: &mut Rules, whole: &Logic<Part>) {
    for (values, verdict) in (0..=u8::MAX).zip(rules.verdicts.iter_mut()) {
        let possible = whole.values(&mut |part| match part {
            Part::Kernel(root) => Values::of(value_of(values, *root)),
            Part::Row(_) | Part::Packet(_) => Values::ANY,
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
pub(super) fn map<A, B>(logic: &Logic<A>, leaf: &impl Fn(&A) -> B) -> Logic<B> {
    let many = |parts: &[Logic<A>]| parts.iter().map(|part| map(part, leaf)).collect();
    match logic {
        Logic::All(parts) => Logic::All(many(parts)),
        Logic::Any(parts) => Logic::Any(many(parts)),
        Logic::Not(inner) => Logic::Not(Box::new(map(inner, leaf))),
        Logic::Leaf(found) => Logic::Leaf(leaf(found)),
    }
}

pub(super) fn tests(root: &Logic<Located>) -> Logic<Instruction> {
    match root {
        Logic::All(parts) => Logic::all(parts.iter().map(tests)),
        Logic::Any(parts) => Logic::any(parts.iter().map(tests)),
        Logic::Not(inner) => tests(inner).negated(),
        Logic::Leaf(leaf) => leaf.tests().unwrap_or(Logic::All(Vec::new())),
    }
}

/// The questions to rows, the largest parts of the tree that hold nothing else.
pub(super) fn rows(whole: &Logic<Part>) -> Vec<Logic<Located>> {
    let as_row = |part: &Logic<Part>| -> Option<Logic<Located>> {
        part.is_only(&|leaf| matches!(leaf, Part::Row(_)))
            .then(|| {
                map(part, &|leaf: &Part| match leaf {
                    Part::Row(located) | Part::Packet(located) => Some(located.clone()),
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

pub(super) fn text(parts: &[Logic<Located>]) -> Option<String> {
    let parts: Vec<_> = parts.iter().map(|part| to_expr(part).to_string()).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

pub(super) fn to_expr(logic: &Logic<Located>) -> Expr {
    let many = |parts: &[Logic<Located>], join: fn(Expr, Expr) -> Expr| {
        parts.iter().map(to_expr).reduce(join)
    };
    match logic {
        Logic::All(parts) => many(parts, Expr::and),
        Logic::Any(parts) => many(parts, Expr::or),
        Logic::Not(inner) => Some(!to_expr(inner)),
        Logic::Leaf(leaf) => Some(leaf.term.clone().into()),
    }
    .unwrap_or(Expr::Term(Term::Vlan(None)))
}
