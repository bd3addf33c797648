//! `netdrop diff`

use std::{path::PathBuf, process::ExitCode};

use super::{
    filter,
    grouping::{Grouping, open},
    outfile::Whole,
    print,
    reading::{self, Reading, once},
};
use crate::{
    output::{
        self,
        diff::{self, Compared},
        json,
        render::Format,
    },
    recording::diff::diff,
};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The earlier recording, of a good day for example
    #[arg(value_name = "BEFORE")]
    before: PathBuf,

    /// The later one
    #[arg(value_name = "AFTER")]
    after: PathBuf,

    /// Write a page for a browser, of one file without network access; - for
    /// standard output
    #[arg(long, value_name = "OUT", conflicts_with = "format")]
    html: Option<PathBuf>,

    /// Overwrite the page if it exists
    #[arg(long, requires = "html")]
    force: bool,

    #[command(flatten)]
    grouping: Grouping,
}

const EXAMPLES: &str = "\
Examples:
  netdrop diff monday.ndr today.ndr                  what is new, gone, more and less: by place, and
                                                   by device, CPU and flow where that is sure
  netdrop diff monday.ndr today.ndr --by device,reason
  netdrop diff monday.ndr today.ndr --html diff.html
  netdrop diff a.ndr b.ndr --format json | jq '.rows[] | select(.sure)'";

pub(super) fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    let wanted = args.grouping.filter()?;
    let wanted = wanted.as_ref();
    let Args {
        before,
        after,
        html,
        force,
        grouping,
    } = &args;
    once([before, after])?;
    let anonymizer = grouping.anonymizer()?;
    // Before anything is read: a page that cannot be written is not made.
    let whole = html.as_ref().map(|path| Whole::create(path, *force));
    let whole = whole.transpose()?;
    let view = grouping.view();
    let following = Reading::start();
    let found = diff(
        open(&following, before, wanted, anonymizer.clone())?.without_events(),
        open(&following, after, wanted, anonymizer)?.without_events(),
        &view,
        grouping.by_default(),
    );
    following.end();
    // Files are called like hosts.
    let files = if grouping.hides() {
        ["recording1".into(), "recording2".into()]
    } else {
        [before, after].map(|path| path.to_string_lossy())
    };
    let compared = Compared {
        files: [&files[0], &files[1]],
        diff: &found,
        top: view.top,
    };
    for (file, side) in compared.files.iter().zip(&found.sides) {
        reading::warn(file, Some(&side.end));
    }
    let say = || {
        for (file, side) in compared.files.iter().zip(&found.sides) {
            filter::say_singles(file, side.singles);
        }
    };
    if let Some((path, whole)) = html.as_ref().zip(whole) {
        print::page(path, whole, &output::html::diff(&compared))?;
        say();
        return Ok(ExitCode::SUCCESS);
    }
    if grouping.format() == Format::Json {
        say();
    }
    let mut out = Vec::new();
    match grouping.format() {
        Format::Json => json::diff(&mut out, &compared),
        Format::Text => {
            let mut text = String::new();
            diff::write(&mut text, &compared, grouping.layout());
            out = text.into_bytes();
        }
    }
    print::all(&out)?;
    Ok(ExitCode::SUCCESS)
}
