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
    tui::{
        state::{State, mouse::Targets},
        theme::Theme,
    },
};

/// From here on there is room for everything.
const WIDE: u16 = 110;

pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &mut State,
    theme: Theme,
    targets: &mut Targets,
) {
    let room = usize::from(area.height).saturating_sub(1);
    let events = &mut state.events;
    events.settle(room);
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
    let chosen = events.chosen();
    let mut numbers = Vec::new();
    for (number, drop) in events.shown(room) {
        let mut style = theme.severity(Some(drop.severity));
        let text = format!(" {}", short(drop, area.width >= WIDE));
        let mut text = cut(&text, width);
        if chosen == Some(number) {
            style = style.patch(theme.selected());
            text = format!("{text:<width$}");
        }
        lines.push(Line::from(Span::styled(text, style)));
        numbers.push(usize::try_from(number).unwrap_or(usize::MAX));
    }
    let rows = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    targets.add_rows(rows, numbers);
    frame.render_widget(Paragraph::new(lines), area);
}
