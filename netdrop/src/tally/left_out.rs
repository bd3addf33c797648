//! Drops that a filter left out.

use std::ops::AddAssign;

use netdrop_ebpf::area::Counter;

use super::accounting::Accounting;
use crate::kernel::snapshot::Counters;

/// How many, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// It did not want them.
    pub filtered: u64,
    /// It could not decide about them.
    pub undecided: u64,
}

impl From<&Counters> for LeftOut {
    fn from(counters: &Counters) -> Self {
        Self {
            filtered: counters.get(Counter::Filtered),
            undecided: counters.get(Counter::Undecided),
        }
    }
}

impl From<&Accounting> for LeftOut {
    fn from(accounting: &Accounting) -> Self {
        Self {
            filtered: accounting.filtered,
            undecided: accounting.undecided,
        }
    }
}

impl AddAssign for LeftOut {
    fn add_assign(&mut self, other: Self) {
        self.filtered += other.filtered;
        self.undecided += other.undecided;
    }
}
