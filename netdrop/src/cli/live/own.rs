//! What looking costs: the time that this process takes.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// Processor time since it was last asked for.
#[derive(Debug)]
pub(super) struct Own {
    since: Instant,
    used: Option<Duration>,
}

impl Own {
    /// From now on.
    pub(super) fn start() -> Self {
        Self {
            since: Instant::now(),
            used: used(),
        }
    }

    /// The share of one CPU since the last time; more than one CPU is more than
    /// 1.
    pub(super) fn share(&mut self) -> Option<f64> {
        let now = Self::start();
        let before = std::mem::replace(self, now);
        let seconds = (self.since - before.since).as_secs_f64();
        let used = self.used?.checked_sub(before.used?)?;
        (seconds > 0.0).then(|| used.as_secs_f64() / seconds)
    }
}

fn used() -> Option<Duration> {
    let used = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).ok()?;
    Some(used.into())
}
