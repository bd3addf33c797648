//! `netdrop watch`

use std::{path::PathBuf, process::ExitCode, time::Duration};

use super::{
    counters::Counters,
    duration,
    fault::Usage,
    filter::{self, Filter},
    live,
    options::Shared,
    path, replay,
    session::{self, Session, every},
};
use crate::{
    kernel::capture::{CaptureConfig, Emit, Keep, MOST_STACKS},
    output::render::Format,
    tally::period::Period,
    tui::speed::Speed,
};

/// Room for the hints of an interval.
const RING_BYTES: u32 = 64 * 1024;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    shared: Shared,

    /// Length of an interval, at least 10ms
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1s",
        value_parser = duration::parse_interval,
        allow_hyphen_values = true
    )]
    interval: Duration,

    /// Group by the kernel stack, too: what else leaves the stage open is
    /// decided by it, and each row shows it. Costs more than 2 µs a drop
    #[arg(long)]
    stack: bool,

    /// Count histograms, too, for the summary: packet size, time in the stack before
    /// death, packets per NAPI poll, drops per burst. Costs the time of day for every
    /// packet and drop
    #[arg(long)]
    histograms: bool,

    /// Hold the kernel's own counters of loss against the traced drops: what each
    /// counted, what the drops explain and what remains. On a terminal below the
    /// path, in text below the summary; not with a filter
    #[arg(long)]
    reconcile: bool,

    /// The network namespace whose counters --reconcile reads, as for `netdrop
    /// path` [default: netdrop's own]
    #[arg(long, value_name = "NAME|PATH|PID|INODE", requires = "reconcile")]
    netns: Option<String>,

    /// Show a recording of `netdrop record` instead of this host; - for standard
    /// input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["interval", "stack", "histograms", "duration", "lite", "flows", "severity_file", "reconcile"]
    )]
    replay: Option<PathBuf>,

    /// How fast --replay plays on a terminal: so many times as fast as it happened,
    /// or max [default: 10]
    #[arg(
        long,
        value_name = "TIMES",
        requires = "replay",
        allow_hyphen_values = true
    )]
    speed: Option<Speed>,
}

const EXAMPLES: &str = "\
On a terminal this draws an interface: 1 path, 2 table, 3 flows, 4 CPU, 5 events, Enter looks into
a row, / edits the filter, ? shows all keys, q ends. --format text prints a block an interval.
With --replay it plays a recording: space pauses, . and , go one interval on and back, + and -
change the speed, g and G go to the start and the end.

Examples:
  netdrop watch                                   where packets die, live
  netdrop watch --format text                     stage, reason and function, every second
  netdrop watch --by reason,device,netns          where, by device and namespace
  netdrop watch --by flow --top 10                the flows that lose most
  netdrop watch --by flow --sort hurt             the TCP flows that retransmit or reset most
  netdrop watch host 10.0.0.1 and tcp port 443    only these packets
  netdrop watch netns blue and reason NETFILTER_DROP
  netdrop watch --replay drops.ndr                a recording, as it would have been shown
  netdrop watch --replay drops.ndr --speed 1      as fast as it happened
  netdrop watch --severity all                    benign drops, too
  netdrop watch --reconcile                       which counters moved, and which drops explain it
  netdrop watch --reconcile --netns shop --format json | jq .reconciliation
  netdrop watch --duration 10s --format json | jq 'select(.type == \"summary\")'";

pub(super) fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    args.shared.refuse_sort()?;
    if let Some(path) = &args.replay {
        return replay::run(path, &mut args.shared, args.speed);
    }
    let filter = args.shared.filter()?;
    session::run(watch(args, filter))
}

async fn watch(args: Args, filter: Option<Filter>) -> anyhow::Result<()> {
    let counters = counters(&args, filter.as_ref())?;
    let Args {
        mut shared,
        interval,
        stack,
        histograms,
        reconcile: _,
        netns: _,
        replay: _,
        speed: _,
    } = args;
    if stack {
        shared.group_by_stack();
    }
    let live = shared.is_format_open() && live::is_possible();
    let config = CaptureConfig {
        flows: if live {
            Some(shared.all_flows())
        } else {
            shared.flows(filter.as_ref())
        },
        emit: Emit::Hints,
        stack: false,
        headers: false,
        stacks: stack.then_some(MOST_STACKS),
        lite: shared.lite,
        histograms,
        ring_bytes: RING_BYTES,
        rules: filter::rules(filter.as_ref()),
        keep: if live { Keep::ToLoad } else { Keep::ToCount },
    };
    if live {
        return Box::pin(live::run(&shared, config, interval, filter, counters)).await;
    }
    let mut session = Session::start(&shared, &config, filter.as_ref(), counters).await?;
    if shared.explains() {
        session.tally.explain();
    }
    let mut timer = every(interval);
    let mut first = true;
    let ending = loop {
        tokio::select! {
            // A deadline comes before an interval that ends with it.
            biased;
            ending = session.stop.requested(&session.sink) => break ending,
            _ = timer.tick() => {
                let period = session.collect()?;
                show(&mut session, &period);
                first = false;
            }
        }
    };
    session.capture.end();
    let last = session.collect()?;
    if session.renderer.format == Format::Json || adds_something(&last, first, interval) {
        show(&mut session, &last);
    }
    session.finish(ending, None).await
}

/// The counters that are asked for.
fn counters(args: &Args, filter: Option<&Filter>) -> anyhow::Result<Option<Counters>> {
    if !args.reconcile {
        return Ok(None);
    }
    if filter.is_some() {
        return Err(Usage(
            "--reconcile goes without a filter: drops that were left out explain no counter"
                .to_owned(),
        )
        .into());
    }
    let netns = args.netns.as_deref().map(path::find).transpose()?;
    Counters::start(netns.map(path::Target::place)).map(Some)
}

fn show(session: &mut Session, period: &Period) {
    if period.seconds > 0.0 {
        let frame = session.renderer.interval(period);
        session.sink.offer(frame, 1);
    }
}

/// Does the last interval tell people more than the summary below it does? Not
/// if it is the whole run, nor if it is a stub in which nothing was dropped.
fn adds_something(last: &Period, is_first: bool, interval: Duration) -> bool {
    let stub = last.seconds < interval.as_secs_f64() / 10.0;
    let empty_stub = stub && last.totals.sums.drops() == 0;
    !is_first && !empty_stub
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::{accounting::Attached, key::By, period::View, show::Show};

    fn last(seconds: f64, drops: u64) -> Period {
        let view = View {
            by: By::default(),
            top: 1,
            sort: crate::tally::rank::Sort::Drops,
            show: Show::All,
        };
        let none = crate::tally::period::Tally::new(view, Attached::default());
        let mut period = none.summary(jiff::Timestamp::UNIX_EPOCH, 0);
        period.seconds = seconds;
        period.totals.sums.harmful = drops;
        period
    }

    #[test]
    fn a_last_interval_is_shown_only_if_the_summary_does_not_say_it_all() {
        let second = Duration::from_secs(1);
        assert!(adds_something(&last(1.0, 5), false, second));
        assert!(adds_something(&last(0.2, 0), false, second));
        assert!(adds_something(&last(0.01, 1), false, second));
        assert!(!adds_something(&last(0.01, 0), false, second));
        assert!(!adds_something(&last(1.0, 5), true, second));
    }
}
