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

    /// Frames that can be offered now without losing one.
    #[must_use]
    pub fn room(&self) -> usize {
        self.queue.capacity()
    }

    /// Counts lines as lost that were never made into a frame.
    pub fn lose(&mut self, lines: u64) {
        self.lost += lines;
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

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc, Mutex,
            mpsc::{Receiver, Sender, channel},
        },
        time::Duration,
    };

    use super::*;

    /// Writes only when told to.
    struct Stalling {
        go: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stalling {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.go.recv().map_err(io::Error::other)?;
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stalling() -> (Sink, Sender<()>, Arc<Mutex<Vec<u8>>>) {
        let (allow, go) = channel();
        let written = Arc::default();
        let writer = Stalling {
            go,
            written: Arc::clone(&written),
        };
        (Sink::to(writer).unwrap(), allow, written)
    }

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn a_reader_that_stalls_loses_lines_but_neither_order_nor_the_summary() {
        let (mut sink, allow, written) = stalling();
        block_on(async {
            for line in 0..100 {
                sink.offer(format!("{line}\n").into(), 1);
            }
            let lost = sink.lost();
            assert!((100 - QUEUE as u64 - 1..=100 - QUEUE as u64).contains(&lost));
            for _ in 0..1000 {
                allow.send(()).unwrap();
            }
            sink.insist(Bytes::from_static(b"summary\n")).await.unwrap();
            sink.finish().await.unwrap();
            let written = written.lock().unwrap();
            let lines: Vec<&str> = std::str::from_utf8(&written).unwrap().lines().collect();
            assert_eq!(lines.len() as u64, 100 - lost + 1);
            assert_eq!(lines[..3], ["0", "1", "2"]);
            assert_eq!(lines.last(), Some(&"summary"));
        });
    }

    #[test]
    fn a_reader_that_never_reads_cannot_hold_the_sender() {
        let (mut sink, _allow, _written) = stalling();
        block_on(async {
            // The writer takes one, then stalls with the queue full behind it.
            for _ in 0..2 {
                for _ in 0..QUEUE {
                    sink.offer(Bytes::from_static(b"x\n"), 1);
                }
                thread::sleep(Duration::from_millis(20));
            }
            let summary = sink.insist(Bytes::from_static(b"summary\n"));
            let waited = tokio::time::timeout(Duration::from_millis(20), summary).await;
            assert!(waited.is_err());
        });
    }

    #[test]
    fn a_reader_that_went_away_is_a_normal_end() {
        block_on(async {
            let mut sink = Sink::to(Failing(io::ErrorKind::BrokenPipe)).unwrap();
            sink.offer(Bytes::from_static(b"x\n"), 1);
            sink.closed().await;
            assert!(sink.insist(Bytes::from_static(b"x\n")).await.is_err());
            assert!(sink.finish().await.is_ok());
        });
    }

    #[test]
    fn a_full_disk_is_a_failure() {
        block_on(async {
            let mut sink = Sink::to(Failing(io::ErrorKind::StorageFull)).unwrap();
            sink.offer(Bytes::from_static(b"x\n"), 1);
            sink.closed().await;
            let error = sink.finish().await.unwrap_err();
            assert!(matches!(error, SinkError::Write(_)));
        });
    }
}
