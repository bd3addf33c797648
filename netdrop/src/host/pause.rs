//! How often something costly may be done.

use std::time::{Duration, Instant};

/// Shortest time between two searches.
const SHORTEST: Duration = Duration::from_secs(1);

/// The pause after a search is at least this many times as long as it took, so
/// that searching stays below 2 % of one CPU.
const BY_COST: u32 = 50;

/// When the last search was, and how long to wait for the next.
#[derive(Debug, Default)]
pub(super) struct Pause {
    last: Option<Instant>,
    length: Duration,
}

impl Pause {
    /// Runs `search` unless the pause after the last one is not over.
    pub(super) fn allow<T>(&mut self, search: impl FnOnce() -> T) -> Option<T> {
        if self.last.is_some_and(|last| last.elapsed() < self.length) {
            return None;
        }
        let start = Instant::now();
        let found = search();
        self.length = SHORTEST.max(start.elapsed() * BY_COST);
        self.last = Some(start);
        Some(found)
    }

    /// The pause is over.
    #[cfg(test)]
    pub(super) fn end(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::Pause;

    #[test]
    fn the_first_search_is_free_and_the_next_must_wait() {
        let mut pause = Pause::default();
        assert_eq!(pause.allow(|| 1), Some(1));
        assert_eq!(pause.allow(|| 2), None);
        pause.end();
        assert_eq!(pause.allow(|| 3), Some(3));
    }
}
