//! `netdrop report`

use std::{path::PathBuf, process::ExitCode};

use super::{
    grouping::{Grouping, open},
    print,
};
use crate::{
    output::{
        json,
        render::Format,
        report::{self, Titled},
    },
    recording::report::report,
    tally::key::By,
};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Recordings of `netdrop record`; - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    grouping: Grouping,
}

const EXAMPLES: &str = "\
Examples:
  netdrop report drops.ndr                          one page: what, where, since when
  netdrop report drops.ndr --by device,reason       by device
  netdrop report drops.ndr --format json | jq '.summary.totals'";

pub(super) fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    let filter = args.grouping.filter()?;
    let Args { files, grouping } = &args;
    let anonymizer = grouping.anonymizer()?;
    let flows: By = "flow,reason".parse()?;
    for (index, path) in files.iter().enumerate() {
        let page = report(
            open(path, filter.as_ref(), anonymizer.clone())?,
            &grouping.view(),
            &grouping.view_by(flows.clone()),
        );
        let titled = Titled {
            file: &path.to_string_lossy(),
            report: &page,
        };
        let mut out = Vec::new();
        match grouping.format() {
            Format::Json => json::report(&mut out, &titled),
            Format::Text => {
                let mut text = String::new();
                if index > 0 {
                    text.push('\n');
                }
                report::write(&mut text, &titled, grouping.layout());
                out = text.into_bytes();
            }
        }
        print::all(&out)?;
    }
    Ok(ExitCode::SUCCESS)
}
