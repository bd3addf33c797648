//! `netdrop watch --replay`

mod backlogs;
mod checkpoints;
mod counters;
mod interface;
mod length;
mod reel;
mod source;

use std::{
    io::{self, IsTerminal as _},
    path::Path,
    process::ExitCode,
};

use super::{
    fault::Usage,
    filter::{self, Filter},
    grouping::open,
    live,
    options::Shared,
    print,
    reading::{self, Reading, name},
    session,
};
use crate::{
    output::{escape::escape, ready::Ready},
    recording::read::End,
    tui::speed::Speed,
};

/// Shows a recording as `watch` would have shown the host.
pub(super) fn run(
    path: &Path,
    shared: &mut Shared,
    speed: Option<Speed>,
) -> anyhow::Result<ExitCode> {
    let filter = shared.filter_of_recording()?;
    if shared.is_format_open() && is_possible(path) {
        return session::run(interface::run(path, shared, filter, speed));
    }
    if speed.is_some() {
        return Err(Usage(
            "--speed goes with the interface on a terminal; text and JSON are printed at once"
                .to_owned(),
        )
        .into());
    }
    print(path, shared, filter)
}

/// Is there a terminal for the interface? Where the recording comes through
/// standard input, keys come from the terminal that netdrop was started on.
fn is_possible(path: &Path) -> bool {
    if path == Path::new("-") && !io::stdin().is_terminal() {
        return live::can_draw() && std::fs::File::open("/dev/tty").is_ok();
    }
    live::is_possible()
}

/// Prints it, all at once.
fn print(path: &Path, shared: &Shared, filter: Option<Filter>) -> anyhow::Result<ExitCode> {
    // What it shows tells how far it is.
    let recording = open(&Reading::silent(), path, filter.as_ref(), None)?;
    let mut recording = recording.without_events();
    let renderer = shared.renderer();
    let header = recording.header().clone();
    let text = filter::both(header.filter.as_deref(), filter.as_ref());
    let filter = filter.or_else(|| filter::recorded(header.filter.as_deref()));
    let ready = Ready {
        time: header.start.unwrap_or_default(),
        version: &header.version,
        host: &header.host,
        kernel: &header.kernel,
        filter: text
            .as_deref()
            .map(|text| (text, filter.as_ref().map(|filter| &filter.plan))),
        hooks: &recording.hooks(),
        warnings: &header.warnings,
    };
    if let Some(frame) = renderer.ready(&ready) {
        print::all(&frame)?;
    }
    let mut tally = recording.tally(shared.view());
    if shared.explains() {
        tally.explain();
    }
    let mut time = ready.time;
    while let Some(interval) = recording.next_interval() {
        let period = recording.show(&interval, &mut tally);
        time = period.time;
        print::all(&renderer.interval(&period))?;
    }
    let ending = recording.end().filter(|end| !matches!(end, End::Closed(_)));
    if let Some(end) = ending
        && shared.is_text()
    {
        // With what it is about, wherever that goes.
        print::all(format!("RECORDING {}\n", escape(&end.to_string())).as_bytes())?;
    }
    print::all(&renderer.summary(&tally.summary(time, 0), None))?;
    reading::warn(&name(path), recording.end());
    filter::say_singles(&name(path), recording.singles());
    Ok(ExitCode::SUCCESS)
}
