//! What differs between two recordings.

use std::{collections::HashMap, io::Read};

use super::{
    header::Header,
    read::{End, Recording},
    significance::{Length, Scatter, adjusted, burst, probability},
};
use crate::tally::{
    choose::Singles,
    period::{Period, View},
    row::{Field, Row, Value, rate},
};

/// Below this share of chance findings a change is sure.
pub const SURE: f64 = 0.05;
/// Rows compared at most; drops of others are in `uncompared`.
const MOST_ROWS: usize = 1 << 16;

/// Two recordings, compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    /// The earlier and the later one.
    pub sides: [Side; 2],
    /// What differs, and what does not: sure changes first, the largest
    /// difference of rates first.
    pub rows: Vec<Change>,
    /// What else changed, in groupings of its own; only those with sure changes.
    pub beside: Vec<Section>,
}

/// Sure changes of another grouping.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// What the rows are grouped by.
    pub by: &'static str,
    /// Those that are more than chance.
    pub rows: Vec<Change>,
}

/// What is looked at beside places. A flow is without its source port, which is
/// another one for every connection.
const BESIDE: [&str; 3] = ["device", "cpu", FLOWS];
const FLOWS: &str = "protocol,src,dst,dst_port";

/// One of the recordings.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// What it says of itself.
    pub header: Header,
    /// The filter that was applied when it was read; `None` without one.
    pub wanted: Option<String>,
    /// How it ends.
    pub end: End,
    /// The whole of it.
    pub summary: Period,
    /// Drops that had no room for being compared.
    pub uncompared: u64,
    /// Drops that rows did not decide about; `None` where the filter asks for nothing
    /// that rows do not tell.
    pub singles: Option<Singles>,
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It was not there before.
    New,
    /// It is not there any more.
    Gone,
    /// Its rate rose.
    More,
    /// Its rate fell.
    Less,
    /// Its rate is the same.
    Same,
}

impl Kind {
    /// The word used in every output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::More => "more",
            Self::Less => "less",
            Self::Same => "same",
        }
    }
}

/// A row in both recordings.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What happened to it.
    pub kind: Kind,
    /// Its keys.
    pub fields: Vec<Field>,
    /// Drops before and after.
    pub drops: [u64; 2],
    /// Drops a second before and after.
    pub rates: [f64; 2],
    /// How many drops come together.
    pub burst: f64,
    /// The probability that such a difference, or a larger one, is chance.
    pub p: f64,
    /// The same, corrected for the number of rows; 1 where undecided drops could
    /// make up for the difference.
    pub q: f64,
}

impl Change {
    /// Is it more than chance?
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.q <= SURE
    }

    /// The later rate as a multiple of the earlier one.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let [before, after] = self.rates;
        (before > 0.0).then(|| after / before)
    }
}

struct Sums {
    side: Side,
    length: Length,
    rows: Rows,
    /// In the order of [`BESIDE`], where that was asked for.
    beside: Vec<Rows>,
}

/// What rows of a grouping add up to.
#[derive(Default)]
struct Rows {
    rows: HashMap<Vec<Field>, (u64, Scatter)>,
    /// Drops that had no row or no room.
    uncompared: u64,
}

impl Rows {
    fn add(&mut self, period: &Period) {
        let mut now: HashMap<Vec<Field>, u64> = HashMap::new();
        for row in &period.rows {
            match key(row) {
                Some(key) => *now.entry(key).or_default() += row.sums.drops(),
                None => self.uncompared += row.sums.drops(),
            }
        }
        for (key, drops) in now {
            self.count(key, drops, period.seconds);
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a significance needs no more than 52 bits"
    )]
    fn count(&mut self, key: Vec<Field>, drops: u64, seconds: f64) {
        if self.rows.len() >= MOST_ROWS && !self.rows.contains_key(&key) {
            self.uncompared += drops;
            return;
        }
        let (sum, scatter) = self.rows.entry(key).or_default();
        *sum += drops;
        scatter.add(drops as f64, seconds);
    }
}

/// Reads both to their ends and compares their rows; with `beside`, also by what
/// is not in the view.
pub fn diff<R: Read>(before: Recording<R>, after: Recording<R>, view: &View, beside: bool) -> Diff {
    let has_flows = [&before, &after].map(|recording| recording.header().top.is_some());
    let others: Vec<&'static str> = BESIDE
        .into_iter()
        .filter(|by| beside && (*by != FLOWS || has_flows == [true, true]))
        .collect();
    let views: Vec<View> = others
        .iter()
        .filter_map(|by| {
            Some(View {
                by: by.parse().ok()?,
                ..view.clone()
            })
        })
        .collect();
    let [before, after] = [before, after].map(|recording| sums(recording, view, &views));
    let lengths = [before.length, after.length];
    let untold = [&before, &after].map(|sums| {
        let undecided = sums.side.summary.accounting.undecided;
        rate(undecided, sums.length.seconds).unwrap_or_default()
    });
    // Each grouping is one more chance to find something.
    let groupings = 1.0 + views.iter().map(|_| 1.0).sum::<f64>();
    let sections = others.iter().enumerate().filter_map(|(place, by)| {
        let sides = [&before.beside[place], &after.beside[place]];
        let mut rows = changes(sides, lengths, groupings, untold);
        rows.retain(|row| row.is_sure() && !may_be_uncompared(row, sides, lengths));
        (!rows.is_empty()).then_some(Section { by, rows })
    });
    Diff {
        beside: sections.collect(),
        rows: changes([&before.rows, &after.rows], lengths, groupings, untold),
        sides: [before.side, after.side],
    }
}

