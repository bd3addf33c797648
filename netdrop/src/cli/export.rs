//! `netdrop export`

mod table;

use std::{
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::ValueEnum;

use super::{
    fault, filter,
    grouping::open,
    options::{KEYS, SeverityArg},
    outfile::Whole,
};
use crate::{
    output::export::{Csv, Exporter, Folded, Json, OpenMetrics, Source},
    recording::read::End,
    tally::{key::By, period::View, rank::Sort, show::Show},
};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A recording of `netdrop record`; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The format
    #[arg(long, value_enum)]
    to: FormatArg,

    /// The file to write; - for standard output
    #[arg(long, short, value_name = "OUT")]
    output: PathBuf,

    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,

    /// Keys that rows are grouped by; each format has its own
    #[arg(long, value_name = "KEYS", help = KEYS)]
    by: Option<By>,

    /// Only drops of one severity; without it, all
    #[arg(long, value_enum)]
    severity: Option<SeverityArg>,

    /// Which drops to look at
    #[arg(long, value_name = "FILTER", help = filter::OF_RECORDING)]
    filter: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// The lines of `netdrop watch --format json`
    Json,
    /// A line for each row of each interval, and for each bucket of its histograms
    Csv,
    /// Sums of the whole recording, for Prometheus
    Openmetrics,
    /// Stacks and counts, for flame graphs
    Folded,
    /// Every row as it was recorded, for SQL and data frames
    Parquet,
}

const EXAMPLES: &str = "\
Examples:
  netdrop export drops.ndr --to csv -o drops.csv
  netdrop export drops.ndr --to json --by flow,reason -o - | jq .totals
  netdrop export drops.ndr --to parquet -o drops.parquet
  netdrop export drops.ndr --to folded -o - | flamegraph.pl > drops.svg";

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let exported = match exporter(args.to) {
        Some(exporter) => export(args, exporter),
        None => table::export(args),
    };
    match exported {
        // A reader that has left is no failure.
        Err(error)
            if error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) =>
        {
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

/// What shows a recording in one format; none writes its rows as they are.
fn exporter(to: FormatArg) -> Option<Box<dyn Exporter>> {
    Some(match to {
        FormatArg::Json => Box::new(Json),
        FormatArg::Csv => Box::new(Csv::default()),
        FormatArg::Openmetrics => Box::new(OpenMetrics::default()),
        FormatArg::Folded => Box::new(Folded),
        FormatArg::Parquet => return None,
    })
}

fn export(args: &Args, mut exporter: Box<dyn Exporter>) -> anyhow::Result<()> {
    let Args {
        file,
        to: _,
        output,
        force,
        by,
        severity,
        filter,
    } = args;
    let filter = filter::of_recording(filter.as_slice())?;
    let mut recording = open(file, filter.as_ref())?;
    let by = match by {
        Some(by) => by.clone(),
        None => exporter.keys().parse()?,
    };
    let view = View {
        by: by.clone(),
        top: usize::MAX,
        sort: Sort::Drops,
        show: severity.map_or(Show::All, |severity| SeverityArg::show(Some(severity))),
    };
    let mut whole = Whole::create(output, *force)?;
    let write = || format!("cannot write {}", name(output));
    let mut out = BufWriter::with_capacity(64 << 10, whole.file());
    let hooks = recording.hooks();
    let recorded = recording.header().filter.clone();
    let text = filter::both(recorded.as_deref(), filter.as_ref());
    let filter = filter.or_else(|| filter::recorded(recorded.as_deref()));
    let source = Source {
        filter: text
            .as_deref()
            .zip(filter.as_ref().map(|filter| &filter.plan)),
        header: recording.header(),
        hooks: &hooks,
    };
    exporter.start(&mut out, &source, &by).with_context(write)?;
    let mut tally = recording.tally(view);
    let mut time = recording.header().start.unwrap_or_default();
    while let Some(interval) = recording.next_interval() {
        let period = recording.show(&interval, &mut tally);
        exporter.interval(&mut out, &period).with_context(write)?;
        time = period.time;
    }
    exporter
        .finish(&mut out, &tally.summary(time, 0))
        .and_then(|()| out.flush())
        .with_context(write)?;
    drop(out);
    whole.finish()?;
    warn(file, recording.end());
    Ok(())
}

/// Says so where a recording is not whole.
fn warn(file: &Path, end: Option<&End>) {
    if let Some(end) = end
        && !matches!(end, End::Closed(_))
    {
        fault::say(&format!("warning: {}: {end}", file.display()));
    }
}

fn name(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard output".to_owned();
    }
    path.display().to_string()
}
