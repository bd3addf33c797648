//! `netdrop trace`

use std::{collections::HashSet, process::ExitCode, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    bytes, clock,
    filter::{self, Filter},
    options::{KEYS, Shared, at_least_one},
    session::{self, Ending, Session, every},
};
use crate::{
    filter::plan::{Plan, Verdict},
    kernel::capture::{CaptureConfig, Detail, Emit, Keep, MOST_STACKS},
    output::{advice, json, line::Lines, render::Format},
    tally::{circumstances::about_drop, packet::Drop, show::Show},
};

/// How often the ring is emptied; programs do not wake us.
const DRAIN: Duration = Duration::from_millis(20);
/// How often the counts are read.
const COLLECT: Duration = Duration::from_secs(1);
/// Events taken at once.
const BATCH: usize = 256;
/// Batches taken before signals and timers get their turn.
const BATCHES: usize = 256;
/// A frame for the sink is full beyond this.
const FRAME_BYTES: usize = 64 * 1024;
/// Frames that a batch may need: events stay in the ring until the sink has
/// this much room.
const ROOM: usize = 16;
/// How long a reader may stall at the end before what waits for it is lost.
const STALL: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
#[command(
    after_help = EXAMPLES,
    mut_arg("by", |by| by.help(format!("{KEYS}; they shape the summary, not the lines"))),
    mut_arg("top", |top| top.help("Rows of the summary; the others are summed up in one more row")),
    mut_arg("flows", |flows| flows.help(
        "Flows counted apart within a second, where --by asks for flows, for the summary; drops \
         of further flows are summed up in one row"
    )),
)]
pub(super) struct Args {
    #[command(flatten)]
    shared: Shared,

    /// Stop after so many drops
    #[arg(long, value_name = "N", value_parser = at_least_one::<u64>, allow_hyphen_values = true)]
    count: Option<u64>,

    /// Show the kernel stack of each drop
    #[arg(long)]
    stack: bool,

    /// Show the packet's headers in hexadecimal: the first 128 bytes, as far as
    /// they lie in the linear part of the packet, without what they carry
    #[arg(long, short = 'x')]
    headers: bool,

    /// Below each drop, how its stage is known, its direction, namespace and
    /// more
    #[arg(long, short)]
    verbose: bool,

    /// Size of the event ring: a power of two from 4096, for example 64K or 4M;
    /// what does not fit is counted as lost
    #[arg(
        long,
        value_name = "BYTES",
        default_value = "4M",
        value_parser = bytes::parse_ring,
        allow_hyphen_values = true
    )]
    ring_size: u32,
}

const EXAMPLES: &str = "\
Examples:
  netdrop trace                                   every drop that is not benign
  netdrop trace --count 10 --stack                ten drops and how the kernel got there
  netdrop trace --severity harmful --duration 1m
  netdrop trace 'net 10.1.0.0/16 and not port 53'
  netdrop trace flow 10.0.0.1:443 10.0.0.2:50000  a connection, both ways
  netdrop trace --format json | jq -r 'select(.type == \"drop\") | .reason'";

pub(super) fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    args.shared.refuse_sort()?;
    let filter = args.shared.filter()?;
    session::run(trace(args, filter))
}

async fn trace(args: Args, filter: Option<Filter>) -> anyhow::Result<()> {
    let Args {
        shared,
        count,
        stack,
        headers,
        verbose,
        ring_size,
    } = args;
    let config = CaptureConfig {
        flows: shared.flows(filter.as_ref()),
        emit: Emit::All,
        stack,
        headers,
        stacks: stack.then_some(MOST_STACKS),
        lite: shared.lite,
        histograms: false,
        ring_bytes: ring_size,
        rules: filter::rules(filter.as_ref()),
        keep: Keep::ToCount,
    };
    let mut session = Session::start(&shared, &config, filter.as_ref(), None).await?;
    let mut printer = Printer {
        lines: Lines::new(session.renderer.layout.palette, verbose),
        show: shared.show(),
        filter: filter.map(|filter| filter.plan).filter(Plan::asks_rows),
        stack,
        explained: shared.explains().then(HashSet::new),
        left: count,
        shown: 0,
        taken: 0,
    };
    let mut drain = every(DRAIN);
    let mut collect = every(COLLECT);
    let ending = loop {
        tokio::select! {
            biased;
            ending = session.stop.requested(&session.sink) => break ending,
            _ = collect.tick() => {
                session.collect()?;
            }
            _ = drain.tick() => {
                printer.drain(&mut session, None)?;
                if printer.left == Some(0) {
                    break Ending::Done;
                }
            }
        }
    };
    session.collect()?;
    printer.drain_delivered(&mut session).await?;
    session.finish(ending, Some(printer.shown)).await
}

