//! `netdrop watch`

use std::{process::ExitCode, time::Duration};

use super::{
    duration,
    options::Shared,
    session::{self, Session, every},
};
use crate::kernel::capture::{CaptureConfig, Emit};

/// The ring is not used, but a ring there must be.
const RING_BYTES: u32 = 4096;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    shared: Shared,

    /// Length of an interval
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1s",
        value_parser = duration::parse_interval,
        allow_hyphen_values = true
    )]
    interval: Duration,
}

const EXAMPLES: &str = "\
Examples:
  netdrop watch                                   stage, reason and function, every second
  netdrop watch --by reason,device,netns          where, by device and namespace
  netdrop watch --by flow --top 10                the flows that lose most
  netdrop watch --severity all                    benign drops, too
  netdrop watch --duration 10s --format json | jq 'select(.type == \"summary\")'";

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    args.shared.refuse_filter()?;
    session::run(watch(args))
}

async fn watch(args: Args) -> anyhow::Result<()> {
    let Args { shared, interval } = args;
    let config = CaptureConfig {
        flows: shared.flows(),
        emit: Emit::Nothing,
        stack: false,
        lite: shared.lite,
        ring_bytes: RING_BYTES,
    };
    let mut session = Session::start(&shared, &config).await?;
    let mut timer = every(interval);
    let ending = loop {
        tokio::select! {
            // A deadline comes before an interval that ends with it.
            biased;
            ending = session.stop.requested(&session.sink) => break ending,
            _ = timer.tick() => show(&mut session)?,
        }
    };
    show(&mut session)?;
    session.finish(ending).await
}

fn show(session: &mut Session) -> anyhow::Result<()> {
    let period = session.collect()?;
    if period.seconds > 0.0 {
        let frame = session.renderer.interval(&period);
        session.sink.offer(frame, 1);
    }
    Ok(())
}
