//! `watch` on a terminal: the capture on one side, the interface on the other.

mod comparison;
pub(super) mod filtering;
mod interval;
pub(super) mod keyboard;
mod own;
mod recording;
pub(super) mod save;

use std::{io::IsTerminal as _, time::Duration};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use self::{
    comparison::Comparison, filtering::refusal, keyboard::Keyboard, own::Own, recording::Recording,
};
use super::{
    counters::Counters,
    fault::{self, Held},
    filter::{self, Filter},
    options::Shared,
    record::aside::Told,
    resolve::{Resolver, Squeezes},
    session::{self, Ending, every},
    severity_file,
    signals::Signals,
    term,
};
use crate::{
    drops::reclassified::Reclassified,
    filter::plan::Plan,
    kernel::capture::{Capture, CaptureConfig, Emit},
    output::{escape::escape, render::Renderer, sink::Sink},
    tally::accounting::Attached,
    tui::{
        screen::Screen,
        state::{Action, Host, State, compared::Room, counts::Asked, editor::Refusal},
        theme::Theme,
    },
};

/// At most ten pictures a second.
const PICTURE: Duration = Duration::from_millis(100);
/// Drops shown one by one in a second, over all CPUs; those beyond are counted
/// only.
const EVENTS: u32 = 200;
/// Room for them, with their headers.
const RING_BYTES: u32 = 256 << 10;
/// How often they are read.
const DRAIN: Duration = Duration::from_millis(100);

/// Is there a terminal on both sides that an interface can be drawn on?
pub(super) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && can_draw()
}

/// Is standard output a terminal that an interface can be drawn on?
pub(super) fn can_draw() -> bool {
    std::io::stdout().is_terminal() && term::takes_escapes()
}

/// A capture that can be replaced, and what goes onto the screen.
struct Live {
    capture: Capture,
    names: Resolver,
    given: Option<Reclassified>,
    config: CaptureConfig,
    squeezes: Squeezes,
    own: Own,
    plan: Option<Plan>,
    state: State,
    comparison: Comparison,
    recording: Option<Recording>,
    renderer: Renderer,
    /// What is worth reading when the interface is gone.
    remarks: Vec<String>,
}

/// Runs until somebody ends it.
pub(super) async fn run(
    shared: &Shared,
    mut config: CaptureConfig,
    interval: Duration,
    filter: Option<Filter>,
    counters: Option<Counters>,
) -> anyhow::Result<()> {
    config.emit = Emit::Some(EVENTS);
    // For recordings.
    config.headers = true;
    config.ring_bytes = RING_BYTES;
    let given = match &shared.severity_file {
        Some(path) => Some((path, severity_file::read(path)?)),
        None => None,
    };
    let mut signals = Signals::listen()?;
    let (mut comparison, why_not) = Comparison::prepare(counters);
    let (capture, mut names) = session::capture(&config)?;
    if comparison.always {
        comparison.begin(capture.since(), Timestamp::now());
    }
    let mut warnings = capture.warnings().to_vec();
    warnings.extend(filter::warnings(filter.as_ref(), names.symbols()));
    let given = given.map(|(path, given)| {
        warnings.extend(severity_file::warnings(path, &given, names.symbols()));
        names.reclassify(given.clone());
        given
    });
    let deadline = shared.duration.map(|duration| Instant::now() + duration);
    let plan = filter.as_ref().map(|filter| (&*filter.text, &filter.plan));
    let asked = Asked {
        view: shared.view(),
        explain: shared.explains(),
    };
    let attached = Attached::of(capture.hooks());
    let mut state = State::new(host()?, interval, asked, &attached, plan);
    state.has_events = true;
    state.counters.why_not = why_not;
    if comparison.always {
        state.counters.room = Room::Below;
    }
    let mut live = Live {
        state,
        plan: filter.as_ref().map(|filter| filter.plan.clone()),
        capture,
        names,
        given,
        config,
        squeezes: Squeezes::start(),
        own: Own::start(),
        comparison,
        recording: None,
        renderer: shared.renderer(),
        remarks: Vec::new(),
    };
    let theme = Theme {
        colour: live.renderer.layout.palette.on && term::has_colours(),
    };
    let ending = {
        let held = Held::start();
        let mut screen = Screen::take(theme).context("cannot take the terminal")?;
        for warning in warnings {
            live.remark(format!("warning: {warning}"));
        }
        live.announce();
        let ending = live
            .watch(&mut screen, &held, &mut signals, deadline, interval)
            .await;
        live.capture.end();
        let collected = live.collect(&held);
        // Whatever happens, what was recorded is to be whole.
        live.stop_recording(match &ending {
            Ok((_, why)) => why,
            Err(_) => "error",
        });
        ending.and_then(|(ending, _)| collected.map(|()| ending))
    };
    Box::pin(live.finish(signals, ending)).await
}

