//! Rows by any keys, and flows.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{
    number,
    rows::{Hidden, Rows},
};
use crate::{
    tally::{
        regroup::{Line as Counted, Order},
        sheet::LetGo,
    },
    tui::{
        state::{State, grouping::SWITCHES, mouse::Targets},
        theme::Theme,
    },
};

/// Rows by the keys that are switched on.
pub(super) fn table(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &mut State,
    theme: Theme,
    targets: &mut Targets,
) {
    let Some(shown) = &state.shown else { return };
    let switches = switches(state, theme, usize::from(area.width));
    let height = u16::try_from(switches.len()).unwrap_or(u16::MAX);
    let note = let_go(shown.let_go[0], "rows");
    let [keys, order, rows, below] = Layout::vertical([
        Constraint::Length(height),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(u16::from(note.is_some())),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(switches), keys);
    frame.render_widget(Paragraph::new(first(state, theme, "rows")), order);
    if shown.table.is_empty() {
        nothing(frame, rows, theme);
        return;
    }
    let table = Rows {
        lines: &shown.table,
        seconds: shown.now.seconds,
        selected: Some(state.row.at()),
        sparks: Some(&state.sparks),
        skipped: state.columns.skipped,
        theme,
    };
    let hidden = table.draw(frame, rows, targets);
    others(frame, order, hidden, theme);
    state.columns.drawn(hidden.before, hidden.behind);
    if let Some(note) = note {
        frame.render_widget(Paragraph::new(Span::styled(note, theme.quiet())), below);
    }
}

/// That rows gave way to others, and what that means for what is shown.
fn let_go(of: LetGo, what: &str) -> Option<String> {
    let LetGo { groups, most } = of;
    (groups > 0).then(|| {
        let (groups, most) = (number::count(groups, 6), number::count(most, 6));
        format!(" {groups} {what} of at most {most} drops are summed up; if back, they count anew")
    })
}

/// The keys that can be switched, in as many lines as it takes.
fn switches<'a>(state: &State, theme: Theme, width: usize) -> Vec<Line<'a>> {
    let mut lines = vec![Line::raw(" ")];
    for switch in SWITCHES {
        let style = if switch.is_on(&state.by) {
            theme.selected()
        } else {
            theme.quiet()
        };
        let letter = format!("{}:", switch.letter);
        let needed = letter.len() + switch.short.len();
        if lines
            .last()
            .is_none_or(|line| line.width() + needed > width)
        {
            lines.push(Line::raw(" "));
        }
        if let Some(line) = lines.last_mut() {
            line.push_span(Span::styled(letter, theme.key()));
            line.push_span(Span::styled(switch.short, style));
            line.push_span(Span::raw(" "));
        }
    }
    lines
}

/// Flows, and what the drops did to them.
pub(super) fn flows(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &mut State,
    theme: Theme,
    targets: &mut Targets,
) {
    let Some(shown) = &state.shown else { return };
    let [order, rows, note] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(first(state, theme, "flows")), order);
    if shown.flows.is_empty() {
        nothing(frame, rows, theme);
        return;
    }
    let table = Rows {
        lines: &shown.flows,
        seconds: shown.now.seconds,
        selected: Some(state.flow.at()),
        sparks: None,
        skipped: state.columns.skipped,
        theme,
    };
    let hidden = table.draw(frame, rows, targets);
    others(frame, order, hidden, theme);
    if let Some(text) = let_go(shown.let_go[1], "flows") {
        frame.render_widget(Paragraph::new(Span::styled(text, theme.quiet())), note);
    } else if shown.flows.iter().any(half_seen) {
        let text = " retransmissions -: what a sender elsewhere sent again is not visible here";
        frame.render_widget(Paragraph::new(Span::styled(text, theme.quiet())), note);
    }
    state.columns.drawn(hidden.before, hidden.behind);
}

/// Tells of columns that there is no room for, at the right end of a line.
fn others(frame: &mut Frame<'_>, area: Rect, hidden: Hidden, theme: Theme) {
    let text = match (hidden.before, hidden.behind) {
        (0, 0) => return,
        (0, behind) => format!(" {behind} more → "),
        (before, 0) => format!(" ← {before} more "),
        (before, behind) => format!(" ← {before} more, {behind} more → "),
    };
    let width = u16::try_from(text.chars().count()).unwrap_or(area.width);
    let right = Rect {
        x: area.right().saturating_sub(width).max(area.x),
        width: width.min(area.width),
        ..area
    };
    frame.render_widget(Paragraph::new(Span::styled(text, theme.key())), right);
}

fn half_seen(line: &Counted) -> bool {
    line.run.sums.harm.is_half_seen()
}

fn first<'a>(state: &State, theme: Theme, what: &str) -> Line<'a> {
    let order = match state.order {
        Order::Drops => "most drops in the run",
        Order::Rate => "most drops now",
        Order::Hurt => "most retransmissions and resets",
    };
    Line::from(vec![
        Span::raw(format!(" first the {what} with ")),
        Span::styled(order, theme.title()),
        Span::raw(" ("),
        Span::styled("o", theme.key()),
        Span::raw(" changes it)"),
    ])
}

/// Says that there is nothing to see, and why that may be.
pub(super) fn nothing(frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let text = " no drops so far; benign ones are hidden unless --severity asks for them";
    frame.render_widget(Paragraph::new(Span::styled(text, theme.quiet())), area);
}
