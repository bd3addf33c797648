//! A recording on a terminal: the same interface as over a live host.

mod keys;
mod taking;

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

use self::taking::{Checkpoint, read};
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
        filter::Filter,
        live::keyboard::{self, Keyboard},
        options::Shared,
        session::{self, Ending},
        signals::Signals,
        term,
    },
    output::{amount::bytes_text, escape::escape, render::Renderer, sink::Sink},
    recording::read::{End, Recording},
    tally::accounting::Attached,
    tui::{
        player::{Player, Wants},
        screen::Screen,
        speed::Speed,
        state::{
            Host, State,
            counts::Asked,
            replay::{Doing, Replay},
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
    /// What is on display: up to which interval, and when that ended.
    shown: (u64, Option<Timestamp>),
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
            shown: (0, None),
            renderer: shared.renderer(),
            remarks: Vec::new(),
            reel: Reel::start(recording)?,
        };
        new.begin();
        Ok(new)
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

    /// Takes what was counted onto the display.
    fn look(&mut self) {
        self.stale = false;
        self.shown = (self.player.at(), self.time);
        self.state.feed_counters(self.counters.compared());
        self.state.catch_up();
    }

    /// Tells the interface where this is.
    fn tell(&mut self) {
        // On the way, what was before stays on display.
        let (at, time) = if self.player.is_going() {
            self.shown
        } else {
            (self.player.at(), self.time)
        };
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
            time,
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
