//! A recording on a terminal: the same interface as over a live host.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::{
    sync::oneshot::Receiver,
    time::{Instant, sleep_until},
};

use super::{
    checkpoints::Checkpoints,
    counters::Counters,
    length::{self, Length},
    reel::Reel,
    source::{Bytes, Source},
};
use crate::{
    cli::{
        fault,
        filter::{self, Filter},
        live::{
            filtering::refusal,
            keyboard::{self, Keyboard},
            save,
        },
        options::Shared,
        reading::name,
        session::{self, Ending},
        signals::Signals,
        term,
    },
    output::{amount::bytes_text, escape::escape, render::Renderer, singles::remark, sink::Sink},
    recording::read::{End, Interval, Recording, bookmark::Bookmark},
    tally::{accounting::Attached, packet::Drop, period::Moment, show::Show},
    tui::{
        player::{Player, Pressed, Wants},
        screen::Screen,
        speed::Speed,
        state::{
            Action, Host, State,
            counts::Asked,
            editor::Refusal,
            replay::{Doing, Go, Kept, Replay},
        },
        theme::Theme,
    },
};

/// At most ten pictures a second.
const PICTURE: Duration = Duration::from_millis(100);
/// So soon something is to be seen that does not take long.
const WAY: Duration = Duration::from_millis(20);
/// Without a wish: slow enough to see what happens, fast enough for an hour.
const SPEED: &str = "10";

/// A place between two intervals, and what was counted up to there.
struct Checkpoint {
    bookmark: Bookmark,
    state: Kept,
    counters: Counters,
    time: Timestamp,
}

/// A recording and what is on the screen of it.
struct Played {
    path: PathBuf,
    source: Source,
    reel: Reel,
    player: Player,
    filter: Option<Filter>,
    /// The filter that it was recorded with.
    recorded: Option<String>,
    /// End of the last interval taken.
    time: Option<Timestamp>,
    length: Option<Length>,
    bytes: u64,
    end: Option<End>,
    counters: Counters,
    /// Where one can go back to.
    checkpoints: Checkpoints<Checkpoint>,
    attached: Attached,
    state: State,
    /// Has something been taken that is not on display?
    stale: bool,
    renderer: Renderer,
    /// What is worth reading when the interface is gone.
    remarks: Vec<String>,
}

/// Plays it until somebody ends it.
pub(super) async fn run(
    path: &Path,
    shared: &Shared,
    filter: Option<Filter>,
    speed: Option<Speed>,
) -> anyhow::Result<()> {
    let speed = speed.map_or_else(|| SPEED.parse(), Ok);
    let speed = speed.map_err(anyhow::Error::msg)?;
    let mut source = Source::open(path)?;
    let recording = read(path, &mut source, filter.as_ref())?;
    let mut counted = if source.rewinds() {
        Some(length::count(source.bytes())?)
    } else {
        None
    };
    let mut signals = Signals::listen()?;
    let mut played = Played::new(path, source, recording, shared, filter, speed)?;
    let theme = Theme {
        colour: played.renderer.layout.palette.on && term::has_colours(),
    };
    let ending = {
        let mut screen = Screen::take(theme).context("cannot take the terminal")?;
        played
            .watch(&mut screen, &mut signals, &mut counted)
            .await?
    };
    Box::pin(played.finish(signals, ending)).await
}

/// The recording from its start.
fn read(
    path: &Path,
    source: &mut Source,
    filter: Option<&Filter>,
) -> anyhow::Result<Box<Recording<Bytes>>> {
    let plan = filter.map(|filter| filter.plan.clone());
    let recording = Recording::open_with(source.bytes(), plan, None);
    Ok(Box::new(recording.with_context(|| name(path))?))
}

