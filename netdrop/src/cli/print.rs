//! Standard output of commands that print once.

use std::io::{self, Write as _};

use anyhow::Context as _;

/// Writes everything. A reader that has left is no failure.
pub(super) fn all(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}
