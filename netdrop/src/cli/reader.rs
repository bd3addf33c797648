//! Notices that the reader of standard output went away while nothing is
//! written to it.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    os::{fd::AsFd as _, unix::fs::FileTypeExt as _},
};

use tokio::{io::Interest, net::unix::pipe::Sender};

/// The pipe behind standard output; without one there is nothing to notice.
#[derive(Debug)]
pub(super) struct Reader(Option<Sender>);

impl Reader {
    /// Watches standard output. Must be called inside the runtime.
    pub(super) fn watch() -> Self {
        Self(pipe().ok().flatten())
    }

    /// Ends when the pipe has no reader any more.
    pub(super) async fn gone(&self) {
        let gone = match &self.0 {
            Some(pipe) => pipe.ready(Interest::ERROR).await.is_ok(),
            None => false,
        };
        if !gone {
            std::future::pending::<()>().await;
        }
    }
}

/// Is somebody behind standard output who may not read? Not behind a file or
/// `/dev/null`.
pub(super) fn is_expected() -> bool {
    let stdout = io::stdout();
    let file = || {
        let owned = stdout.as_fd().try_clone_to_owned().ok()?;
        File::from(owned).metadata().ok()
    };
    stdout.is_terminal()
        || file().is_some_and(|file| {
            let kind = file.file_type();
            kind.is_fifo() || kind.is_socket()
        })
}

fn pipe() -> io::Result<Option<Sender>> {
    let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    if !file.metadata()?.file_type().is_fifo() {
        return Ok(None);
    }
    // Only its readiness is asked for. The checked constructor would make the
    // pipe non-blocking for everybody who holds it.
    Sender::from_file_unchecked(file).map(Some)
}
