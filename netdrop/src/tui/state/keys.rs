//! What each key does.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    Action, State, View,
    columns::Columns,
    compared::Room,
    detail::{Detail, is_of},
    editor::{Edited, Editor, Purpose},
    grouping::Switch,
    recording,
    shown::by_side,
};
use crate::tally::{
    key::{By, Key},
    regroup::{Line, Order},
    row::Row,
};

/// Rows that a page has, more or less.
const PAGE: isize = 10;

impl State {
    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Action {
        self.changed = true;
        self.unread = 0;
        if let Some(editor) = &mut self.editor {
            return match editor.key(key) {
                Edited::On => Action::None,
                Edited::Done => {
                    let text = editor.text().to_owned();
                    match editor.purpose() {
                        Purpose::Filter => Action::Filter(text),
                        Purpose::Recording => Action::Record {
                            file: text,
                            over: editor.was_asked(),
                        },
                    }
                }
                Edited::Cancelled => {
                    self.editor = None;
                    Action::None
                }
            };
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Action::Quit,
            // A suspended interface would leave the terminal in disorder.
            KeyCode::Char(_) if control => return Action::None,
            KeyCode::Char('q') => return Action::Quit,
            _ => {}
        }
        if self.help.is_some() {
            self.help_key(key.code);
            return Action::None;
        }
        if let Some(go) = self.go_key(key.code) {
            return Action::Replay(go);
        }
        match key.code {
            KeyCode::Char('?') | KeyCode::F(1) => self.help = Some(0),
            KeyCode::Char('/') => {
                let wanted = self.replay.as_ref().map(|replay| &replay.wanted);
                let text = wanted.or(self.filter.as_ref());
                let text = text.map(String::as_str).unwrap_or_default();
                self.editor = Some(Editor::new(Purpose::Filter, text));
            }
            KeyCode::Char('r') if self.replay.is_some() => {
                self.say("this is a recording already; `netdrop export` makes others of it");
            }
            KeyCode::Char('r') if self.recording.is_some() => return Action::StopRecording,
            KeyCode::Char('r') => {
                let now = self.last.as_ref().map(|(now, _)| now.time);
                let name = recording::proposal(now);
                self.editor = Some(Editor::new(Purpose::Recording, &name));
            }
            KeyCode::Char('m') => {
                self.mouse = !self.mouse;
                return Action::Mouse(self.mouse);
            }
            KeyCode::Char('c') if self.view == View::Path && self.detail.is_none() => {
                let read = self.compares();
                self.next_room();
                if self.compares() && !read {
                    return Action::Count;
                }
            }
            KeyCode::Char(' ') => self.pause(),
            KeyCode::Char('s') => return Action::Save,
            KeyCode::Char(digit @ '1'..='5') => {
                let place = digit as usize - '1' as usize;
                self.show(View::ALL[place]);
            }
            KeyCode::Char('y') => {
                let command = self.detail.as_mut().and_then(Detail::next_command);
                return command.map_or(Action::None, Action::Copy);
            }
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(View::ALL.len() - 1),
            KeyCode::Esc | KeyCode::Backspace => {
                if self.detail.take().is_none() && self.is_all_counters() {
                    self.counters.room = Room::Below;
                }
            }
            code if self.detail.is_some() => self.detail_key(code),
            code => self.view_key(code),
        }
        Action::None
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some(editor) = &mut self.editor {
            editor.paste(text);
            self.changed = true;
        }
    }

    fn turn(&mut self, views: usize) {
        let now = View::ALL.iter().position(|view| *view == self.view);
        self.show(View::ALL[(now.unwrap_or_default() + views) % View::ALL.len()]);
    }

    pub(super) fn show(&mut self, view: View) {
        if view != self.view {
            self.columns = Columns::default();
        }
        self.view = view;
        self.detail = None;
        self.help = None;
    }

    fn help_key(&mut self, code: KeyCode) {
        self.help = match (rows(code), self.help) {
            (Some(rows), Some(scroll)) => Some(scroll.saturating_add_signed(rows)),
            _ => None,
        };
    }

    fn detail_key(&mut self, code: KeyCode) {
        if let (Some(rows), Some(detail)) = (rows(code), &mut self.detail) {
            detail.scroll = detail.scroll.saturating_add_signed(rows);
        }
    }

    fn view_key(&mut self, code: KeyCode) {
        if code == KeyCode::Enter {
            if !self.is_all_counters() {
                self.open();
            }
            return;
        }
        if code == KeyCode::Char('o') && matches!(self.view, View::Table | View::Flows) {
            self.next_order();
            return;
        }
        match (self.view, code) {
            (View::Path, KeyCode::Left | KeyCode::Right) => self.next_column(code),
            (View::Table | View::Flows, KeyCode::Left) => self.columns.left(),
            (View::Table | View::Flows, KeyCode::Right) => self.columns.right(),
            (View::Table, KeyCode::Char(letter)) if letter.is_ascii_uppercase() => {
                self.switch(letter);
            }
            (View::Events, KeyCode::End) => self.events.follow(),
            _ => {
                if let Some(rows) = rows(code) {
                    self.go(rows);
                }
            }
        }
    }

    fn next_column(&mut self, code: KeyCode) {
        if let Some(stage) = self.lanes.beside(self.stage, code == KeyCode::Right) {
            self.stage = stage;
        }
    }

