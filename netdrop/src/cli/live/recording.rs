//! A recording that is started, looked at and ended from inside the interface.

use std::{path::Path, time::Duration};

use jiff::Timestamp;

use crate::{
    cli::{
        outfile,
        record::sampling::Sampling,
        recording_header::{self, Asked, counters},
    },
    filter::plan::Plan,
    host::softnet::Softnet,
    kernel::{capture::Capture, snapshot::Snapshot},
    output::{
        amount::{bytes_text, count_text},
        escape::escape,
    },
    recording::write::{Instant as Moment, Recorder},
    tally::names::Names,
    tui::state::recording::Recording as Shown,
};

/// Flows kept of each interval, as `netdrop record` does it.
const FLOWS: u32 = 1000;

/// A recording under way.
pub(super) struct Recording {
    recorder: Recorder,
    file: String,
    seconds: f64,
    drops: u64,
}

impl Recording {
    /// Begins, with the interval that the capture begins now. `None` where the
    /// file exists and may not be overwritten.
    pub(super) fn begin(
        file: &str,
        over: bool,
        capture: &Capture,
        interval: Duration,
        filter: Option<(&str, &Plan)>,
    ) -> anyhow::Result<Option<Self>> {
        let file = file.trim();
        anyhow::ensure!(!file.is_empty(), "a recording needs the name of a file");
        let path = Path::new(file);
        if let Ok(found) = path.metadata() {
            // Opening a pipe would wait for its reader.
            anyhow::ensure!(found.is_file(), "{file} is no file; choose another name");
            if !over {
                return Ok(None);
            }
        }
        let asked = Asked {
            interval,
            top: FLOWS,
            filter: filter.map(|(text, _)| text),
            sampling: &Sampling::NONE,
        };
        let header = recording_header::header(&asked, capture, capture.warnings())?;
        let created = outfile::create(path, over)?;
        let mut recorder = Recorder::start(created, &header, None, &counters(capture.since()))?;
        if let Some((_, plan)) = filter {
            recorder.filter(plan);
        }
        Ok(Some(Self {
            recorder,
            file: file.to_owned(),
            seconds: 0.0,
            drops: 0,
        }))
    }

    /// Writes an interval, whose drops were read at `end`.
    pub(super) fn interval(
        &mut self,
        snapshot: &Snapshot,
        end: std::time::Instant,
        time: Timestamp,
        softnet: Option<&Softnet>,
        names: &mut dyn Names,
    ) -> anyhow::Result<()> {
        let squeezed: Option<Vec<(u32, u64)>> = softnet.map(|softnet| {
            let cpus = softnet.cpus.iter();
            cpus.map(|(cpu, counts)| (*cpu, counts.time_squeeze))
                .collect()
        });
        let moment = Moment {
            time,
            time_squeeze: squeezed.as_deref(),
            counters: &counters(end),
            events: &[],
            boot: Timestamp::UNIX_EPOCH,
        };
        self.recorder.interval(snapshot, &moment, names)?;
        self.seconds += snapshot.seconds;
        Ok(())
    }

    /// Adds the drops of the interval that was written, as the filter wants them.
    pub(super) fn count(&mut self, drops: u64) {
        self.drops += drops;
    }

    /// How far it is.
    pub(super) fn shown(&self) -> Shown {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a recording's length in whole seconds"
        )]
        let seconds = self.seconds.round() as u64;
        Shown {
            file: self.file.clone(),
            seconds,
            drops: self.drops,
            bytes: self.recorder.written(),
        }
    }

    /// Closes the file; tells what is in it.
    pub(super) fn end(self, why: &str) -> anyhow::Result<String> {
        let Self {
            recorder,
            file,
            drops,
            ..
        } = self;
        let size = recorder.finish(why)?;
        Ok(format!(
            "recorded {}, {} in {}",
            count_text(drops, "drop"),
            bytes_text(size),
            escape(&file)
        ))
    }
}
