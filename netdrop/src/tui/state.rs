//! What is known and what is looked at.
//!
//! Comes in: snapshots, events, keys. Goes out: what the views draw, and the
//! [`Action`]s that only the outside can carry out.

pub mod columns;
pub mod compared;
pub mod counts;
pub mod cpus;
pub mod cursor;
pub mod detail;
pub mod editor;
pub mod events;
pub mod grouping;
mod keys;
pub mod mouse;
pub mod recording;
pub mod replay;
pub mod shown;
pub mod sparks;

use std::time::Duration;

use jiff::Timestamp;

use self::{
    columns::Columns,
    compared::Counters,
    counts::{Asked, Counts},
    cpus::Cpus,
    cursor::Cursor,
    detail::Detail,
    editor::{Editor, Refusal},
    events::Events,
    mouse::Targets,
    recording::Recording,
    replay::{Go, Replay},
    shown::{Shown, StageCount},
    sparks::Sparks,
};
use crate::{
    filter::plan::Plan,
    host::softnet::Softnet,
    kernel::snapshot::Snapshot,
    tally::{
        accounting::Attached,
        key::{By, Key},
        names::Names,
        packet::Drop,
        period::{Moment, Period},
        rank::Sort,
        regroup::Order,
    },
};

/// Seconds in which a message is read.
const READ: f64 = 10.0;
/// Messages remembered.
const MESSAGES: usize = 50;

/// A view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The stages of the stack.
    #[default]
    Path,
    /// Rows by any keys.
    Table,
    /// Flows.
    Flows,
    /// CPUs over time.
    Cpus,
    /// The last drops.
    Events,
}

impl View {
    /// Every view, in the order of its key.
    pub const ALL: [Self; 5] = [
        Self::Path,
        Self::Table,
        Self::Flows,
        Self::Cpus,
        Self::Events,
    ];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Table => "table",
            Self::Flows => "flows",
            Self::Cpus => "CPU",
            Self::Events => "events",
        }
    }
}

/// What a key asks of the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// End.
    Quit,
    /// Write the summary to a file.
    Save,
    /// Count with this filter; empty: with none.
    Filter(String),
    /// Record into this file.
    Record {
        /// Its name.
        file: String,
        /// May it be overwritten?
        over: bool,
    },
    /// End the recording.
    StopRecording,
    /// Give this text to the terminal's clipboard.
    Copy(String),
    /// Read the kernel's counters from now on.
    Count,
    /// Let the terminal tell of the mouse, or not.
    Mouse(bool),
    /// Go to another place in the recording that is played.
    Replay(Go),
}

/// Where this runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// The kernel's release.
    pub kernel: String,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    /// Where this runs.
    pub host: Host,
    /// Length of an interval.
    pub interval: Duration,
    /// The filter's text, as it was given.
    pub filter: Option<String>,
    /// The view.
    pub view: View,
    /// The table's keys.
    pub by: By,
    /// What comes first in table and flows.
    pub order: Order,
    /// Since when the display is paused.
    pub paused: Option<Timestamp>,
    /// The help, where it is shown, and the lines scrolled away.
    pub help: Option<usize>,
    /// The filter, where it is edited.
    pub editor: Option<Editor>,
    /// The row that is looked into.
    pub detail: Option<Detail>,
    /// The recording under way.
    pub recording: Option<Recording>,
    /// The recording that is played instead of this host.
    pub replay: Option<Replay>,
    /// Does the terminal tell of the mouse?
    pub mouse: bool,
    /// What can be clicked at, as it was drawn last.
    pub targets: Targets,
    /// Where the stages of the path were drawn last.
    pub lanes: Targets,
    /// What happened, the newest last.
    pub messages: Vec<String>,
    /// Messages that no key has been pressed since, unless they are old.
    pub unread: usize,
    /// Seconds since the last one.
    unread_for: f64,
    /// What is on display; `None` before the first interval.
    pub shown: Option<Shown>,
    /// The table's rows over time.
    pub sparks: Sparks,
    /// The CPUs.
    pub cpus: Cpus,
    /// What of the CPUs is on display while it is paused.
    pub held_cpus: Option<Cpus>,
    /// The last drops.
    pub events: Events,
    /// Can there be events?
    pub has_events: bool,
    /// The kernel's counters, beside the path.
    pub counters: Counters,
    /// The stage that is looked at, counted along the path.
    pub stage: usize,
    /// The row of the table that is looked at.
    pub row: Cursor,
    /// The columns of table or flows that are looked at.
    pub columns: Columns,
    /// The flow that is looked at.
    pub flow: Cursor,
    /// The CPU that is looked at, counted from the first.
    pub cpu: usize,
    /// Lines that a view has, as it was drawn last.
    pub room: usize,
    counts: Counts,
    last: Option<(Period, Option<f64>)>,
    changed: bool,
}

