//! Places in a recording that can be gone back to without reading it from its start:
//! many near the place that was looked at last, few far from it.

use std::time::Duration;

/// Intervals between two of them at least.
const APART: u64 = 4;
/// Keeping them takes such a part of the time at most.
const SHARE: u32 = 10;
/// What all of them weigh at most: rows, a few hundred bytes each.
const MOST: usize = 1 << 18;

/// Something to go back to.
#[derive(Debug)]
struct Checkpoint<T> {
    /// Intervals before it.
    at: u64,
    weight: usize,
    kept: T,
}

/// All of them, by their place.
#[derive(Debug)]
pub(super) struct Checkpoints<T> {
    all: Vec<Checkpoint<T>>,
    /// What was done since the last one was kept.
    since: Duration,
    /// What that took.
    cost: Duration,
}

impl<T> Default for Checkpoints<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            since: Duration::ZERO,
            cost: Duration::ZERO,
        }
    }
}

impl<T> Checkpoints<T> {
    /// An interval took so long, and this is behind so many. Is it worth keeping?
    pub(super) fn is_due(&mut self, at: u64, took: Duration) -> bool {
        self.since += took;
        let near = self.all.iter().any(|it| it.at.abs_diff(at) < APART);
        !near && at >= APART && self.since >= self.cost * SHARE
    }

    /// Keeps this, which took so long to make.
    pub(super) fn keep(&mut self, at: u64, weight: usize, kept: T, cost: Duration) {
        (self.since, self.cost) = (Duration::ZERO, cost);
        if weight > MOST {
            return;
        }
        let place = self.all.partition_point(|it| it.at < at);
        self.all.insert(place, Checkpoint { at, weight, kept });
        while let Some(place) = self.least(at, true) {
            self.all.remove(place);
        }
        while self.all.iter().map(|it| it.weight).sum::<usize>() > MOST {
            match self.least(at, false) {
                Some(place) => drop(self.all.remove(place)),
                None => self.all.retain(|it| it.at == at),
            }
        }
    }

    /// The last one that is not behind this place.
    pub(super) fn before(&self, at: u64) -> Option<(u64, &T)> {
        let found = self.all.iter().rfind(|it| it.at <= at)?;
        Some((found.at, &found.kept))
    }

    /// The one that is missed least, for somebody who is here: whose neighbours are
    /// near each other and far from here. Only one that is hardly missed, or any.
    fn least(&self, here: u64, hardly: bool) -> Option<usize> {
        let gaps = self
            .all
            .windows(3)
            .enumerate()
            .filter_map(|(place, three)| {
                let gap = three[2].at - three[0].at;
                let far = three.iter().map(|it| it.at.abs_diff(here)).min()?;
                let is_here = three[1].at == here;
                (!is_here && (!hardly || gap <= far)).then_some((place + 1, gap, far))
            });
        // As a part of the way: crosswise, without fractions.
        gaps.min_by_key(|(_, gap, far)| (gap << 16) / (far + 1))
            .map(|(place, ..)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Duration = Duration::ZERO;

    fn played(intervals: u64, weight: usize) -> Checkpoints<u64> {
        let mut checkpoints = Checkpoints::default();
        for at in 1..=intervals {
            if checkpoints.is_due(at, NOTHING) {
                checkpoints.keep(at, weight, at, NOTHING);
            }
        }
        checkpoints
    }

    #[test]
    fn the_way_back_is_short_near_by_and_never_long_for_its_length() {
        for length in [5, 100, 3600, 86_400] {
            let checkpoints = played(length, 1);
            assert!(checkpoints.all.len() < 60, "{}", checkpoints.all.len());
            for to in APART..=length {
                let (at, kept) = checkpoints.before(to).unwrap();
                assert_eq!(at, *kept);
                let far = length - to;
                assert!(
                    at <= to && to - at <= 2 * APART + far,
                    "{at} for {to} of {length}"
                );
            }
            assert!(checkpoints.before(APART - 1).is_none());
        }
    }

    #[test]
    fn many_steps_back_read_little_again() {
        let mut checkpoints = played(10_000, 1);
        let mut taken = 0;
        for to in (5_000..10_000).rev() {
            let (from, _) = checkpoints.before(to).unwrap();
            for at in from + 1..=to {
                taken += 1;
                if checkpoints.is_due(at, NOTHING) {
                    checkpoints.keep(at, 1, at, NOTHING);
                }
            }
        }
        assert!(taken < 20 * 5_000, "{taken}");
    }

    #[test]
    fn what_is_heavy_is_kept_seldom_or_not_at_all() {
        let checkpoints = played(1000, MOST / 5);
        assert!((1..=5).contains(&checkpoints.all.len()));
        assert!(checkpoints.before(999).is_some_and(|(at, _)| at > 900));
        assert!(played(1000, MOST + 1).all.is_empty());
    }

    #[test]
    fn keeping_takes_a_small_part_of_the_time() {
        let mut checkpoints = Checkpoints::default();
        let one = Duration::from_millis(1);
        let mut kept = 0;
        for at in 1..=1000 {
            if checkpoints.is_due(at, one) {
                checkpoints.keep(at, 1, (), 5 * one);
                kept += 1;
            }
        }
        assert!((15..=21).contains(&kept), "{kept}");
    }
}
