//! A recording under way: what ends intervals, and what ends it.

use anyhow::bail;
use jiff::Timestamp;
use tokio::{
    signal::unix::Signal,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Args,
    alarm::{Action, Alarm},
    archive::{Cause, Summary},
    progress::Progress,
    sampling::{DRAIN, Waiting},
    trigger::Sample,
    writer::{News, Order, Writer},
};
use crate::{
    cli::{
        clock, fault,
        recording_header::Reader,
        resolve::{Resolver, Squeezes},
        session::{GRACE, IMPATIENCE, every},
        signals::Signals,
    },
    kernel::capture::Capture,
    output::{
        amount::{bytes_text, count_text},
        escape::escape,
        left_out::remark,
    },
    recording::write::{
        Events, Instant as Moment,
        rows::{Rows, Seen},
    },
    tally::left_out::LeftOut,
};

/// Why a recording ends.
pub(super) enum Ending {
    Signal,
    Duration,
    Full,
}

impl Ending {
    fn word(&self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Duration => "duration",
            Self::Full => "size",
        }
    }
}

/// What is counted, and where it goes.
pub(super) struct Run {
    pub(super) capture: Capture,
    pub(super) names: Resolver,
    pub(super) rows: Rows,
    pub(super) writer: Writer,
    pub(super) alarm: Option<Alarm>,
    pub(super) squeezes: Squeezes,
    pub(super) counters: Reader,
    pub(super) waiting: Waiting,
    /// Are events more than hints?
    pub(super) keeps_events: bool,
    pub(super) progress: Progress,
    /// Drops handed over to be written.
    pub(super) drops: u64,
    /// What the filter left out of those intervals.
    pub(super) left_out: LeftOut,
    /// Intervals that could not end in time.
    pub(super) late: u64,
}

