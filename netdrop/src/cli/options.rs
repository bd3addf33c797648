//! Options that commands share.

use std::{
    io::{self, IsTerminal as _},
    num::{IntErrorKind, ParseIntError},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use clap::ValueEnum;

use super::{
    duration,
    fault::Usage,
    filter::{self, Filter},
    term,
};
use crate::{
    output::{
        palette::Palette,
        render::{Format, Renderer},
        text::Layout,
    },
    tally::{key::By, names::Severity, period::View, rank::Sort, show::Show},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatArg {
    /// For people
    Text,
    /// One object a line
    Json,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Text => Self::Text,
            FormatArg::Json => Self::Json,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SeverityArg {
    Harmful,
    Suspicious,
    Benign,
    All,
}

impl SeverityArg {
    /// What is shown with this option, or without it.
    pub(super) fn show(option: Option<Self>) -> Show {
        match option {
            None => Show::NotBenign,
            Some(Self::Harmful) => Show::Only(Severity::Harmful),
            Some(Self::Suspicious) => Show::Only(Severity::Suspicious),
            Some(Self::Benign) => Show::Only(Severity::Benign),
            Some(Self::All) => Show::All,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortArg {
    Drops,
    Hurt,
}

/// Options of every command that captures.
#[derive(Debug, clap::Args)]
pub(super) struct Shared {
    /// Which drops to look at
    #[arg(value_name = "FILTER", help = filter::HELP)]
    filter: Vec<String>,

    /// Keys that rows are grouped by
    #[arg(
        long,
        value_name = "KEYS",
        default_value = "stage,reason,function",
        help = KEYS
    )]
    by: By,

    /// Stop after this time, for example 500ms, 10s, 5m
    #[arg(long, value_name = "TIME", value_parser = duration::parse, allow_hyphen_values = true)]
    pub(super) duration: Option<Duration>,

    /// Rows to show; the others are summed up in one more row
    #[arg(long, value_name = "N", default_value = "20", value_parser = at_least_one::<u32>, allow_hyphen_values = true)]
    top: u32,

    /// What comes first: the rows with most drops, or those whose flows were hurt
    /// most, by retransmissions and resets (with a key of the flow in --by)
    #[arg(long, value_enum, default_value = "drops")]
    sort: SortArg,

    /// Show only drops of one severity, or all; without it benign drops are
    /// counted but hidden
    #[arg(long, value_enum)]
    severity: Option<SeverityArg>,

    /// Severities of the user's own
    #[arg(long, value_name = "FILE", help = SEVERITY_FILE)]
    pub(super) severity_file: Option<PathBuf>,

    /// How to print [default: text; watch on a terminal: its interface]
    #[arg(long, value_enum)]
    format: Option<FormatArg>,

    /// Say below what is shown what it means and what to run next: for the
    /// reasons of the first rows, and in trace for a reason's first drop; JSON
    /// has no such text, see `netdrop explain --format json`
    #[arg(long)]
    explain: bool,

    /// No colours
    #[arg(long, help = "No colours, as with the environment variable NO_COLOR")]
    no_color: bool,

    /// Leave out the hooks that run for every packet: costs less, but there is
    /// no drop ratio
    #[arg(long)]
    pub(super) lite: bool,

    /// Flows counted apart in an interval, where --by asks for flows; drops of
    /// further flows are summed up in one row
    #[arg(
        long,
        value_name = "N",
        default_value_t = netdrop_ebpf::area::FLOW_ENTRIES,
        value_parser = clap::value_parser!(u32).range(1..=1 << 24)
    )]
    flows: u32,
}

const SEVERITY_FILE: &str = "Severities of your own: a TOML file with the tables [reasons] and \
    [functions], for example NO_SOCKET = \"benign\"; a function wins over a reason";

pub(super) const KEYS: &str = "Keys that rows are grouped by, separated by commas: stage, \
    reason, function, device, netns, cpu, protocol, flow, src, dst, src_port, dst_port, \
    direction, severity";

/// Reads a count.
pub(super) fn at_least_one<N>(text: &str) -> Result<N, String>
where
    N: FromStr<Err = ParseIntError> + PartialOrd + From<u8>,
{
    match text.parse() {
        Ok(number) if number >= N::from(1) => Ok(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Err("is too large".to_owned()),
        Ok(_) | Err(_) => Err("must be at least 1".to_owned()),
    }
}

impl Shared {
    /// Harm is known by flow only.
    pub(super) fn refuse_sort(&self) -> Result<(), Usage> {
        if self.sort == SortArg::Drops || self.by.needs_flows() {
            return Ok(());
        }
        Err(Usage(
            "--sort hurt needs a key of the flow in --by, for example --by flow".to_owned(),
        ))
    }

    /// The filter, read. One that asks for severities is not to find the benign
    /// ones hidden.
    pub(super) fn filter(&mut self) -> anyhow::Result<Option<Filter>> {
        let filter = filter::read(&self.filter)?;
        Ok(self.show_what_is_asked_for(filter))
    }

    /// The same for a recording.
    pub(super) fn filter_of_recording(&mut self) -> anyhow::Result<Option<Filter>> {
        let filter = filter::of_recording(&self.filter)?;
        Ok(self.show_what_is_asked_for(filter))
    }

    fn show_what_is_asked_for(&mut self, filter: Option<Filter>) -> Option<Filter> {
        if filter.as_ref().is_some_and(|filter| filter.asks_severity) {
            self.severity.get_or_insert(SeverityArg::All);
        }
        filter
    }

    /// Adds the stack to the keys.
    pub(super) fn group_by_stack(&mut self) {
        self.by = self.by.clone().with_stack();
    }

    /// Flows to count; `None` where neither a key nor the filter asks for them.
    pub(super) fn flows(&self, filter: Option<&Filter>) -> Option<u32> {
        let filter = filter.is_some_and(|filter| filter.plan.needs_flows());
        (self.by.needs_flows() || filter).then_some(self.flows)
    }

    /// Flows to count where flows are always looked at.
    pub(super) fn all_flows(&self) -> u32 {
        self.flows
    }

    /// Is it for people?
    pub(super) fn is_text(&self) -> bool {
        matches!(self.format, None | Some(FormatArg::Text))
    }

    /// Is the way of printing left to us?
    pub(super) fn is_format_open(&self) -> bool {
        self.format.is_none()
    }

    pub(super) fn show(&self) -> Show {
        SeverityArg::show(self.severity)
    }

    /// Is advice asked for, and somebody there to read it?
    pub(super) fn explains(&self) -> bool {
        self.explain && matches!(self.format, None | Some(FormatArg::Text))
    }

    pub(super) fn view(&self) -> View {
        View {
            by: self.by.clone(),
            top: self.top as usize,
            sort: match self.sort {
                SortArg::Drops => Sort::Drops,
                SortArg::Hurt => Sort::Hurt,
            },
            show: self.show(),
        }
    }

    pub(super) fn renderer(&self) -> Renderer {
        Renderer {
            format: self.format.unwrap_or(FormatArg::Text).into(),
            layout: layout(self.no_color),
        }
    }
}

/// The terminal's width, and colours where there is one that wants them.
pub(super) fn layout(no_color: bool) -> Layout {
    let terminal = io::stdout().is_terminal();
    let dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
    let unwanted = dumb || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let width = terminal
        .then(terminal_size::terminal_size)
        .flatten()
        .map(|(width, _)| usize::from(width.0));
    Layout {
        width,
        palette: Palette {
            on: terminal && !unwanted && !no_color && term::takes_escapes(),
        },
    }
}
