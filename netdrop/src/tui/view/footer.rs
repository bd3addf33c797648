//! The last line: what just happened, else which keys do what.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::replay;
use crate::{
    output::escape::escape,
    tui::{
        state::{State, View, compared::Room, editor::Purpose},
        theme::Theme,
    },
};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let line = match state.messages.last() {
        Some(message) if state.unread > 0 => {
            let more = match state.unread {
                1 => String::new(),
                unread => format!(" (+{}, see ?)", unread - 1),
            };
            let room = usize::from(area.width).saturating_sub(1 + more.len());
            let text = format!(" {}{more}", shorten_end(&escape(message), room));
            Line::from(Span::styled(text, theme.warning()))
        }
        _ => keys(state, theme),
    };
    frame.render_widget(Paragraph::new(line), area);
}

/// The text, or as much of it as there is room for: the help has all of it.
fn shorten_end(text: &str, room: usize) -> String {
    const REST: &str = "… see ?";
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept = room.saturating_sub(REST.chars().count());
    text.chars().take(kept).chain(REST.chars()).collect()
}

fn keys<'a>(state: &State, theme: Theme) -> Line<'a> {
    let cut = state.columns.are_cut();
    let own: &[(&str, &str)] = if let Some(editor) = &state.editor {
        match editor.purpose() {
            Purpose::Filter => &[("Enter", "apply"), ("Esc", "cancel")],
            Purpose::Recording => &[("Enter", "record"), ("Esc", "cancel")],
        }
    } else if state.help.is_some() {
        &[("↑↓", "scroll"), ("Esc", "close")]
    } else if let Some(detail) = &state.detail {
        match detail.commands().next() {
            Some(_) => &[("↑↓", "scroll"), ("Esc", "back"), ("y", "copy command")],
            None => &[("↑↓", "scroll"), ("Esc", "back")],
        }
    } else {
        match state.view {
            View::Path if state.counters.room == Room::All => {
                &[("↑↓", "scroll"), ("c", "path"), ("Esc", "back")]
            }
            View::Path => &[("↑↓←→", "stage"), ("Enter", "detail"), ("c", "counters")],
            View::Table if cut => &[
                ("↑↓", "row"),
                ("←→", "column"),
                ("Enter", "detail"),
                ("o", "order"),
            ],
            View::Table => &[("↑↓", "row"), ("Enter", "detail"), ("o", "order")],
            View::Flows if cut => &[
                ("↑↓", "flow"),
                ("←→", "column"),
                ("Enter", "detail"),
                ("o", "order"),
            ],
            View::Flows => &[("↑↓", "flow"), ("Enter", "drill down"), ("o", "order")],
            View::Cpus => &[("↑↓", "CPU"), ("Enter", "detail")],
            View::Events => &[("↑↓", "drop"), ("Enter", "detail"), ("End", "newest")],
        }
    };
    let always = [
        ("/", "filter"),
        (
            "space",
            if state.paused.is_some() {
                "go on"
            } else {
                "pause"
            },
        ),
        ("s", "save"),
        (
            "r",
            if state.recording.is_some() {
                "end REC"
            } else {
                "record"
            },
        ),
    ];
    let own = own.iter().copied();
    let mut spans = vec![Span::raw(" ")];
    let editing = state.editor.is_some();
    let always: &[(&str, &str)] = match &state.replay {
        Some(replay) => &replay::keys(replay),
        None => &always,
    };
    for (key, does) in own.chain(always.iter().copied().filter(|_| !editing)) {
        spans.push(Span::styled(key.to_owned(), theme.key()));
        spans.push(Span::raw(format!(" {does}  ")));
    }
    Line::from(spans)
}
