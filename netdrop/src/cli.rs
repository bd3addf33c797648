//! The command line: arguments → configuration → run, one file per command.
//!
//! Exit codes: 0 done (also after SIGINT, SIGTERM, SIGHUP, SIGQUIT or a closed pipe), 1 failure,
//! 2 usage. Data goes to standard output, messages to standard error.

mod bench_empty;
mod bytes;
mod clock;
mod completions;
mod counters;
mod diff;
pub mod doctor;
mod duration;
mod explain;
mod export;
mod fault;
mod filter;
mod grouping;
mod hosts;
mod live;
mod logger;
mod options;
mod outfile;
mod path;
mod print;
mod reader;
mod reading;
mod record;
mod recording_header;
mod replay;
mod report;
mod resolve;
mod session;
mod severity_file;
mod signals;
mod stacks;
mod status_line;
mod term;
mod trace;
mod tracer;
mod watch;

use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// Tells where each packet died, why, and with exact counts.
#[derive(Debug, Parser)]
#[command(
    name = "netdrop",
    bin_name = "netdrop",
    version,
    max_term_width = 100,
    after_help = EXAMPLES
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  netdrop watch                                  what is dropped, second by second
  netdrop watch --by device,reason --interval 5s
  netdrop watch host 10.0.0.1 and port 443       only these packets
  netdrop trace --count 10                       ten drops, one line each
  netdrop record -o drops.ndr --duration 1m      a minute of drops, to be looked at later
  netdrop report drops.ndr                       what died where, since when, what to do
  netdrop path --interval 5s                     what the kernel's counters say is wrong
  netdrop explain NETFILTER_DROP                 what it means, and what to run next
  netdrop doctor                                 can this host be traced?";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what is dropped, interval by interval
    Watch(watch::Args),
    /// Show one line per drop, like tcpdump
    Trace(trace::Args),
    /// Record what is dropped into a file
    Record(record::Args),
    /// Tell what a recording shows: what died where, since when, and what to do
    Report(report::Args),
    /// Write a recording in the format of another tool
    Export(export::Args),
    /// Compare two recordings: what is new, gone, more and less
    Diff(diff::Args),
    /// Show the way of a packet through this host: counters, settings, what is wrong
    Path(path::Args),
    /// Explain a reason, a stage or a kernel function
    Explain(explain::Args),
    /// Tell whether this host can be traced, what is missing and what to do
    Doctor(doctor::Args),
    /// Write a completion script for a shell to standard output
    Completions(completions::Args),
}

/// Runs the command that the arguments ask for.
#[must_use]
pub fn main() -> ExitCode {
    logger::install();
    // No command of its own: completions would offer it.
    if std::env::args_os().skip(1).eq([bench_empty::WORD]) {
        return bench_empty::run().unwrap_or_else(|error| fault::failure(&error));
    }
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return fault::usage(&error),
    };
    let result = match cli.command {
        Command::Watch(args) => watch::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Record(args) => record::run(args),
        Command::Report(args) => report::run(args),
        Command::Export(args) => export::run(&args),
        Command::Diff(args) => diff::run(args),
        Command::Path(args) => path::run(args),
        Command::Explain(args) => explain::run(&args),
        Command::Doctor(args) => doctor::run(args.format.into()),
        Command::Completions(args) => completions::run(&args),
    };
    result.unwrap_or_else(|error| fault::failure(&error))
}

/// Reads the arguments. A terminal that takes no escapes gets help without.
fn parse() -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    if !term::takes_escapes() {
        command = command.color(ColorChoice::Never);
    }
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
