//! The binary under test as a child process: started, stopped by a signal, and
//! its lines read as they come.

use std::{
    io::{BufRead as _, BufReader, Read},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

mod firings;
pub(crate) mod identity;
pub(crate) mod journey;
pub(crate) mod objects;
pub(crate) mod record;

use self::{
    firings::{Bounds, Firings},
    record::{Record, Run},
};
use crate::bench::PATIENCE;

/// A running netdrop. Killed when dropped.
pub(crate) struct Netdrop {
    child: Child,
    arguments: String,
    lines: Receiver<String>,
    read: Vec<String>,
    gate: Arc<Mutex<()>>,
    stderr: Option<JoinHandle<String>>,
    firings: Option<Firings>,
}

/// How netdrop ended and all that it said.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) lines: Vec<String>,
    pub(crate) stderr: String,
    firings: Option<Bounds>,
}

impl Netdrop {
    /// Starts the binary with the words of a line as arguments.
    pub(crate) fn start(binary: &Path, arguments: &str) -> Result<Self> {
        Self::spawn(
            Command::new(binary).args(arguments.split_ascii_whitespace()),
            arguments,
        )
    }

    /// Starts a prepared command; standard output is read from the start.
    pub(crate) fn spawn(command: &mut Command, arguments: &str) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start netdrop")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut stderr = child.stderr.take().context("no stderr")?;
        let (sender, lines) = channel();
        let gate = Arc::new(Mutex::new(()));
        let turn = Arc::clone(&gate);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                drop(turn.lock());
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            drop(stderr.read_to_string(&mut text));
            text
        });
        Ok(Self {
            child,
            arguments: arguments.to_owned(),
            lines,
            read: Vec::new(),
            gate,
            stderr: Some(stderr),
            firings: None,
        })
    }

    /// Lets nobody read standard output while the guard lives.
    pub(crate) fn stall(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads lines until `ready`. From then on the runs of its drop program are
    /// watched.
    pub(crate) fn wait_ready(&mut self) -> Result<()> {
        self.wait_for("ready", |line| line.contains("\"type\":\"ready\""))?;
        self.counts_now()
    }

    /// It counts from now on, and the runs of its drop program are watched.
    pub(crate) fn counts_now(&mut self) -> Result<()> {
        self.firings = Some(Firings::at_ready(self)?);
        Ok(())
    }

    /// Reads lines until one satisfies the wish.
    pub(crate) fn wait_for(&mut self, what: &str, wish: impl Fn(&str) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let found = wish(&line);
                    self.read.push(line);
                    if found {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!("netdrop {}: no {what}", self.arguments),
                Err(RecvTimeoutError::Disconnected) => {
                    let arguments = self.arguments.clone();
                    let Ended { status, stderr, .. } = self.wait()?;
                    bail!("netdrop {arguments}: no {what}, but {status}: {stderr}");
                }
            }
        }
    }

    /// Whether it has not ended yet.
    pub(crate) fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        if let Some(firings) = &self.firings {
            firings.before_end()?;
        }
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).context("cannot signal netdrop")
    }

    /// Waits for the end, however it comes.
    pub(crate) fn wait(&mut self) -> Result<Ended> {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            // Whoever does not read lets the child wait for its pipe.
            self.read.extend(self.lines.try_iter());
            match self.child.try_wait()? {
                Some(status) => break status,
                None if Instant::now() > deadline => bail!(
                    "netdrop {} did not end within {} s",
                    self.arguments,
                    PATIENCE.as_secs()
                ),
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        self.read.extend(self.lines.iter());
        let stderr = self
            .stderr
            .take()
            .and_then(|reader| reader.join().ok())
            .unwrap_or_default();
        Ok(Ended {
            status,
            lines: std::mem::take(&mut self.read),
            stderr,
            firings: self.firings.take().map(Firings::at_end).transpose()?,
        })
    }

    /// Stops it with SIGINT and returns what it said.
    pub(crate) fn stop(mut self) -> Result<Run> {
        self.signal(Signal::SIGINT)?;
        self.wait()?.run()
    }
}

impl Drop for Netdrop {
    fn drop(&mut self) {
        let Self { child, .. } = self;
        if matches!(child.try_wait(), Ok(None)) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Ended {
    /// What this one said is of drops that another one counted.
    pub(crate) fn counted_by(self, other: &Self) -> Self {
        Self {
            firings: other.firings,
            ..self
        }
    }

    /// What a successful run said, every line held against the contract.
    pub(crate) fn run(self) -> Result<Run> {
        let Self {
            status,
            lines,
            stderr,
            firings,
        } = self;
        if !status.success() {
            bail!("netdrop ended with {}: {stderr}", text(status));
        }
        if stderr.contains("panicked") {
            bail!("netdrop panicked: {stderr}");
        }
        let records = lines
            .iter()
            .map(|line| Record::parse(line).with_context(|| format!("the line {line}")))
            .collect::<Result<Vec<_>>>()?;
        Run::new(records, firings)
    }
}

fn text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
