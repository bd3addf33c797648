//! The output of commands that print once.

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::Context as _;

use super::outfile::Whole;

/// Writes everything. A reader that has left is no failure.
pub(super) fn all(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Writes a page into a file as a whole; `-` is standard output.
pub(super) fn page(path: &Path, mut whole: Whole, page: &str) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return all(page.as_bytes());
    }
    match whole.file().write_all(page.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
        Ok(()) => whole.finish(),
    }
}
