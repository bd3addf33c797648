//! Numbers computed from a packet, and comparisons of them.

use std::collections::BTreeSet;

/// A field of one byte that can be computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `tcp[tcpflags]`
    TcpFlags,
    /// `icmp[icmptype]`
    IcmpType,
    /// `icmp[icmpcode]`
    IcmpCode,
    /// `icmp6[icmp6type]`
    Icmp6Type,
    /// `icmp6[icmp6code]`
    Icmp6Code,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TcpFlags,
        Self::IcmpType,
        Self::IcmpCode,
        Self::Icmp6Type,
        Self::Icmp6Code,
    ];

    /// The protocol word and the byte's place in its header.
    #[must_use]
    pub const fn place(self) -> (&'static str, u32) {
        match self {
            Self::TcpFlags => ("tcp", 13),
            Self::IcmpType => ("icmp", 0),
            Self::IcmpCode => ("icmp", 1),
            Self::Icmp6Type => ("icmp6", 0),
            Self::Icmp6Code => ("icmp6", 1),
        }
    }

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TcpFlags => "tcp[tcpflags]",
            Self::IcmpType => "icmp[icmptype]",
            Self::IcmpCode => "icmp[icmpcode]",
            Self::Icmp6Type => "icmp6[icmp6type]",
            Self::Icmp6Code => "icmp6[icmp6code]",
        }
    }
}

/// An operation on two numbers of 32 bits without sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `|`
    Or,
    /// `&`
    And,
    /// `<<`
    Left,
    /// `>>`
    Right,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `^`
    Xor,
}

impl Operator {
    /// How tightly `%` and `^` bind to what stands before them. What stands
    /// behind them is read to its end: libpcap's grammar gives them no place
    /// among the others.
    pub const TIGHTEST: u8 = 6;

    /// All of them, and how tightly each binds.
    pub const ALL: [(Self, &'static str, u8); 10] = [
        (Self::Or, "|", 1),
        (Self::And, "&", 2),
        (Self::Left, "<<", 3),
        (Self::Right, ">>", 3),
        (Self::Add, "+", 4),
        (Self::Subtract, "-", 4),
        (Self::Multiply, "*", 5),
        (Self::Divide, "/", 5),
        (Self::Modulo, "%", Self::TIGHTEST),
        (Self::Xor, "^", Self::TIGHTEST),
    ];

    fn row(self) -> (Self, &'static str, u8) {
        let found = Self::ALL.into_iter().find(|row| row.0 == self);
        found.unwrap_or((self, "|", 1))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// How tightly it binds.
    #[must_use]
    pub fn strength(self) -> u8 {
        self.row().2
    }

    /// `None` when divided by zero.
    #[must_use]
    pub fn apply(self, left: u32, right: u32) -> Option<u32> {
        Some(match self {
            Self::Or => left | right,
            Self::And => left & right,
            Self::Left => left.checked_shl(right).unwrap_or(0),
            Self::Right => left.checked_shr(right).unwrap_or(0),
            Self::Add => left.wrapping_add(right),
            Self::Subtract => left.wrapping_sub(right),
            Self::Multiply => left.wrapping_mul(right),
            Self::Divide => return left.checked_div(right),
            Self::Modulo => return left.checked_rem(right),
            Self::Xor => left ^ right,
        })
    }
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Relation {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Does it hold?
    #[must_use]
    pub const fn holds(self, left: u32, right: u32) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Greater => left > right,
            Self::AtLeast => left >= right,
        }
    }

    /// The same relation seen from the other side.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
            same => same,
        }
    }
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// Written out.
    Constant(u32),
    /// The frame's length in bytes.
    Length,
    /// A byte of a header.
    Byte(Field),
    /// Computed.
    Computed(Operator, Box<Number>, Box<Number>),
}

impl Number {
    /// The bytes it is made of.
    pub fn fields(&self, into: &mut BTreeSet<Field>) {
        match self {
            Self::Byte(field) => {
                into.insert(*field);
            }
            Self::Computed(_, left, right) => {
                left.fields(into);
                right.fields(into);
            }
            Self::Constant(_) | Self::Length => {}
        }
    }

    /// Is the length part of it?
    #[must_use]
    pub fn has_length(&self) -> bool {
        match self {
            Self::Length => true,
            Self::Computed(_, left, right) => left.has_length() || right.has_length(),
            Self::Constant(_) | Self::Byte(_) => false,
        }
    }

    /// Its value, where that is the same for every packet.
    #[must_use]
    pub fn constant(&self) -> Option<u32> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Length | Self::Byte(_) => None,
            Self::Computed(operator, left, right) => {
                operator.apply(left.constant()?, right.constant()?)
            }
        }
    }

    /// Its value when every byte in it is `byte`; `None` when something is
    /// divided by zero or the length is needed.
    #[must_use]
    pub fn value(&self, byte: u8) -> Option<u32> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Length => None,
            Self::Byte(_) => Some(u32::from(byte)),
            Self::Computed(operator, left, right) => {
                operator.apply(left.value(byte)?, right.value(byte)?)
            }
        }
    }
}

/// A comparison. The parser lets through what can be decided: numbers over one
/// byte of a header, and a length compared with a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Left of the sign.
    pub left: Number,
    /// The sign.
    pub relation: Relation,
    /// Right of the sign.
    pub right: Number,
}

/// What a comparison asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Nothing: it is always so.
    Known(bool),
    /// Is the byte in this set?
    Byte(Field, Box<[bool; 256]>),
    /// How does the length compare with this?
    Length(Relation, u32),
}

impl Comparison {
    /// What it asks; `None` when it asks for more than one thing.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        let Self {
            left,
            relation,
            right,
        } = self;
        let mut fields = BTreeSet::new();
        left.fields(&mut fields);
        right.fields(&mut fields);
        if left.has_length() || right.has_length() {
            return match (left, right) {
                (Number::Length, other) if !other.has_length() && fields.is_empty() => {
                    Some(Question::Length(*relation, other.value(0)?))
                }
                (other, Number::Length) if !other.has_length() && fields.is_empty() => {
                    Some(Question::Length(relation.mirrored(), other.value(0)?))
                }
                _ => None,
            };
        }
        let holds = |byte| {
            // Whatever is divided by zero compares as false.
            let values = left.value(byte).zip(right.value(byte));
            values.is_some_and(|(left, right)| relation.holds(left, right))
        };
        let Some(&field) = fields.first() else {
            return Some(Question::Known(holds(0)));
        };
        if fields.len() > 1 {
            return None;
        }
        let mut set = Box::new([false; 256]);
        for byte in 0..=u8::MAX {
            set[usize::from(byte)] = holds(byte);
        }
        Some(Question::Byte(field, set))
    }
}
