//! The way out: a thread that writes behind a bounded queue, so that a reader
//! that stalls never stalls counting. What does not fit is lost and counted.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::fd::AsFd as _,
    thread,
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// Frames that wait at most.
const QUEUE: usize = 32;

/// Why writing ended.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Disk full, and the like.
    #[error("cannot write to standard output; free space or send the output elsewhere")]
    Write(#[source] io::Error),
    /// No thread, no descriptor.
    #[error("cannot set up standard output")]
    Setup(#[source] io::Error),
}

/// Nothing more can be written; [`Sink::finish`] tells why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// A bounded queue into a writer.
#[derive(Debug)]
pub struct Sink {
    queue: mpsc::Sender<Bytes>,
    end: oneshot::Receiver<io::Result<()>>,
    lost: u64,
}

impl Sink {
    /// Writes to standard output.
    ///
    /// # Errors
    ///
    /// [`SinkError::Setup`]
    pub fn stdout() -> Result<Self, SinkError> {
        let file = io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .map(File::from)
            .map_err(SinkError::Setup)?;
        Self::to(BufWriter::with_capacity(64 * 1024, file)).map_err(SinkError::Setup)
    }

    fn to(writer: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, frames) = mpsc::channel(QUEUE);
        let (ended, end) = oneshot::channel();
        thread::Builder::new()
            .name("netdrop-output".to_owned())
            .spawn(move || {
                // Nobody waits for the end of a process that is ending.
                let _ = ended.send(write(frames, writer));
            })?;
        Ok(Self {
            queue,
            end,
            lost: 0,
        })
    }

    /// Writes a frame of so many lines, or counts them as lost.
    pub fn offer(&mut self, frame: Bytes, lines: u64) {
        if !frame.is_empty() && self.queue.try_send(frame).is_err() {
            self.lost += lines;
        }
    }

    /// Lines lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Writes a frame, however long that takes.
    ///
    /// # Errors
    ///
    /// When nothing more can be written.
    pub async fn insist(&self, frame: Bytes) -> Result<(), Closed> {
        self.queue.send(frame).await.map_err(|_| Closed)
    }

    /// Ends when nothing more can be written.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }

    /// Waits until all is written. A reader that went away is a normal end.
    ///
    /// # Errors
    ///
    /// [`SinkError::Write`]
    pub async fn finish(self) -> Result<(), SinkError> {
        let Self { queue, end, .. } = self;
        drop(queue);
        match end.await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(SinkError::Write(error))
            }
            _ => Ok(()),
        }
    }
}

/// Flushes whenever nothing waits.
fn write(mut frames: mpsc::Receiver<Bytes>, mut writer: impl Write) -> io::Result<()> {
    while let Some(frame) = frames.blocking_recv() {
        writer.write_all(&frame)?;
        while let Ok(frame) = frames.try_recv() {
            writer.write_all(&frame)?;
        }
        writer.flush()?;
    }
    Ok(())
}
