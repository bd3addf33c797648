//! `netdrop record`

use std::{
    fs::File,
    io::{self, IsTerminal as _, Write as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::{
    bytes, duration, fault,
    filter::{self, Filter},
    options::at_least_one,
    outfile,
    recording_header::{self, Asked, counters},
    resolve::{Resolver, Squeezes},
    session::{self, every},
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
        write::{Instant as Moment, Recorder, Written},
    },
};

/// Room for the hints of an interval.
const RING_BYTES: u32 = 64 * 1024;

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

    /// Leave out the hooks that run for every packet: costs less, but there is
    /// no drop ratio
    #[arg(long)]
    lite: bool,

    /// Severities of your own, as for `netdrop watch`
    #[arg(long, value_name = "FILE")]
    severity_file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  netdrop record -o drops.ndr --duration 1m      a minute, then `netdrop report drops.ndr`
  netdrop record -o drops.ndr --max-size 100M    until interrupted, or the file is full
  netdrop record -o web.ndr tcp port 443         only these packets
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
    let file = open(&args.output, args.force)?;
    let mut signals = Signals::listen()?;
    let config = CaptureConfig {
        flows: Some(args.flows),
        emit: Emit::Hints,
        stack: false,
        headers: false,
        stacks: None,
        lite: args.lite,
        ring_bytes: RING_BYTES,
        rules: filter::rules(filter.as_ref()),
        keep: Keep::ToCount,
    };
    let (capture, mut names) = match session::capture(&config) {
        Ok(started) => started,
        Err(error) => {
            // Nothing is in it yet.
            if args.output != Path::new("-") {
                let _ = std::fs::remove_file(&args.output);
            }
            return Err(error);
        }
    };
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
    };
    let header = recording_header::header(&asked, &capture, &warnings)?;
    let mut recorder = Recorder::start(file, &header, args.max_size, &counters())?;
    if let Some(filter) = &filter {
        recorder.filter(&filter.plan);
    }
    announce(&header, &args.output);
    let mut run = Run {
        capture,
        names,
        recorder,
        squeezes: Squeezes::start(),
        progress: Progress::new(),
        drops: 0,
        intervals: 0,
    };
    let mut timer = every(args.interval);
    let deadline = args.duration.map(|duration| Instant::now() + duration);
    let ending = loop {
        let done = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = signals.next() => break Ending::Signal,
            () = done => break Ending::Duration,
            _ = timer.tick() => {
                if run.collect()? == Written::Full {
                    break Ending::Full;
                }
            }
        }
    };
    let ending = match ending {
        Ending::Full => Ending::Full,
        // What was counted since the last interval is one more.
        other => match run.collect()? {
            Written::Yes => other,
            Written::Full => Ending::Full,
        },
    };
    run.finish(&ending, &args.output)
}

struct Run {
    capture: Capture,
    names: Resolver,
    recorder: Recorder,
    squeezes: Squeezes,
    progress: Progress,
    drops: u64,
    intervals: u64,
}

impl Run {
    /// Ends an interval and writes it.
    fn collect(&mut self) -> anyhow::Result<Written> {
        let mut snapshot = self.capture.collect()?;
        let stacks = self.names.stacks();
        stacks.learn(std::mem::take(&mut snapshot.stacks));
        for hint in self.capture.events(usize::MAX)? {
            stacks.learn_hint(&hint);
        }
        self.names
            .learn_qdiscs(std::mem::take(&mut snapshot.qdiscs));
        let squeezed = self.squeezes.delta();
        let moment = Moment {
            time: Timestamp::now(),
            time_squeeze: squeezed.as_deref(),
            counters: &counters(),
        };
        let written = self
            .recorder
            .interval(&snapshot, &moment, &mut self.names)?;
        if written == Written::Yes {
            self.drops += snapshot.counters.counted();
            self.intervals += 1;
        }
        for message in self.capture.messages() {
            self.progress.clear();
            fault::say(&escape(&message));
        }
        if let Some(warning) = self.names.refresh() {
            self.progress.clear();
            fault::say(&format!("warning: {}", escape(&warning)));
        }
        self.progress.show(self.drops, self.recorder.written());
        Ok(written)
    }

    fn finish(self, ending: &Ending, path: &Path) -> anyhow::Result<()> {
        let Self {
            capture,
            recorder,
            mut progress,
            drops,
            intervals,
            ..
        } = self;
        drop(capture);
        let size = recorder.finish(ending.word())?;
        progress.clear();
        let full = match ending {
            Ending::Full => ", which is full: see --max-size",
            _ => "",
        };
        fault::say(&format!(
            "recorded {} in {}, {} in {}{full}",
            count_text(drops, "drop"),
            count_text(intervals, "interval"),
            bytes_text(size),
            name(path)
        ));
        Ok(())
    }
}

fn open(path: &Path, force: bool) -> anyhow::Result<File> {
    if path != Path::new("-") {
        return outfile::create(path, force);
    }
    let stdout = io::stdout();
    if stdout.is_terminal() {
        return Err(fault::Usage(
            "a recording is no text: send standard output to a file or a program".to_owned(),
        )
        .into());
    }
    Ok(File::from(
        stdout
            .as_fd()
            .try_clone_to_owned()
            .context("cannot use standard output")?,
    ))
}

fn announce(header: &Header, path: &Path) {
    let attached = header.hooks.iter().filter(|hook| hook.attached).count();
    fault::say(&format!(
        "{} on {}, Linux {}: recording into {}, {attached} of {} hooks attached",
        header.version,
        header.host,
        header.kernel,
        name(path),
        header.hooks.len()
    ));
    for warning in &header.warnings {
        fault::say(&format!("warning: {}", escape(warning)));
    }
}

fn name(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard output".to_owned();
    }
    escape(&path.to_string_lossy()).into_owned()
}

/// A line on a terminal that tells how far it is.
struct Progress {
    since: Instant,
    shown: bool,
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            shown: false,
            terminal: io::stderr().is_terminal(),
        }
    }

    fn show(&mut self, drops: u64, size: u64) {
        if !self.terminal {
            return;
        }
        let seconds = self.since.elapsed().as_secs();
        let text = format!(
            "{:02}:{:02}:{:02}  {}  {}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            count_text(drops, "drop"),
            bytes_text(size)
        );
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
        let _ = io::stderr().flush();
        self.shown = true;
    }

    fn clear(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
            self.shown = false;
        }
    }
}
