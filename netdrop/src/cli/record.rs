//! `netdrop record`

mod alarm;
mod archive;
pub(super) mod aside;
mod name;
mod options;
mod progress;
mod run;
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

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use self::{
    alarm::Alarm,
    archive::{Cause, Target},
    options::Keeping,
    progress::Progress,
    run::Run,
    sampling::{Sampling, Waiting},
    writer::{Order, Writer},
};
use super::{
    bytes, duration, fault,
    filter::{self, Filter},
    options::at_least_one,
    outfile::Fresh,
    recording_header::{self, Asked, Reader},
    resolve::Squeezes,
    session, severity_file,
    signals::Signals,
};
use crate::{
    kernel::capture::{CaptureConfig, Emit, Keep},
    output::escape::escape,
    recording::{header::Header, write::rows::Rows},
    tally::left_out::LeftOut,
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
    let mut counters = Reader::start();
    let start = counters.read(capture.since());
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
    announce(&header, &announced, filter.as_ref());
    writer.send(Order::Start(Box::new(header), start));
    let mut run = Run {
        capture,
        names,
        rows,
        writer,
        alarm,
        squeezes: Squeezes::start(),
        counters,
        waiting: Waiting::default(),
        keeps_events: args.sampling.max_events > 0,
        progress: Progress::new(),
        drops: 0,
        left_out: LeftOut::default(),
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

fn announce(header: &Header, what: &str, filter: Option<&Filter>) {
    let attached = header.hooks.iter().filter(|hook| hook.attached).count();
    fault::say(&format!(
        "{} on {}, Linux {}: {what}, {attached} of {} hooks attached",
        header.version,
        header.host,
        header.kernel,
        header.hooks.len()
    ));
    if let Some(filter) = filter {
        session::say_decided(&filter.plan);
    }
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
