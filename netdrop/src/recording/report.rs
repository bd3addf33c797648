//! What a recording shows, on one page.

use std::{collections::HashMap, io::Read};

use jiff::{SignedDuration, Timestamp};

use super::{
    header::Header,
    read::{End, Recording},
};
use crate::{
    reconcile::Line,
    tally::{
        histogram::Histogram,
        period::{Period, View},
        row::{Field, Row},
    },
};

/// Points of the timeline at most; neighbours become one beyond it.
const MOST_POINTS: usize = 4096;
/// Rows whose times are remembered at most.
const MOST_ROWS: usize = 1 << 16;

/// One page.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What the recording says of itself.
    pub header: Header,
    /// How it ends.
    pub end: End,
    /// Whole intervals.
    pub intervals: u64,
    /// When the first of them began and the last one ended.
    pub span: Option<(Timestamp, Timestamp)>,
    /// What died where, over the whole recording.
    pub summary: Period,
    /// When, for each row of the summary; `None` for rows that stand for others.
    pub times: Vec<Option<Times>>,
    /// The flows that lost most; `None` where no flows were recorded.
    pub flows: Option<Period>,
    /// Drops over time.
    pub timeline: Vec<Point>,
    /// Over the whole recording; empty where none were recorded.
    pub histograms: Vec<Histogram>,
    /// The host's counters of loss against the recorded drops.
    pub reconciliation: Vec<Line>,
}

/// When the drops of a row happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// Start of the first interval with drops.
    pub first: Timestamp,
    /// End of the last one.
    pub last: Timestamp,
    /// Most drops a second in an interval.
    pub peak: f64,
    /// End of that interval.
    pub peak_at: Timestamp,
}

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
    fn of(period: &Period) -> Self {
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

/// Reads a recording to its end. `view` groups what died where, `flows` the
/// flows.
pub fn report<R: Read>(mut recording: Recording<R>, view: &View, flows: &View) -> Report {
    let mut all = recording.tally(View {
        top: usize::MAX,
        ..view.clone()
    });
    let mut summary = recording.tally(view.clone());
    summary.explain();
    let mut by_flow = recording.tally(flows.clone());
    let mut counts_flows = false;
    let mut times = HashMap::new();
    let mut timeline = Timeline::default();
    let mut intervals = 0;
    let mut span: Option<(Timestamp, Timestamp)> = None;
    while let Some(interval) = recording.next_interval() {
        let period = recording.show(&interval, &mut all);
        recording.show(&interval, &mut summary);
        if interval.snapshot.flows.is_some() {
            counts_flows = true;
            recording.show(&interval, &mut by_flow);
        }
        let start = before(period.time, period.seconds);
        for row in &period.rows {
            note(&mut times, row, &period, start);
        }
        timeline.add(Point::of(&period));
        intervals += 1;
        span = Some((span.map_or(start, |(start, _)| start), period.time));
    }
    let time = span.map_or(Timestamp::UNIX_EPOCH, |(_, end)| end);
    let summary = summary.summary(time, 0);
    Report {
        times: summary
            .rows
            .iter()
            .map(|row| times.get(&key(row)?).copied())
            .collect(),
        histograms: summary.histograms.clone().unwrap_or_default(),
        header: recording.header().clone(),
        end: recording.end().cloned().unwrap_or(End::Cut(0)),
        intervals,
        span,
        summary,
        flows: counts_flows.then(|| Period {
            histograms: None,
            ..by_flow.summary(time, 0)
        }),
        timeline: timeline.points,
        reconciliation: Vec::new(),
    }
}

fn note(times: &mut HashMap<Vec<Field>, Times>, row: &Row, period: &Period, start: Timestamp) {
    let Some(key) = key(row) else { return };
    let peak = row.rate(period.seconds).unwrap_or_default();
    let room = times.len() < MOST_ROWS;
    match times.get_mut(&key) {
        Some(known) => {
            known.last = period.time;
            if peak > known.peak {
                (known.peak, known.peak_at) = (peak, period.time);
            }
        }
        None if room => {
            let new = Times {
                first: start,
                last: period.time,
                peak,
                peak_at: period.time,
            };
            times.insert(key, new);
        }
        None => {}
    }
}

/// What tells a row from others: how its stage is known may change.
#[must_use]
pub fn key(row: &Row) -> Option<Vec<Field>> {
    let fields = row.fields.iter();
    row.other.is_none().then(|| {
        fields
            .filter(|field| field.name != "stage_by")
            .cloned()
            .collect()
    })
}

/// So many seconds before.
fn before(time: Timestamp, seconds: f64) -> Timestamp {
    SignedDuration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|length| time.checked_sub(length).ok())
        .unwrap_or(time)
}

#[derive(Debug)]
struct Timeline {
    points: Vec<Point>,
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
    fn add(&mut self, point: Point) {
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
