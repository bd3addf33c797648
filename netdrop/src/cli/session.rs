//! What `watch` and `trace` have in common: a capture, its tally, the way out
//! and the ends of a run.

use std::{future::Future, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use jiff::Timestamp;
use nix::sys::signal::SigSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, sleep_until};

use super::{
    counters::Counters,
    fault,
    filter::{self, Filter},
    options::Shared,
    reader::{self, Reader},
    resolve::{Resolver, Squeezes},
    severity_file,
    signals::Signals,
};
use crate::{
    filter::plan::Plan,
    kernel::{
        capture::{Capture, CaptureConfig, Emit, Prepared},
        load::Types,
        symbols::Symbols,
    },
    output::{
        decided,
        escape::escape,
        ready::Ready,
        render::{Format, Renderer},
        sink::Sink,
    },
    tally::{
        accounting::Attached,
        period::{Moment, Period, Tally},
    },
};

/// How long a reader may stall once the user wants to end.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// A further signal sooner than this belongs to the first: `timeout` and the
/// terminal signal a process and then its group.
pub(super) const IMPATIENCE: Duration = Duration::from_millis(300);

/// Why a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All that was asked for is done.
    Done,
    /// A signal.
    Signal,
    /// Nobody reads, or nothing can be written.
    Output,
}

/// A running capture and everything around it.
pub(super) struct Session {
    pub(super) capture: Capture,
    pub(super) tally: Tally,
    pub(super) names: Resolver,
    pub(super) sink: Sink,
    pub(super) renderer: Renderer,
    pub(super) stop: Stop,
    squeezes: Squeezes,
    counters: Option<Counters>,
    lost: u64,
    /// Are the events hints for ourselves?
    hints: bool,
}

/// Loads and attaches, reading the kernel's symbols meanwhile.
pub(super) fn capture(config: &CaptureConfig) -> anyhow::Result<(Capture, Resolver)> {
    let symbols = std::thread::spawn(|| Symbols::load().unwrap_or_else(|_| Symbols::none()));
    let mut types = Types::read()?;
    let symbols = symbols.join().unwrap_or_else(|_| Symbols::none());
    // A pending signal makes the verifier give up, so a thread that gets none
    // loads the programs; this one sees the signal afterwards.
    let prepared = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                SigSet::all()
                    .thread_block()
                    .context("cannot block signals")?;
                anyhow::Ok(Prepared::load(config, &mut types, &symbols)?)
            })
            .join()
            .unwrap_or_else(|_| bail!("the thread that loads the programs ended early"))
    })?;
    let names = Resolver::new(symbols, types.btf());
    drop(types);
    let capture = prepared.attach(names.symbols())?;
    Ok((capture, names))
}

/// Runs a command to its end.
pub(super) fn run(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the event loop")?;
    runtime.block_on(command)?;
    Ok(ExitCode::SUCCESS)
}

impl Session {
    /// Attaches, and says so. `counters` are held against the drops.
    pub(super) async fn start(
        shared: &Shared,
        config: &CaptureConfig,
        filter: Option<&Filter>,
        mut counters: Option<Counters>,
    ) -> anyhow::Result<Self> {
        let given = match &shared.severity_file {
            Some(path) => Some((path, severity_file::read(path)?)),
            None => None,
        };
        let signals = Signals::listen()?;
        let (capture, mut names) = capture(config)?;
        if let Some(counters) = &mut counters {
            counters.first(capture.since());
        }
        let mut warnings = capture.warnings().to_vec();
        warnings.extend(filter::warnings(filter, names.symbols()));
        if let Some((path, given)) = given {
            warnings.extend(severity_file::warnings(path, &given, names.symbols()));
            names.reclassify(given);
        }
        // A thread: started now, it has no more capabilities than are left.
        let sink = Sink::stdout()?;
        let mut tally = Tally::new(shared.view(), Attached::of(capture.hooks()));
        if let Some(filter) = filter {
            tally.filter(&filter.plan);
        }
        let session = Self {
            tally,
            capture,
            names,
            sink,
            renderer: shared.renderer(),
            stop: Stop {
                signals,
                reader: Reader::watch(),
                deadline: shared.duration.map(|duration| Instant::now() + duration),
            },
            squeezes: Squeezes::start(),
            counters,
            lost: 0,
            hints: config.emit == Emit::Hints,
        };
        session.say_ready(&warnings, filter).await?;
        Ok(session)
    }

    async fn say_ready(&self, warnings: &[String], filter: Option<&Filter>) -> anyhow::Result<()> {
        let system = nix::sys::utsname::uname().context("cannot read the kernel's release")?;
        let ready = Ready {
            time: Timestamp::now(),
            version: env!("CARGO_PKG_VERSION"),
            host: &system.nodename().to_string_lossy(),
            kernel: &system.release().to_string_lossy(),
            filter: filter.map(|filter| (&*filter.text, Some(&filter.plan))),
            hooks: self.capture.hooks(),
            warnings,
        };
        if let Some(frame) = self.renderer.ready(&ready) {
            // The sink is asked again, and tells why, at the next occasion.
            let _ = self.sink.insist(frame).await;
        }
        if self.renderer.format == Format::Text {
            announce(&ready);
        }
        Ok(())
    }

