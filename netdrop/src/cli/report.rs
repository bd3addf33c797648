//! `netdrop report`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{
    filter,
    grouping::{Grouping, open},
    hosts::{self, Offset},
    outfile::Whole,
    print,
    reading::{self, Reading},
};
use crate::{
    output::{html, json, render::Format, report},
    recording::fleet::Fleet,
    tally::key::By,
};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Recordings of `netdrop record`; - for standard input. Those of one host
    /// are read one behind the other, several hosts stand beside each other
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Write a page for a browser, of one file without network access; - for
    /// standard output
    #[arg(long, value_name = "OUT", conflicts_with = "format")]
    html: Option<PathBuf>,

    /// Overwrite the page if it exists
    #[arg(long, requires = "html")]
    force: bool,

    /// Add to the times of a host whose clock was wrong
    #[arg(
        long = "offset",
        value_name = "HOST=+1.5s",
        value_parser = Offset::parse
    )]
    offsets: Vec<Offset>,

    #[command(flatten)]
    grouping: Grouping,
}

const EXAMPLES: &str = "\
Examples:
  netdrop report drops.ndr                          one page: what, where, since when
  netdrop report drops.ndr --by device,reason       by device
  netdrop report drops.ndr --html report.html       a page to attach to a post-mortem
  netdrop report web-1.ndr web-2.ndr --offset web-2=-1.5s --html both.html
  netdrop report drops.ndr --format json | jq '.summary.totals'";

pub(super) fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    let wanted = args.grouping.filter()?;
    let Args {
        files,
        html,
        force,
        offsets,
        grouping,
    } = &args;
    let by_flow: By = "flow,reason".parse()?;
    let (view, flows) = (grouping.view(), grouping.view_by(by_flow));
    let anonymizer = grouping.anonymizer()?;
    let reading = Reading::start();
    let open = |path: &Path| {
        let recording = open(&reading, path, wanted.as_ref(), anonymizer.clone())?;
        anyhow::Ok(recording.without_events())
    };
    let read = || {
        let fleet = hosts::read(files, anonymizer.as_ref(), open, [&view, &flows], offsets);
        reading.end();
        fleet
    };
    if let Some(path) = html {
        // Before anything is read: a page that cannot be written is not made.
        let whole = Whole::create(path, *force)?;
        let fleet = read()?;
        print::page(path, whole, &html::report(&fleet, view.top))?;
        say_ends(&fleet);
        say_singles(&fleet);
        return Ok(ExitCode::SUCCESS);
    }
    let fleet = read()?;
    say_ends(&fleet);
    let mut out = Vec::new();
    match grouping.format() {
        Format::Json => {
            json::reports(&mut out, &fleet, view.top);
            say_singles(&fleet);
        }
        Format::Text => {
            let mut text = String::new();
            report::write(&mut text, &fleet, view.top, grouping.layout());
            out = text.into_bytes();
        }
    }
    print::all(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// Says which files are not whole, for those who do not read the page at once.
fn say_ends(fleet: &Fleet) {
    for piece in fleet.hosts.iter().flat_map(|host| &host.report.pieces) {
        reading::warn(&piece.file, Some(&piece.end));
    }
}

/// Says what the page itself says, for those who do not read it at once.
fn say_singles(fleet: &Fleet) {
    for piece in fleet.hosts.iter().flat_map(|host| &host.report.pieces) {
        filter::say_singles(&piece.file, piece.singles);
    }
}
