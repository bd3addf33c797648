//! A recording that is started, looked at and ended from inside the interface.

use std::{path::Path, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    cli::{
        clock, fault,
        outfile::Fresh,
        record::{
            aside::{Aside, Told},
            sampling::{Sampling, Waiting},
        },
        recording_header::{self, Asked, Reader},
        session::{GRACE, IMPATIENCE},
        signals::Signals,
    },
    filter::plan::Plan,
    kernel::{
        capture::{Capture, Detail},
        snapshot::Snapshot,
    },
    output::{
        amount::{bytes_text, count_text},
        escape::escape,
    },
    recording::write::{Events, Instant as Moment, rows::Rows},
    tally::names::Names,
    tui::state::recording::Recording as Shown,
};

/// Flows kept of each interval, as `netdrop record` does it.
const FLOWS: u32 = 1000;

/// A recording under way, or one of which the rest is being written.
pub(super) struct Recording {
    writer: Aside,
    file: String,
    /// `None` when it has ended.
    counting: Option<Counting>,
    /// Did anybody hear that writing takes too long?
    pub(super) complained: bool,
}

/// What makes intervals of counts.
struct Counting {
    rows: Rows,
    /// Single drops of the interval that has not ended.
    counters: Reader,
    waiting: Waiting,
    seconds: f64,
    drops: u64,
}

impl Recording {
    /// Begins, with the interval that the capture begins now. `None` where the
    /// file exists and may not be overwritten. `events` is how many single drops
    /// come in a second, over all CPUs.
    pub(super) fn begin(
        file: &str,
        over: bool,
        capture: &Capture,
        interval: Duration,
        filter: Option<(&str, &Plan)>,
        events: u32,
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
        let cpus = aya::util::nr_cpus().map_or(1, |cpus| u32::try_from(cpus).unwrap_or(u32::MAX));
        let sampling = Sampling {
            max_events: events.div_ceil(cpus.max(1)),
            ..Sampling::NONE
        };
        let asked = Asked {
            interval,
            top: FLOWS,
            filter: filter.map(|(text, _)| text),
            sampling: &sampling,
        };
        let header = recording_header::header(&asked, capture, capture.warnings())?;
        let created = Fresh::create(path, over)?;
        let mut counters = Reader::start();
        let start = counters.read(capture.since());
        let mut rows = Rows::new(&header, &start);
        if let Some((_, plan)) = filter {
            rows.filter(plan);
        }
        Ok(Some(Self {
            writer: Aside::start(created, file.to_owned(), header, start)?,
            file: file.to_owned(),
            counting: Some(Counting {
                rows,
                counters,
                waiting: Waiting::default(),
                seconds: 0.0,
                drops: 0,
            }),
            complained: false,
        }))
    }

    /// Does it go on?
    pub(super) fn is_counting(&self) -> bool {
        self.counting.is_some()
    }

    /// May an interval end now? While the disk is too slow it had better go on.
    pub(super) fn has_room(&self) -> bool {
        !self.is_counting() || self.writer.has_room()
    }

    /// Takes a single drop.
    pub(super) fn event(&mut self, detail: &Detail) {
        if let Some(counting) = &mut self.counting {
            counting.waiting.take(detail.clone());
        }
    }

    /// Hands an interval over that the capture has just ended.
    pub(super) fn interval(
        &mut self,
        snapshot: &mut Snapshot,
        capture: &Capture,
        time: jiff::Timestamp,
        squeezed: Option<&[(u32, u64)]>,
        names: &mut dyn Names,
    ) -> anyhow::Result<()> {
        let Some(counting) = &mut self.counting else {
            return Ok(());
        };
        let events = counting.waiting.of_interval(capture.generation(), snapshot);
        let moment = Moment {
            time,
            time_squeeze: squeezed,
            counters: &counting.counters.read(capture.since()),
            events: Events::Live {
                details: &events,
                boot: clock::boot()?,
            },
        };
        let sheet = counting.rows.interval(snapshot, &moment, names)?;
        counting.seconds += sheet.stamp.seconds;
        counting.drops += sheet.stamp.drops;
        self.writer.push(sheet);
        Ok(())
    }

    /// How far it is.
    pub(super) fn shown(&self) -> Option<Shown> {
        let counting = self.counting.as_ref()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a recording's length in whole seconds"
        )]
        let seconds = counting.seconds.round() as u64;
        let (_, bytes) = self.writer.written();
        Some(Shown {
            file: self.file.clone(),
            seconds,
            drops: counting.drops,
            bytes,
        })
    }

    /// Takes no more; what it has is written, and then the file is closed.
    pub(super) fn stop(&mut self, why: &'static str) {
        if self.counting.take().is_some() {
            self.writer.finish(why);
        }
    }

    /// What its thread says next.
    pub(super) async fn told(&mut self) -> Told {
        self.writer.told().await
    }

    /// What is in the file.
    pub(super) fn outcome(&self, drops: u64, bytes: u64) -> String {
        format!(
            "recorded {}, {} in {}",
            count_text(drops, "drop"),
            bytes_text(bytes),
            escape(&self.file)
        )
    }

    /// Waits until all is written, and says so; a signal gives up.
    pub(super) async fn last_words(mut self, signals: &mut Signals) -> anyhow::Result<()> {
        let asked = Instant::now();
        let mut patient = true;
        loop {
            tokio::select! {
                biased;
                told = self.writer.told() => match told {
                    Told::Said(message) => fault::say(&message),
                    Told::Done(drops, bytes) => {
                        fault::say(&self.outcome(drops, bytes));
                        return Ok(());
                    }
                    Told::Failed(error) => return Err(error.context("the recording has ended")),
                },
                () = signals.after(asked + IMPATIENCE) => anyhow::bail!(
                    "{} may lack its end: writing took too long",
                    escape(&self.file)
                ),
                () = sleep(GRACE), if patient => {
                    patient = false;
                    fault::say("waiting until all is written; interrupt once more to give up");
                }
            }
        }
    }
}

/// What the thread of a recording says next, if there is one.
pub(super) async fn told(recording: &mut Option<Recording>) -> Told {
    match recording {
        Some(recording) => recording.told().await,
        None => std::future::pending().await,
    }
}