    /// Ends an interval.
    pub(super) fn collect(&mut self) -> anyhow::Result<Period> {
        let before = self.counters.as_mut().and_then(Counters::before_end);
        let mut snapshot = self.capture.collect()?;
        let stacks = self.names.stacks();
        stacks.learn(std::mem::take(&mut snapshot.stacks));
        if self.hints {
            for hint in self.capture.events(usize::MAX)? {
                stacks.learn_hint(&hint);
            }
        }
        self.names
            .learn_qdiscs(std::mem::take(&mut snapshot.qdiscs));
        let squeezed = self.squeezes.delta();
        let moment = Moment {
            time: Timestamp::now(),
            time_squeeze: squeezed.as_deref(),
            output_lost: self.sink.lost() - self.lost,
        };
        self.lost = self.sink.lost();
        let mut period = self.tally.interval(&snapshot, &moment, &mut self.names);
        if let Some(counters) = &mut self.counters {
            let end = self.capture.since();
            period.reconciliation = counters.interval(before, end, &snapshot, &mut self.names);
        }
        for message in self.capture.messages() {
            fault::say(&escape(&message));
        }
        if let Some(warning) = self.names.refresh() {
            fault::say(&format!("warning: {}", escape(&warning)));
        }
        Ok(period)
    }

    /// Detaches, then writes the summary, below so many lines of drops.
    pub(super) async fn finish(self, ending: Ending, lines: Option<u64>) -> anyhow::Result<()> {
        let Self {
            capture,
            tally,
            sink,
            renderer,
            stop,
            counters,
            ..
        } = self;
        drop(capture);
        let mut summary = tally.summary(Timestamp::now(), sink.lost());
        summary.reconciliation = counters.map(|mut counters| counters.run());
        let summary = renderer.summary(&summary, lines);
        let Stop { signals, .. } = stop;
        last_words(sink, signals, summary, ending).await
    }
}

/// Writes the summary. A reader that stalls may keep us waiting until a signal,
/// and a little longer.
pub(super) async fn last_words(
    sink: Sink,
    mut signals: Signals,
    summary: Bytes,
    ending: Ending,
) -> anyhow::Result<()> {
    let written = async move {
        // When the sink is closed, the end tells why.
        let _ = sink.insist(summary).await;
        sink.finish().await
    };
    tokio::pin!(written);
    if ending != Ending::Signal {
        tokio::select! {
            biased;
            result = &mut written => return Ok(result?),
            () = signals.next() => {}
        }
    }
    let asked = Instant::now();
    tokio::select! {
        biased;
        result = &mut written => Ok(result?),
        () = signals.after(asked + IMPATIENCE) => stalled(),
        () = sleep(GRACE) => stalled(),
    }
}

fn stalled() -> anyhow::Result<()> {
    let why = if reader::is_expected() {
        "nobody reads standard output"
    } else {
        "standard output takes too long"
    };
    anyhow::bail!("{why}: the summary was not written")
}

/// Waits for the end of a run.
#[derive(Debug)]
pub(super) struct Stop {
    signals: Signals,
    reader: Reader,
    deadline: Option<Instant>,
}

impl Stop {
    /// Why it is time to end.
    pub(super) async fn requested(&mut self, sink: &Sink) -> Ending {
        let Self {
            signals,
            reader,
            deadline,
        } = self;
        let done = async {
            match deadline {
                Some(deadline) => sleep_until(*deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = signals.next() => Ending::Signal,
            () = done => Ending::Done,
            () = sink.closed() => Ending::Output,
            () = reader.gone() => Ending::Output,
        }
    }
}

/// A timer that first fires after one period and never catches up.
pub(super) fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

fn announce(ready: &Ready<'_>) {
    let attached = ready.hooks.iter().filter(|hook| hook.attached).count();
    fault::say(&format!(
        "{} on {}, Linux {}: ready, {attached} of {} hooks attached",
        ready.version,
        ready.host,
        ready.kernel,
        ready.hooks.len()
    ));
    if let Some((_, Some(plan))) = ready.filter {
        say_decided(plan);
    }
    for warning in ready.warnings {
        fault::say(&format!("warning: {}", escape(warning)));
    }
}

/// Says what of a filter is decided where.
pub(super) fn say_decided(plan: &Plan) {
    for sentence in decided::sentences(plan)
        .into_iter()
        .chain(decided::overflow(plan))
    {
        fault::say(&escape(&sentence));
    }
}
