//! Drops over time, in a bounded number of points.

use jiff::Timestamp;

use crate::tally::period::Period;

/// Points of the timeline at most; neighbours become one beyond it.
const MOST_POINTS: usize = 4096;

/// Drops in one or some intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Its end.
    pub time: Timestamp,
    /// Its length.
    pub seconds: f64,
    /// Harmful drops.
    pub harmful: u64,
    /// Suspicious drops.
    pub suspicious: u64,
    /// Benign drops.
    pub benign: u64,
}

impl Point {
    pub(super) fn of(period: &Period) -> Self {
        let sums = &period.totals.sums;
        Self {
            time: period.time,
            seconds: period.seconds,
            harmful: sums.harmful,
            suspicious: sums.suspicious,
            benign: sums.benign,
        }
    }

    fn add(&mut self, later: &Self) {
        self.time = later.time;
        self.seconds += later.seconds;
        self.harmful += later.harmful;
        self.suspicious += later.suspicious;
        self.benign += later.benign;
    }

    /// Drops that are not benign.
    #[must_use]
    pub fn serious(&self) -> u64 {
        self.harmful + self.suspicious
    }
}

/// Points in the making.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) points: Vec<Point>,
    /// Intervals that a point stands for.
    each: usize,
    /// Intervals in the last point.
    last: usize,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            each: 1,
            last: 0,
        }
    }
}

impl Timeline {
    pub(super) fn add(&mut self, point: Point) {
        if let Some(last) = self.points.last_mut()
            && self.last < self.each
        {
            last.add(&point);
            self.last += 1;
            return;
        }
        if self.points.len() >= MOST_POINTS {
            let pairs = self.points.chunks(2);
            self.points = pairs
                .map(|pair| {
                    let mut sum = pair[0];
                    pair[1..].iter().for_each(|second| sum.add(second));
                    sum
                })
                .collect();
            self.each *= 2;
        }
        self.points.push(point);
        self.last = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_timeline_gets_coarser_and_loses_nothing() {
        let mut timeline = Timeline::default();
        for second in 0..20_000 {
            timeline.add(Point {
                time: Timestamp::from_second(second).unwrap(),
                seconds: 1.0,
                harmful: 1,
                suspicious: 2,
                benign: 3,
            });
        }
        assert!(timeline.points.len() <= MOST_POINTS);
        let sum: u64 = timeline.points.iter().map(Point::serious).sum();
        assert_eq!(sum, 3 * 20_000);
        let last = timeline.points.last().unwrap();
        assert_eq!(last.time.as_second(), 19_999);
    }
}
