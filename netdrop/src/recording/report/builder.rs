//! Reads recordings of a host, one behind the other, as if they were one.

use std::{collections::HashMap, io::Read, mem};

use jiff::{SignedDuration, Timestamp};

use super::{
    Piece, Reason, Report, Times,
    chart::{self, Chart},
    timeline::{Point, Timeline},
};
use crate::{
    reconcile::{Reconciler, Reconciliation},
    recording::{
        header::Header,
        names::Recorded,
        read::{End, Recording},
    },
    tally::{
        key::{By, Key},
        period::{Period, Tally, View},
        row::{Field, Row},
    },
};

/// Rows whose times are remembered at most.
const MOST_ROWS: usize = 1 << 16;
/// Reasons that are explained at most.
const MOST_REASONS: usize = 12;
/// A recording may begin so much before the end of the one before it: the first
/// interval begins before its hooks are attached.
const SLACK: SignedDuration = SignedDuration::from_millis(500);

/// A report in the making.
#[derive(Debug)]
pub struct Builder {
    header: Header,
    wanted: Option<String>,
    offset: SignedDuration,
    view: View,
    names: Recorded,
    pieces: Vec<Piece>,
    all: Tally,
    summary: Tally,
    reasons: Tally,
    flows: Tally,
    charted: Tally,
    counts_flows: bool,
    /// Of all recordings so far; `None` where one of them cannot be reconciled.
    reconciled: Option<Reconciliation>,
    times: HashMap<Vec<Field>, Times>,
    timeline: Timeline,
    chart: Chart,
}

impl Builder {
    /// Begins with what is the same in all recordings of this host. `view` groups
    /// what died where, `flows` the flows; `offset` is added to every time.
    pub fn new<R: Read>(
        recording: &Recording<R>,
        view: &View,
        flows: &View,
        offset: SignedDuration,
    ) -> Self {
        let tally = |view: &View| recording.tally(view.clone());
        let mut reasons = tally(&View {
            by: By::of([Key::Stage, Key::Reason]),
            top: MOST_REASONS,
            ..view.clone()
        });
        reasons.explain();
        let mut summary = tally(view);
        summary.explain();
        Self {
            header: recording.header().clone(),
            wanted: recording.wanted().map(str::to_owned),
            offset,
            view: view.clone(),
            names: Recorded::default(),
            pieces: Vec::new(),
            all: tally(&View {
                top: usize::MAX,
                ..view.clone()
            }),
            summary,
            reasons,
            flows: tally(flows),
            charted: tally(&chart::view()),
            counts_flows: false,
            reconciled: Some(Reconciliation::default()),
            times: HashMap::new(),
            timeline: Timeline::default(),
            chart: Chart::default(),
        }
    }

