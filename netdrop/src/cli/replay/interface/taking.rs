//! Takes one interval after another, and goes back.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::time::Instant;

use super::Played;
use crate::{
    cli::{
        filter::{self, Filter},
        reading::name,
        replay::{
            counters::Counters,
            length::Length,
            reel::Reel,
            source::{Bytes, Source},
        },
    },
    output::singles::remark,
    recording::read::{End, Interval, Recording, bookmark::Bookmark},
    tally::{packet::Drop, period::Moment, show::Show},
    tui::state::replay::Kept,
};

/// A place between two intervals, and what was counted up to there.
pub(super) struct Checkpoint {
    bookmark: Bookmark,
    state: Kept,
    counters: Counters,
    time: Timestamp,
}

/// The recording from its start.
pub(super) fn read(
    path: &Path,
    source: &mut Source,
    filter: Option<&Filter>,
) -> anyhow::Result<Box<Recording<Bytes>>> {
    let plan = filter.map(|filter| filter.plan.clone());
    let recording = Recording::open_with(source.bytes(), plan, None);
    Ok(Box::new(recording.with_context(|| name(path))?))
}

impl Played {
    /// Everything is as before the first interval.
    pub(super) fn begin(&mut self) {
        let plan = self.filter.as_ref().map(|filter| &filter.plan);
        // What single drops tell is decided while it is read.
        let plan = plan.filter(|plan| !plan.asks_singles());
        self.state.rewind(&self.attached, plan);
        self.state.filter = filter::both(self.recorded.as_deref(), self.filter.as_ref());
        self.state.counters.why_not = self.counters.why_not();
        self.time = None;
        self.tell();
    }

    /// Reads it again: up to where the player wants to be, from the nearest place
    /// before that is known, or else from its start.
    pub(super) fn again(&mut self) -> anyhow::Result<()> {
        let mut recording = read(&self.path, &mut self.source, self.filter.as_ref())?;
        let known = self.checkpoints.before(self.player.target());
        if let Some((at, known)) = known
            && let Some(bytes) = self.source.bytes_behind(known.bookmark.place())
        {
            recording.go_to(&known.bookmark, bytes);
            self.counters = known.counters.clone();
            self.state.go_back(&known.state);
            self.time = Some(known.time);
            self.player.resume(at, Instant::now().into_std());
            self.reel = Reel::start(recording)?;
            self.tell();
            return Ok(());
        }
        self.counters = Counters::of(&recording);
        self.reel = Reel::start(recording)?;
        self.begin();
        Ok(())
    }

    /// The next interval has been read, or there is none.
    pub(super) fn arrived(&mut self) {
        let Some((recording, next)) = self.reel.next() else {
            return;
        };
        self.bytes = recording.bytes();
        if next.is_some() {
            return;
        }
        let end = recording.end().cloned();
        let singles = recording.singles().and_then(remark);
        self.player.ended();
        if let Some(text) = singles {
            self.state.say(text.clone());
            self.remarks.retain(|said| *said != text);
            self.remarks.push(text);
        }
        if let Some(end) = end {
            self.ends(end);
        }
        self.state.touch();
    }

    /// All of it has been counted.
    pub(super) fn measured(&mut self, length: Option<Length>) {
        if let Some(length) = length {
            self.ends(length.end.clone());
            self.length = Some(length);
            self.state.touch();
        }
    }

    /// How it ends, said once.
    fn ends(&mut self, end: End) {
        if self.end.is_none() && !matches!(end, End::Closed(_)) {
            let text = format!("{}: {end}", name(&self.path));
            self.state.say(text.clone());
            self.remarks.push(format!("warning: {text}"));
        }
        self.end.get_or_insert(end);
    }

    /// Counts the next interval.
    pub(super) fn take(&mut self) -> anyhow::Result<()> {
        let Some((mut recording, interval)) = self.reel.take() else {
            return Ok(());
        };
        let begun = Instant::now();
        self.count(&mut recording, &interval);
        let took = begun.elapsed();
        self.player
            .took(interval.snapshot.seconds, Instant::now().into_std());
        self.time = Some(interval.time);
        self.stale = true;
        self.keep(&recording, interval.time, took);
        self.reel.read_on(recording)
    }

    /// Keeps what was counted, now and then, to go back to.
    fn keep(&mut self, recording: &Recording<Bytes>, time: Timestamp, took: Duration) {
        let at = self.player.at();
        if !self.source.rewinds() || !self.checkpoints.is_due(at, took) {
            return;
        }
        let Some(bookmark) = recording.bookmark() else {
            return;
        };
        let begun = Instant::now();
        let weight = self.state.weight();
        let kept = Checkpoint {
            bookmark,
            state: self.state.keep(),
            counters: self.counters.clone(),
            time,
        };
        self.checkpoints.keep(at, weight, kept, begun.elapsed());
    }

    fn count(&mut self, recording: &mut Recording<Bytes>, interval: &Interval) {
        if let Some(softnet) = self.counters.interval(recording, interval) {
            self.state.feed_backlogs(&softnet);
        }
        let events: Vec<Drop> = recording.events(interval, Show::All).cloned().collect();
        self.state.feed_events(events);
        let moment = Moment {
            time: interval.time,
            time_squeeze: interval.time_squeeze.as_deref(),
            output_lost: 0,
        };
        self.state
            .count(&interval.snapshot, &moment, None, &mut recording.names);
    }
}