struct Printer {
    lines: Lines,
    show: Show,
    /// A filter that user space has a part in.
    filter: Option<Plan>,
    stack: bool,
    /// Reasons and stages that were explained, where that is asked for.
    explained: Option<HashSet<[Option<Arc<str>>; 2]>>,
    /// Drops that may still be printed.
    left: Option<u64>,
    /// Drops printed.
    shown: u64,
    /// Events taken from the ring.
    taken: u64,
}

impl Printer {
    /// Prints what waits in the ring, up to so many events.
    fn drain(&mut self, session: &mut Session, most: Option<u64>) -> anyhow::Result<()> {
        for _ in 0..BATCHES {
            let most = most.map_or(BATCH, |most| {
                usize::try_from(most.saturating_sub(self.taken)).map_or(BATCH, |n| n.min(BATCH))
            });
            if most == 0 || self.left == Some(0) || session.sink.room() < ROOM {
                break;
            }
            let events = session.capture.events(most)?;
            self.taken += events.len() as u64;
            self.print(session, &events)?;
            if events.len() < most {
                break;
            }
        }
        Ok(())
    }

    /// Prints what the last interval counted and no more, so that lines and
    /// summary agree.
    async fn drain_delivered(&mut self, session: &mut Session) -> anyhow::Result<()> {
        let delivered = session.tally.delivered();
        let mut progress = Instant::now();
        while self.taken < delivered && self.left != Some(0) {
            let before = self.taken;
            self.drain(session, Some(delivered))?;
            if self.taken > before {
                progress = Instant::now();
            } else if session.sink.room() >= ROOM {
                break;
            } else if progress.elapsed() > STALL {
                session.sink.lose(delivered - self.taken);
                break;
            } else {
                sleep(DRAIN).await;
            }
        }
        Ok(())
    }

    fn print(&mut self, session: &mut Session, events: &[Detail]) -> anyhow::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let boot = clock::boot()?;
        let mut frame = Frame::default();
        for detail in events {
            if self.left == Some(frame.lines) {
                break;
            }
            if !self.stack {
                session.names.stacks().learn_hint(detail);
            }
            let drop = Drop::of(
                detail,
                boot,
                self.stack,
                session.tally.sites(),
                &mut session.names,
            );
            if !self.show.includes(drop.severity) || !self.wants(detail, &drop) {
                continue;
            }
            match session.renderer.format {
                Format::Json => json::drop(&mut frame.bytes, &drop),
                Format::Text => {
                    let mut line = String::new();
                    self.lines.write(&mut line, &drop);
                    self.explain(&mut line, &drop, session);
                    frame.bytes.extend_from_slice(line.as_bytes());
                }
            }
            frame.lines += 1;
            if frame.bytes.len() >= FRAME_BYTES {
                self.send(session, &mut frame);
            }
        }
        self.send(session, &mut frame);
        Ok(())
    }

    /// Does the filter want it?
    fn wants(&self, detail: &Detail, drop: &Drop) -> bool {
        self.filter.as_ref().is_none_or(|plan| {
            let flow = detail.flow();
            plan.judge(&drop.into(), &flow) == Verdict::Keep
        })
    }

    /// Explains a reason and stage where they are seen first.
    fn explain(&mut self, out: &mut String, drop: &Drop, session: &mut Session) {
        let Some(explained) = &mut self.explained else {
            return;
        };
        if explained.insert([drop.reason.clone(), drop.stage.clone()]) {
            let advice = about_drop(drop, &mut session.names);
            advice::write(out, &advice, session.renderer.layout);
        }
    }

    fn send(&mut self, session: &mut Session, frame: &mut Frame) {
        let Frame { bytes, lines } = std::mem::take(frame);
        let lost = session.sink.lost();
        session.sink.offer(bytes.into(), lines);
        if session.sink.lost() > lost {
            return;
        }
        self.shown += lines;
        if let Some(left) = &mut self.left {
            *left -= lines;
        }
    }
}

/// Lines on their way to the sink.
#[derive(Default)]
struct Frame {
    bytes: Vec<u8>,
    lines: u64,
}
