//! Places in a recording from which it can be read on, without what comes before.

use std::{collections::VecDeque, io::Read};

use super::{Recording, interval::Partial};
use crate::{
    recording::{frame::Place, names::Recorded, sound::Sequence},
    tally::choose::Singles,
};

/// A place between two intervals, and what was read up to there.
#[derive(Clone, Debug)]
pub struct Bookmark {
    place: Place,
    names: Recorded,
    sequence: Sequence,
    sum: u64,
    singles: Option<Singles>,
}

impl Bookmark {
    /// Bytes before it.
    #[must_use]
    pub fn place(&self) -> u64 {
        self.place.whole
    }
}

impl<R: Read> Recording<R> {
    /// Where it is now; none amid a batch or an interval.
    #[must_use]
    pub fn bookmark(&self) -> Option<Bookmark> {
        let hides = self.truth.as_ref().is_some_and(|truth| truth.hides());
        let is_between = self.pending.is_empty() && self.partial.rows == 0;
        (is_between && self.end.is_none() && !hides).then(|| Bookmark {
            place: self.frames.place(),
            names: self.names.clone(),
            sequence: self.sequence.clone(),
            sum: self.sum,
            singles: self.singles,
        })
    }

    /// Goes to a bookmark of the same recording, read with the same filter. `reader`
    /// stands at its place.
    pub fn go_to(&mut self, bookmark: &Bookmark, reader: R) {
        let Bookmark {
            place,
            names,
            sequence,
            sum,
            singles,
        } = bookmark.clone();
        self.frames.go_on(reader, place);
        self.sequence = sequence;
        self.names = names;
        (self.sum, self.singles) = (sum, singles);
        self.pending = VecDeque::new();
        self.partial = Partial::default();
        self.end = None;
    }
}