/// Could drops without a row make up for the difference? Flows beyond those that
/// were kept have none.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 52 bits"
)]
fn may_be_uncompared(row: &Change, sides: [&Rows; 2], lengths: [Length; 2]) -> bool {
    let [before, after] = row.rates;
    let (low, high) = if before < after {
        (0, after)
    } else {
        (1, before)
    };
    let most = (row.drops[low] + sides[low].uncompared) as f64 / lengths[low].seconds;
    sides[low].uncompared > 0 && most >= high
}

/// What differs in a grouping, one of so many. `untold` drops a second of each side
/// may be of any row.
#[expect(clippy::float_cmp, reason = "nothing untold is exactly zero")]
fn changes(
    sides: [&Rows; 2],
    lengths: [Length; 2],
    groupings: f64,
    untold: [f64; 2],
) -> Vec<Change> {
    let [before, after] = sides;
    let mut keys: Vec<&Vec<Field>> = before.rows.keys().collect();
    keys.extend(
        after
            .rows
            .keys()
            .filter(|key| !before.rows.contains_key(*key)),
    );
    let mut rows: Vec<Change> = keys
        .into_iter()
        .map(|key| change(key, sides, lengths))
        .collect();
    let probabilities: Vec<f64> = rows.iter().map(|row| row.p).collect();
    for (row, q) in rows.iter_mut().zip(adjusted(&probabilities)) {
        row.q = (q * groupings).min(1.0);
        // Drops that no filter could tell apart may make up for the difference.
        let [before, after] = row.rates;
        let gap = if before < after {
            before + untold[0] >= after
        } else {
            after + untold[1] >= before
        };
        if gap && untold != [0.0; 2] {
            row.q = 1.0;
        }
    }
    let difference = |row: &Change| (row.rates[1] - row.rates[0]).abs();
    rows.sort_by(|a, b| {
        b.is_sure()
            .cmp(&a.is_sure())
            .then_with(|| difference(b).total_cmp(&difference(a)))
            .then_with(|| format!("{:?}", a.fields).cmp(&format!("{:?}", b.fields)))
    });
    rows
}

fn change(key: &[Field], [before, after]: [&Rows; 2], lengths: [Length; 2]) -> Change {
    let of = |rows: &Rows| rows.rows.get(key).copied().unwrap_or_default();
    let ((drops_before, scatter_before), (drops_after, scatter_after)) = (of(before), of(after));
    let [length_before, length_after] = lengths;
    let burst = burst([
        (scatter_before, length_before),
        (scatter_after, length_after),
    ]);
    // Rounded down: a part of an event is none.
    let events = |scatter: Scatter| (scatter.count / burst + 1e-9).floor();
    let p = probability(
        (events(scatter_before), length_before.seconds),
        (events(scatter_after), length_after.seconds),
    );
    let per_second = |drops, length: Length| rate(drops, length.seconds).unwrap_or_default();
    let rates = [
        per_second(drops_before, length_before),
        per_second(drops_after, length_after),
    ];
    let kind = match (drops_before, drops_after) {
        (0, _) => Kind::New,
        (_, 0) => Kind::Gone,
        _ if rates[1] > rates[0] => Kind::More,
        _ if rates[1] < rates[0] => Kind::Less,
        _ => Kind::Same,
    };
    Change {
        kind,
        fields: key.to_vec(),
        drops: [drops_before, drops_after],
        rates,
        burst,
        p,
        q: 1.0,
    }
}

fn sums<R: Read>(mut recording: Recording<R>, view: &View, views: &[View]) -> Sums {
    let all = |view: &View| {
        recording.tally(View {
            top: usize::MAX,
            ..view.clone()
        })
    };
    let mut tally = all(view);
    let mut others: Vec<_> = views
        .iter()
        .map(|view| (all(view), Rows::default()))
        .collect();
    let mut rows = Rows::default();
    let mut length = Length::default();
    let mut time = recording.header().start.unwrap_or_default();
    while let Some(interval) = recording.next_interval() {
        let period = recording.show(&interval, &mut tally);
        time = period.time;
        length.seconds += period.seconds;
        length.intervals += 1.0;
        rows.add(&period);
        for (tally, rows) in &mut others {
            rows.add(&recording.show(&interval, tally));
        }
    }
    Sums {
        side: Side {
            header: recording.header().clone(),
            wanted: recording.wanted().map(str::to_owned),
            end: recording.end().cloned().unwrap_or(End::Cut(0)),
            summary: tally.summary(time, 0),
            uncompared: rows.uncompared,
            singles: recording.singles(),
        },
        length,
        rows,
        beside: others.into_iter().map(|(_, rows)| rows).collect(),
    }
}

/// What tells rows apart on any day: numbers that change when a host is started
/// again are left out where there is a name.
fn key(row: &Row) -> Option<Vec<Field>> {
    if row.other.is_some() {
        return None;
    }
    let has = |name: &str| {
        let mut fields = row.fields.iter();
        fields.any(|field| field.name == name && field.value != Value::Null)
    };
    let fields = row.fields.iter().filter(|field| match field.name {
        "stage_by" => false,
        "ifindex" => !has("device"),
        "netns" => !has("netns_name"),
        _ => true,
    });
    Some(fields.cloned().collect())
}

#[cfg(test)]
mod tests;
