//! `watch` on a terminal: the capture on one side, the interface on the other.

mod comparison;
mod keyboard;
mod own;
mod recording;
mod save;

use std::{io::IsTerminal as _, time::Duration};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use self::{comparison::Comparison, keyboard::Keyboard, own::Own, recording::Recording};
use super::{
    clock,
    counters::Counters,
    fault::{self, Held},
    filter::{self, Filter},
    options::Shared,
    resolve::{Resolver, Squeezes},
    session::{self, Ending, every},
    severity_file,
    signals::Signals,
};
use crate::{
    drops::reclassified::Reclassified,
    filter::{
        FilterError,
        plan::{Plan, Verdict},
    },
    kernel::capture::{Capture, CaptureConfig, Emit},
    output::{escape::escape, render::Renderer, sink::Sink},
    tally::{accounting::Attached, packet::Drop, period::Moment},
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
/// How often they are read.
const DRAIN: Duration = Duration::from_millis(100);

/// Is there a terminal on both sides that an interface can be drawn on?
pub(super) fn is_possible() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !dumb
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
        colour: live.renderer.layout.palette.on
            && has_colours(std::env::var("TERM").ok().as_deref()),
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
        // Whatever happened, what was recorded is to be whole.
        live.stop_recording(match &ending {
            Ok((_, why)) => why,
            Err(_) => "error",
        });
        let (ending, _) = ending?;
        collected?;
        ending
    };
    Box::pin(live.finish(signals, ending)).await
}

