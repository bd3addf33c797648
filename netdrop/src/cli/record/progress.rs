//! A line on a terminal that tells how far a recording is.

use std::io::{self, IsTerminal as _, Write as _};

use tokio::time::Instant;

use crate::output::amount::{bytes_text, count_text};

/// The line, where standard error is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    since: Instant,
    shown: bool,
    terminal: bool,
}

impl Progress {
    /// From now on.
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            shown: false,
            terminal: io::stderr().is_terminal(),
        }
    }

    /// Shows what was recorded so far.
    pub(super) fn show(&mut self, drops: u64, size: u64) {
        if !self.terminal {
            return;
        }
        let seconds = self.since.elapsed().as_secs();
        let text = format!(
            "{:02}:{:02}:{:02}  {}  {}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            count_text(drops, "drop"),
            bytes_text(size)
        );
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
        let _ = io::stderr().flush();
        self.shown = true;
    }

    /// Makes room for a message.
    pub(super) fn clear(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
            self.shown = false;
        }
    }
}