impl State {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(
        host: Host,
        interval: Duration,
        asked: Asked,
        attached: &Attached,
        filter: Option<(&str, &Plan)>,
    ) -> Self {
        let view = asked.view.clone();
        Self {
            host,
            interval,
            filter: filter.map(|(text, _)| text.to_owned()),
            view: View::default(),
            by: view.by,
            order: match view.sort {
                Sort::Drops => Order::Drops,
                Sort::Hurt => Order::Hurt,
            },
            paused: None,
            help: None,
            editor: None,
            detail: None,
            recording: None,
            replay: None,
            mouse: false,
            targets: Targets::default(),
            lanes: Targets::default(),
            messages: Vec::new(),
            unread: 0,
            unread_for: 0.0,
            shown: None,
            sparks: Sparks::default(),
            cpus: Cpus::default(),
            held_cpus: None,
            events: Events::default(),
            has_events: false,
            counters: Counters::default(),
            room: 0,
            stage: 0,
            row: Cursor::default(),
            columns: Columns::default(),
            flow: Cursor::default(),
            cpu: 0,
            counts: Counts::new(asked, attached, filter.map(|(_, plan)| plan)),
            last: None,
            changed: true,
        }
    }

    /// Begins anew, with another filter.
    pub fn restart(&mut self, attached: &Attached, filter: Option<(&str, &Plan)>) {
        let asked = self.counts.asked().clone();
        self.counts = Counts::new(asked, attached, filter.map(|(_, plan)| plan));
        self.filter = filter.map(|(text, _)| text.to_owned());
        self.shown = None;
        self.last = None;
        self.sparks.clear();
        self.cpus = Cpus::default();
        self.held_cpus = None;
        self.events = Events::default();
        self.counters.last = None;
        self.paused = None;
        self.detail = None;
        self.editor = None;
        self.row.reset();
        self.flow.reset();
        self.changed = true;
    }

    /// Adds an interval; returns its drops. `own` is the share of a CPU that this
    /// process took.
    pub fn feed(
        &mut self,
        snapshot: &Snapshot,
        moment: &Moment<'_>,
        own: Option<f64>,
        names: &mut dyn Names,
    ) -> u64 {
        let drops = self.count(snapshot, moment, own, names);
        if self.paused.is_none() {
            self.look();
        }
        drops
    }

    /// The same, without a look at it.
    pub fn count(
        &mut self,
        snapshot: &Snapshot,
        moment: &Moment<'_>,
        own: Option<f64>,
        names: &mut dyn Names,
    ) -> u64 {
        let now = self.counts.feed(snapshot, moment, names);
        self.sparks.push(self.counts.last(&self.by, sparks::ROWS));
        let by_cpu = self.counts.last(&By::of([Key::Cpu]), usize::MAX);
        let online = moment.time_squeeze.unwrap_or_default().iter();
        let online = online.map(|(cpu, _)| *cpu);
        self.cpus
            .push(by_cpu, online, &now, &self.counts.run(now.time));
        if self.replay.is_none() {
            // Seconds that were recorded are no time to read in.
            self.unread_for += now.seconds;
        }
        if self.unread > 0 && self.unread_for > READ {
            self.unread = 0;
            self.changed = true;
        }
        let drops = now.totals.sums.drops();
        self.last = Some((now, own));
        drops
    }

