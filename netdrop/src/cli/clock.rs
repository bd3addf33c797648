//! The wall clock and the clock of events.

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use nix::time::{ClockId, clock_gettime};

/// The wall clock at `CLOCK_BOOTTIME` 0, as things stand now.
pub(super) fn boot() -> anyhow::Result<Timestamp> {
    let since = clock_gettime(ClockId::CLOCK_BOOTTIME).context("cannot read CLOCK_BOOTTIME")?;
    let since = std::time::Duration::from(since);
    Timestamp::now()
        .checked_sub(SignedDuration::try_from(since)?)
        .context("the wall clock is out of range")
}