impl Played {
    fn new(
        path: &Path,
        source: Source,
        recording: Box<Recording<Bytes>>,
        shared: &Shared,
        filter: Option<Filter>,
        speed: Speed,
    ) -> anyhow::Result<Self> {
        let header = recording.header();
        let host = Host {
            name: header.host.clone(),
            kernel: header.kernel.clone(),
        };
        let interval = header.interval.unwrap_or_default();
        let interval = Duration::try_from_secs_f64(interval).unwrap_or_default();
        let asked = Asked {
            view: shared.view(),
            explain: shared.explains(),
        };
        let attached = recording.attached();
        let mut state = State::new(host, interval, asked, &attached, None);
        state.has_events = header.max_events != Some(0);
        let hooks = recording.hooks();
        let missing = hooks.iter().filter(|hook| !hook.attached).count();
        if missing > 0 {
            let hooks = hooks.len();
            state.say(format!(
                "{} of {hooks} hooks were attached",
                hooks - missing
            ));
        }
        for warning in &header.warnings {
            state.say(format!("when it was recorded: {warning}"));
        }
        let mut new = Self {
            path: path.to_owned(),
            player: Player::new(speed, source.rewinds(), Instant::now().into_std()),
            source,
            filter,
            recorded: header.filter.clone(),
            time: None,
            length: None,
            bytes: 0,
            end: None,
            counters: Counters::of(&recording),
            checkpoints: Checkpoints::default(),
            attached,
            state,
            stale: false,
            renderer: shared.renderer(),
            remarks: Vec::new(),
            reel: Reel::start(recording)?,
        };
        new.begin();
        Ok(new)
    }

    /// Everything is as before the first interval.
    fn begin(&mut self) {
        let plan = self.filter.as_ref().map(|filter| &filter.plan);
        // What single drops tell is decided while it is read.
        let plan = plan.filter(|plan| !plan.asks_singles());
        self.state.rewind(&self.attached, plan);
        self.state.filter = filter::both(self.recorded.as_deref(), self.filter.as_ref());
        self.state.counters.why_not = self.counters.why_not();
        self.time = None;
        self.tell();
    }

    /// Reads it again: up to where the player wants to be, from the nearest place
    /// before that is known, or else from its start.
    fn again(&mut self) -> anyhow::Result<()> {
        let mut recording = read(&self.path, &mut self.source, self.filter.as_ref())?;
        let known = self.checkpoints.before(self.player.target());
        if let Some((at, known)) = known
            && let Some(bytes) = self.source.bytes_behind(known.bookmark.place())
        {
            recording.go_to(&known.bookmark, bytes);
            self.counters = known.counters.clone();
            self.state.go_back(&known.state);
            self.time = Some(known.time);
            self.player.resume(at, Instant::now().into_std());
            self.reel = Reel::start(recording)?;
            self.tell();
            return Ok(());
        }
        self.counters = Counters::of(&recording);
        self.reel = Reel::start(recording)?;
        self.begin();
        Ok(())
    }

