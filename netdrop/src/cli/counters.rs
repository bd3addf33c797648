//! The kernel's counters, read on a thread of their own: it may live in another
//! network namespace, and one that hangs keeps nobody waiting for long.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::fault;
use crate::{
    host::{
        counters::{Snapshot, Wanted, renewed::Listener},
        netns,
    },
    kernel::snapshot::Snapshot as Drops,
    reconcile::{Number, Reconciler, Reconciliation},
    tally::names::Names,
};

/// Longer than the kernel may take for its own counters, and drivers for theirs.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the counters of a namespace were at a moment.
#[derive(Debug)]
struct Reading {
    /// Scope, name and value.
    numbers: Vec<(String, Arc<str>, u64)>,
    began: Instant,
    ended: Instant,
}

/// Counters of a network namespace and of the host, held against drops.
#[derive(Debug)]
pub(super) struct Counters {
    ask: Sender<bool>,
    answers: Receiver<Reading>,
    /// Questions without an answer.
    open: usize,
    complained: bool,
    netns: u32,
    reconciler: Reconciler,
}

impl Counters {
    /// Starts the thread, in a namespace or in this one. It has the caller's
    /// capabilities until it has entered: call this before any are given up.
    pub(super) fn start(namespace: Option<(u32, PathBuf)>) -> anyhow::Result<Self> {
        let host = netns::initial().filter(|(inode, _)| match &namespace {
            Some((other, _)) => other != inode,
            None => netns::own().is_ok_and(|own| own != *inode),
        });
        let (ask, questions) = channel::<bool>();
        let (answer, answers) = channel();
        let (enter, entered) = channel();
        let work = move || {
            let inode = match namespace {
                Some((inode, path)) => netns::enter(inode, &path).map(|()| inode),
                None => netns::own(),
            };
            crate::kernel::privileges::keep_naming();
            let may = inode.is_ok();
            if enter.send(inode).is_err() || !may {
                return;
            }
            let mut listener = listener();
            while let Ok(drivers) = questions.recv() {
                let began = Instant::now();
                let wanted = Wanted {
                    drivers,
                    brief: true,
                    host: host.clone(),
                    ..Wanted::default()
                };
                let counters = Snapshot::after(&wanted, listener.as_mut()).flat();
                let ended = Instant::now();
                let numbers = counters
                    .into_iter()
                    .map(|counter| (counter.scope.to_string(), counter.name, counter.value));
                let reading = Reading {
                    numbers: numbers.collect(),
                    began,
                    ended,
                };
                if answer.send(reading).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new()
            .name("counters".to_owned())
            .spawn(work)
            .context("cannot start a thread")?;
        let inode = entered
            .recv()
            .context("the thread of the counters ended early")?;
        let inode = inode.context(
            "cannot enter the network namespace; that needs CAP_SYS_ADMIN: run with sudo",
        )?;
        Ok(Self {
            ask,
            answers,
            open: 0,
            complained: false,
            netns: inode,
            reconciler: Reconciler::new(inode),
        })
    }

    fn read(&mut self, drivers: bool) -> Option<Reading> {
        self.ask.send(drivers).ok()?;
        self.open += 1;
        let deadline = Instant::now() + PATIENCE;
        let mut found = None;
        // Answers that came too late are of no use any more.
        while self.open > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(reading) => {
                    self.open -= 1;
                    found = Some(reading);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    if !self.complained {
                        self.complained = true;
                        fault::say(
                            "warning: the kernel's counters cannot be read in time; what they \
                             count until they can belongs to a later interval",
                        );
                    }
                    return None;
                }
            }
        }
        found
    }

    /// Reads the counters at the start; `since` is when drops began to count.
    pub(super) fn first(&mut self, since: Instant) {
        self.again(since, true);
    }

    /// Begins anew: drops count since `since`. Drivers are asked only where they
    /// will be at the end, too.
    pub(super) fn again(&mut self, since: Instant, drivers: bool) {
        self.reconciler = Reconciler::new(self.netns);
        if let Some(reading) = self.read(drivers) {
            let skew = reading.ended.saturating_duration_since(since);
            self.reconciler.numbers(numbers(&reading), Some(skew));
        }
    }

    /// Reads the counters just before an interval ends.
    pub(super) fn before_end(&mut self) -> Option<Before> {
        self.read(false).map(Before)
    }

    /// An interval, of which the counters were read before it ended at `end`.
    pub(super) fn interval(
        &mut self,
        before: Option<Before>,
        end: Instant,
        drops: &Drops,
        names: &mut dyn Names,
    ) -> Option<Reconciliation> {
        self.reconciler.drops(drops, names);
        let Before(reading) = before?;
        let skew = end.saturating_duration_since(reading.began);
        self.reconciler.numbers(numbers(&reading), Some(skew));
        Some(self.reconciler.interval())
    }

    /// The network namespace that they are of.
    pub(super) fn netns(&self) -> u32 {
        self.netns
    }

    /// All intervals so far.
    pub(super) fn so_far(&self) -> Reconciliation {
        self.reconciler.run()
    }

    /// The whole run, with what drivers say.
    pub(super) fn run(&mut self) -> Reconciliation {
        if let Some(reading) = self.read(true) {
            let drivers = numbers(&reading).filter(|number| number.name.starts_with("driver."));
            // Not of the other counters: their drops are not read any more.
            self.reconciler.late(drivers);
        }
        self.reconciler.run()
    }
}

/// Listens to what happens to the devices of the calling thread's namespace. Without,
/// one that was made anew is told by numbers that have fallen only.
pub(super) fn listener() -> Option<Listener> {
    let found = Listener::open();
    found
        .inspect_err(|error| {
            fault::say(&format!(
                "warning: cannot listen to what happens to devices ({error}): what one that is \
                 made anew counts may be taken for its predecessor's"
            ));
        })
        .ok()
}

/// Counters that were read before an interval ends.
#[derive(Debug)]
pub(super) struct Before(Reading);

/// A reading as the reconciler takes it.
fn numbers(reading: &Reading) -> impl Iterator<Item = Number<'_>> {
    let numbers = reading.numbers.iter();
    numbers.map(|(scope, name, value)| Number {
        scope,
        name,
        value: *value,
    })
}
