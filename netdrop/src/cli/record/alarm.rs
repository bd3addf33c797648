//! When triggers fire, and how often at most.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::trigger::{Condition, Sample};

/// Conditions that are looked at after every interval.
#[derive(Debug)]
pub(super) struct Alarm {
    /// And since when each of them holds.
    conditions: Vec<(Condition, Option<Instant>)>,
    state: State,
    after: Duration,
    rest: Duration,
}

/// A condition that held.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fired {
    /// As it was given.
    pub(super) condition: String,
    /// When.
    pub(super) time: Timestamp,
    /// The rate that was too high.
    pub(super) rate: f64,
}

#[derive(Debug)]
enum State {
    Armed,
    /// It goes on for a while before it is written.
    Fired(Fired, Instant),
    /// No dump before this time, nor before no condition has held.
    Resting {
        until: Instant,
        calm: bool,
    },
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// Tell that this happened.
    Tell(Fired),
    /// Write now.
    Write(Fired),
}

impl Alarm {
    /// Writes so long `after` a condition held, and then not again for `rest`.
    pub(super) fn new(conditions: Vec<Condition>, after: Duration, rest: Duration) -> Self {
        Self {
            conditions: conditions.into_iter().map(|one| (one, None)).collect(),
            state: State::Armed,
            after,
            rest,
        }
    }

    /// How long it goes on after a condition held.
    pub(super) fn after(&self) -> Duration {
        self.after
    }

    /// How long it then rests.
    pub(super) fn rest(&self) -> Duration {
        self.rest
    }

    /// What is still to be written, when nothing follows any more.
    pub(super) fn pending(self) -> Option<Fired> {
        match self.state {
            State::Fired(fired, _) => Some(fired),
            State::Armed | State::Resting { .. } => None,
        }
    }

    /// Looks at an interval that ended now.
    pub(super) fn look(
        &mut self,
        sample: &Sample<'_>,
        time: Timestamp,
        now: Instant,
    ) -> Option<Action> {
        let began = now - Duration::try_from_secs_f64(sample.seconds).unwrap_or_default();
        let mut fired = None;
        let mut calm = true;
        for (condition, since) in &mut self.conditions {
            let Some(rate) = condition.exceeded(sample) else {
                *since = None;
                continue;
            };
            calm = false;
            let lasted = now - *since.get_or_insert(began);
            if lasted >= condition.lasting() && fired.is_none() {
                fired = Some(Fired {
                    condition: condition.text().to_owned(),
                    time,
                    rate,
                });
            }
        }
        match &mut self.state {
            State::Resting { until, calm: seen } => {
                *seen |= calm;
                if *seen && now >= *until {
                    self.state = State::Armed;
                }
            }
            State::Armed | State::Fired(..) => {}
        }
        match &self.state {
            State::Armed => {
                let fired = fired?;
                self.state = State::Fired(fired.clone(), now + self.after);
                Some(Action::Tell(fired))
            }
            State::Fired(fired, at) if now >= *at => {
                let fired = fired.clone();
                self.state = State::Resting {
                    until: now + self.rest,
                    calm,
                };
                Some(Action::Write(fired))
            }
            State::Fired(..) | State::Resting { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_incident_is_one_dump_however_long_it_lasts() {
        let condition = Condition::parse("drops > 10/s for 2s", None).unwrap();
        let seconds = Duration::from_secs;
        let mut alarm = Alarm::new(vec![condition], seconds(3), seconds(10));
        let start = Instant::now() + seconds(100);
        let mut look = |second: u64, drops: u64| {
            let sample = Sample {
                seconds: 1.0,
                drops,
                packets: 0,
                seen: &[],
            };
            let now = start + seconds(second);
            match alarm.look(&sample, Timestamp::UNIX_EPOCH, now) {
                None => "",
                Some(Action::Tell(_)) => "tell",
                Some(Action::Write(_)) => "write",
            }
        };
        assert_eq!(look(0, 50), "");
        assert_eq!(look(1, 5), "");
        assert_eq!(look(2, 50), "");
        assert_eq!(look(3, 50), "tell");
        assert_eq!(look(4, 50), "");
        assert_eq!(look(5, 0), "");
        assert_eq!(look(6, 50), "write");
        // It goes on and on: nothing new.
        for second in 7..30 {
            assert_eq!(look(second, 50), "");
        }
        assert_eq!(look(30, 0), "");
        assert_eq!(look(31, 50), "");
        assert_eq!(look(32, 50), "tell");
        assert_eq!(look(35, 0), "write");
        // Over and back again, but too soon.
        for second in 36..45 {
            assert_eq!(look(second, 50 * (second % 2)), "");
        }
        for second in 45..50 {
            assert_eq!(
                look(second, 50),
                if second == 46 {
                    "tell"
                } else if second == 49 {
                    "write"
                } else {
                    ""
                }
            );
        }
    }
}
