//! What of a recording is kept, and in which files.

use std::{path::Path, time::Duration};

use super::{
    alarm::Alarm,
    archive::{Dumps, Pieces, Rotation, Target},
    file_or_stdout,
    name::Naming,
    shown,
    trigger::Condition,
};
use crate::{
    cli::{bytes, duration, fault::Usage, filter, options::at_least_one},
    output::amount::bytes_text,
};

/// How long the flight recorder goes on after a trigger, unless told.
const AFTER: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(super) struct Keeping {
    /// Flight recorder: hold only the last minutes, in memory, and write them on
    /// SIGUSR1, when a --trigger fires, and at the end
    #[arg(
        long,
        value_name = "TIME",
        value_parser = duration::parse,
        allow_hyphen_values = true,
        conflicts_with_all = ["max_size", "rotate", "rotate_size"]
    )]
    keep: Option<Duration>,

    /// Write when `WHAT > N/s` holds, or `WHAT > N/s for 3s`; WHAT is harmful,
    /// suspicious, benign, drops, packets, `stage NAME` or `reason NAME`; may be
    /// given several times
    #[arg(long, value_name = "CONDITION", requires = "keep")]
    trigger: Vec<String>,

    /// Go on for so long before a trigger's file is written [default: 30s, or half
    /// of --keep]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = duration::parse,
        allow_hyphen_values = true,
        requires = "trigger"
    )]
    after: Option<Duration>,

    /// Memory that --keep may fill; then what is older is let go earlier
    #[arg(
        long,
        value_name = "BYTES",
        default_value = "64M",
        requires = "keep",
        value_parser = bytes::parse_size,
        allow_hyphen_values = true
    )]
    max_memory: u64,

    /// Begin another file after this time, for example 1h
    #[arg(
        long,
        value_name = "TIME",
        value_parser = duration::parse,
        allow_hyphen_values = true,
        conflicts_with = "max_size"
    )]
    rotate: Option<Duration>,

    /// Begin another file before one grows beyond this, for example 100M
    #[arg(
        long,
        value_name = "BYTES",
        value_parser = bytes::parse_size,
        allow_hyphen_values = true,
        conflicts_with = "max_size"
    )]
    rotate_size: Option<u64>,

    /// Keep so many files of --rotate, --rotate-size or --keep; the oldest that
    /// this run made are removed
    #[arg(long, value_name = "N", value_parser = at_least_one::<u32>, allow_hyphen_values = true)]
    max_files: Option<u32>,
}

impl Keeping {
    /// Is it a flight recorder?
    pub(super) fn is_recent(&self) -> bool {
        self.keep.is_some()
    }

    /// Are files created later than at the start?
    pub(super) fn opens(&self) -> bool {
        self.keep.is_some() || self.rotates()
    }

    fn rotates(&self) -> bool {
        self.rotate.is_some() || self.rotate_size.is_some()
    }

    /// Does it fit to intervals of this length?
    pub(super) fn check(&self, interval: Duration) -> Result<(), Usage> {
        match self.rotate {
            Some(every) if every < interval => Err(Usage(format!(
                "--rotate {} is shorter than an interval ({}), and a file holds whole intervals: \
                 give a longer --rotate, or a shorter --interval",
                time(every),
                time(interval)
            ))),
            _ => Ok(()),
        }
    }

    /// The triggers, if there are any.
    pub(super) fn alarm(&self) -> anyhow::Result<Option<Alarm>> {
        let Some(keep) = self.keep.filter(|_| !self.trigger.is_empty()) else {
            return Ok(None);
        };
        let after = self.after.unwrap_or(AFTER.min(keep / 2));
        if after >= keep {
            return Err(Usage(
                "--after must be shorter than --keep: what fired the trigger would \
                 not be in the file"
                    .to_owned(),
            )
            .into());
        }
        let reasons = if self.trigger.iter().any(|text| text.contains("reason")) {
            filter::reasons()
        } else {
            None
        };
        let conditions = self
            .trigger
            .iter()
            .map(|text| Condition::parse(text, reasons.as_deref()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Alarm::new(conditions, after, keep)))
    }

    /// Where intervals will go; files are created now, as far as they can be.
    pub(super) fn target(
        &self,
        output: &Path,
        force: bool,
        max_size: Option<u64>,
    ) -> anyhow::Result<Target> {
        if !self.opens() {
            if self.max_files.is_some() {
                return Err(Usage(
                    "--max-files wants --rotate, --rotate-size or --keep".to_owned(),
                )
                .into());
            }
            let file = file_or_stdout(output, force)?;
            return Ok(Target::One(file, max_size, shown(output)));
        }
        if output == Path::new("-") {
            return Err(Usage(
                "--keep and --rotate write files of their own: name one with -o".to_owned(),
            )
            .into());
        }
        let naming = Naming::new(output)?;
        let most = self.max_files.map(|most| most as usize);
        if let Some(keep) = self.keep {
            let memory = usize::try_from(self.max_memory).unwrap_or(usize::MAX);
            let dumps = Dumps::new(naming, force, keep.as_secs_f64(), memory, most)?;
            return Ok(Target::Recent(dumps));
        }
        let rotation = Rotation {
            every: self.rotate.map(|every| every.as_secs_f64()),
            size: self.rotate_size,
            most,
        };
        let pieces = Pieces::create(naming, rotation, force)?;
        Ok(Target::Pieces(Box::new(pieces)))
    }

    /// What is done, in the words of the first message.
    pub(super) fn announced(&self, target: &Target, output: &Path) -> String {
        match (target, self.keep) {
            (Target::Recent(_), Some(keep)) => format!(
                "keeping the last {} in up to {} for {}; `kill -USR1 {}` writes them",
                time(keep),
                bytes_text(self.max_memory),
                shown(output),
                std::process::id()
            ),
            (Target::Pieces(pieces), _) => {
                format!("recording into {} and what follows", shown(pieces.path()))
            }
            _ => format!("recording into {}", shown(output)),
        }
    }
}

fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        60.0.. => format!("{} min", (seconds / 6.0).round() / 10.0),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Given {
        #[command(flatten)]
        keeping: Keeping,
        /// Named by others.
        #[arg(long)]
        max_size: Option<u64>,
    }

    #[test]
    fn a_file_is_no_shorter_than_an_interval() {
        let check = |given: &[&str], interval| {
            let given = Given::try_parse_from([&["record"], given].concat()).unwrap();
            given.keeping.check(Duration::from_millis(interval))
        };
        assert!(check(&[], 1000).is_ok());
        assert!(check(&["--rotate", "1s"], 1000).is_ok());
        let refused = check(&["--rotate", "999ms"], 1000).unwrap_err();
        assert!(
            refused.to_string().contains("shorter than an interval"),
            "{refused}"
        );
    }
}
