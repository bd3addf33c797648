//! `netdrop diff`

use std::{path::PathBuf, process::ExitCode};

use super::{
    grouping::{Grouping, open},
    print,
};
use crate::{
    output::{
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

    #[command(flatten)]
    grouping: Grouping,
}

const EXAMPLES: &str = "\
Examples:
  netdrop diff monday.ndr today.ndr                  what is new, gone, more and less
  netdrop diff monday.ndr today.ndr --by device,reason
  netdrop diff a.ndr b.ndr --format json | jq '.rows[] | select(.sure)'";

pub(super) fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    let filter = args.grouping.filter()?;
    let filter = filter.as_ref();
    let Args {
        before,
        after,
        grouping,
    } = &args;
    let anonymizer = grouping.anonymizer()?;
    let view = grouping.view();
    let found = diff(
        open(before, filter, anonymizer.clone())?,
        open(after, filter, anonymizer)?,
        &view,
    );
    let compared = Compared {
        files: [&before.to_string_lossy(), &after.to_string_lossy()],
        diff: &found,
        top: view.top,
    };
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
