//! The last drops, a line each.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::cut::cut;
use crate::{
    output::line::short,
    tui::{state::State, theme::Theme},
};

/// From here on there is room for everything.
const WIDE: u16 = 110;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let events = &state.events;
    let newer = match events.newer() {
        0 => String::new(),
        newer => format!("; {newer} newer below"),
    };
    let title = if !state.has_events {
        " single drops are not sampled here; `netdrop trace` shows each of them".to_owned()
    } else if events.is_empty() {
        " no drop seen yet".to_owned()
    } else {
        format!(" a sample of the drops, newest last{newer}")
    };
    let width = usize::from(area.width);
    let mut lines = vec![Line::from(Span::styled(title, theme.quiet()))];
    let room = usize::from(area.height).saturating_sub(1);
    lines.extend(events.shown(room).map(|drop| {
        let style = theme.severity(Some(drop.severity));
        Line::from(Span::styled(
            cut(&format!(" {}", short(drop, area.width >= WIDE)), width),
            style,
        ))
    }));
    frame.render_widget(Paragraph::new(lines), area);
}
