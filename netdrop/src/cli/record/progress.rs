//! A line on a terminal that tells how far a recording is.

use tokio::time::Instant;

use crate::{
    cli::status_line::StatusLine,
    output::amount::{bytes_text, count_text},
};

/// The line, where standard error is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    since: Instant,
    line: StatusLine,
}

impl Progress {
    /// From now on.
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            line: StatusLine::new(),
        }
    }

    /// Shows what was recorded so far.
    pub(super) fn show(&mut self, drops: u64, size: u64) {
        if !self.line.is_seen() {
            return;
        }
        let seconds = self.since.elapsed().as_secs();
        self.line.show(&format!(
            "{:02}:{:02}:{:02}  {}  {}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            count_text(drops, "drop"),
            bytes_text(size)
        ));
    }

    /// Makes room for a message.
    pub(super) fn clear(&mut self) {
        self.line.clear();
    }
}
