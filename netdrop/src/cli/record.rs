//! `netdrop record`

mod alarm;
mod archive;
pub(super) mod aside;
mod name;
mod options;
mod progress;
pub(super) mod sampling;
mod trigger;
mod writer;

use std::{
    fs::{self, Metadata},
    io::{self, IsTerminal as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep, sleep_until},
};

use self::{
    alarm::{Action, Alarm},
    archive::{Cause, Summary, Target},
    options::Keeping,
    progress::Progress,
    sampling::{DRAIN, Sampling, Waiting},
    trigger::Sample,
    writer::{News, Order, Writer},
};
use super::{
    bytes, clock, duration, fault,
    filter::{self, Filter},
    options::at_least_one,
    outfile::Fresh,
    recording_header::{self, Asked, counters},
    resolve::{Resolver, Squeezes},
    session::{self, GRACE, IMPATIENCE, every},
    severity_file,
    signals::Signals,
};
use crate::{
    kernel::capture::{Capture, CaptureConfig, Emit, Keep},
    output::{
        amount::{bytes_text, count_text},
        escape::escape,
    },
    recording::{
        header::Header,
        write::{
            Instant as Moment,
            rows::{Rows, Seen},
        },
    },
};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Which drops to record
    #[arg(value_name = "FILTER", help = filter::HELP)]
    filter: Vec<String>,

    /// The file to write; - for standard output
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,

    /// Stop after this time, for example 10s, 5m, 2h
    #[arg(long, value_name = "TIME", value_parser = duration::parse, allow_hyphen_values = true)]
    duration: Option<Duration>,

    /// Length of an interval, at least 10ms
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1s",
        value_parser = duration::parse_interval,
        allow_hyphen_values = true
    )]
    interval: Duration,

    /// Stop before the file grows beyond this, for example 100M or 2G
    #[arg(long, value_name = "BYTES", value_parser = bytes::parse_size, allow_hyphen_values = true)]
    max_size: Option<u64>,

    #[command(flatten)]
    keeping: Keeping,

    /// Flows to keep of each interval, those that lose most first; what the
    /// others lost is counted
    #[arg(long, value_name = "N", default_value = "1000", value_parser = at_least_one::<u32>, allow_hyphen_values = true)]
    top: u32,

    /// Flows counted apart in an interval
    #[arg(
        long,
        value_name = "N",
        default_value_t = netdrop_ebpf::area::FLOW_ENTRIES,
        value_parser = clap::value_parser!(u32).range(1..=1 << 24)
    )]
    flows: u32,

    #[command(flatten)]
    sampling: Sampling,

    /// Leave out the hooks that run for every packet: costs less, but there is
    /// no drop ratio
    #[arg(long)]
    lite: bool,

    /// Count no histograms: costs less for every packet and drop
    #[arg(long)]
    no_histograms: bool,

    /// Severities of your own, as for `netdrop watch`
    #[arg(long, value_name = "FILE")]
    severity_file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  netdrop record -o drops.ndr --duration 1m      a minute, then `netdrop report drops.ndr`
  netdrop record -o drops.ndr --max-size 100M    until interrupted, or the file is full
  netdrop record -o web.ndr tcp port 443         only these packets
  netdrop record -o drops.ndr --rotate 1h --max-files 24    a day, in pieces
  netdrop record -o drops.ndr --keep 10m --trigger 'harmful > 1000/s'
                                                 in memory, until there is a reason to write
  netdrop record -o drops.ndr --stack            with the way that dropped packets took
  netdrop record -o drops.ndr --anonymize        to be shown to others
  netdrop record -o - | ssh host 'cat > drops.ndr'";

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let filter = filter::read(&args.filter)?;
    session::run(record(args, filter))
}

/// Why a recording ends.
enum Ending {
    Signal,
    Duration,
    Full,
}

impl Ending {
    fn word(&self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Duration => "duration",
            Self::Full => "size",
        }
    }
}

