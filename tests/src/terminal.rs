//! The binary under test on a terminal: a pseudo terminal whose screen is kept
//! as a real one would show it.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    pty::{Winsize, openpty},
    sys::{
        signal::{Signal, kill},
        termios::{Termios, tcgetattr},
    },
    unistd::Pid,
};

use crate::{
    bench::PATIENCE,
    sys::{hang_up, on_terminal, resize},
};

/// A terminal and the netdrop that runs on it. Killed when dropped.
pub(crate) struct Terminal {
    child: Child,
    master: File,
    /// Kept open, so that what was written last can be read when the child has
    /// ended, and to look at the terminal's modes.
    slave: OwnedFd,
    written: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Everything that came so far.
    raw: Vec<u8>,
    /// Held while nothing is to be read.
    reading: Arc<Mutex<()>>,
    before: Termios,
}

impl Terminal {
    /// Starts the binary with the words of a line as arguments on a terminal of
    /// so many lines and columns.
    pub(crate) fn start(
        binary: &Path,
        arguments: &str,
        (rows, columns): (u16, u16),
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let size = size(rows, columns);
        let pty = openpty(&size, None).context("cannot open a pseudo terminal")?;
        let before = tcgetattr(&pty.slave)?;
        let end = || pty.slave.try_clone().map(Stdio::from);
        let mut command = Command::new(binary);
        command
            .args(arguments.split_ascii_whitespace())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied())
            .stdin(end()?)
            .stdout(end()?)
            .stderr(end()?);
        let child = on_terminal(&mut command)
            .spawn()
            .context("cannot start netdrop")?;
        drop(command);
        let master = File::from(pty.master);
        let mut reader = master.try_clone()?;
        let (sender, written) = channel();
        let reading = Arc::<Mutex<()>>::default();
        let may_read = Arc::clone(&reading);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                drop(may_read.lock().unwrap_or_else(PoisonError::into_inner));
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            child,
            master,
            slave: pty.slave,
            written,
            parser: vt100::Parser::new(rows, columns, 0),
            raw: Vec::new(),
            reading,
            before,
        })
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) -> Result<()> {
        self.master.write_all(keys.as_bytes())?;
        Ok(())
    }

    /// Makes the terminal another size.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) -> Result<()> {
        self.parser.screen_mut().set_size(rows, columns);
        resize(self.master.as_fd(), &size(rows, columns))?;
        Ok(())
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).context("cannot signal netdrop")
    }

    /// What is on the screen now.
    pub(crate) fn screen(&mut self) -> String {
        while let Ok(bytes) = self.written.try_recv() {
            self.raw.extend_from_slice(&bytes);
            self.parser.process(&bytes);
        }
        self.parser.screen().contents()
    }

    /// Everything that is on the screen, with the sequences that put it there.
    pub(crate) fn formatted(&mut self) -> String {
        self.screen();
        String::from_utf8_lossy(&self.parser.screen().contents_formatted()).into_owned()
    }

    /// How much was written so far.
    pub(crate) fn bytes(&mut self) -> usize {
        self.screen();
        self.raw.len()
    }

    /// How often this sequence came so far.
    pub(crate) fn times(&mut self, sequence: &str) -> usize {
        self.screen();
        let mut windows = self.raw.windows(sequence.len());
        let wanted = sequence.as_bytes();
        std::iter::from_fn(|| windows.find(|found| *found == wanted)).count()
    }

    /// From now on the terminal takes nothing, until the guard is dropped.
    pub(crate) fn stall(reading: &Mutex<()>) -> MutexGuard<'_, ()> {
        reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held while the terminal takes nothing.
    pub(crate) fn reading(&self) -> Arc<Mutex<()>> {
        Arc::clone(&self.reading)
    }

    /// The line is cut, as when a window is closed.
    pub(crate) fn hang_up(&self) -> Result<()> {
        hang_up(self.slave.as_fd()).context("cannot hang up the terminal")
    }

    /// Is the picture apart from what was on the terminal before?
    pub(crate) fn is_apart(&mut self) -> bool {
        self.screen();
        self.parser.screen().alternate_screen()
    }

    /// Waits until the screen satisfies the wish, and returns it.
    pub(crate) fn wait_for(&mut self, what: &str, wish: impl Fn(&str) -> bool) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if wish(&screen) {
                return Ok(screen);
            }
            if Instant::now() > deadline {
                bail!("no {what} on the screen:\n{screen}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end; returns how it was and what is on the screen then.
    pub(crate) fn end(&mut self) -> Result<(ExitStatus, String)> {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    bail!("netdrop did not end:\n{}", self.screen())
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        // What it wrote last may still be on its way.
        thread::sleep(Duration::from_millis(200));
        Ok((status, self.screen()))
    }

    /// Everything in which the terminal is not as it was.
    pub(crate) fn disorder(&mut self) -> Result<Vec<&'static str>> {
        let now = tcgetattr(&self.slave)?;
        self.screen();
        let screen = self.parser.screen();
        let wrong = [
            (now != self.before, "the terminal's modes are not as before"),
            (
                screen.alternate_screen(),
                "the alternate screen was not left",
            ),
            (screen.hide_cursor(), "the cursor is hidden"),
        ];
        Ok(wrong
            .into_iter()
            .filter_map(|(is, what)| is.then_some(what))
            .collect())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let Self { child, .. } = self;
        if matches!(child.try_wait(), Ok(None)) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
