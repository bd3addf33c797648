//! The kernel's own counters of loss: what each counted, what the drops explain
//! and what remains.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};
use textwrap::Options;

use super::{cut::cut, number};
use crate::{
    output::{escape::escape, reconcile, table::shorten},
    reconcile::{Line as Counter, unexplained},
    tally::row::rate,
    tui::{
        state::{
            State,
            compared::{Compared, Room},
        },
        theme::Theme,
    },
};

/// Lines without which there is nothing to see: titles and three counters.
pub(super) const LOWEST: u16 = 5;

/// From here on names are whole.
const WIDE: usize = 120;

/// Widths of the columns.
struct Widths {
    counter: usize,
    scope: usize,
    rate: usize,
    count: usize,
    by: usize,
}

impl Widths {
    fn of(width: usize) -> Self {
        let (counter, scope, rate, count) = if width < WIDE {
            (22, 9, 5, 6)
        } else {
            (30, 26, 8, 10)
        };
        let taken = 1 + counter + 1 + scope + 1 + rate + 3 * (1 + count) + 2;
        Self {
            counter,
            scope,
            rate,
            count,
            by: width.saturating_sub(taken),
        }
    }

    fn row(&self, cells: [&str; 6], by: &str) -> String {
        let Self {
            counter,
            scope,
            rate,
            count,
            by: room,
        } = *self;
        let [name, of, now, delta, traced, rest] = cells;
        // What the counter's name says, a narrow column need not.
        let of = match of.split_once(' ') {
            Some((device, _)) if of.chars().count() > scope => device,
            _ => of,
        };
        let (name, of, by) = (shorten(name, counter), shorten(of, scope), cut(by, room));
        let row = format!(
            " {name:<counter$} {of:<scope$} {now:>rate$} {delta:>count$} {traced:>count$} {rest:>count$}  {by}"
        );
        row.trim_end().to_owned()
    }
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &mut State, theme: Theme) {
    let width = usize::from(area.width);
    let is_all = state.counters.room == Room::All;
    let mut lines = lines(state, theme, width, is_all);
    let height = usize::from(area.height);
    if is_all {
        let most = lines.len().saturating_sub(height);
        let scroll = state.counters.scroll.min(most);
        state.counters.scroll = scroll;
        lines.drain(..scroll);
    } else {
        lines.truncate(height);
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn lines<'a>(state: &State, theme: Theme, width: usize, is_all: bool) -> Vec<Line<'a>> {
    let compared = state.shown.as_ref().and_then(|it| it.compared.as_ref());
    let Some(compared) = compared else {
        return vec![
            Line::from(Span::styled(" kernel counters", theme.title())),
            Line::from(Span::styled(waiting(state), theme.quiet())),
        ];
    };
    let mut lines = vec![title(compared, is_all, theme)];
    let counters = &compared.run.lines;
    if counters.is_empty() {
        let text = " no counter of loss moved";
        lines.push(Line::from(Span::styled(text, theme.quiet())));
    } else {
        let widths = Widths::of(width);
        let heads = ["COUNTER", "SCOPE", "NOW/S", "DELTA", "TRACED", "UNEXPL"];
        let heads = widths.row(heads, "BY, OR WHY NOT");
        lines.push(Line::from(Span::styled(heads, theme.title())));
        let seconds = state.shown.as_ref().map_or(0.0, |it| it.now.seconds);
        for counter in counters {
            let now = compared.now(counter);
            lines.push(row(counter, now, seconds, &widths, is_all, theme));
            if is_all {
                lines.extend(more(counter, &widths, width, theme));
            }
        }
    }
    if is_all {
        lines.push(Line::default());
        for sentence in reconcile::sentences(counters, &compared.run.terms) {
            lines.extend(wrapped(&sentence, " ", width, theme));
        }
        let text = "DELTA is what a counter counted since then, TRACED what drops explain of it";
        lines.extend(wrapped(text, " ", width, theme));
    }
    lines
}

/// Why there is nothing yet.
fn waiting(state: &State) -> String {
    if state.filter.is_some() {
        " not with a filter: drops that were left out explain no counter".to_owned()
    } else if let Some(why) = &state.counters.why_not {
        format!(" cannot be read: {}", escape(why))
    } else {
        " being read; they are known at the end of this interval".to_owned()
    }
}

fn title<'a>(compared: &Compared, is_all: bool, theme: Theme) -> Line<'a> {
    let since = compared.since.strftime("%H:%M:%S");
    let mut spans = vec![
        Span::styled(" kernel counters", theme.title()),
        Span::raw(format!(
            " of {} and host since {since}: ",
            escape(&compared.netns)
        )),
    ];
    spans.push(match unexplained(&compared.run.lines) {
        _ if compared.run.lines.is_empty() => Span::raw("none"),
        0 => Span::raw("all explained"),
        rest => Span::styled(format!("{rest} unexplained"), theme.warning()),
    });
    if !is_all && !compared.run.lines.is_empty() {
        let counters = compared.run.lines.len();
        spans.push(Span::styled("; c", theme.key()));
        spans.push(Span::raw(format!(" tells {counters}")));
    }
    Line::from(spans)
}

fn row<'a>(
    counter: &Counter,
    now: Option<u64>,
    seconds: f64,
    widths: &Widths,
    is_all: bool,
    theme: Theme,
) -> Line<'a> {
    let Widths {
        rate: rates, count, ..
    } = *widths;
    let now = now.and_then(|now| rate(now, seconds));
    let by = reconcile::by(counter);
    // What does not fit is told below.
    let by = match &counter.note {
        Some(note) if !is_all => escape(note).into_owned(),
        _ if is_all && by.chars().count() > widths.by => String::new(),
        _ => by,
    };
    let text = widths.row(
        [
            &escape(&counter.counter),
            &escape(&counter.scope),
            &number::rate(now, rates),
            &number::count(counter.delta, count),
            &number::count(counter.traced, count),
            &number::count(counter.unexplained, count),
        ],
        &by,
    );
    let style = if counter.unexplained > counter.repeated {
        theme.warning()
    } else {
        ratatui::style::Style::new()
    };
    Line::from(Span::styled(text, style))
}

/// What a counter's row had no room for.
fn more<'a>(counter: &Counter, widths: &Widths, width: usize, theme: Theme) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let by = reconcile::by(counter);
    if by.chars().count() > widths.by {
        lines.extend(wrapped(&by, "   ", width, theme));
    }
    if let Some(note) = &counter.note {
        lines.extend(wrapped(&escape(note), "   ", width, theme));
    }
    lines
}

fn wrapped<'a>(text: &str, indent: &str, width: usize, theme: Theme) -> Vec<Line<'a>> {
    let options = Options::new(width.saturating_sub(1))
        .initial_indent(indent)
        .subsequent_indent(indent)
        .break_words(true);
    textwrap::wrap(text, &options)
        .into_iter()
        .map(|line| Line::from(Span::styled(line.into_owned(), theme.quiet())))
        .collect()
}
