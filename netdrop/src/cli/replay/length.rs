//! How many intervals a file has, counted by a thread of its own.

use std::thread;

use anyhow::Context as _;
use tokio::sync::oneshot::{self, Receiver};

use super::source::Bytes;
use crate::recording::read::{End, Recording};

/// The length of a recording, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) intervals: u64,
    pub(super) end: End,
}

/// Begins to count.
pub(super) fn count(bytes: Bytes) -> anyhow::Result<Receiver<Length>> {
    let (answer, length) = oneshot::channel();
    thread::Builder::new()
        .name("netdrop-length".to_owned())
        .spawn(move || {
            let Ok(recording) = Recording::open(bytes) else {
                return;
            };
            let mut recording = recording.without_events();
            let mut intervals = 0;
            while !answer.is_closed() && recording.next_interval().is_some() {
                intervals += 1;
            }
            if let Some(end) = recording.end().cloned() {
                let _ = answer.send(Length { intervals, end });
            }
        })
        .context("cannot start a thread")?;
    Ok(length)
}