fn host() -> anyhow::Result<Host> {
    let system = nix::sys::utsname::uname().context("cannot read the kernel's release")?;
    Ok(Host {
        name: system.nodename().to_string_lossy().into_owned(),
        kernel: system.release().to_string_lossy().into_owned(),
    })
}

impl Live {
    /// Goes on until it is time to end; tells why it is, in two ways.
    async fn watch(
        &mut self,
        screen: &mut Screen,
        held: &Held,
        signals: &mut Signals,
        deadline: Option<Instant>,
        interval: Duration,
    ) -> anyhow::Result<(Ending, &'static str)> {
        let mut keyboard = Keyboard::listen()?;
        let mut timer = every(interval);
        let mut drain = every(DRAIN);
        let mut picture = Instant::now();
        let mut changed = true;
        loop {
            changed |= self.state.take_changed();
            if changed && Instant::now() >= picture {
                if screen.is_ready() {
                    screen.draw(&mut self.state)?;
                    changed = false;
                }
                picture = Instant::now() + PICTURE;
            }
            let done = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = signals.next() => return Ok((Ending::Signal, "signal")),
                () = done => return Ok((Ending::Done, "duration")),
                event = keyboard.next() => {
                    let Some(event) = event else {
                        return Ok((Ending::Signal, "signal"));
                    };
                    let action = keyboard::take(&mut self.state, event);
                    if self.act(action, screen, held)? {
                        return Ok((Ending::Done, "key"));
                    }
                }
                told = recording::told(&mut self.recording) => self.told(told),
                _ = timer.tick() => self.tick(held)?,
                _ = drain.tick() => {
                    self.drain()?;
                    self.capture.refill();
                }
                () = sleep_until(picture), if changed => {}
            }
        }
    }

    /// Carries out what a key asks for; tells whether it is the end.
    fn act(&mut self, action: Action, screen: &mut Screen, held: &Held) -> anyhow::Result<bool> {
        match action {
            // Only a recording that is played goes anywhere.
            Action::None | Action::Replay(_) => {}
            Action::Quit => return Ok(true),
            Action::Save => self.save(),
            Action::Filter(text) => self.filter(&text, screen, held)?,
            Action::Record { file, over } => self.record(&file, over, held)?,
            Action::StopRecording => {
                self.collect(held)?;
                self.stop_recording("key");
            }
            Action::Copy(text) => {
                screen.copy(&text)?;
                self.state
                    .say(format!("copied, if the terminal takes it: {text}"));
            }
            Action::Count => self.collect(held)?,
            Action::Mouse(on) => {
                screen.mouse(on)?;
                self.state.say(if on {
                    "mouse on: click at views and rows; m turns it off to select text"
                } else {
                    "mouse off: the terminal selects text as ever"
                });
            }
        }
        Ok(false)
    }

    /// Says something now, and again when the interface is gone.
    fn remark(&mut self, message: String) {
        self.state.say(message.clone());
        self.remarks.push(message);
    }

    fn announce(&mut self) {
        self.say_decided();
        let hooks = self.capture.hooks();
        let attached = hooks.iter().filter(|hook| hook.attached).count();
        if attached < hooks.len() {
            self.state.say(format!(
                "{attached} of {} hooks attached; `netdrop doctor` tells what is missing",
                hooks.len()
            ));
        }
        self.warn_of_overflow();
    }

    fn save(&mut self) {
        let mut summary = self.state.summary(Timestamp::now());
        summary.reconciliation = self.comparison.so_far();
        match save::save(&summary) {
            Ok(name) => self.remark(format!("saved the summary so far to {name}")),
            Err(error) => self.state.say(format!("{error:#}")),
        }
    }

    /// Records from now on: the interval so far ends first, so that everything
    /// in the file happened since.
    fn record(&mut self, file: &str, over: bool, held: &Held) -> anyhow::Result<()> {
        if self.recording.is_some() {
            let text = "the last recording is still being written; try again when it is done";
            self.state.refuse(Refusal {
                message: text.to_owned(),
                span: None,
            });
            return Ok(());
        }
        self.collect(held)?;
        let filter = self.state.filter.as_deref().zip(self.plan.as_ref());
        let interval = self.state.interval;
        match Recording::begin(file, over, &self.capture, interval, filter, EVENTS) {
            Ok(Some(recording)) => {
                self.state.editor = None;
                self.state.record(recording.shown());
                self.recording = Some(recording);
            }
            Ok(None) => self.state.ask(format!(
                "{} exists; Enter overwrites it, Esc does not, or choose another name",
                file.trim()
            )),
            Err(error) => self.state.refuse(refusal(&error)),
        }
        Ok(())
    }

    /// Does a recording go on?
    fn is_recording(&self) -> bool {
        self.recording.as_ref().is_some_and(Recording::is_counting)
    }

    /// Ends the recording, if there is one. Its thread tells when all is written.
    fn stop_recording(&mut self, why: &'static str) {
        if let Some(recording) = &mut self.recording {
            if !recording.has_room() {
                self.state.say("writing the rest of the recording …");
            }
            recording.stop(why);
            self.state.record(None);
        }
    }

    /// Takes what the recording's thread says.
    fn told(&mut self, told: Told) {
        match (told, &self.recording) {
            (Told::Said(message), _) => self.remark(message),
            (Told::Done(drops, bytes), Some(recording)) => {
                let said = recording.outcome(drops, bytes);
                self.recording = None;
                self.remark(said);
            }
            (Told::Failed(error), _) => self.recording_failed(&error),
            (Told::Done(..), None) => {}
        }
    }

    fn recording_failed(&mut self, error: &anyhow::Error) {
        self.recording = None;
        self.state.record(None);
        self.remark(format!("the recording has ended: {error:#}"));
    }

    /// An interval is over, unless so much of a recording waits to be written that
    /// it had better go on.
    fn tick(&mut self, held: &Held) -> anyhow::Result<()> {
        let late = self.recording.as_mut().filter(|it| !it.has_room());
        let Some(recording) = late else {
            return self.collect(held);
        };
        if !std::mem::replace(&mut recording.complained, true) {
            self.remark(
                "writing takes too long: intervals get longer meanwhile, nothing is lost"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The terminal is what it was: what is left to say goes there.
    async fn finish(
        self,
        mut signals: Signals,
        ending: anyhow::Result<Ending>,
    ) -> anyhow::Result<()> {
        let Self {
            capture,
            state,
            renderer,
            comparison,
            recording,
            remarks,
            ..
        } = self;
        drop(capture);
        for remark in remarks {
            fault::say(&escape(&remark));
        }
        let recorded = match recording {
            Some(recording) => recording.last_words(&mut signals).await,
            None => Ok(()),
        };
        let ending = ending?;
        let mut summary = state.summary(Timestamp::now());
        summary.reconciliation = comparison.run();
        let summary = renderer.summary(&summary, None);
        session::last_words(Sink::stdout()?, signals, summary, ending).await?;
        recorded
    }
}