    fn next_order(&mut self) {
        let flows = self.view == View::Flows || self.tells_harm();
        let order = match self.order {
            Order::Drops => Order::Rate,
            Order::Rate if flows => Order::Hurt,
            Order::Rate | Order::Hurt => Order::Drops,
        };
        self.regroup(self.by.clone(), order);
    }

    /// Can the table's rows tell who was hurt?
    fn tells_harm(&self) -> bool {
        let rows = self.shown.iter().flat_map(|shown| &shown.table);
        rows.into_iter().any(|line| line.run.tells_harm)
    }

    fn switch(&mut self, letter: char) {
        let Some(switch) = Switch::find(letter) else {
            return;
        };
        match switch.press(&self.by) {
            Some(by) => self.regroup(by, self.order),
            None => self.say("the table needs at least one key"),
        }
    }

    fn go(&mut self, rows: isize) {
        let shown = self.shown.as_ref();
        match self.view {
            View::Path if self.counters.room == Room::All => {
                self.counters.scroll = self.counters.scroll.saturating_add_signed(rows);
            }
            View::Path => {
                let last = shown.map_or(0, |shown| shown.path.len().saturating_sub(1));
                self.stage = self.stage.saturating_add_signed(rows).min(last);
            }
            View::Table => {
                if let Some(shown) = shown {
                    self.row.by(rows, &shown.table);
                }
            }
            View::Flows => {
                if let Some(shown) = shown {
                    self.flow.by(rows, &shown.flows);
                }
            }
            View::Cpus => {
                let last = self.cpus.iter().len().saturating_sub(1);
                self.cpu = self.cpu.saturating_add_signed(rows).min(last);
            }
            View::Events => self.events.back(-(rows as i64)),
        }
    }

    /// The row of the view that is looked at.
    pub(super) fn chosen(&self) -> Option<usize> {
        match self.view {
            View::Path => Some(self.stage),
            View::Table => Some(self.row.at()),
            View::Flows => Some(self.flow.at()),
            View::Cpus => Some(self.cpu),
            View::Events => self.events.chosen().and_then(|it| it.try_into().ok()),
        }
    }

    /// Looks at another row of the view.
    pub(super) fn choose(&mut self, row: usize) {
        let Some(shown) = &self.shown else { return };
        match self.view {
            View::Path => self.stage = row.min(shown.path.len().saturating_sub(1)),
            View::Table => self.row.to(row, &shown.table),
            View::Flows => self.flow.to(row, &shown.flows),
            View::Cpus => self.cpu = row.min(self.cpus.iter().len().saturating_sub(1)),
            View::Events => self.events.to(row as u64),
        }
    }

    /// What died as the drop that is looked at did: of its reason in its stage,
    /// or, without a reason, of its function.
    fn drop_detail(&self) -> Option<Detail> {
        let drop = self.events.drop()?;
        let why = match drop.reason {
            Some(_) => Key::Reason,
            None => Key::Function,
        };
        // What told the stage of a drop may not tell that of a count.
        [By::of([Key::Stage, why]), By::of([why])]
            .iter()
            .find_map(|by| {
                let lines = self.counts.lines(by, Order::Drops, usize::MAX, None);
                let line = lines
                    .iter()
                    .find(|line| line.run.other.is_none() && is_of(&line.run, drop))?;
                Some(Detail::of(by, vec![line.group], &line.run, None))
            })
    }

    /// Looks into the row.
    pub(super) fn open(&mut self) {
        let Some(shown) = &self.shown else { return };
        let line = |by: &By, line: Option<&Line>| {
            let line = line.filter(|line| line.run.other.is_none())?;
            Some(Detail::of(by, vec![line.group], &line.run, None))
        };
        let detail = match self.view {
            View::Path => shown.path.get(self.stage).map(|count| {
                let groups = count.lines.iter().map(|line| line.group).collect();
                let row = count.lines.first().map(|line| &line.run);
                let by = by_side();
                let empty = Row {
                    fields: Vec::new(),
                    sums: count.run,
                    tells_harm: false,
                    other: None,
                };
                Detail::of(&by, groups, row.unwrap_or(&empty), Some(count.passage()))
            }),
            View::Table => line(&self.by, self.row.line(&shown.table)),
            View::Flows => line(&By::flow(), self.flow.line(&shown.flows)),
            View::Cpus => {
                let by = By::of([Key::Cpu]);
                let wanted = self.cpus.iter().nth(self.cpu).map(|(number, _)| number);
                let lines = self.counts.lines(&by, Order::Drops, usize::MAX, None);
                let found = lines.iter().find(|line| line.group.cpu == wanted);
                line(&by, found)
            }
            View::Events => self.drop_detail(),
        };
        if detail.is_none() && self.view == View::Events && !self.events.is_empty() {
            self.say("the counts of this drop come with the next interval");
        }
        self.detail = detail;
        if let Some(detail) = &mut self.detail {
            detail.refresh(&self.counts, &self.events);
        }
    }
}

/// How many rows down a key goes.
fn rows(code: KeyCode) -> Option<isize> {
    Some(match code {
        KeyCode::Down | KeyCode::Char('j') => 1,
        KeyCode::Up | KeyCode::Char('k') => -1,
        KeyCode::PageDown => PAGE,
        KeyCode::PageUp => -PAGE,
        KeyCode::Home => isize::MIN / 2,
        KeyCode::End => isize::MAX / 2,
        _ => return None,
    })
}