/// Does a terminal of this name have colours? All but a few have.
fn has_colours(name: Option<&str>) -> bool {
    const WITHOUT: [&str; 5] = ["vt52", "vt100", "vt102", "vt220", "vt320"];
    let name = name.unwrap_or_default();
    let (base, kind) = name.split_once('-').unwrap_or((name, ""));
    !WITHOUT.contains(&base) && !matches!(kind, "m" | "mono")
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
                _ = timer.tick() => self.collect(held)?,
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
            Action::None => {}
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

    /// Ends an interval.
    fn collect(&mut self, held: &Held) -> anyhow::Result<()> {
        let seen = self.state.compares();
        let before = self.comparison.before_end(seen || self.comparison.always);
        let mut snapshot = self.capture.collect()?;
        let time = Timestamp::now();
        let begins = seen && !self.comparison.is_on();
        if begins {
            // At once: drops count already.
            self.comparison.begin(self.capture.since(), time);
        }
        self.names
            .stacks()
            .learn(std::mem::take(&mut snapshot.stacks));
        self.drain()?;
        self.names
            .learn_qdiscs(std::mem::take(&mut snapshot.qdiscs));
        let (end, names) = (self.capture.since(), &mut self.names);
        let compared = if begins {
            self.comparison.nothing(names)
        } else {
            self.comparison.interval(before, end, &snapshot, names)
        };
        if compared.is_some() {
            self.state.feed_counters(compared);
        }
        let softnet = self.squeezes.softnet();
        let squeezed: Option<Vec<(u32, u64)>> = softnet.as_ref().map(|softnet| {
            let cpus = softnet.cpus.iter();
            cpus.map(|(cpu, counts)| (*cpu, counts.time_squeeze))
                .collect()
        });
        let moment = Moment {
            time,
            time_squeeze: squeezed.as_deref(),
            output_lost: 0,
        };
        if let Some(recording) = &mut self.recording {
            let end = self.capture.since();
            let names = &mut self.names;
            let written = recording.interval(&snapshot, end, moment.time, softnet.as_ref(), names);
            if let Err(error) = written {
                self.recording = None;
                self.state.record(None);
                self.remark(format!("the recording has ended: {error:#}"));
            }
        }
        if let Some(softnet) = &softnet {
            self.state.feed_backlogs(softnet);
        }
        let own = self.own.share();
        let drops = self.state.feed(&snapshot, &moment, own, &mut self.names);
        if let Some(recording) = &mut self.recording {
            recording.count(drops);
            self.state.record(Some(recording.shown()));
        }
        for message in self.capture.messages() {
            self.remark(message);
        }
        if let Some(warning) = self.names.refresh() {
            self.remark(format!("warning: {warning}"));
        }
        for message in held.take() {
            self.remark(message);
        }
        Ok(())
    }

    /// Takes the drops that came through the ring: the first of a site has a
    /// stack, which may tell the stage of all.
    fn drain(&mut self) -> anyhow::Result<()> {
        let events = self.capture.events(usize::MAX)?;
        if events.is_empty() {
            return Ok(());
        }
        for event in &events {
            self.names.stacks().learn_hint(event);
        }
        let boot = clock::boot()?;
        let wanted = self.plan.as_ref().filter(|plan| plan.asks_rows());
        let mut drops = Vec::new();
        for event in &events {
            let drop = Drop::of(event, boot, false, self.state.names(), &mut self.names);
            let flow = event.flow();
            let judge = |plan: &Plan| plan.judge(&(&drop).into(), &flow) == Verdict::Keep;
            if wanted.is_none_or(judge) {
                drops.push(drop);
            }
        }
        self.state.feed_events(drops);
        Ok(())
    }

    /// Says something now, and again when the interface is gone.
    fn remark(&mut self, message: String) {
        self.state.say(message.clone());
        self.remarks.push(message);
    }

    fn announce(&mut self) {
        let hooks = self.capture.hooks();
        let attached = hooks.iter().filter(|hook| hook.attached).count();
        if attached < hooks.len() {
            self.state.say(format!(
                "{attached} of {} hooks attached; `netdrop doctor` tells what is missing",
                hooks.len()
            ));
        }
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
        self.collect(held)?;
        let filter = self.state.filter.as_deref().zip(self.plan.as_ref());
        let interval = self.state.interval;
        match Recording::begin(file, over, &self.capture, interval, filter) {
            Ok(Some(recording)) => {
                self.state.editor = None;
                self.state.record(Some(recording.shown()));
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

    /// Ends the recording, if there is one.
    fn stop_recording(&mut self, why: &str) {
        let Some(recording) = self.recording.take() else {
            return;
        };
        self.state.record(None);
        match recording.end(why) {
            Ok(said) => self.remark(said),
            Err(error) => self.remark(format!("the recording has ended: {error:#}")),
        }
    }

    /// Counts with another filter: the programs are loaded anew, and the old ones
    /// count until the new ones do.
    fn filter(&mut self, text: &str, screen: &mut Screen, held: &Held) -> anyhow::Result<()> {
        let filter = match filter::read(&[text.to_owned()]) {
            Ok(filter) => filter,
            Err(error) => {
                self.state.refuse(refusal(&error));
                return Ok(());
            }
        };
        self.state.say("loading the programs with the new filter …");
        screen.draw(&mut self.state)?;
        self.state.key_was_pressed();
        let config = CaptureConfig {
            rules: filter::rules(filter.as_ref()),
            ..self.config.clone()
        };
        match session::capture(&config) {
            Ok((capture, mut names)) => {
                if let Some(given) = &self.given {
                    names.reclassify(given.clone());
                }
                if self.recording.is_some() {
                    // A recording has one filter.
                    self.collect(held)?;
                    self.stop_recording("filter");
                }
                let attached = Attached::of(capture.hooks());
                let plan = filter.as_ref().map(|filter| (&*filter.text, &filter.plan));
                self.state.restart(&attached, plan);
                self.comparison.forget();
                if self.comparison.always && self.state.filter.is_none() {
                    self.comparison.begin(capture.since(), Timestamp::now());
                }
                let warnings = filter::warnings(filter.as_ref(), names.symbols());
                (self.capture, self.names, self.config) = (capture, names, config);
                for warning in warnings {
                    self.remark(format!("warning: {warning}"));
                }
                self.plan = filter.map(|filter| filter.plan);
                self.squeezes.delta();
                self.state.say("a new filter: totals start from zero, now");
            }
            Err(error) => self.state.refuse(refusal(&error)),
        }
        Ok(())
    }

    /// The terminal is what it was: what is left to say goes there.
    async fn finish(self, signals: Signals, ending: Ending) -> anyhow::Result<()> {
        let Self {
            capture,
            state,
            renderer,
            comparison,
            remarks,
            ..
        } = self;
        drop(capture);
        for remark in remarks {
            fault::say(&escape(&remark));
        }
        let mut summary = state.summary(Timestamp::now());
        summary.reconciliation = comparison.run();
        let summary = renderer.summary(&summary, None);
        session::last_words(Sink::stdout()?, signals, summary, ending).await
    }
}

fn refusal(error: &anyhow::Error) -> Refusal {
    match error.downcast_ref::<FilterError>() {
        Some(error) => Refusal {
            message: match error.remedy() {
                Some(remedy) => format!("{}; {remedy}", error.message()),
                None => error.message().to_owned(),
            },
            span: Some(error.span()),
        },
        None => Refusal {
            message: format!("{error:#}"),
            span: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::has_colours;

    #[test]
    fn a_terminal_without_colours_is_known_by_its_name() {
        for name in ["vt100", "vt220-8bit", "xterm-mono", "linux-m"] {
            assert!(!has_colours(Some(name)), "{name}");
        }
        for name in ["xterm", "xterm-256color", "screen", "tmux-direct", "linux"] {
            assert!(has_colours(Some(name)), "{name}");
        }
    }
}