    /// Adds what the CPUs' backlogs did in the interval that comes next.
    pub fn feed_backlogs(&mut self, softnet: &Softnet) {
        self.cpus.backlogs(softnet);
    }

    /// Adds drops.
    pub fn feed_events(&mut self, drops: impl IntoIterator<Item = Drop>) {
        for drop in drops {
            if self.counts.shows(&drop) {
                self.events.push(drop);
                self.changed |= self.paused.is_none() && self.view == View::Events;
            }
        }
    }

    /// The names met so far, for events.
    pub fn names(&mut self) -> &mut crate::tally::site::Sites {
        self.counts.names()
    }

    /// The run so far, as the command line asks for it.
    #[must_use]
    pub fn summary(&self, time: Timestamp) -> Period {
        self.counts.summary(time)
    }

    /// Says something in the status line.
    pub fn say(&mut self, message: impl Into<String>) {
        if self.messages.len() == MESSAGES {
            self.messages.remove(0);
        }
        self.messages.push(message.into());
        self.unread += 1;
        self.unread_for = 0.0;
        self.changed = true;
    }

    /// Says in place what is wrong with the filter that was edited.
    pub fn refuse(&mut self, refusal: Refusal) {
        match &mut self.editor {
            Some(editor) => editor.refuse(refusal),
            None => self.say(refusal.message),
        }
        self.changed = true;
    }

    /// Asks in place whether the text that was edited is meant.
    pub fn ask(&mut self, question: String) {
        if let Some(editor) = &mut self.editor {
            editor.ask(question);
        }
        self.changed = true;
    }

    /// What is recorded from now on, or no more.
    pub fn record(&mut self, recording: Option<Recording>) {
        self.recording = recording;
        self.changed = true;
    }

    /// Whoever pressed a key has read the messages so far.
    pub fn key_was_pressed(&mut self) {
        self.unread = 0;
    }

    /// Something else than the counts has changed: the terminal's size.
    pub fn touch(&mut self) {
        self.changed = true;
    }

    /// Is there something new to draw since this was last asked?
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The CPUs on display.
    #[must_use]
    pub fn shown_cpus(&self) -> &Cpus {
        self.held_cpus.as_ref().unwrap_or(&self.cpus)
    }

    /// Takes the counts as they are onto the display.
    fn look(&mut self) {
        let Some((now, own)) = &self.last else { return };
        let mut shown = Shown::of(now, *own, &self.counts, &self.by, (self.order, self.room));
        shown.compared.clone_from(&self.counters.last);
        let before = self.shown.as_ref().and_then(|it| it.path.get(self.stage));
        if let Some(before) = before.map(StageCount::passage)
            && let Some(place) = shown.path.iter().position(|it| it.passage() == before)
        {
            // Stages of two sides may have come before it.
            self.stage = place;
        }
        self.row.settle(&shown.table);
        self.flow.settle(&shown.flows);
        if let Some(detail) = &mut self.detail {
            let stage = shown.path.iter();
            let stage = stage.clone().find(|it| Some(it.passage()) == detail.stage);
            if let Some(count) = stage {
                detail.widen(&count.lines);
            }
            detail.refresh(&self.counts, &self.events);
        }
        if self.paused.is_some() {
            self.paused = Some(now.time);
            self.held_cpus = Some(self.cpus.clone());
        }
        self.shown = Some(shown);
        self.changed = true;
    }

    /// Other rows, or another order.
    fn regroup(&mut self, by: By, order: Order) {
        if by != self.by {
            self.sparks.clear();
            self.row.reset();
            self.columns = Columns::default();
            self.by = by;
        }
        if order != self.order {
            self.row.reset();
            self.flow.reset();
            self.order = order;
        }
        self.look();
    }

    fn pause(&mut self) {
        if self.paused.take().is_some() {
            self.held_cpus = None;
            self.events.follow();
            self.look();
        } else {
            self.paused = self.last.as_ref().map(|(now, _)| now.time);
            if self.paused.is_some() {
                self.held_cpus = Some(self.cpus.clone());
                self.events.hold();
            }
        }
    }
}

#[cfg(test)]
pub(super) mod canned;
#[cfg(test)]
mod tests;
