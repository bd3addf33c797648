//! A line on standard error that comes and goes, where that is a terminal.

use std::io::{self, IsTerminal as _, Write as _};

/// Back to the start of the line, and everything on it away.
const EMPTY: &str = "\r\x1b[K";

/// The line. It goes when this is dropped.
#[derive(Debug)]
pub(super) struct StatusLine {
    terminal: bool,
    shown: bool,
}

impl StatusLine {
    /// None is shown yet. On what is no terminal, and on one that cannot take a
    /// line back, none ever is.
    pub(super) fn new() -> Self {
        Self {
            terminal: io::stderr().is_terminal() && super::term::takes_escapes(),
            shown: false,
        }
    }

    /// Is there somebody to see it?
    pub(super) fn is_seen(&self) -> bool {
        self.terminal
    }

    /// Shows this instead of what was shown before.
    pub(super) fn show(&mut self, text: &str) {
        if !self.terminal {
            return;
        }
        let size = terminal_size::terminal_size_of(io::stderr());
        // A line that wraps could not be taken back.
        let width = size.map_or(80, |(width, _)| usize::from(width.0)).max(2) - 1;
        let text: String = text.chars().take(width).collect();
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{EMPTY}{text}");
        let _ = stderr.flush();
        self.shown = true;
    }

    /// Makes room for something else.
    pub(super) fn clear(&mut self) {
        if self.shown {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "{EMPTY}");
            let _ = stderr.flush();
            self.shown = false;
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.clear();
    }
}
