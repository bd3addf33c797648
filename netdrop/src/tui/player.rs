//! When which interval of a recording is shown.
//!
//! Comes in: keys, the time, and how long the next interval was. Goes out: when
//! to take it, and when to read the recording from its start again. Nothing is
//! read here, and nobody waits.

use std::time::{Duration, Instant};

use super::{
    speed::Speed,
    state::replay::{Doing, Go},
};

/// So far behind, time that was lost is not made up for.
const LATE: Duration = Duration::from_millis(200);

/// Where in a recording this is.
#[derive(Clone, Debug, PartialEq)]
pub struct Player {
    /// Intervals so far.
    at: u64,
    /// To be gone to at once, whatever the speed.
    goal: Option<u64>,
    playing: bool,
    /// There is no further interval.
    over: bool,
    /// Can the recording be read again?
    rewinds: bool,
    speed: Speed,
    /// When the last interval was due.
    since: Instant,
}

/// When the next interval is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Not until a key is pressed.
    Nothing,
    /// At once.
    Now,
    /// Then.
    At(Instant),
}

/// What has to be done for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// Nothing further.
    Done,
    /// Begin with the recording's start again.
    Rewind,
    /// It cannot be done.
    Refused(&'static str),
}

const NO_WAY_BACK: &str =
    "standard input cannot be read again: record into a file to go back in it";

impl Player {
    /// Before the first interval, which is wanted at once.
    #[must_use]
    pub fn new(speed: Speed, rewinds: bool, now: Instant) -> Self {
        Self {
            at: 0,
            goal: Some(1),
            playing: true,
            over: false,
            rewinds,
            speed,
            since: now,
        }
    }

    /// Intervals so far.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// How fast it plays.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// What it does.
    #[must_use]
    pub fn doing(&self) -> Doing {
        match self.goal {
            Some(u64::MAX) => Doing::Going(None),
            Some(goal) if self.at + 1 < goal => Doing::Going(Some(goal)),
            _ if self.over => Doing::Over,
            _ if self.playing => Doing::Playing,
            _ => Doing::Paused,
        }
    }

    /// Is it on its way to an interval? What comes before it is not to be seen.
    #[must_use]
    pub fn is_going(&self) -> bool {
        self.goal.is_some()
    }

    /// When it wants the next interval, which took so many seconds.
    #[must_use]
    pub fn wants(&self, seconds: f64) -> Wants {
        if self.over {
            Wants::Nothing
        } else if self.goal.is_some() {
            Wants::Now
        } else if self.playing {
            Wants::At(self.due(seconds))
        } else {
            Wants::Nothing
        }
    }

    /// The next interval, which took so many seconds, has been taken.
    pub fn took(&mut self, seconds: f64, now: Instant) {
        self.at += 1;
        let due = self.due(seconds);
        let is_late = now.saturating_duration_since(due) > LATE;
        self.since = if self.goal.is_some() || is_late {
            now
        } else {
            due
        };
        if self.goal.is_some_and(|goal| self.at >= goal) {
            self.goal = None;
        }
    }

    /// There is no further interval.
    pub fn ended(&mut self) {
        (self.over, self.playing, self.goal) = (true, false, None);
    }

    /// Takes a key.
    pub fn press(&mut self, go: Go, now: Instant) -> Pressed {
        match go {
            Go::Toggle if self.goal.take().is_some() => self.playing = false,
            Go::Toggle if self.over && self.rewinds => {
                return Pressed::Refused("this is the end; g goes back to the start");
            }
            Go::Toggle if self.over => return Pressed::Refused("this is the end"),
            Go::Toggle => (self.playing, self.since) = (!self.playing, now),
            Go::Forward if self.over => return Pressed::Refused("this is the last interval"),
            Go::Forward => {
                self.playing = false;
                self.goal = Some(self.target().saturating_add(1));
            }
            Go::Back | Go::Start if !self.rewinds => return Pressed::Refused(NO_WAY_BACK),
            Go::Back if self.target() <= 1 => {
                return Pressed::Refused("this is the first interval");
            }
            Go::Back => {
                self.playing = false;
                return self.go(self.target() - 1);
            }
            Go::Start => return self.go(1),
            Go::End if self.over => {}
            Go::End => self.goal = Some(u64::MAX),
            Go::Faster => self.speed = self.speed.faster(),
            Go::Slower => self.speed = self.speed.slower(),
        }
        Pressed::Done
    }

    /// Everything is to be read again, up to where this is now.
    pub fn again(&mut self) {
        self.goal = Some(self.target().max(1));
        (self.at, self.over) = (0, false);
    }

    /// Instead of the start, this is behind so many intervals, of those that are
    /// wanted at once.
    pub fn resume(&mut self, at: u64, now: Instant) {
        self.at = at;
        self.since = now;
        if self.goal.is_some_and(|goal| at >= goal) {
            self.goal = None;
        }
    }

    /// Where it is or will be in a moment.
    #[must_use]
    pub fn target(&self) -> u64 {
        let goal = self.goal.filter(|goal| *goal != u64::MAX);
        goal.unwrap_or(self.at)
    }

    fn go(&mut self, to: u64) -> Pressed {
        self.goal = (self.at != to).then_some(to);
        if self.at <= to {
            return Pressed::Done;
        }
        (self.at, self.over) = (0, false);
        Pressed::Rewind
    }

    fn due(&self, seconds: f64) -> Instant {
        self.since + self.speed.of(seconds)
    }
}

#[cfg(test)]
mod tests;
