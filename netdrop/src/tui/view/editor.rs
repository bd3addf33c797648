//! The filter, or the name of a recording, while it is edited: over the foot of
//! the view.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Paragraph, Wrap},
};

use crate::{
    output::escape::is_unsafe,
    tui::{
        state::{
            State,
            editor::{Purpose, Refusal},
        },
        theme::Theme,
    },
};

/// Lines: text, caret, two of message.
const HEIGHT: u16 = 4;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let Some(editor) = &state.editor else { return };
    let prompt = match editor.purpose() {
        Purpose::Filter => " filter: ",
        Purpose::Recording => " record into: ",
    };
    let area = Rect {
        y: area.bottom() - 1 - HEIGHT,
        height: HEIGHT,
        ..area
    };
    let room = usize::from(area.width).saturating_sub(prompt.len() + 1);
    let text: Vec<char> = editor.text().chars().map(visible).collect();
    let characters = |bytes: usize| editor.text()[..bytes].chars().count();
    let at = characters(editor.at());
    let marked = editor.refusal().and_then(|refusal| refusal.span.as_ref());
    let marked = marked.map(|span| {
        let start = characters(span.start);
        start..characters(span.end).max(start + 1)
    });
    // The place is always in sight, and all of what is marked where there is room.
    let end = marked.as_ref().map_or(0, |marked| marked.end).max(at + 1);
    let hidden = end.saturating_sub(room).min(at);
    let seen: String = text.iter().skip(hidden).take(room).collect();
    let mut lines = vec![Line::from(vec![
        Span::styled(prompt, theme.title()),
        Span::raw(seen),
    ])];
    if let Some(Refusal { message, .. }) = editor.refusal() {
        let caret = marked.map_or_else(String::new, |marked| {
            let seen = marked.start.max(hidden)..marked.end.min(hidden + room);
            let before = prompt.len() + seen.start - hidden;
            format!("{:before$}{}", "", "^".repeat(seen.len()))
        });
        lines.push(Line::from(Span::styled(caret, theme.warning())));
        for line in message.lines().take(2) {
            let line: String = line.chars().map(visible).collect();
            lines.push(Line::from(Span::styled(
                format!(" {line}"),
                theme.warning(),
            )));
        }
    } else {
        let hints = match editor.purpose() {
            Purpose::Filter if state.recording.is_some() => [
                FILTER,
                " a new filter counts from zero, and ends the recording",
            ],
            Purpose::Filter => [FILTER, " a new filter counts from zero"],
            Purpose::Recording => RECORDING,
        };
        lines.push(Line::default());
        lines.extend(hints.map(|hint| Line::from(Span::styled(hint, theme.quiet()))));
    }
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
    let x = prompt.len() + at - hidden;
    let x = area.x + u16::try_from(x).unwrap_or_default();
    frame.set_cursor_position((x.min(area.right() - 1), area.y));
}

const FILTER: &str =
    " tcpdump's words (host, net, port, tcp …), reason, stage, dev, netns; empty: no filter";
const RECORDING: [&str; 2] = [
    " a file of exact counts from this moment on, for netdrop report and other tools",
    " r ends it, and so does the end of netdrop; no file is overwritten unasked",
];

fn visible(character: char) -> char {
    if is_unsafe(character) { '?' } else { character }
}