async fn record(args: Args, filter: Option<Filter>) -> anyhow::Result<()> {
    let given = match &args.severity_file {
        Some(path) => Some((path, severity_file::read(path)?)),
        None => None,
    };
    args.sampling.check()?;
    args.keeping.check(args.interval)?;
    let alarm = args.keeping.alarm()?;
    let target = args
        .keeping
        .target(&args.output, args.force, args.max_size)?;
    let announced = args.keeping.announced(&target, &args.output);
    let created = match &target {
        Target::One(..) if args.output != Path::new("-") => Some(args.output.clone()),
        Target::Pieces(pieces) => Some(pieces.path().to_owned()),
        Target::One(..) | Target::Recent(_) => None,
    };
    let mut signals = Signals::listen()?;
    let wanted = signal(SignalKind::user_defined1()).context("cannot listen to SIGUSR1")?;
    // Before capabilities are given up: it keeps what creating files takes.
    let writer = Writer::start(target, args.keeping.opens())?;
    let mut config = CaptureConfig {
        flows: Some(args.flows),
        emit: Emit::Hints,
        stack: false,
        headers: false,
        stacks: None,
        lite: args.lite,
        histograms: !args.no_histograms,
        ring_bytes: 0,
        rules: filter::rules(filter.as_ref()),
        keep: Keep::ToCount,
    };
    args.sampling.ask(&mut config);
    let (capture, mut names) = match session::capture(&config) {
        Ok(started) => started,
        Err(error) => {
            // Nothing is in it yet.
            if let Some(path) = &created {
                remove_empty(path);
            }
            return Err(error);
        }
    };
    // At once: drops count already.
    let start = counters(capture.since());
    let mut warnings = capture.warnings().to_vec();
    warnings.extend(filter::warnings(filter.as_ref(), names.symbols()));
    if let Some((path, given)) = given {
        warnings.extend(severity_file::warnings(path, &given, names.symbols()));
        names.reclassify(given);
    }
    let asked = Asked {
        interval: args.interval,
        top: args.top,
        filter: filter.as_ref().map(|filter| &*filter.text),
        sampling: &args.sampling,
    };
    let header = recording_header::header(&asked, &capture, &warnings)?;
    let mut rows = Rows::new(&header, &start);
    if let Some(filter) = &filter {
        rows.filter(&filter.plan);
    }
    announce(&header, &announced);
    writer.send(Order::Start(Box::new(header), start));
    let mut run = Run {
        capture,
        names,
        rows,
        writer,
        alarm,
        squeezes: Squeezes::start(),
        waiting: Waiting::default(),
        keeps_events: args.sampling.max_events > 0,
        progress: Progress::new(),
        drops: 0,
        late: 0,
    };
    let ended = run.until_the_end(&args, &mut signals, wanted).await;
    let ending = ended.inspect_err(|_| {
        if let Some(path) = &created {
            remove_empty(path);
        }
    })?;
    run.capture.end();
    run.collect()?;
    if let Some(fired) = run.alarm.take().and_then(Alarm::pending) {
        let cause = Cause::Trigger(Timestamp::now(), fired);
        run.writer.send(Order::Dump(cause));
    }
    Box::pin(run.finish(&ending, &mut signals)).await
}

struct Run {
    capture: Capture,
    names: Resolver,
    rows: Rows,
    writer: Writer,
    alarm: Option<Alarm>,
    squeezes: Squeezes,
    waiting: Waiting,
    /// Are events more than hints?
    keeps_events: bool,
    progress: Progress,
    /// Drops handed over to be written.
    drops: u64,
    /// Intervals that could not end in time.
    late: u64,
}

