//! How many events a CPU may send: so many a second, and some at once.

use std::time::Duration;

/// What a CPU may save up: as much as it may send in this time. Whoever allows
/// more does so more often.
pub const MOST_SAVED: Duration = Duration::from_millis(200);

/// The allowance of each CPU in an interval, and what is left of the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Events a second and CPU.
    rate: f64,
    /// What may be sent at the start of the interval.
    saved: f64,
}

impl Allowance {
    /// So many events a second for all CPUs together.
    pub(super) fn new(rate: u32, cpus: usize) -> Self {
        let cpus = u32::try_from(cpus).unwrap_or(u32::MAX).max(1);
        let rate = f64::from(rate) / f64::from(cpus);
        Self {
            rate,
            saved: rate * MOST_SAVED.as_secs_f64(),
        }
    }

    /// Events that a CPU may send from the start of the interval until now.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; neither is negative"
    )]
    pub(super) fn worth(&self, elapsed: Duration) -> u32 {
        (self.saved + self.rate * elapsed.as_secs_f64()).ceil() as u32
    }

    /// Ends an interval in which the CPU that sent most sent so many.
    #[expect(
        clippy::cast_precision_loss,
        reason = "no CPU sends that many in an interval"
    )]
    pub(super) fn end(&mut self, elapsed: Duration, sent: u64) {
        let left = self.saved + self.rate * elapsed.as_secs_f64() - sent as f64;
        self.saved = left.clamp(0.0, self.rate * MOST_SAVED.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(20);

    #[test]
    fn a_burst_at_the_start_of_a_short_interval_is_kept() {
        let mut allowance = Allowance::new(2000, 2);
        for _ in 0..10 {
            assert!(allowance.worth(Duration::ZERO) >= 200);
            allowance.end(TICK, 0);
        }
    }

    #[test]
    fn no_cpu_sends_more_in_the_long_run() {
        let mut allowance = Allowance::new(2000, 2);
        let mut sent = 0;
        for _ in 0..500 {
            let now = u64::from(allowance.worth(TICK));
            allowance.end(TICK, now);
            sent += now;
        }
        // Ten seconds, what was saved, and what rounding up gives.
        assert!((10_000..=10_000 + 200 + 500).contains(&sent), "{sent}");
    }

    #[test]
    fn what_was_sent_too_much_is_not_owed_for_ever() {
        let mut allowance = Allowance::new(10, 1);
        allowance.end(TICK, 1_000_000);
        assert_eq!(allowance.worth(Duration::from_secs(1)), 10);
    }
}