    /// The name of the host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.header.host
    }

    /// Does this recording come behind those read so far, on the same host?
    pub fn is_followed_by<R: Read>(&self, recording: &Recording<R>) -> bool {
        let header = recording.header();
        let last = self
            .pieces
            .iter()
            .filter_map(|piece| piece.span)
            .next_back();
        let later = match (last, header.start.map(|start| self.shifted(start))) {
            (Some((_, end)), Some(start)) => start.duration_since(end) >= -SLACK,
            // Nothing tells of its time, or nothing is in the others.
            (Some(_), None) => false,
            (None, _) => true,
        };
        let same = (&header.host, &header.machine, &header.filter)
            == (&self.header.host, &self.header.machine, &self.header.filter);
        same && later && recording.names.is_empty()
    }

    /// Is it of the same recorder, and not behind what was read of it? Then both
    /// hold the same drops.
    pub fn overlaps<R: Read>(&self, recording: &Recording<R>) -> bool {
        let (one, other) = (&self.header, recording.header());
        let began = |header: &Header| header.since.or(header.start);
        let same = (
            &one.host,
            &one.machine,
            &one.filter,
            one.interval,
            began(one),
        ) == (
            &other.host,
            &other.machine,
            &other.filter,
            other.interval,
            began(other),
        );
        same && began(one).is_some() && !self.is_followed_by(recording)
    }

    /// Reads a recording to its end: the first one, or one of which
    /// [`Builder::is_followed_by`] is true.
    pub fn read<R: Read>(&mut self, file: &str, mut recording: Recording<R>) {
        if !self.pieces.is_empty() {
            // Names have numbers; those of one host are to have the same ones.
            recording.names = mem::take(&mut self.names);
            for tally in [
                &mut self.all,
                &mut self.summary,
                &mut self.reasons,
                &mut self.flows,
                &mut self.charted,
            ] {
                tally.next_recording(recording.attached());
            }
        }
        let mut piece = Piece {
            file: file.to_owned(),
            span: None,
            intervals: 0,
            end: End::Cut(0),
            singles: None,
        };
        let mut reconciler = recording.reconciler();
        while let Some(mut interval) = recording.next_interval() {
            interval.time = self.shifted(interval.time);
            if let Some(reconciler) = &mut reconciler {
                recording.reconcile(&interval, reconciler);
            }
            let period = recording.show(&interval, &mut self.all);
            recording.show(&interval, &mut self.summary);
            recording.show(&interval, &mut self.reasons);
            if interval.snapshot.flows.is_some() {
                self.counts_flows = true;
                recording.show(&interval, &mut self.flows);
            }
            self.chart
                .add(&recording.show(&interval, &mut self.charted));
            let start = before(period.time, period.seconds);
            for row in &period.rows {
                note(&mut self.times, row, &period, start);
            }
            self.timeline.add(Point::of(&period));
            piece.intervals += 1;
            piece.span = Some((piece.span.map_or(start, |(start, _)| start), period.time));
        }
        let found = reconciler.as_ref().map(Reconciler::run);
        self.reconciled = self.reconciled.take().zip(found).map(|(mut all, found)| {
            all.add(found);
            all
        });
        piece.end = recording.end().cloned().unwrap_or(End::Cut(0));
        piece.singles = recording.singles();
        self.pieces.push(piece);
        self.names = recording.names;
    }

    /// Everything that was read.
    #[must_use]
    pub fn finish(self) -> Report {
        let Self {
            header,
            wanted,
            offset,
            view,
            pieces,
            summary,
            reasons,
            flows,
            counts_flows,
            reconciled,
            times,
            timeline,
            chart,
            ..
        } = self;
        let spans = || pieces.iter().filter_map(|piece| piece.span);
        let span = spans()
            .next()
            .zip(spans().next_back())
            .map(|((start, _), (_, end))| (start, end));
        let time = span.map_or(Timestamp::UNIX_EPOCH, |(_, end)| end);
        let summary = summary.summary(time, 0);
        let explained = reasons.summary(time, 0).rows.into_iter().map(|row| {
            let advice = reasons.advice(std::slice::from_ref(&row)).into_iter();
            Reason {
                advice: advice.take(1).next(),
                row,
            }
        });
        let (reconciliation, reconciled) = match reconciled {
            Some(Reconciliation { lines, terms }) => (lines, Some(terms)),
            None => (Vec::new(), None),
        };
        Report {
            header,
            wanted,
            offset,
            show: view.show,
            end: pieces.last().map_or(End::Cut(0), |piece| piece.end.clone()),
            intervals: pieces.iter().map(|piece| piece.intervals).sum(),
            span,
            times: summary
                .rows
                .iter()
                .map(|row| times.get(&key(row)?).copied())
                .collect(),
            histograms: summary.histograms.clone().unwrap_or_default(),
            reasons: explained.collect(),
            summary,
            flows: counts_flows.then(|| Period {
                histograms: None,
                ..flows.summary(time, 0)
            }),
            timeline: timeline.points,
            chart: chart.bins,
            reconciliation,
            reconciled,
            pieces,
        }
    }

    fn shifted(&self, time: Timestamp) -> Timestamp {
        time.checked_add(self.offset).unwrap_or(time)
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
pub(super) fn before(time: Timestamp, seconds: f64) -> Timestamp {
    SignedDuration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|length| time.checked_sub(length).ok())
        .unwrap_or(time)
}
