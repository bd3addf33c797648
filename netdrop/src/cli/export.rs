//! `netdrop export`

mod table;

use std::{
    io::{self, BufWriter, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use super::{
    fault, filter,
    grouping::{ANONYMIZE, open},
    options::{KEYS, SeverityArg},
    outfile::{self, Whole},
    reading::{self, Reading},
};
use crate::{
    output::export::{Csv, CsvEvents, Exporter, Folded, Json, OpenMetrics, Pcapng, Source},
    recording::anonymize::Anonymizer,
    tally::{key::By, left_out::LeftOut, period::View, rank::Sort, show::Show},
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

    /// Sampled drops: with json a line for each, too; with csv instead of counts
    #[arg(long)]
    events: bool,

    /// Let other addresses and names stand for those of the host
    #[arg(long, help = ANONYMIZE)]
    anonymize: bool,

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
    /// Stacks and counts, for flame graphs: of sampled drops where those have
    /// stacks (record --stack) and no --by is given
    Folded,
    /// Every row as it was recorded, or with --filter those that match, for SQL and
    /// data frames
    Parquet,
    /// Sampled drops as packets, for Wireshark
    Pcapng,
}

const EXAMPLES: &str = "\
Examples:
  netdrop export drops.ndr --to csv -o drops.csv
  netdrop export drops.ndr --to json --by flow,reason -o - | jq .totals
  netdrop export drops.ndr --to parquet -o drops.parquet
  netdrop export drops.ndr --to parquet --filter 'severity harmful' -o harmful.parquet
  netdrop export drops.ndr --to pcapng -o - | tshark -r - -V
  netdrop export drops.ndr --to folded -o - | flamegraph.pl > drops.svg";

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let exported = match exporter(args) {
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
fn exporter(args: &Args) -> Option<Box<dyn Exporter>> {
    Some(match args.to {
        FormatArg::Json => Box::new(Json {
            events: args.events,
        }),
        FormatArg::Csv if args.events => Box::new(CsvEvents),
        FormatArg::Csv => Box::new(Csv::default()),
        FormatArg::Openmetrics => Box::new(OpenMetrics::default()),
        FormatArg::Folded if args.by.is_some() => Box::new(Folded::of_rows()),
        FormatArg::Folded => Box::new(Folded::default()),
        FormatArg::Pcapng => Box::new(Pcapng::default()),
        FormatArg::Parquet => return None,
    })
}

fn export(args: &Args, mut exporter: Box<dyn Exporter>) -> anyhow::Result<()> {
    let Args {
        file,
        to,
        output,
        force,
        by,
        severity,
        events,
        anonymize,
        filter,
    } = args;
    if *events && !matches!(to, FormatArg::Json | FormatArg::Csv) {
        return Err(fault::Usage(
            "--events goes with --to json or csv; pcapng is made of events anyway".to_owned(),
        )
        .into());
    }
    let of_events = *to == FormatArg::Pcapng || (*to == FormatArg::Csv && *events);
    if of_events && by.is_some() {
        return Err(fault::Usage(
            "--by groups counts, and --to pcapng and --to csv --events are made of single drops: \
             leave it out"
                .to_owned(),
        )
        .into());
    }
    let anonymizer = anonymize.then(Anonymizer::random).transpose()?;
    let filter = filter::of_recording(filter.as_slice())?;
    let reading = following(output);
    let mut recording = open(&reading, file, filter.as_ref(), anonymizer)?;
    if !exporter.uses_events(recording.header()) {
        recording = recording.without_events();
    }
    let by = match by {
        Some(by) => by.clone(),
        None => exporter.keys().parse()?,
    };
    let show = severity.map_or(Show::All, |severity| SeverityArg::show(Some(severity)));
    let view = View {
        by: by.clone(),
        top: usize::MAX,
        sort: Sort::Drops,
        show,
    };
    let mut whole = Whole::create(output, *force)?;
    if *to == FormatArg::Pcapng {
        outfile::refuse_terminal(whole.file())?;
    }
    let write = || format!("cannot write {}", name(output));
    let mut out = BufWriter::with_capacity(64 << 10, whole.file());
    let hooks = recording.hooks();
    let recorded = recording.header().filter.clone();
    let text = filter::told(recorded.as_deref(), filter.as_ref(), *anonymize);
    let filter = filter.or_else(|| filter::recorded(recorded.as_deref()));
    // Its parts name hosts, too.
    let plan = filter.as_ref().map(|filter| &filter.plan);
    let plan = plan.filter(|_| !anonymize);
    let source = Source {
        filter: text.as_deref().map(|text| (text, plan)),
        header: recording.header(),
        hooks: &hooks,
    };
    exporter.start(&mut out, &source, &by).with_context(write)?;
    let mut tally = recording.tally(view);
    let mut sampled = 0_u64;
    let mut time = recording.header().start.unwrap_or_default();
    while let Some(interval) = recording.next_interval() {
        let period = recording.show(&interval, &mut tally);
        for drop in recording.events(&interval, show) {
            exporter.event(&mut out, drop).with_context(write)?;
            sampled += 1;
        }
        exporter.interval(&mut out, &period).with_context(write)?;
        time = period.time;
    }
    let summary = tally.summary(time, 0);
    exporter
        .finish(&mut out, &summary)
        .and_then(|()| out.flush())
        .with_context(write)?;
    drop(out);
    reading.end();
    reading::warn(&reading::name(file), recording.end());
    filter::say_singles(&reading::name(file), recording.singles());
    if sampled == 0 && exporter.wants_events() {
        let undecided = summary.accounting.undecided;
        bail!(no_events(file, recording.header().max_events, undecided));
    }
    whole.finish()?;
    if !exporter.tells_accounting() {
        filter::say_left_out(&reading::name(file), LeftOut::from(&summary.accounting));
    }
    Ok(())
}

/// Tells how far it is, where the output does not show that itself.
fn following(output: &Path) -> Reading {
    if output == Path::new("-") && io::stdout().is_terminal() {
        return Reading::silent();
    }
    Reading::start()
}

/// Why there is nothing to export.
fn no_events(file: &Path, most: Option<u32>, undecided: u64) -> String {
    let file = reading::name(file);
    match most {
        None | Some(0) => format!(
            "{file} holds no sampled drops, which this format is made of: record with \
             --max-events 200, for example"
        ),
        Some(_) if undecided > 0 => format!(
            "{file} holds no sampled drops that are known to be wanted: --filter is undecided \
             about {undecided}; `netdrop report` tells what it holds"
        ),
        Some(_) => format!(
            "{file} holds no sampled drops that are wanted: nothing was dropped, or --filter and \
             --severity leave nothing; `netdrop report` tells what it holds"
        ),
    }
}

fn name(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard output".to_owned();
    }
    path.display().to_string()
}
