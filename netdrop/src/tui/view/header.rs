//! What every view shows above: where this runs, how much is lost, how sure that
//! is, and what looking costs.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{number, replay};
use crate::{
    output::{
        amount::{bytes_text, count_text},
        escape::escape,
    },
    tally::{accounting::Accounting, names::Severity, row::rate},
    tui::{
        state::{
            Host, State, View,
            mouse::{Target, Targets},
            recording::Recording,
        },
        theme::Theme,
    },
};

/// From here on there is room for everything.
const WIDE: u16 = 100;
/// In front of everything.
const TITLE: &str = " netdrop";
/// Lines of it.
pub(super) const HEIGHT: u16 = 4;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let recording = state.recording.as_ref().map(recorded);
    let recording = recording.or_else(|| state.replay.as_ref().map(replay::place));
    let room = usize::from(area.width).saturating_sub(
        recording
            .as_ref()
            .map_or(0, |text| text.chars().count() + 1),
    );
    let lines = vec![
        place(state, theme, room),
        filter(state, theme),
        drops(state, theme, area.width),
        accounting(state, theme),
    ];
    frame.render_widget(Paragraph::new(lines), area);
    if let Some(text) = recording {
        right(frame, area, 0, text, theme);
    }
    if let Some(since) = state.paused {
        let text = format!(" PAUSED at {} ", since.strftime("%H:%M:%S"));
        right(frame, area, 1, text, theme);
    }
    if let Some(replay) = &state.replay {
        right(frame, area, 1, replay::doing(replay), theme);
    }
}

/// Something that must not be missed, at the right end of a line.
fn right(frame: &mut Frame<'_>, area: Rect, line: u16, text: String, theme: Theme) {
    let width = u16::try_from(text.chars().count()).unwrap_or(area.width);
    let right = Rect {
        x: area.right().saturating_sub(width).max(area.x),
        y: area.y + line,
        width: width.min(area.width),
        height: 1,
    };
    frame.render_widget(Paragraph::new(Span::styled(text, theme.selected())), right);
}

/// How far a recording is.
fn recorded(recording: &Recording) -> String {
    format!(
        " REC {}  {}  {} ",
        clock(recording.seconds),
        count_text(recording.drops, "drop"),
        bytes_text(recording.bytes)
    )
}

/// The views and their keys.
pub(super) fn tabs(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: Theme,
    targets: &mut Targets,
) {
    let mut spans = Vec::new();
    let mut x = area.x;
    for (number, view) in (1..).zip(View::ALL) {
        let text = format!(" {number} {} ", view.name());
        let width = u16::try_from(text.len()).unwrap_or_default();
        let tab = Rect { x, width, ..area };
        targets.add(tab.intersection(area), Target::View(view));
        x = x.saturating_add(width + 1);
        if view == state.view {
            spans.push(Span::styled(text, theme.selected()));
        } else {
            spans.push(Span::styled(text, theme.key()));
        }
        spans.push(Span::raw(" "));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
    for help in ["? help  q quit ", "? help "] {
        let width = u16::try_from(help.len()).unwrap_or_default();
        if x.saturating_add(width) > area.right() {
            continue;
        }
        let right = Rect {
            x: area.right() - width,
            width,
            ..area
        };
        frame.render_widget(Paragraph::new(Span::styled(help, theme.key())), right);
        break;
    }
}

fn place<'a>(state: &State, theme: Theme, room: usize) -> Line<'a> {
    let Host { name, kernel } = &state.host;
    let of = state.replay.as_ref().map_or("", |_| "replay of ");
    let mut text = format!("  {of}{}", escape(name));
    let interval = state.interval.as_secs_f64();
    let shown = state.shown.as_ref();
    let parts = [
        Some(format!("  Linux {}", escape(kernel))),
        (interval > 0.0).then(|| format!("  every {interval} s")),
        shown.map(|shown| format!("  run {}", length(shown.run.seconds))),
    ];
    // The recording's place is to the right.
    let room = room.saturating_sub(TITLE.len());
    for part in parts.into_iter().flatten() {
        if text.chars().count() + part.chars().count() <= room {
            text.push_str(&part);
        }
    }
    Line::from(vec![Span::styled(TITLE, theme.title()), Span::raw(text)])
}

/// So many seconds as a clock shows them.
fn length(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a run's length in whole seconds"
    )]
    clock(seconds.round() as u64)
}

fn clock(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

fn filter<'a>(state: &State, theme: Theme) -> Line<'a> {
    let text = match &state.filter {
        Some(text) => Span::raw(escape(text).into_owned()),
        None => Span::styled("none", theme.quiet()),
    };
    Line::from(vec![Span::styled(" filter   ", theme.title()), text])
}

fn drops<'a>(state: &State, theme: Theme, width: u16) -> Line<'a> {
    let title = Span::styled(" drops    ", theme.title());
    let Some(shown) = &state.shown else {
        let text = match &state.replay {
            Some(_) => "no interval so far",
            None => "counting; nothing known yet",
        };
        return Line::from(vec![title, Span::raw(text)]);
    };
    let (now, run) = (&shown.now.totals.sums, &shown.run.totals.sums);
    let per_second = number::rate(rate(now.drops(), shown.now.seconds), 7);
    let ratio = shown.now.drop_ratio();
    let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2} %"));
    let mut spans = vec![
        title,
        Span::styled(format!("{per_second}/s"), theme.hot(now.worst())),
        Span::raw(format!(
            "  total {}  ratio {ratio} ",
            number::count(run.drops(), 12)
        )),
    ];
    let parts = [
        (Severity::Harmful, run.harmful),
        (Severity::Suspicious, run.suspicious),
        (Severity::Benign, run.benign),
    ];
    for (severity, drops) in parts {
        // Where there is no room: as a rule it is what is hidden, below.
        if severity == Severity::Benign && width < WIDE {
            continue;
        }
        let style = if drops > 0 {
            theme.severity(Some(severity))
        } else {
            theme.quiet()
        };
        let text = format!(" {} {}", severity.as_str(), number::count(drops, 6));
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

fn accounting<'a>(state: &State, theme: Theme) -> Line<'a> {
    let title = Span::styled(" accounts ", theme.title());
    let Some(shown) = &state.shown else {
        return Line::from(vec![title]);
    };
    let of = &shown.run.accounting;
    let own = shown
        .own
        .map_or_else(|| "-".to_owned(), |own| format!("{:.1} %", own * 100.0));
    let mut spans = vec![
        title,
        Span::raw(format!(
            "hidden {}  filtered {}",
            number::count(shown.run.totals.hidden, 6),
            number::count(of.filtered, 6),
        )),
    ];
    let marked = |name: &str, count: u64| {
        let text = format!("  {name} {}", number::count(count, 6));
        if count > 0 {
            Span::styled(text, theme.warning())
        } else {
            Span::raw(text)
        }
    };
    let missed = of.undecided + of.recursion_missed.unwrap_or_default();
    spans.push(marked("not counted", missed));
    spans.push(marked("detail lost", lost(of)));
    if state.replay.is_none() {
        spans.push(Span::raw(format!("  own CPU {own}")));
    }
    Line::from(spans)
}

/// Drops that are in the totals but not in every row, and events lost.
pub(super) fn lost(of: &Accounting) -> u64 {
    of.site_other
        + of.flow_other.unwrap_or_default()
        + of.consequence_other.unwrap_or_default()
        + of.ring_lost
        + of.output_lost
}
