//! Whether a file has all its intervals, and each adds up: what checksums of bytes
//! do not tell where the bytes are those that were written.

use netdrop_ebpf::area::Counter;

use super::{columns::Line, count::COUNTS, header::Header};
use crate::kernel::snapshot::Counters;

/// More than a host can count: sums stay below it.
const MOST_COUNTED: u64 = 1 << 62;

/// Adds a row to everything counted before.
pub(super) fn count(all: &mut u64, line: &Line<'_>) -> Result<(), String> {
    let value = line.value.filter(|_| line.kind != Some("counter"));
    let sum = [line.drops, line.packets, line.bytes, value]
        .into_iter()
        .flatten()
        .try_fold(*all, u64::checked_add)
        .filter(|sum| *sum <= MOST_COUNTED);
    *all = sum.ok_or("it counts more than there can be")?;
    Ok(())
}

/// The numbers of the intervals of a file, so far.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    /// The number that comes next, where that is known.
    next: Option<u32>,
    /// That of the last one.
    last: Option<u32>,
    any: bool,
}

impl Sequence {
    /// Of a file with this header: only a later piece or a dump begins in the middle.
    pub(super) fn of(header: &Header) -> Self {
        Self {
            next: header.since.is_none().then_some(0),
            last: None,
            any: false,
        }
    }

    /// Does this interval come next? Files without checksums are not asked: who wrote
    /// them may have numbered in another way.
    pub(super) fn follow(&mut self, number: Option<u32>, is_checked: bool) -> Result<(), String> {
        if let (true, Some(next), Some(number)) = (is_checked, self.next, number)
            && next != number
        {
            return Err(format!("interval {next} is missing"));
        }
        self.last = number;
        self.next = number.and_then(|number| number.checked_add(1));
        self.any = true;
        Ok(())
    }

    /// Is that the last interval? The row that ends a file says its number, and 0
    /// where there was none.
    pub(super) fn ends(&self, number: Option<u32>, is_checked: bool) -> Result<(), String> {
        let last = if self.any { self.last } else { Some(0) };
        match (last, number) {
            (Some(last), Some(number)) if is_checked && last != number => {
                Err(format!("it ended with interval {number}, which is missing"))
            }
            _ => Ok(()),
        }
    }

    /// What is wrong, and behind which interval.
    pub(super) fn placed(&self, why: String) -> String {
        match self.last {
            Some(last) => format!("behind interval {last}: {why}"),
            None => why,
        }
    }
}

/// What an interval adds up to, row by row, without anything else of it.
#[derive(Debug, Default)]
pub(super) struct Sums {
    placed: u64,
    counters: Counters,
    /// Everything, so that no sum of it can overflow.
    all: u64,
}

impl Sums {
    /// Takes a row.
    pub(super) fn add(&mut self, line: &Line<'_>) -> Result<(), String> {
        count(&mut self.all, line)?;
        if line.kind == Some("site") {
            self.placed += line.drops.unwrap_or_default();
        } else if let Some(counter) = counter(line) {
            let slot = &mut self.counters.0[counter as usize];
            *slot += line.value.unwrap_or_default();
        }
        Ok(())
    }

    /// Does it add up to the row of the interval?
    pub(super) fn check(&self, line: &Line<'_>) -> Result<(), String> {
        adds_up(line, self.placed, &self.counters)
    }
}

/// The kernel side's counter that a row is of.
pub(super) fn counter(line: &Line<'_>) -> Option<Counter> {
    let (scope, name) = (line.scope?, line.name?);
    let known = COUNTS
        .iter()
        .find(|(_, of, called, _)| (*of, *called) == (scope, name));
    known.map(|(counter, ..)| *counter)
}

/// Do the places add up to what the row of the interval says, and what the kernel
/// side counted, too? Where not, the file is not as it was written.
pub(super) fn adds_up(line: &Line<'_>, placed: u64, counters: &Counters) -> Result<(), String> {
    let Some(drops) = line.drops else {
        return Ok(());
    };
    let placed = placed.saturating_add(counters.get(Counter::SiteOther));
    let counted = counters.counted();
    if (placed, counted) == (drops, drops) {
        return Ok(());
    }
    Err(format!(
        "an interval has {drops} drops, but {placed} by place and {counted} by the kernel's count"
    ))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn follow(since: Option<Timestamp>, numbers: &[u32], end: u32) -> Result<(), String> {
        let header = Header {
            since,
            ..Header::default()
        };
        let mut sequence = Sequence::of(&header);
        for number in numbers {
            sequence.follow(Some(*number), true)?;
        }
        sequence.ends(Some(end), true)
    }

    #[test]
    fn first_last_and_middle_intervals_that_are_missing_are_told() {
        let middle = Some(Timestamp::UNIX_EPOCH);
        for (since, numbers, end) in [
            (None, &[][..], 0),
            (None, &[0], 0),
            (None, &[0, 1, 2], 2),
            (middle, &[], 0),
            (middle, &[7, 8], 8),
        ] {
            assert_eq!(follow(since, numbers, end), Ok(()));
        }
        for (since, numbers, end, told) in [
            (None, &[1, 2][..], 2, "interval 0 is missing"),
            (None, &[0, 2], 2, "interval 1 is missing"),
            (None, &[0, 1], 2, "interval 2, which is missing"),
            (None, &[], 3, "interval 3, which is missing"),
            (middle, &[7, 9], 9, "interval 8 is missing"),
            (middle, &[7, 8], 9, "interval 9, which is missing"),
        ] {
            let why = follow(since, numbers, end).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
    }
}
