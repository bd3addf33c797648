//! What names things, and may change.

use std::{collections::HashMap, hash::Hash};

use super::intern::Name;

/// Names remembered; beyond it the memory starts afresh.
const MOST: usize = 16_384;

/// Names by `K`, with the interval in which each was asked for.
#[derive(Clone, Debug)]
pub(super) struct Changing<K, V = Name>(HashMap<K, (Option<V>, u64)>);

impl<K, V> Default for Changing<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V: Copy> Changing<K, V> {
    /// The name of `key`, asked for at most once an interval; what has no name
    /// any more keeps the one it had.
    pub(super) fn refresh(
        &mut self,
        key: K,
        interval: u64,
        ask: impl FnOnce() -> Option<V>,
    ) -> Option<V> {
        let Self(known) = self;
        if known.len() >= MOST {
            known.clear();
        }
        let (name, asked) = known.entry(key).or_insert((None, u64::MAX));
        if *asked != interval {
            *asked = interval;
            *name = ask().or(*name);
        }
        *name
    }

    /// The name as learned last.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.0.get(key).and_then(|(name, _)| *name)
    }

    /// Everything and its name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, Option<V>)> {
        self.0.iter().map(|(key, (name, _))| (key, *name))
    }
}
