//! Writes to the terminal in a thread of its own, so that a slow link or a
//! terminal that stands still delays neither counting nor signals.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Collects what is written until it is flushed, then hands it to the thread.
#[derive(Clone, Debug)]
pub struct Pen {
    collected: Vec<u8>,
    queue: Sender<Vec<u8>>,
    waiting: Waiting,
}

/// What was handed over and is not yet on the terminal.
#[derive(Clone, Debug, Default)]
pub struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    /// Is everything written?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    /// Waits until everything is written, but no longer than this. Tells
    /// whether it is.
    #[must_use]
    pub fn wait(&self, most: Duration) -> bool {
        let end = Instant::now() + most;
        while !self.is_over() {
            if Instant::now() > end {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }
}

impl Pen {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub fn new(mut to: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, pieces) = channel::<Vec<u8>>();
        let waiting = Waiting::default();
        let Waiting(left) = waiting.clone();
        thread::Builder::new()
            .name("netdrop-screen".to_owned())
            .spawn(move || {
                for piece in pieces {
                    // A terminal that went away is told of by a signal.
                    let _ = to.write_all(&piece).and_then(|()| to.flush());
                    left.fetch_sub(piece.len(), Ordering::Release);
                }
            })?;
        Ok(Self {
            collected: Vec::new(),
            queue,
            waiting,
        })
    }

    /// Tells when what was flushed is written.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        self.waiting.clone()
    }
}

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.collected.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.collected.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.collected);
        let Waiting(left) = &self.waiting;
        left.fetch_add(piece.len(), Ordering::Release);
        self.queue
            .send(piece)
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc::Receiver};

    use super::*;

    struct Slow {
        go: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.go.recv().map_err(io::Error::other)?;
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_terminal_that_stands_still_holds_nobody_up() {
        let (allow, go) = channel();
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let slow = Slow {
            go,
            written: Arc::clone(&written),
        };
        let mut pen = Pen::new(slow).unwrap();
        pen.write_all(b"not yet").unwrap();
        assert!(pen.waiting().is_over());
        pen.flush().unwrap();
        assert!(!pen.waiting().wait(Duration::from_millis(20)));
        assert!(written.lock().unwrap().is_empty());
        allow.send(()).unwrap();
        assert!(pen.waiting().wait(Duration::from_secs(10)));
        assert_eq!(*written.lock().unwrap(), b"not yet");
    }
}
