//! What runs beside the flood: netdrop in its modes, an empty program, and the neighbours.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::command;

/// Neighbours do not say when they are attached.
const ATTACHING: Duration = Duration::from_millis(1500);

/// How long one may take to become ready.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Empty,
    Netdrop,
    Bpftrace,
    Perf,
}

/// Something to run beside the flood.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    /// How the report calls it.
    pub(crate) name: &'static str,
    /// The share of the flood's rate it should leave, if that was promised.
    pub(crate) target: Option<f64>,
    kind: Kind,
    program: PathBuf,
    arguments: Vec<String>,
}

/// Every observer, the neighbours whether installed or not.
pub(crate) fn all(netdrop: &Path, scratch: &Path) -> Vec<Observer> {
    let of_netdrop = |name, kind, target, arguments: &[&str]| Observer {
        name,
        target,
        kind,
        program: netdrop.to_path_buf(),
        arguments: arguments.iter().map(|&it| it.to_owned()).collect(),
    };
    let neighbour = |name, kind, program: &str, arguments: Vec<String>| Observer {
        name,
        target: None,
        kind,
        program: command::find(program).unwrap_or_else(|| PathBuf::from(program)),
        arguments,
    };
    let watch = ["watch", "--format", "json"];
    let count = "tracepoint:skb:kfree_skb { @[args->reason] = count(); }";
    let perf: Vec<_> = ["record", "-q", "-e", "skb:kfree_skb", "-a", "-o"]
        .map(str::to_owned)
        .into_iter()
        .chain([scratch.join("perf.data").display().to_string()])
        .collect();
    vec![
        of_netdrop("an empty program", Kind::Empty, None, &["bench-empty"]),
        of_netdrop(
            "netdrop watch --lite",
            Kind::Netdrop,
            Some(0.92),
            &[&watch[..], &["--lite"]].concat(),
        ),
        of_netdrop("netdrop watch", Kind::Netdrop, Some(0.85), &watch),
        neighbour(
            "bpftrace, count by reason",
            Kind::Bpftrace,
            "bpftrace",
            vec!["-e".to_owned(), count.to_owned()],
        ),
        neighbour("perf record", Kind::Perf, "perf", perf),
    ]
}

/// What an observer said at its end.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Drops it counted.
    pub(crate) seen: Option<u64>,
    /// Detail that netdrop says it lost.
    pub(crate) ring_lost: Option<u64>,
}

impl Observer {
    /// Whether it is netdrop in its default mode.
    pub(crate) fn is_netdrop(&self) -> bool {
        self.kind == Kind::Netdrop && !self.arguments.iter().any(|it| it == "--lite")
    }

    /// Whether the kernel's statistics of its programs are of interest.
    pub(crate) fn has_our_programs(&self) -> bool {
        self.kind == Kind::Empty || self.is_netdrop()
    }

    /// The same with a filter.
    pub(crate) fn with(&self, filter: &str) -> Self {
        let mut observer = self.clone();
        let words = filter.split_whitespace().map(str::to_owned);
        observer.arguments.extend(words);
        observer
    }

    /// Starts it and waits until it is attached.
    pub(crate) fn start(&self) -> Result<Running> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let start = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start `{}`", command::line(&command)))?;
        let (first, lines) = read(child.stdout.take().context("no stdout")?);
        let mut running = Running {
            child,
            lines: Some(lines),
            kind: self.kind,
            arguments: self.arguments.clone(),
            ready_after: Duration::ZERO,
        };
        match self.kind {
            Kind::Empty | Kind::Netdrop => {
                if first.recv_timeout(PATIENCE).is_err() {
                    let status = running.child.try_wait().ok().flatten();
                    bail!(
                        "`{}` did not become ready ({})",
                        command::line(&command),
                        status.map_or_else(|| "still running".to_owned(), |it| it.to_string())
                    );
                }
                running.ready_after = start.elapsed();
            }
            Kind::Bpftrace | Kind::Perf => {
                thread::sleep(ATTACHING);
                if let Some(status) = running.child.try_wait().context("cannot wait")? {
                    bail!("`{}` ended at once ({status})", command::line(&command));
                }
            }
        }
        Ok(running)
    }
}

/// An attached observer; killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Option<JoinHandle<Vec<String>>>,
    kind: Kind,
    arguments: Vec<String>,
    /// From start to attached, of those that say so.
    pub(crate) ready_after: Duration,
}

impl Running {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and reads what it says then.
    pub(crate) fn stop(mut self) -> Result<Ended> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, Signal::SIGINT).context("cannot stop an observer")?;
        self.child.wait().context("cannot wait for an observer")?;
        let lines = self
            .lines
            .take()
            .and_then(|lines| lines.join().ok())
            .unwrap_or_default();
        match self.kind {
            Kind::Empty => Ok(Ended::default()),
            Kind::Netdrop => summary(&lines),
            Kind::Bpftrace => Ok(Ended {
                seen: Some(lines.iter().filter_map(|line| count(line)).sum()),
                ring_lost: None,
            }),
            Kind::Perf => self.samples(),
        }
    }

    /// perf keeps every sample in a file, which is counted and removed.
    fn samples(&self) -> Result<Ended> {
        let file = self.arguments.last().context("perf has no file")?;
        let mut report = command::installed("perf")?;
        report.args(["report", "--stats", "-i", file]);
        let text = command::capture(&mut report, "perf's file cannot be read")?;
        fs::remove_file(file).with_context(|| format!("cannot remove {file}"))?;
        Ok(Ended {
            seen: Some(samples(&text)),
            ring_lost: None,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads all lines beside, and says when there is a first one.
fn read(stdout: ChildStdout) -> (Receiver<()>, JoinHandle<Vec<String>>) {
    let (sender, receiver) = mpsc::channel();
    let lines = thread::spawn(move || {
        let mut lines = Vec::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            lines.push(line);
            // Only the first is waited for.
            let _ = sender.send(());
        }
        lines
    });
    (receiver, lines)
}

/// netdrop's last line.
fn summary(lines: &[String]) -> Result<Ended> {
    let last = lines.last().context("netdrop printed nothing")?;
    let summary: Value = serde_json::from_str(last).context("netdrop's last line is no JSON")?;
    if summary["type"] != "summary" {
        bail!("netdrop ended without a summary");
    }
    Ok(Ended {
        seen: summary["totals"]["drops"].as_u64(),
        ring_lost: summary["accounting"]["ring_lost"].as_u64(),
    })
}

/// A line of bpftrace's map: `@[2]: 12345`.
fn count(line: &str) -> Option<u64> {
    line.strip_prefix("@[")?.split_once("]: ")?.1.parse().ok()
}

/// The samples in `perf report --stats`.
fn samples(text: &str) -> u64 {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("SAMPLE events:"))
        .filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bpftrace_counts_are_read_from_its_map() {
        assert_eq!(count("@[2]: 12345"), Some(12345));
        assert_eq!(count("Attaching 1 probe..."), None);
    }

    #[test]
    fn perf_samples_are_read_from_its_statistics() {
        let text = "Aggregated stats:\n  SAMPLE events:       4242  (99.0%)\n\
                    skb:kfree_skb stats:\n  SAMPLE events:       4242\n";
        assert_eq!(samples(text), 4242);
    }

    #[test]
    fn the_summary_gives_drops_and_losses() {
        let line = r#"{"type":"summary","totals":{"drops":7},"accounting":{"ring_lost":2}}"#;
        let ended = summary(&[line.to_owned()]).unwrap();
        assert_eq!((ended.seen, ended.ring_lost), (Some(7), Some(2)));
    }
}
