//! What stands while an interval ends: rows that tell changes build on it.

use std::collections::HashMap;

use netdrop_ebpf::hurt::Connection;

use super::{HostCounter, connections::Following};
use crate::recording::connection::Known;

/// The host's counters, and the connections that were followed.
#[derive(Clone, Debug, Default)]
pub struct State {
    counters: Vec<HostCounter>,
    /// Where each of them is.
    places: HashMap<(String, String), usize>,
    pub(super) connections: HashMap<Connection, Known>,
}

impl State {
    /// Of these counters, with no connection so far.
    #[must_use]
    pub fn new(counters: &[HostCounter]) -> Self {
        let mut state = Self::default();
        for counter in counters {
            state.learn(counter);
        }
        state
    }

    /// Takes a counter's value; is it another one?
    pub(super) fn learn(&mut self, counter: &HostCounter) -> bool {
        let key = (counter.scope.clone(), counter.name.clone());
        if let Some(place) = self.places.get(&key) {
            let before = std::mem::replace(&mut self.counters[*place].value, counter.value);
            return before != counter.value;
        }
        self.places.insert(key, self.counters.len());
        self.counters.push(counter.clone());
        true
    }

    /// Takes what an interval changed.
    pub(super) fn advance(&mut self, changed: &[HostCounter], following: &Following) {
        for counter in changed {
            self.learn(counter);
        }
        following.skip(&mut self.connections);
    }

    /// The counters as they stand.
    pub(super) fn counters(&self) -> &[HostCounter] {
        &self.counters
    }

    /// For the next piece of a recording: it goes on with the connections of the
    /// pieces before, and counts anew.
    #[must_use]
    pub fn continued(&self) -> Self {
        self.with(Known::continued)
    }

    /// For a file that stands for itself: it knows a connection only from its
    /// first flow there.
    #[must_use]
    pub fn afresh(&self) -> Self {
        self.with(Known::afresh)
    }

    fn with(&self, change: fn(&Known) -> Known) -> Self {
        let connections = self.connections.iter();
        Self {
            counters: self.counters.clone(),
            places: self.places.clone(),
            connections: connections
                .map(|(connection, known)| (*connection, change(known)))
                .collect(),
        }
    }
}
