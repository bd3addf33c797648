//! The steps of a rule's condition, for the build, which makes them, and for the
//! program, which takes them.

/// A step of a condition. Operands come first, then what is done with them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step<'a> {
    /// A number.
    Number(f64),
    /// The value of a counter or setting; a counter's is what it counted.
    Name(&'a str),
    /// The values of a name, over all its scopes.
    Over(Over, &'a str),
    /// Does something with the last two, or the last one for `not`.
    Apply(Operation),
}

/// What is made of several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    dead_code,
    reason = "the build makes them all, and the rules need not use them all"
)]
pub(crate) enum Over {
    /// Their sum.
    Total,
    /// The largest.
    Largest,
    /// How many there are.
    Count,
}

/// What is done with operands. Conditions are 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    dead_code,
    reason = "the build makes them all, and the rules need not use them all"
)]
pub(crate) enum Operation {
    /// `or`
    Or,
    /// `and`
    And,
    /// `not`
    Not,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Divide,
}
