//! A UDP flood to a closed port, on the loopback device of a namespace made for it.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use nix::{
    sched::{CloneFlags, CpuSet, sched_getaffinity, sched_setaffinity, setns},
    unistd::Pid,
};

use crate::command;

/// Nobody listens there: nobody listens anywhere in the namespace.
const CLOSED: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);

/// Datagrams between two looks at the clock.
const BATCH: u64 = 64;

/// A network namespace that goes with this value.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// A fresh namespace with its loopback device up.
    pub(crate) fn create() -> Result<Self> {
        let name = format!("netdrop-bench-{}", std::process::id());
        let remedy = "network namespaces are needed to measure";
        command::run(ip()?.args(["netns", "add", &name]), remedy)?;
        let namespace = Self { name };
        let mut up = ip()?;
        up.args(["-n", &namespace.name, "link", "set", "lo", "up"]);
        command::run(&mut up, remedy)?;
        Ok(namespace)
    }

    fn open(&self) -> Result<File> {
        let path = format!("/run/netns/{}", self.name);
        File::open(&path).with_context(|| format!("cannot open {path}"))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let deleted = ip().and_then(|mut ip| {
            command::run(
                ip.args(["netns", "delete", &self.name]),
                "delete it by hand",
            )
        });
        if let Err(error) = deleted {
            eprintln!("bench: {error:#}");
        }
    }
}

fn ip() -> Result<Command> {
    command::installed("ip")
}

/// How fast to send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As fast as it goes.
    Full,
    /// This many datagrams a second, all senders together.
    PerSecond(u64),
}

/// A flood that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flood {
    /// Datagrams that were sent, each of which died.
    pub(crate) sent: u64,
    /// How long it went on.
    pub(crate) seconds: f64,
}

impl Flood {
    /// Datagrams a second.
    pub(crate) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let sent = self.sent as f64;
        sent / self.seconds
    }
}

/// Floods for `duration` with one pinned sender on each CPU.
pub(crate) fn run(namespace: &Namespace, duration: Duration, pace: Pace) -> Result<Flood> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).context("cannot read the CPUs to use")?;
    let cpus: Vec<_> = (0..CpuSet::count())
        .filter(|cpu| allowed.is_set(*cpu).unwrap_or(false))
        .collect();
    let pace = match pace {
        Pace::Full => Pace::Full,
        Pace::PerSecond(rate) => Pace::PerSecond(rate / cpus.len() as u64),
    };
    let file = namespace.open()?;
    let start = Instant::now();
    let sent = thread::scope(|scope| {
        let senders: Vec<_> = cpus
            .iter()
            .map(|&cpu| {
                scope.spawn({
                    let file = &file;
                    move || sender(file, cpu, duration, pace)
                })
            })
            .collect();
        senders.into_iter().try_fold(0, |sum, sender| {
            let sent = sender.join().map_err(|_| anyhow!("a sender panicked"))??;
            anyhow::Ok(sum + sent)
        })
    })?;
    Ok(Flood {
        sent,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Sends from one CPU. The socket is not connected: a connected one would report the answer to
/// each datagram as an error of the next.
fn sender(namespace: &File, cpu: usize, duration: Duration, pace: Pace) -> Result<u64> {
    let mut only = CpuSet::new();
    only.set(cpu).context("no such CPU")?;
    sched_setaffinity(Pid::from_raw(0), &only).context("cannot pin a sender to its CPU")?;
    setns(namespace, CloneFlags::CLONE_NEWNET).context("cannot enter the namespace")?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot open a socket")?;
    let start = Instant::now();
    let mut sent = 0;
    loop {
        let elapsed = start.elapsed();
        if elapsed >= duration {
            return Ok(sent);
        }
        let due = match pace {
            Pace::Full => BATCH,
            Pace::PerSecond(rate) => due(rate, elapsed).saturating_sub(sent),
        };
        if due == 0 {
            thread::sleep(Duration::from_micros(200));
        }
        for _ in 0..due {
            socket.send_to(b"netdrop", CLOSED)?;
        }
        sent += due;
    }
}

fn due(rate: u64, elapsed: Duration) -> u64 {
    let due = u128::from(rate) * elapsed.as_nanos() / 1_000_000_000;
    u64::try_from(due).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_follows_the_clock() {
        assert_eq!(due(200_000, Duration::from_millis(10)), 2_000);
        assert_eq!(due(200_000, Duration::ZERO), 0);
    }
}
