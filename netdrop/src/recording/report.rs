//! What recordings of a host show, on one page.

mod builder;
pub mod chart;
pub mod timeline;

use jiff::{SignedDuration, Timestamp};

pub use self::builder::{Builder, key};
use self::{
    chart::{Bin, Drops},
    timeline::Point,
};
use super::{header::Header, read::End};
use crate::{
    drops::{advice::Advice, stage::Stage},
    reconcile::{Line, Terms},
    tally::{choose::Singles, histogram::Histogram, period::Period, row::Row, show::Show},
};

/// One page.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What the first recording says of itself.
    pub header: Header,
    /// The filter that was applied when they were read; `None` without one.
    pub wanted: Option<String>,
    /// The recordings that it is made of, one behind the other in time.
    pub pieces: Vec<Piece>,
    /// What was added to the clock of the host by hand.
    pub offset: SignedDuration,
    /// Severities shown in rows.
    pub show: Show,
    /// How the last one ends.
    pub end: End,
    /// Whole intervals.
    pub intervals: u64,
    /// When the first of them began and the last one ended.
    pub span: Option<(Timestamp, Timestamp)>,
    /// What died where, over the whole recording.
    pub summary: Period,
    /// When, for each row of the summary; `None` for rows that stand for others.
    pub times: Vec<Option<Times>>,
    /// Stage and reason of what died, and what to do about it.
    pub reasons: Vec<Reason>,
    /// The flows that lost most; `None` where no flows were recorded.
    pub flows: Option<Period>,
    /// Drops over time.
    pub timeline: Vec<Point>,
    /// Over the whole recording; empty where none were recorded.
    pub histograms: Vec<Histogram>,
    /// The host's counters of loss against the recorded drops.
    pub reconciliation: Vec<Line>,
    /// How far to trust that; `None` where it is not possible: with a filter, and in
    /// recordings that do not say which namespace their counters are of.
    pub reconciled: Option<Terms>,
    /// Drops over time by stage and CPU, in fewer points.
    pub chart: Vec<Bin>,
}

/// One recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Its name.
    pub file: String,
    /// When its first whole interval began and its last one ended.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Whole intervals.
    pub intervals: u64,
    /// How it ends.
    pub end: End,
    /// Drops that rows did not decide about; `None` where the filter asks for nothing
    /// that rows do not tell.
    pub singles: Option<Singles>,
}

/// Drops of a reason in a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// Their row.
    pub row: Row,
    /// What they mean and what to do next; `None` for a row that stands for
    /// others.
    pub advice: Option<Advice>,
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

/// Recordings that begin so soon after the one before leave no gap.
const NO_GAP: SignedDuration = SignedDuration::from_millis(1500);

impl Report {
    /// What was not recorded between the recordings.
    #[must_use]
    pub fn gaps(&self) -> Vec<(Timestamp, Timestamp)> {
        let spans: Vec<_> = self.pieces.iter().filter_map(|piece| piece.span).collect();
        let pairs = spans.windows(2).map(|pair| (pair[0].1, pair[1].0));
        pairs
            .filter(|(end, start)| start.duration_since(*end) > NO_GAP)
            .collect()
    }

    /// Drops by stage, in path order; `None` for those without room in a table.
    #[must_use]
    pub fn stages(&self) -> Vec<(Option<Stage>, Drops)> {
        chart::sum(&self.chart, |bin| &bin.stages)
    }

    /// Drops of packets on their way out in stages of the receiving path.
    #[must_use]
    pub fn sent(&self) -> Vec<(Stage, Drops)> {
        chart::sum(&self.chart, |bin| &bin.sent)
    }

    /// Drops by CPU; `None` for those without room in a table.
    #[must_use]
    pub fn cpus(&self) -> Vec<(Option<u64>, Drops)> {
        chart::sum(&self.chart, |bin| &bin.cpus)
    }
}