    /// Goes on until it is time to end.
    async fn watch(
        &mut self,
        screen: &mut Screen,
        signals: &mut Signals,
        counted: &mut Option<Receiver<Length>>,
    ) -> anyhow::Result<Ending> {
        let mut keyboard = Keyboard::listen()?;
        let mut picture = Instant::now();
        let mut changed = true;
        loop {
            changed |= self.stale || self.player.is_going() || self.state.take_changed();
            if changed && Instant::now() >= picture {
                if screen.is_ready() {
                    if self.stale && !self.player.is_going() {
                        self.look();
                    }
                    self.tell();
                    screen.draw(&mut self.state)?;
                    self.state.take_changed();
                    changed = false;
                }
                picture = Instant::now() + PICTURE;
            }
            let wants = match self.reel.next() {
                Some((_, Some(interval))) => self.player.wants(interval.snapshot.seconds),
                _ => Wants::Nothing,
            };
            let due = async {
                match wants {
                    Wants::Now => tokio::task::yield_now().await,
                    Wants::At(time) => sleep_until(time.into()).await,
                    Wants::Nothing => std::future::pending().await,
                }
            };
            let awaits = self.reel.next().is_none();
            let length = async {
                match counted {
                    Some(length) => length.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = signals.next() => return Ok(Ending::Signal),
                event = keyboard.next() => {
                    let Some(event) = event else {
                        return Ok(Ending::Signal);
                    };
                    let action = keyboard::take(&mut self.state, event);
                    if self.act(action, screen)? {
                        return Ok(Ending::Done);
                    }
                    if self.player.is_going() {
                        // Most ways are short: no picture of them.
                        picture = Instant::now() + WAY;
                    }
                }
                arrived = self.reel.arrived(), if awaits => {
                    arrived?;
                    self.arrived();
                }
                length = length => {
                    *counted = None;
                    self.measured(length.ok());
                }
                () = sleep_until(picture), if changed => {}
                () = due => self.take()?,
            }
        }
    }

    /// The next interval has been read, or there is none.
    fn arrived(&mut self) {
        let Some((recording, next)) = self.reel.next() else {
            return;
        };
        self.bytes = recording.bytes();
        if next.is_some() {
            return;
        }
        let end = recording.end().cloned();
        let singles = recording.singles().and_then(remark);
        self.player.ended();
        if let Some(text) = singles {
            self.state.say(text.clone());
            self.remarks.retain(|said| *said != text);
            self.remarks.push(text);
        }
        if let Some(end) = end {
            self.ends(end);
        }
        self.state.touch();
    }

    /// All of it has been counted.
    fn measured(&mut self, length: Option<Length>) {
        if let Some(length) = length {
            self.ends(length.end.clone());
            self.length = Some(length);
            self.state.touch();
        }
    }

    /// How it ends, said once.
    fn ends(&mut self, end: End) {
        if self.end.is_none() && !matches!(end, End::Closed(_)) {
            let text = format!("{}: {end}", name(&self.path));
            self.state.say(text.clone());
            self.remarks.push(format!("warning: {text}"));
        }
        self.end.get_or_insert(end);
    }

    /// Counts the next interval.
    fn take(&mut self) -> anyhow::Result<()> {
        let Some((mut recording, interval)) = self.reel.take() else {
            return Ok(());
        };
        let begun = Instant::now();
        self.count(&mut recording, &interval);
        let took = begun.elapsed();
        self.player
            .took(interval.snapshot.seconds, Instant::now().into_std());
        self.time = Some(interval.time);
        self.stale = true;
        self.keep(&recording, interval.time, took);
        self.reel.read_on(recording)
    }

    /// Keeps what was counted, now and then, to go back to.
    fn keep(&mut self, recording: &Recording<Bytes>, time: Timestamp, took: Duration) {
        let at = self.player.at();
        if !self.source.rewinds() || !self.checkpoints.is_due(at, took) {
            return;
        }
        let Some(bookmark) = recording.bookmark() else {
            return;
        };
        let begun = Instant::now();
        let weight = self.state.weight();
        let kept = Checkpoint {
            bookmark,
            state: self.state.keep(),
            counters: self.counters.clone(),
            time,
        };
        self.checkpoints.keep(at, weight, kept, begun.elapsed());
    }

    fn count(&mut self, recording: &mut Recording<Bytes>, interval: &Interval) {
        if let Some(softnet) = self.counters.interval(recording, interval) {
            self.state.feed_backlogs(&softnet);
        }
        let events: Vec<Drop> = recording.events(interval, Show::All).cloned().collect();
        self.state.feed_events(events);
        let moment = Moment {
            time: interval.time,
            time_squeeze: interval.time_squeeze.as_deref(),
            output_lost: 0,
        };
        self.state
            .count(&interval.snapshot, &moment, None, &mut recording.names);
    }

    /// Takes what was counted onto the display.
    fn look(&mut self) {
        self.stale = false;
        self.state.feed_counters(self.counters.compared());
        self.state.catch_up();
    }

    /// Tells the interface where this is.
    fn tell(&mut self) {
        let at = self.player.at();
        let of = match (&self.length, self.player.doing()) {
            (Some(length), _) => Some(length.intervals.max(at)),
            (None, Doing::Over) => Some(at),
            (None, _) => None,
        };
        let read = match self.source.length() {
            Some(length @ 1..) => format!("{} %", (self.bytes * 100 / length).min(100)),
            _ => bytes_text(self.bytes),
        };
        let wrong = self.end.as_ref().and_then(|end| match end {
            End::Closed(_) => None,
            End::Cut(_) => Some("cut off"),
            End::Damaged(..) => Some("damaged"),
        });
        self.state.tell(Replay {
            time: self.time,
            at,
            of,
            // It is not to be drawn where the number is known.
            read: if of.is_some() { String::new() } else { read },
            speed: self.player.speed(),
            doing: self.player.doing(),
            wrong,
            wanted: self
                .filter
                .as_ref()
                .map(|it| it.text.clone())
                .unwrap_or_default(),
        });
    }

    /// Carries out what a key asks for; tells whether it is the end.
    fn act(&mut self, action: Action, screen: &mut Screen) -> anyhow::Result<bool> {
        match action {
            // Nothing is recorded or read of this host.
            Action::None | Action::Count | Action::Record { .. } | Action::StopRecording => {}
            Action::Quit => return Ok(true),
            Action::Save => self.save(),
            Action::Filter(text) => self.filter(&text)?,
            Action::Replay(go) => self.go(go)?,
            Action::Copy(text) => {
                screen.copy(&text)?;
                self.state
                    .say(format!("copied, if the terminal takes it: {text}"));
            }
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

    fn go(&mut self, go: Go) -> anyhow::Result<()> {
        match self.player.press(go, Instant::now().into_std()) {
            Pressed::Done => {}
            Pressed::Refused(why) => self.state.say(why),
            Pressed::Rewind => self.again()?,
        }
        // Whoever stopped on the way sees how far it came.
        self.stale |= self.player.at() > 0;
        Ok(())
    }

    fn save(&mut self) {
        let Some(time) = self.time else {
            self.state.say("there is nothing to save yet");
            return;
        };
        match save::save(&self.state.summary(time)) {
            Ok(name) => {
                let text = format!("saved the summary up to this interval to {name}");
                self.state.say(text.clone());
                self.remarks.push(text);
            }
            Err(error) => self.state.say(format!("{error:#}")),
        }
    }

    /// Shows the same place with another filter.
    fn filter(&mut self, text: &str) -> anyhow::Result<()> {
        let filter = match filter::of_recording(&[text.to_owned()]) {
            Ok(_) if !self.source.rewinds() => {
                self.state.refuse(Refusal {
                    message: "standard input cannot be read again: give the filter at the start, \
                              or record into a file"
                        .to_owned(),
                    span: None,
                });
                return Ok(());
            }
            Ok(filter) => filter,
            Err(error) => {
                self.state.refuse(refusal(&error));
                return Ok(());
            }
        };
        self.filter = filter;
        self.checkpoints = Checkpoints::default();
        self.state.restart(&self.attached, None);
        self.player.again();
        self.again()
    }

    /// The terminal is what it was: what is left to say goes there.
    async fn finish(self, signals: Signals, ending: Ending) -> anyhow::Result<()> {
        let over = self.player.doing() == Doing::Over;
        let Self {
            state,
            renderer,
            remarks,
            time,
            player,
            ..
        } = self;
        for remark in remarks {
            fault::say(&escape(&remark));
        }
        if !over {
            fault::say(&format!(
                "the summary is of the first {} intervals",
                player.at()
            ));
        }
        let summary = state.summary(time.unwrap_or_default());
        let summary = renderer.summary(&summary, None);
        session::last_words(Sink::stdout()?, signals, summary, ending).await
    }
}
