//! Every key, what the header says, and what happened lately.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};
use textwrap::Options;

use super::{header::lost, replay};
use crate::{
    output::escape::escape,
    tui::{
        state::{State, grouping::SWITCHES},
        theme::Theme,
    },
};

const KEYS: [(&str, &str); 18] = [
    ("1 … 5, Tab", "view: path, table, flows, CPU, events"),
    ("↑ ↓ j k", "row; PageUp, PageDown, Home, End go further"),
    ("← →", "column of the path, or of a table that is too wide"),
    (
        "Enter",
        "look into the row: meaning, causes, commands, flows, CPUs",
    ),
    (
        "c",
        "path: kernel counters of loss against the drops; again: more",
    ),
    ("Esc", "back"),
    (
        "y",
        "in a detail: copy the next command, if the terminal takes it",
    ),
    (
        "o",
        "table and flows: order by total, by rate, by who was hurt",
    ),
    (
        "/",
        "edit the filter; Enter applies it and counts from zero",
    ),
    (
        "space",
        "pause the display and go on; counting never pauses",
    ),
    ("s", "save the summary so far as JSON in the current folder"),
    (
        "r",
        "record into a file from now on; again: end the recording",
    ),
    (
        "m",
        "mouse on (click at views and rows, wheel) or off (select text)",
    ),
    ("? F1", "this help"),
    (
        "q Ctrl-C",
        "end, and print the summary; where text is edited, Ctrl-C cancels",
    ),
    ("", ""),
    (
        "now/s",
        "drops a second in the last interval; total: since the start",
    ),
    (
        "ratio",
        "drops that are not benign, per hundred passes of packets",
    ),
];

const MORE: [(&str, &str); 5] = [
    (
        "hidden",
        "drops that --severity leaves out of every view but the totals",
    ),
    ("filtered", "drops that the filter turned down"),
    (
        "not counted",
        "undecided by the filter, or missed by recursion in the kernel",
    ),
    (
        "detail lost",
        "drops that are in the totals, but not in every row",
    ),
    (
        "own CPU",
        "netdrop's own process, of one CPU; its kernel part is not in it",
    ),
];

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &mut State, theme: Theme) {
    let lines = lines(state, theme, usize::from(area.width));
    let most = lines.len().saturating_sub(usize::from(area.height));
    let scroll = state.help.unwrap_or_default().min(most);
    state.help = Some(scroll);
    let lines: Vec<Line<'_>> = lines.into_iter().skip(scroll).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn lines<'a>(state: &State, theme: Theme, width: usize) -> Vec<Line<'a>> {
    let pair = |(key, does): (&str, &str)| {
        Line::from(vec![
            Span::styled(format!(" {key:<12}"), theme.key()),
            Span::raw(format!(" {does}")),
        ])
    };
    let own: &[(&str, &str)] = match state.replay {
        Some(_) => &replay::KEYS,
        None => &[],
    };
    // What a live host has, and what means something else here.
    let is_elsewhere = |key: &str| {
        let mut keys = own.iter().map(|(key, _)| *key).chain(replay::NOT_HERE);
        !own.is_empty() && keys.any(|other| other == key)
    };
    let live = KEYS.into_iter().chain(MORE);
    let live = live.filter(|(key, _)| !is_elsewhere(key));
    let mut lines: Vec<Line<'a>> = own.iter().copied().chain(live).map(pair).collect();
    lines.push(Line::default());
    lines.push(Line::from(Span::styled(
        " keys that the table groups by, on and off",
        theme.title(),
    )));
    for some in SWITCHES.chunks(3) {
        let mut spans = Vec::new();
        for switch in some {
            spans.push(Span::styled(format!(" {}", switch.letter), theme.key()));
            spans.push(Span::raw(format!(" {:<20}", switch.name)));
        }
        lines.push(Line::from(spans));
    }
    if let Some(shown) = &state.shown
        && lost(&shown.run.accounting) > 0
    {
        let of = &shown.run.accounting;
        let text = format!(
            " detail lost: sites {}, flows {}, consequences {}, events {}, output {}",
            of.site_other,
            of.flow_other.unwrap_or_default(),
            of.consequence_other.unwrap_or_default(),
            of.ring_lost,
            of.output_lost
        );
        lines.push(Line::from(Span::styled(text, theme.warning())));
    }
    if !state.messages.is_empty() {
        lines.push(Line::default());
        lines.push(Line::from(Span::styled(" messages", theme.title())));
    }
    let options = Options::new(width.saturating_sub(1))
        .initial_indent(" ")
        .subsequent_indent("   ")
        .break_words(true);
    for message in state.messages.iter().rev() {
        let message = escape(message);
        let wrapped = textwrap::wrap(&message, &options).into_iter();
        lines.extend(wrapped.map(|line| Line::from(line.into_owned())));
    }
    lines
}
