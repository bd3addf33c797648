//! How well the wall clock is kept, as the kernel says (`adjtimex(2)`).

use std::{io, time::Duration};

/// What the kernel knows of its wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockState {
    /// Does something keep it (NTP, PTP)?
    pub(crate) synchronized: bool,
    /// How far it may be off at most. It grows by half a millisecond a second
    /// while nothing keeps the clock.
    pub(crate) max_error: Duration,
}

/// Reads it.
pub(crate) fn state() -> io::Result<ClockState> {
    // SAFETY: a structure of integers, for which zero is a valid value; no bit
    // of `modes` is set, so that nothing is changed.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: `timex` lives until the call returns.
    let result = unsafe { libc::adjtimex(&raw mut timex) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(ClockState {
        synchronized: timex.status & libc::STA_UNSYNC == 0,
        max_error: Duration::from_micros(u64::try_from(timex.maxerror).unwrap_or(u64::MAX)),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_state_can_be_read_without_privileges() {
        // `include/linux/timex.h`: NTP_PHASE_LIMIT bounds it, some 16 seconds.
        let state = super::state().unwrap();
        assert!(state.max_error.as_secs() <= 17, "{state:?}");
    }
}
