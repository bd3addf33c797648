//! A recording that is played, instead of a host that is watched.

use jiff::Timestamp;
use ratatui::crossterm::event::KeyCode;

use super::{Counts, Cpus, Events, Sparks, State};
use crate::{
    filter::plan::Plan,
    tally::{accounting::Attached, key::By, period::Period},
    tui::speed::Speed,
};

/// Where in a recording to go, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Pause, or play.
    Toggle,
    /// One interval on.
    Forward,
    /// One interval back.
    Back,
    /// To the first interval.
    Start,
    /// To the last interval.
    End,
    /// Play faster.
    Faster,
    /// Play slower.
    Slower,
}

impl Go {
    fn of(code: KeyCode) -> Option<Self> {
        Some(match code {
            KeyCode::Char(' ') => Self::Toggle,
            KeyCode::Char('.') => Self::Forward,
            KeyCode::Char(',') => Self::Back,
            KeyCode::Char('g') => Self::Start,
            KeyCode::Char('G') => Self::End,
            KeyCode::Char('+' | '=') => Self::Faster,
            KeyCode::Char('-') => Self::Slower,
            _ => return None,
        })
    }
}

/// What the player does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Playing.
    Playing,
    /// Waiting for a key.
    Paused,
    /// Reading up to this interval; `None`: to the end.
    Going(Option<u64>),
    /// Standing at the end.
    Over,
}

/// Where the recording on display is.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// When the interval on display ended; `None` before the first one.
    pub time: Option<Timestamp>,
    /// Intervals so far.
    pub at: u64,
    /// Intervals of the whole recording, once it is known.
    pub of: Option<u64>,
    /// How much of it has been read, until then.
    pub read: String,
    /// How fast it plays.
    pub speed: Speed,
    /// What it does.
    pub doing: Doing,
    /// What is wrong with its end, in a word or two.
    pub wrong: Option<&'static str>,
    /// What is wanted of it: a part of [`State::filter`], in which what was wanted
    /// when it was recorded stands, too.
    pub wanted: String,
}

/// What was counted up to an interval, to go back to.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The keys that the small pictures are by.
    by: By,
    counts: Counts,
    last: Option<(Period, Option<f64>)>,
    sparks: Sparks,
    cpus: Cpus,
    events: Events,
}

impl State {
    /// What was counted so far.
    #[must_use]
    pub fn keep(&self) -> Kept {
        let mut events = self.events.clone();
        events.follow();
        Kept {
            by: self.by.clone(),
            counts: self.counts.clone(),
            last: self.last.clone(),
            sparks: self.sparks.clone(),
            cpus: self.cpus.clone(),
            events,
        }
    }

    /// How much that is, in rows.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.counts.groups() + self.events.len()
    }

    /// Takes what was counted up to an interval. What is looked at stays, and so
    /// does what is on display until [`catch_up`](Self::catch_up).
    pub fn go_back(&mut self, kept: &Kept) {
        let Kept {
            by,
            counts,
            last,
            sparks,
            cpus,
            events,
        } = kept.clone();
        self.sparks = sparks;
        if by != self.by {
            self.sparks.clear();
        }
        self.counts = counts;
        self.last = last;
        self.held_cpus = Some(std::mem::replace(&mut self.cpus, cpus));
        self.events = events;
        self.counters.last = None;
    }

    /// What a key means where a recording is played.
    pub(super) fn go_key(&self, code: KeyCode) -> Option<Go> {
        let key = Go::of(code)?;
        self.replay.as_ref().map(|_| key)
    }

    /// Where the recording is now.
    pub fn tell(&mut self, replay: Replay) {
        if self.replay.as_ref() != Some(&replay) {
            self.replay = Some(replay);
            self.changed = true;
        }
    }

    /// Takes what was added last onto the display.
    pub fn catch_up(&mut self) {
        self.held_cpus = None;
        self.look();
    }

    /// Counts from the recording's start again. What is looked at stays, and so
    /// does what is on display until [`catch_up`](Self::catch_up).
    pub fn rewind(&mut self, attached: &Attached, plan: Option<&Plan>) {
        let asked = self.counts.asked().clone();
        self.counts = Counts::new(asked, attached, plan);
        self.last = None;
        self.sparks.clear();
        self.held_cpus = Some(std::mem::take::<Cpus>(&mut self.cpus));
        self.events = Events::default();
        self.counters.last = None;
    }
}
