//! What is known of a device or queueing discipline that did not just go on.

use std::collections::HashMap;

use super::{
    super::{
        Scope,
        flat::{Counter, Kind},
    },
    BEGAN, ENDED, GONE, MADE, Numbers, UNKNOWN,
    episodes::{Episode, Place},
};

/// When something happened, by the number of the reading.
#[derive(Debug, Default)]
pub(super) struct Life {
    made: u64,
    gone: u64,
    pub(super) unknown: u64,
    ended: Numbers,
    began: Numbers,
    place: Place,
}

impl Life {
    /// What happened until a reading, in which it is there or not.
    pub(super) fn take(&mut self, episode: Episode, now: u64, is_here: bool) {
        let Episode {
            alive,
            ended,
            began,
            is_unknown,
            place,
            ..
        } = episode;
        *self = match began {
            _ if is_unknown || alive != is_here => Self {
                unknown: now,
                ..Self::default()
            },
            Some(began) if alive => Self {
                made: now,
                ended,
                began,
                place,
                ..Self::default()
            },
            None if !alive => Self {
                gone: now,
                ended,
                place,
                ..Self::default()
            },
            _ => Self {
                unknown: now,
                ..Self::default()
            },
        };
    }

    /// How it ended, of one that is not there and of which that was told.
    pub(super) fn end(&self) -> Option<(&Numbers, Place)> {
        (self.gone > 0).then_some((&self.ended, self.place))
    }

    pub(super) fn marks(&self, scope: &Scope) -> Vec<Counter> {
        let kind = usize::from(matches!(scope, Scope::Qdisc { .. }));
        let mut marks = Vec::new();
        let mut add = |name: &str, value| {
            marks.push(Counter {
                scope: scope.clone(),
                name: name.into(),
                kind: Kind::Gauge,
                value,
            });
        };
        for (name, since) in [
            (UNKNOWN[kind], self.unknown),
            (GONE[kind], self.gone),
            (MADE[kind], self.made),
        ] {
            if since > 0 {
                add(name, since);
            }
        }
        for (start, numbers) in [(ENDED, &self.ended), (BEGAN, &self.began)] {
            for (name, value) in numbers {
                add(&format!("{start}{name}"), *value);
            }
        }
        marks
    }

    fn last(&self) -> u64 {
        self.made.max(self.gone).max(self.unknown)
    }
}

/// Forgets those that are not there any more, save so many that went last.
pub(super) fn forget(
    lives: &mut HashMap<Scope, Life>,
    present: &HashMap<Scope, Place>,
    remembered: usize,
) {
    let absent = lives
        .iter()
        .filter(|(scope, _)| !present.contains_key(scope));
    let mut ends: Vec<u64> = absent.map(|(_, life)| life.last()).collect();
    if ends.len() > remembered {
        ends.sort_unstable_by(|a, b| b.cmp(a));
        let oldest = ends[remembered];
        lives.retain(|scope, life| present.contains_key(scope) || life.last() > oldest);
    }
}
