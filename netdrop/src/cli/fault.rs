//! What went wrong, in one line on standard error.

use std::{
    fmt,
    io::{self, Write as _},
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use crate::filter::FilterError;

/// The user asked for something that does not exist.
#[derive(Debug)]
pub(super) struct Usage(pub(super) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Messages that wait, while a terminal must not be written to.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Until this is dropped, messages wait to be taken; those that nobody took are
/// written then.
#[derive(Debug)]
pub(super) struct Held(());

impl Held {
    /// From now on.
    pub(super) fn start() -> Self {
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
        Self(())
    }

    /// The messages since the last time.
    #[expect(clippy::unused_self, reason = "only while messages are held")]
    pub(super) fn take(&self) -> Vec<String> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
        for message in held.into_iter().flatten() {
            say(&message);
        }
    }
}

/// Writes a message. Standard error may be closed: that is no reason to end.
pub(super) fn say(message: &str) {
    if let Some(held) = &mut *HELD.lock().unwrap_or_else(PoisonError::into_inner) {
        held.push(message.to_owned());
        return;
    }
    let _ = writeln!(io::stderr(), "netdrop: {message}");
}

/// Reports a failure with its causes.
pub(super) fn failure(error: &anyhow::Error) -> ExitCode {
    // Several lines that point at a place; it escapes what it shows.
    if let Some(error) = error.downcast_ref::<FilterError>() {
        say(&error.to_string());
        return ExitCode::from(2);
    }
    // An error that repeats its cause in its own message says it once.
    let mut message = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !message.contains(&cause) {
            message.push_str(": ");
            message.push_str(&cause);
        }
    }
    say(&one_line(&message));
    if error.is::<Usage>() {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

/// Prints help where it was asked for, else what is wrong with the arguments.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => print(error),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(2)
        }
        _ => {
            let message = foreign(error).unwrap_or_else(|| wrong(&error.to_string()));
            say(&message);
            ExitCode::from(2)
        }
    }
}

fn print(error: &clap::Error) -> ExitCode {
    match error.print().and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            failure(&anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Options that fingers know, and what there is for them.
const OF_TCPDUMP: [(&str, &str); 8] = [
    (
        "-i",
        "`dev eth0` in the FILTER asks for a device, all are looked at without",
    ),
    (
        "-n",
        "leave it out, addresses and ports are shown as numbers",
    ),
    ("-c", "`netdrop trace --count 10` ends after ten drops"),
    (
        "-w",
        "`netdrop record -o FILE` records, `netdrop export --to pcapng` makes packets of it",
    ),
    (
        "-r",
        "`netdrop report FILE` and `netdrop watch --replay FILE` read recordings",
    ),
    ("-v", "`netdrop trace --verbose` tells more"),
    ("-x", "`netdrop trace --headers` shows them"),
    ("-e", "`netdrop trace --headers` shows them"),
];

/// An option that other commands have, or tcpdump.
fn foreign(error: &clap::Error) -> Option<String> {
    use clap::{
        CommandFactory as _,
        error::{ContextKind, ContextValue, ErrorKind},
    };
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(option))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return None;
    };
    if let Some((_, here)) = OF_TCPDUMP.iter().find(|(known, _)| known == option) {
        return Some(format!("{option} is an option of tcpdump: {here}"));
    }
    let long = option.strip_prefix("--")?;
    let owners: Vec<String> = super::Cli::command()
        .get_subcommands()
        .filter(|command| {
            command
                .get_arguments()
                .any(|arg| arg.get_long() == Some(long))
        })
        .map(|command| format!("`netdrop {}`", command.get_name()))
        .collect();
    let (last, others) = owners.split_last()?;
    Some(if others.is_empty() {
        format!("{option} belongs to {last}")
    } else {
        format!("{option} belongs to {} and {last}", others.join(", "))
    })
}

/// clap's message without usage and general advice, in one line.
fn wrong(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    // What begins with a hyphen is hardly meant as a FILTER.
    let ends = [
        "\n\n  tip: to pass",
        "\n\nUsage:",
        "\n\nFor more information",
    ];
    let end = ends
        .iter()
        .filter_map(|end| message.find(end))
        .min()
        .unwrap_or(message.len());
    one_line(&message[..end])
}

fn one_line(message: &str) -> String {
    let lines: Vec<&str> = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("; ").replace(":; ", ": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_of_another_command_names_that_command() {
        let said = |line: &str| {
            let error = <super::super::Cli as clap::Parser>::try_parse_from(line.split(' '));
            foreign(&error.unwrap_err())
        };
        let belongs = |text: &str| Some(text.to_owned());
        assert_eq!(
            said("netdrop trace --interval 1s"),
            belongs("--interval belongs to `netdrop watch`, `netdrop record` and `netdrop path`")
        );
        assert_eq!(
            said("netdrop watch --count=3"),
            belongs("--count belongs to `netdrop trace` and `netdrop path`")
        );
        assert_eq!(
            said("netdrop doctor --by reason"),
            belongs(
                "--by belongs to `netdrop watch`, `netdrop trace`, `netdrop report`, \
                 `netdrop export` and `netdrop diff`"
            )
        );
        assert_eq!(
            said("netdrop watch -i eth0 port 80"),
            belongs(
                "-i is an option of tcpdump: `dev eth0` in the FILTER asks for a device, all are \
                 looked at without"
            )
        );
        assert_eq!(
            said("netdrop trace -nn tcp"),
            belongs(
                "-n is an option of tcpdump: leave it out, addresses and ports are shown as numbers"
            )
        );
        assert_eq!(said("netdrop watch --bye"), None);
        assert_eq!(said("netdrop watch --interval 0s"), None);
    }

    #[test]
    fn nobody_is_told_to_write_an_option_as_a_filter() {
        let line = "netdrop watch -A".split(' ');
        let error = <super::super::Cli as clap::Parser>::try_parse_from(line).unwrap_err();
        assert_eq!(wrong(&error.to_string()), "unexpected argument '-A' found");
    }

    #[test]
    fn what_clap_says_becomes_one_line() {
        let message = "error: unexpected argument '--bye' found\n\n  tip: a similar argument \
                       exists: '--by'\n\nUsage: netdrop watch --by <KEYS>\n\nFor more \
                       information, try '--help'.\n";
        assert_eq!(
            wrong(message),
            "unexpected argument '--bye' found; tip: a similar argument exists: '--by'"
        );
    }
}
