//! Leaves joined by *and*, *or* and *not*, whatever the leaves are. The order of
//! what is joined has no meaning.

use netdrop_ebpf::kleene;

/// Leaves and how they are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logic<L> {
    /// All of them; true when there are none.
    All(Vec<Self>),
    /// Any of them; false when there are none.
    Any(Vec<Self>),
    /// The opposite.
    Not(Box<Self>),
    /// One leaf.
    Leaf(L),
}

impl<L> Logic<L> {
    /// All of them, without joins of the same kind inside each other.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.swap_remove(0),
            _ => Self::All(flat),
        }
    }

    /// Any of them, without joins of the same kind inside each other.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.swap_remove(0),
            _ => Self::Any(flat),
        }
    }

    /// The opposite, without one *not* inside another.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Its value in three-valued logic ([`kleene`]).
    pub fn value(&self, leaf: &mut impl FnMut(&L) -> u32) -> u32 {
        match self {
            Self::All(parts) => parts
                .iter()
                .fold(kleene::TRUE, |value, part| value & part.value(leaf)),
            Self::Any(parts) => parts
                .iter()
                .fold(kleene::FALSE, |value, part| value | part.value(leaf)),
            Self::Not(inner) => kleene::not(inner.value(leaf)),
            Self::Leaf(found) => leaf(found),
        }
    }

    /// Every value it may have when leaves may have several.
    pub fn values(&self, leaf: &mut impl FnMut(&L) -> Values) -> Values {
        match self {
            Self::All(parts) => parts.iter().fold(Values::of(kleene::TRUE), |values, part| {
                values.with(part.values(leaf), |one, other| one & other)
            }),
            Self::Any(parts) => parts
                .iter()
                .fold(Values::of(kleene::FALSE), |values, part| {
                    values.with(part.values(leaf), |one, other| one | other)
                }),
            Self::Not(inner) => {
                let inner = inner.values(leaf);
                inner.with(inner, |one, _| kleene::not(one))
            }
            Self::Leaf(found) => leaf(found),
        }
    }

    /// Do all leaves answer yes?
    pub fn is_only(&self, wanted: &impl Fn(&L) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(|part| part.is_only(wanted)),
            Self::Not(inner) => inner.is_only(wanted),
            Self::Leaf(found) => wanted(found),
        }
    }

    /// Calls `visit` for every leaf.
    pub fn each(&self, visit: &mut impl FnMut(&L)) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.each(visit);
                }
            }
            Self::Not(inner) => inner.each(visit),
            Self::Leaf(found) => visit(found),
        }
    }
}

/// A set of three-valued values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Values(u8);

impl Values {
    /// Any of the three.
    pub const ANY: Self = Self(1 << kleene::FALSE | 1 << kleene::UNREAD | 1 << kleene::TRUE);

    /// One value.
    #[must_use]
    pub const fn of(value: u32) -> Self {
        Self(1 << (value & 3))
    }

    /// Is this one of them?
    #[must_use]
    pub const fn has(self, value: u32) -> bool {
        self.0 & Self::of(value).0 != 0
    }

    fn with(self, other: Self, join: impl Fn(u32, u32) -> u32) -> Self {
        let mut joined = Self(0);
        for one in (0..4).filter(|value| self.has(*value)) {
            for two in (0..4).filter(|value| other.has(*value)) {
                joined.0 |= Self::of(join(one, two)).0;
            }
        }
        joined
    }
}