impl Run {
    /// Goes on until there is a reason to end.
    pub(super) async fn until_the_end(
        &mut self,
        args: &Args,
        signals: &mut Signals,
        mut wanted: Signal,
    ) -> anyhow::Result<Ending> {
        let mut timer = every(args.interval);
        let mut drain = Instant::now() + DRAIN;
        let deadline = args.duration.map(|duration| Instant::now() + duration);
        loop {
            let done = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = signals.next() => return Ok(Ending::Signal),
                () = done => return Ok(Ending::Duration),
                news = self.writer.news() => match news {
                    News::Said(message) => self.say(&message),
                    News::Full => return Ok(Ending::Full),
                    News::Failed(error) => return Err(error),
                    News::Done(_) => bail!("the thread that writes ended early"),
                },
                _ = wanted.recv() => {
                    if !args.keeping.is_recent() {
                        self.say("SIGUSR1 makes a recording with --keep write; this one goes on");
                        continue;
                    }
                    // Up to now.
                    if self.writer.has_room() {
                        self.collect()?;
                    }
                    self.writer.send(Order::Dump(Cause::Signal(Timestamp::now())));
                }
                _ = timer.tick() => self.tick()?,
                () = sleep_until(drain), if self.keeps_events => {
                    drain = Instant::now() + self.waiting.drain(&mut self.capture)?;
                }
            }
        }
    }

    /// Ends an interval, unless so many wait to be written that it had better go
    /// on: then it gets longer, and nothing is lost.
    fn tick(&mut self) -> anyhow::Result<()> {
        if self.writer.has_room() {
            return self.collect();
        }
        if self.late == 0 {
            self.say(
                "warning: writing takes too long: intervals become longer until it has caught \
                 up; nothing is lost",
            );
        }
        self.late += 1;
        Ok(())
    }

    /// Ends an interval and hands it over.
    pub(super) fn collect(&mut self) -> anyhow::Result<()> {
        let mut snapshot = self.capture.collect()?;
        let counters = self.counters.read(self.capture.since());
        let stacks = self.names.stacks();
        stacks.learn(std::mem::take(&mut snapshot.stacks));
        self.waiting.drain(&mut self.capture)?;
        let now = self.capture.generation();
        let mut events = self.waiting.of_interval(now, &mut snapshot);
        for event in &events {
            stacks.learn_hint(event);
        }
        if !self.keeps_events {
            events.clear();
        }
        self.names
            .learn_qdiscs(std::mem::take(&mut snapshot.qdiscs));
        let squeezed = self.squeezes.delta();
        let moment = Moment {
            time: Timestamp::now(),
            time_squeeze: squeezed.as_deref(),
            counters: &counters,
            events: Events::Live {
                details: &events,
                boot: clock::boot()?,
            },
        };
        let sheet = self.rows.interval(&snapshot, &moment, &mut self.names)?;
        let stamp = sheet.stamp;
        self.drops += stamp.drops;
        self.left_out += self.rows.left_out();
        self.writer.send(Order::Sheet(Box::new(sheet)));
        self.watch_out(stamp.seconds, stamp.drops);
        for message in self.capture.messages() {
            self.say(&escape(&message));
        }
        if let Some(warning) = self.names.refresh() {
            self.say(&format!("warning: {}", escape(&warning)));
        }
        let (drops, bytes) = self.writer.written();
        self.progress.show(drops, bytes);
        Ok(())
    }

    /// Looks whether a trigger fires.
    fn watch_out(&mut self, seconds: f64, drops: u64) {
        let Some(alarm) = &mut self.alarm else {
            return;
        };
        let seen: Vec<Seen<'_>> = self.rows.seen().collect();
        let sample = Sample {
            seconds,
            drops,
            packets: self.rows.packets(),
            seen: &seen,
        };
        let now = Timestamp::now();
        match alarm.look(&sample, now, Instant::now()) {
            None => {}
            Some(Action::Tell(fired)) => {
                let (after, condition, rate) = (alarm.after(), fired.condition, fired.rate);
                self.say(&format!(
                    "trigger: {condition}: {rate:.0}/s; writing in {:.0} s",
                    after.as_secs_f64()
                ));
            }
            Some(Action::Write(fired)) => {
                let rest = alarm.rest().as_secs_f64();
                self.writer.send(Order::Dump(Cause::Trigger(now, fired)));
                self.say(&format!(
                    "no trigger writes again for {rest:.0} s, nor before it was quiet once"
                ));
            }
        }
    }

    fn say(&mut self, message: &str) {
        self.progress.clear();
        fault::say(message);
    }

    /// Waits until all is written. A disk may keep us waiting until another signal
    /// comes.
    pub(super) async fn finish(self, ending: &Ending, signals: &mut Signals) -> anyhow::Result<()> {
        let Self {
            capture,
            mut writer,
            mut progress,
            drops,
            left_out,
            late,
            ..
        } = self;
        drop(capture);
        writer.send(Order::Finish(ending.word()));
        let asked = Instant::now();
        let mut patient = true;
        let summary = loop {
            tokio::select! {
                biased;
                news = writer.news() => match news {
                    News::Said(message) => {
                        progress.clear();
                        fault::say(&message);
                    }
                    News::Full => {}
                    News::Done(summary) => break summary,
                    News::Failed(error) => return Err(error),
                },
                () = signals.after(asked + IMPATIENCE) => {
                    progress.clear();
                    let (written, _) = writer.written();
                    bail!(
                        "{} of {} may not be in the file: writing took too long",
                        count_text(drops.saturating_sub(written), "drop"),
                        count_text(drops, "drop"),
                    );
                }
                () = sleep(GRACE), if patient => {
                    patient = false;
                    progress.clear();
                    fault::say("waiting until all is written; interrupt once more to give up");
                }
            }
        };
        progress.clear();
        let Summary {
            drops,
            intervals,
            bytes,
            place,
        } = summary;
        let late = match late {
            0 => String::new(),
            late => format!(
                "; {} became part of the next, for writing took too long",
                count_text(late, "interval")
            ),
        };
        fault::say(&format!(
            "recorded {} in {}, {} in {place}{late}",
            count_text(drops, "drop"),
            count_text(intervals, "interval"),
            bytes_text(bytes),
        ));
        if let Some(text) = remark(left_out) {
            fault::say(&text);
        }
        Ok(())
    }
}
