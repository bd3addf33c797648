//! The flight recorder: the last minutes in memory, and on occasion a file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;

use super::{Cause, Summary};
use crate::{
    cli::{
        fault::Usage,
        outfile::Whole,
        record::{
            name::{self, Naming},
            shown,
        },
        recording_header,
    },
    output::amount::{bytes_text, count_text},
    recording::{
        header::{Header, TriggerFact},
        write::{
            RecordError,
            ring::{Amount, Ring},
            sheet::Sheet,
            state::State,
        },
    },
};

/// Names tried for one dump.
const TRIES: u32 = 1000;

/// What is kept, and where dumps go.
#[derive(Debug)]
pub(in crate::cli::record) struct Dumps {
    naming: Naming,
    force: bool,
    /// Seconds.
    keep: f64,
    /// Bytes.
    memory: usize,
    /// Dumps that stay, apart from the one at the end.
    most: Option<usize>,
}

impl Dumps {
    /// Finds out now whether a file can be written there.
    pub(in crate::cli::record) fn new(
        naming: Naming,
        force: bool,
        keep: f64,
        memory: usize,
        most: Option<usize>,
    ) -> anyhow::Result<Self> {
        if naming.has_time() {
            drop(Whole::create(&naming.at(Timestamp::now()), true)?);
        } else {
            drop(Whole::create(naming.given(), force)?);
        }
        Ok(Self {
            naming,
            force,
            keep,
            memory,
            most,
        })
    }
}

/// The flight recorder.
#[derive(Debug)]
pub(in crate::cli::record) struct Recent {
    dumps: Dumps,
    ring: Ring,
    header: Header,
    crowded: bool,
    /// Dumps before the end, the oldest first.
    made: Vec<PathBuf>,
}

impl Recent {
    pub(super) fn start(dumps: Dumps, header: Header, state: State) -> anyhow::Result<Self> {
        let ring = Ring::new(&header, state, dumps.keep, dumps.memory)?;
        Ok(Self {
            dumps,
            ring,
            header: Header {
                since: header.start,
                ..header
            },
            crowded: false,
            made: Vec::new(),
        })
    }

    pub(super) fn sheet(
        &mut self,
        sheet: Sheet,
        say: &mut dyn FnMut(String),
    ) -> anyhow::Result<()> {
        self.ring.push(sheet)?;
        if self.ring.crowded() > 0 && !self.crowded {
            self.crowded = true;
            say(format!(
                "warning: the last {:.1} s fill {}: what is older is let go before its time; see \
                 --max-memory",
                self.ring.amount().seconds,
                bytes_text(self.dumps.memory as u64)
            ));
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.ring.amount().bytes
    }

    pub(super) fn dump(&mut self, cause: &Cause, say: &mut dyn FnMut(String)) {
        let (time, word, trigger) = match cause {
            Cause::Signal(time) => (*time, "signal", None),
            Cause::Trigger(time, fired) => {
                let fact = TriggerFact {
                    condition: fired.condition.clone(),
                    fired: Some(fired.time),
                };
                (*time, "trigger", Some(fact))
            }
        };
        let mut header = Header {
            trigger,
            ..self.header.clone()
        };
        recording_header::renew(&mut header);
        let path = self.dumps.naming.at(time);
        match self.write(&path, &header, word) {
            Ok((path, amount)) => {
                say(format!("wrote {} ({word})", told(&amount, &path)));
                self.made.push(path);
            }
            Err(error) => say(format!("warning: nothing was written: {error:#}")),
        }
        let most = self.dumps.most.unwrap_or(usize::MAX);
        while self.made.len() > most {
            let oldest = self.made.remove(0);
            if fs::remove_file(&oldest).is_ok() {
                say(format!("removed {}, as --max-files asks", shown(&oldest)));
            }
        }
    }

    /// Writes a file, under another name where there is one of this name.
    fn write(
        &mut self,
        path: &Path,
        header: &Header,
        word: &str,
    ) -> anyhow::Result<(PathBuf, Amount)> {
        let mut number = 1;
        let (mut whole, path) = loop {
            let path = match number {
                1 => path.to_owned(),
                _ => name::with(path, &format!("{number:03}")),
            };
            match Whole::create(&path, false) {
                Ok(whole) => break (whole, path),
                Err(error) if error.is::<Usage>() && number < TRIES => number += 1,
                Err(error) => return Err(error),
            }
        };
        let amount = self.fill(&mut whole, &path, header, word)?;
        whole.finish()?;
        Ok((path, amount))
    }

    fn fill(
        &mut self,
        whole: &mut Whole,
        path: &Path,
        header: &Header,
        word: &str,
    ) -> anyhow::Result<Amount> {
        let file = whole.file().try_clone()?;
        self.ring
            .dump(file, header, word)
            .map_err(|error| match error {
                // Nothing of it can be read: it never appears.
                RecordError::Write(error) => anyhow!("cannot write {}: {error}", shown(path)),
                error => error.into(),
            })
    }

    pub(super) fn finish(mut self) -> anyhow::Result<Summary> {
        let (path, amount) = self.write_last().context("nothing was written")?;
        Ok(Summary {
            drops: amount.drops,
            intervals: amount.intervals,
            bytes: amount.bytes,
            place: shown(&path),
        })
    }

    fn write_last(&mut self) -> anyhow::Result<(PathBuf, Amount)> {
        let naming = &self.dumps.naming;
        let given = if naming.has_time() {
            naming.at(Timestamp::now())
        } else {
            naming.given().to_owned()
        };
        recording_header::renew(&mut self.header);
        let header = self.header.clone();
        if !self.dumps.force {
            return self.write(&given, &header, "end");
        }
        let mut whole = Whole::create(&given, true)?;
        let amount = self.fill(&mut whole, &given, &header, "end")?;
        whole.finish()?;
        Ok((given, amount))
    }
}

fn told(amount: &Amount, path: &Path) -> String {
    format!(
        "the last {:.0} s: {} in {}, {} in {}",
        amount.seconds,
        count_text(amount.drops, "drop"),
        count_text(amount.intervals, "interval"),
        bytes_text(amount.bytes),
        shown(path)
    )
}
