//! From the state to characters: a file per view, each a function of the state.

mod counters;
mod cpus;
mod cut;
mod detail;
mod editor;
mod events;
mod footer;
mod header;
mod help;
mod number;
mod packets;
mod path;
mod replay;
mod rows;
mod table;

use ratatui::{
    Frame,
    layout::{Constraint, Layout},
    widgets::Paragraph,
};

use super::{
    state::{State, View, mouse::Targets},
    theme::Theme,
};

/// Columns without which nothing can be read.
const NARROWEST: u16 = 40;
/// Lines, likewise.
const LOWEST: u16 = 12;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, state: &mut State, theme: Theme) {
    let area = frame.area();
    state.targets = Targets::default();
    if area.width < NARROWEST || area.height < LOWEST {
        let text = "netdrop: this terminal is too small (q ends)";
        frame.render_widget(
            Paragraph::new(text).wrap(ratatui::widgets::Wrap { trim: true }),
            area,
        );
        return;
    }
    let [head, tabs, body, foot] = Layout::vertical([
        Constraint::Length(header::HEIGHT),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area);
    state.room = usize::from(body.height);
    header::draw(frame, head, state, theme);
    let mut targets = Targets::default();
    header::tabs(frame, tabs, state, theme, &mut targets);
    if state.help.is_some() {
        help::draw(frame, body, state, theme);
    } else if state.detail.is_some() {
        detail::draw(frame, body, state, theme);
    } else {
        match state.view {
            View::Path => path::draw(frame, body, state, theme, &mut targets),
            View::Table => table::table(frame, body, state, theme, &mut targets),
            View::Flows => table::flows(frame, body, state, theme, &mut targets),
            View::Cpus => cpus::draw(frame, body, state, theme, &mut targets),
            View::Events => events::draw(frame, body, state, theme, &mut targets),
        }
    }
    state.targets = targets;
    footer::draw(frame, foot, state, theme);
    if state.editor.is_some() {
        editor::draw(frame, area, state, theme);
    }
}

#[cfg(test)]
mod tests;
