//! Three-valued logic (Kleene): what was not read is neither true nor false.
//!
//! The values are chosen so that *and* is the bits' and, *or* the bits' or.

/// False.
pub const FALSE: u32 = 0b00;
/// Could not be read.
pub const UNREAD: u32 = 0b01;
/// True.
pub const TRUE: u32 = 0b11;

/// A known value.
#[inline(always)]
#[must_use]
pub const fn known(value: bool) -> u32 {
    if value { TRUE } else { FALSE }
}

/// The opposite; what was not read stays so.
#[inline(always)]
#[must_use]
pub const fn not(value: u32) -> u32 {
    let inverted = !value;
    (inverted & 1) << 1 | (inverted >> 1) & 1
}

#[cfg(test)]
mod tests {
    use super::{FALSE, TRUE, UNREAD, not};

    #[test]
    fn and_or_and_not_are_kleenes() {
        for (a, b, and, or) in [
            (TRUE, TRUE, TRUE, TRUE),
            (TRUE, FALSE, FALSE, TRUE),
            (TRUE, UNREAD, UNREAD, TRUE),
            (FALSE, FALSE, FALSE, FALSE),
            (FALSE, UNREAD, FALSE, UNREAD),
            (UNREAD, UNREAD, UNREAD, UNREAD),
        ] {
            assert_eq!((a & b, a | b), (and, or));
            assert_eq!((b & a, b | a), (and, or));
        }
        assert_eq!([not(TRUE), not(FALSE), not(UNREAD)], [FALSE, TRUE, UNREAD]);
    }
}
