//! Options of commands that look at recordings.

use std::{io::Read, path::Path};

use anyhow::Context as _;

use super::{
    filter::{self, Filter},
    options::{FormatArg, KEYS, SeverityArg, at_least_one, layout},
    reading::{Reading, name},
};
use crate::{
    output::{render::Format, text::Layout},
    recording::{anonymize::Anonymizer, read::Recording},
    tally::{
        key::{By, Key},
        period::View,
        rank::Sort,
    },
};

/// What `--anonymize` does.
pub(super) const ANONYMIZE: &str = "Let other addresses and names stand for those of the host, the \
    same throughout: of hosts, links, devices, namespaces, commands and control groups; addresses \
    that begin alike still do. There is no way back";

#[derive(Debug, clap::Args)]
pub(super) struct Grouping {
    /// Keys that rows are grouped by
    #[arg(
        long,
        value_name = "KEYS",
        default_value = "stage,reason,function",
        help = KEYS
    )]
    pub(super) by: By,

    /// Rows to show; the others are summed up in one more row
    #[arg(long, value_name = "N", default_value = "10", value_parser = at_least_one::<u32>, allow_hyphen_values = true)]
    top: u32,

    /// Show only drops of one severity, or all; without it benign drops are
    /// counted but hidden
    #[arg(long, value_enum)]
    severity: Option<SeverityArg>,

    /// Which drops to look at
    #[arg(long, value_name = "FILTER", help = filter::OF_RECORDING)]
    filter: Option<String>,

    /// Let other addresses and names stand for those of the host
    #[arg(long, help = ANONYMIZE)]
    anonymize: bool,

    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,

    /// No colours
    #[arg(long, help = "No colours, as with the environment variable NO_COLOR")]
    no_color: bool,
}

impl Grouping {
    /// The filter, read. One that asks for severities is not to find the benign
    /// ones hidden.
    pub(super) fn filter(&mut self) -> anyhow::Result<Option<Filter>> {
        let filter = filter::of_recording(self.filter.as_slice())?;
        if filter.as_ref().is_some_and(|filter| filter.asks_severity) {
            self.severity.get_or_insert(SeverityArg::All);
        }
        Ok(filter)
    }

    /// What hides the hosts, the same for all files.
    pub(super) fn anonymizer(&self) -> anyhow::Result<Option<Anonymizer>> {
        Ok(self.anonymize.then(Anonymizer::random).transpose()?)
    }

    /// Do other names stand for those of the host?
    pub(super) fn hides(&self) -> bool {
        self.anonymize
    }

    /// Are rows grouped as they are unless told otherwise?
    pub(super) fn by_default(&self) -> bool {
        self.by == By::of([Key::Stage, Key::Reason, Key::Function])
    }

    pub(super) fn view(&self) -> View {
        self.view_by(self.by.clone())
    }

    pub(super) fn view_by(&self, by: By) -> View {
        View {
            by,
            top: self.top as usize,
            sort: Sort::Drops,
            show: SeverityArg::show(self.severity),
        }
    }

    pub(super) fn format(&self) -> Format {
        self.format.into()
    }

    pub(super) fn layout(&self) -> Layout {
        layout(self.no_color)
    }
}

/// Opens a recording, of which only what the filter wants is looked at; `-` is
/// standard input. The anonymizer hides what is left.
pub(super) fn open(
    reading: &Reading,
    path: &Path,
    filter: Option<&Filter>,
    anonymizer: Option<Anonymizer>,
) -> anyhow::Result<Recording<Box<dyn Read>>> {
    let filter = filter.map(|filter| filter.plan.clone());
    Recording::open_with(reading.open(path)?, filter, anonymizer).with_context(|| name(path))
}