impl Run {
    async fn until_the_end(
        &mut self,
        args: &Args,
        signals: &mut Signals,
        mut wanted: Signal,
    ) -> anyhow::Result<Ending> {
        let mut timer = every(args.interval);
        let mut drain = Instant::now() + DRAIN;
        let deadline = args.duration.map(|duration| Instant::now() + duration);
        loop {
            let done = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = signals.next() => return Ok(Ending::Signal),
                () = done => return Ok(Ending::Duration),
                news = self.writer.news() => match news {
                    News::Said(message) => self.say(&message),
                    News::Full => return Ok(Ending::Full),
                    News::Failed(error) => return Err(error),
                    News::Done(_) => bail!("the thread that writes ended early"),
                },
                _ = wanted.recv() => {
                    if !args.keeping.is_recent() {
                        self.say("SIGUSR1 makes a recording with --keep write; this one goes on");
                        continue;
                    }
                    // Up to now.
                    if self.writer.has_room() {
                        self.collect()?;
                    }
                    self.writer.send(Order::Dump(Cause::Signal(Timestamp::now())));
                }
                _ = timer.tick() => self.tick()?,
                () = sleep_until(drain), if self.keeps_events => {
                    drain = Instant::now() + self.waiting.drain(&mut self.capture)?;
                }
            }
        }
    }

    /// Ends an interval, unless so many wait to be written that it had better go
    /// on: then it gets longer, and nothing is lost.
    fn tick(&mut self) -> anyhow::Result<()> {
        if self.writer.has_room() {
            return self.collect();
        }
        if self.late == 0 {
            self.say(
                "warning: writing takes too long: intervals become longer until it has caught \
                 up; nothing is lost",
            );
        }
        self.late += 1;
        Ok(())
    }

    /// Ends an interval and hands it over.
    fn collect(&mut self) -> anyhow::Result<()> {
        let mut snapshot = self.capture.collect()?;
        let counters = counters(self.capture.since());
        let stacks = self.names.stacks();
        stacks.learn(std::mem::take(&mut snapshot.stacks));
        self.waiting.drain(&mut self.capture)?;
        let now = self.capture.generation();
        let mut events = self.waiting.of_interval(now, &mut snapshot);
        for event in &events {
            stacks.learn_hint(event);
        }
        if !self.keeps_events {
            events.clear();
        }
        self.names
            .learn_qdiscs(std::mem::take(&mut snapshot.qdiscs));
        let squeezed = self.squeezes.delta();
        let moment = Moment {
            time: Timestamp::now(),
            time_squeeze: squeezed.as_deref(),
            counters: &counters,
            events: &events,
            boot: clock::boot()?,
        };
        let sheet = self.rows.interval(&snapshot, &moment, &mut self.names)?;
        let stamp = sheet.stamp;
        self.drops += stamp.drops;
        self.writer.send(Order::Sheet(Box::new(sheet)));
        self.watch_out(stamp.seconds, stamp.drops);
        for message in self.capture.messages() {
            self.say(&escape(&message));
        }
        if let Some(warning) = self.names.refresh() {
            self.say(&format!("warning: {}", escape(&warning)));
        }
        let (drops, bytes) = self.writer.written();
        self.progress.show(drops, bytes);
        Ok(())
    }

    /// Looks whether a trigger fires.
    fn watch_out(&mut self, seconds: f64, drops: u64) {
        let Some(alarm) = &mut self.alarm else {
            return;
        };
        let seen: Vec<Seen<'_>> = self.rows.seen().collect();
        let sample = Sample {
            seconds,
            drops,
            packets: self.rows.packets(),
            seen: &seen,
        };
        let now = Timestamp::now();
        match alarm.look(&sample, now, Instant::now()) {
            None => {}
            Some(Action::Tell(fired)) => {
                let (after, condition, rate) = (alarm.after(), fired.condition, fired.rate);
                self.say(&format!(
                    "trigger: {condition}: {rate:.0}/s; writing in {:.0} s",
                    after.as_secs_f64()
                ));
            }
            Some(Action::Write(fired)) => {
                let rest = alarm.rest().as_secs_f64();
                self.writer.send(Order::Dump(Cause::Trigger(now, fired)));
                self.say(&format!(
                    "no trigger writes again for {rest:.0} s, nor before it was quiet once"
                ));
            }
        }
    }

    fn say(&mut self, message: &str) {
        self.progress.clear();
        fault::say(message);
    }

    /// Waits until all is written. A disk may keep us waiting until another signal
    /// comes.
    async fn finish(self, ending: &Ending, signals: &mut Signals) -> anyhow::Result<()> {
        let Self {
            capture,
            mut writer,
            mut progress,
            drops,
            late,
            ..
        } = self;
        drop(capture);
        writer.send(Order::Finish(ending.word()));
        let asked = Instant::now();
        let mut patient = true;
        let summary = loop {
            tokio::select! {
                biased;
                news = writer.news() => match news {
                    News::Said(message) => {
                        progress.clear();
                        fault::say(&message);
                    }
                    News::Full => {}
                    News::Done(summary) => break summary,
                    News::Failed(error) => return Err(error),
                },
                () = signals.after(asked + IMPATIENCE) => {
                    progress.clear();
                    let (written, _) = writer.written();
                    bail!(
                        "{} of {} may not be in the file: writing took too long",
                        count_text(drops.saturating_sub(written), "drop"),
                        count_text(drops, "drop"),
                    );
                }
                () = sleep(GRACE), if patient => {
                    patient = false;
                    progress.clear();
                    fault::say("waiting until all is written; interrupt once more to give up");
                }
            }
        };
        progress.clear();
        let Summary {
            drops,
            intervals,
            bytes,
            place,
        } = summary;
        let late = match late {
            0 => String::new(),
            late => format!(
                "; {} became part of the next, for writing took too long",
                count_text(late, "interval")
            ),
        };
        fault::say(&format!(
            "recorded {} in {}, {} in {place}{late}",
            count_text(drops, "drop"),
            count_text(intervals, "interval"),
            bytes_text(bytes),
        ));
        Ok(())
    }
}

fn file_or_stdout(path: &Path, force: bool) -> anyhow::Result<Fresh> {
    if path != Path::new("-") {
        return Fresh::create(path, force);
    }
    let stdout = io::stdout();
    if stdout.is_terminal() {
        return Err(fault::Usage(
            "a recording is no text: send standard output to a file or a program".to_owned(),
        )
        .into());
    }
    let stdout = stdout.as_fd().try_clone_to_owned();
    Ok(Fresh::as_it_is(
        stdout.context("cannot use standard output")?.into(),
    ))
}

/// Removes a file of ours that nothing could be written to.
fn remove_empty(path: &Path) {
    let is_empty = |found: Metadata| found.is_file() && found.len() == 0;
    if path.symlink_metadata().is_ok_and(is_empty) {
        let _ = fs::remove_file(path);
    }
}

fn announce(header: &Header, what: &str) {
    let attached = header.hooks.iter().filter(|hook| hook.attached).count();
    fault::say(&format!(
        "{} on {}, Linux {}: {what}, {attached} of {} hooks attached",
        header.version,
        header.host,
        header.kernel,
        header.hooks.len()
    ));
    for warning in &header.warnings {
        fault::say(&format!("warning: {}", escape(warning)));
    }
}

/// A file's name, for a message.
fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard output".to_owned();
    }
    escape(&path.to_string_lossy()).into_owned()
}
