//! What a click and a wheel do.

use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind},
    layout::{Position, Rect},
};

use super::{Action, State, View};

/// Rows that a notch of the wheel goes.
const NOTCH: usize = 3;

/// Something that can be clicked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Shows a view.
    View(View),
    /// Chooses a row of the view; a second time looks into it.
    Row(usize),
}

/// Where what can be clicked at is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets(Vec<(Rect, Target)>);

impl Targets {
    /// Adds one.
    pub fn add(&mut self, area: Rect, target: Target) {
        self.0.push((area, target));
    }

    /// Adds rows, the first of them at the top of the area, a line each.
    pub fn add_rows(&mut self, area: Rect, rows: impl IntoIterator<Item = usize>) {
        for (y, row) in (area.y..area.bottom()).zip(rows) {
            let line = Rect {
                y,
                height: 1,
                ..area
            };
            self.add(line, Target::Row(row));
        }
    }

    /// The row in the next column to the right, or else to the left, that is
    /// nearest to this one; of a row that is not there, the last one that is.
    pub(super) fn beside(&self, row: usize, is_right: bool) -> Option<usize> {
        let rows = self.0.iter().filter_map(|(area, target)| match target {
            Target::Row(row) => Some((*area, *row)),
            Target::View(_) => None,
        });
        let Some((here, _)) = rows.clone().find(|(_, it)| *it == row) else {
            return rows.map(|(_, row)| row).max();
        };
        let there = rows.filter(|(area, _)| area.x != here.x && (area.x > here.x) == is_right);
        let nearest =
            there.min_by_key(|(area, _)| (area.x.abs_diff(here.x), area.y.abs_diff(here.y)));
        nearest.map(|(_, row)| row)
    }

    fn at(&self, position: Position) -> Option<Target> {
        let mut targets = self.0.iter();
        targets.find_map(|(area, target)| area.contains(position).then_some(*target))
    }
}

impl State {
    /// Takes what the mouse did.
    pub fn mouse(&mut self, event: MouseEvent) -> Action {
        let code = match event.kind {
            MouseEventKind::ScrollUp => KeyCode::Up,
            MouseEventKind::ScrollDown => KeyCode::Down,
            MouseEventKind::Down(MouseButton::Left) => {
                self.click(Position::new(event.column, event.row));
                return Action::None;
            }
            _ => return Action::None,
        };
        // An arrow means something else to a line that is edited.
        if self.editor.is_none() {
            for _ in 0..NOTCH {
                self.key(KeyEvent::new(code, KeyModifiers::NONE));
            }
        }
        Action::None
    }

    fn click(&mut self, position: Position) {
        if self.editor.is_some() {
            return;
        }
        let Some(target) = self.targets.at(position) else {
            return;
        };
        self.key_was_pressed();
        self.touch();
        match target {
            Target::View(view) => self.show(view),
            Target::Row(row) if self.chosen() == Some(row) => self.open(),
            Target::Row(row) => self.choose(row),
        }
    }
}
