//! What stands while an interval ends: rows that tell changes build on it.

use std::{collections::HashMap, sync::Arc};

use netdrop_ebpf::hurt::Connection;

use super::{HostCounter, connections::Following, sheet::Stamp};
use crate::recording::{
    columns::{Columns, Line},
    connection::Known,
};

/// The host's counters, and the connections that were followed.
#[derive(Clone, Debug, Default)]
pub struct State {
    counters: Vec<HostCounter>,
    /// Where each of them is, by scope and name.
    places: HashMap<Arc<str>, HashMap<Arc<str>, usize>>,
    /// Where the next one is to be expected: they mostly come in the same order.
    next: usize,
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

    /// Expects the first counter next.
    pub(super) fn begin(&mut self) {
        self.next = 0;
    }

    /// Takes a counter's value; is it another one?
    pub(super) fn learn(&mut self, counter: &HostCounter) -> bool {
        let Some(place) = self.place(counter) else {
            let scope = self.places.entry(Arc::clone(&counter.scope)).or_default();
            scope.insert(Arc::clone(&counter.name), self.counters.len());
            self.counters.push(counter.clone());
            return true;
        };
        self.next = place + 1;
        let before = std::mem::replace(&mut self.counters[place].value, counter.value);
        before != counter.value
    }

    fn place(&self, counter: &HostCounter) -> Option<usize> {
        let HostCounter { scope, name, .. } = counter;
        let expected = self.counters.get(self.next);
        if expected.is_some_and(|known| known.name == *name && known.scope == *scope) {
            return Some(self.next);
        }
        self.places.get(scope)?.get(name).copied()
    }

    /// Takes what an interval changed.
    pub(super) fn advance(&mut self, changed: &[HostCounter], following: &Following) {
        for counter in changed {
            self.learn(counter);
        }
        following.skip(&mut self.connections);
    }

    /// Adds the first rows of a file: the counters as they stand.
    pub(in crate::recording) fn start(&self, columns: &mut Columns, stamp: &Stamp) {
        for counter in &self.counters {
            columns.push(&Line {
                scope: Some(&counter.scope),
                name: Some(&counter.name),
                value: counter.value,
                ..stamp.line("counter")
            });
        }
        if self.counters.is_empty() {
            // What has no rows has no checksum, and the header is to have one.
            columns.push(&stamp.line("start"));
        }
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
            next: 0,
            connections: connections
                .map(|(connection, known)| (*connection, change(known)))
                .collect(),
        }
    }
}
