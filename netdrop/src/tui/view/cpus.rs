//! What each CPU lost over time, and whether it kept up.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::number;
use crate::{
    tally::row::rate,
    tui::{
        state::{State, cpus::Cpu, mouse::Targets},
        theme::Theme,
    },
};

/// Heat from nothing to most.
const HEAT: [char; 5] = ['·', '░', '▒', '▓', '█'];
/// What stands before the strip, and how wide it is.
const COLUMNS: [(&str, usize); 7] = [
    ("CPU", 3),
    ("now/s", 6),
    ("total", 7),
    ("squeeze", 7),
    ("full", 5),
    ("queued", 6),
    ("refused", 8),
];
/// A strip is not narrower than this: columns give way, the last ones first.
const NARROWEST: usize = 8;

/// Lines below the CPUs.
const LEGEND: usize = MEANINGS.len() + 1;
/// From here on, lines below the title are kept for the legend, however many
/// CPUs there are.
const ROOMY: usize = 2 * (LEGEND + 1);

const MEANINGS: [(&str, &str); 4] = [
    (
        "squeeze",
        "softirq ended with packets left to poll, in the run",
    ),
    ("full", "polls that used up their budget, in the run"),
    (
        "queued",
        "packets in the CPU's backlog at the interval's end",
    ),
    (
        "refused",
        "packets of the run that its backlog had no room for",
    ),
];

pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: Theme,
    targets: &mut Targets,
) {
    let Some(shown) = &state.shown else { return };
    let cpus = state.shown_cpus();
    let hottest = cpus.hottest();
    let columns = columns(usize::from(area.width));
    let head: usize = columns.iter().map(|(_, width)| width + 1).sum();
    let room = usize::from(area.width).saturating_sub(head + 2);
    let titles = columns
        .iter()
        .map(|(title, width)| format!(" {title:>width$}"));
    let cut = if columns.len() < COLUMNS.len() {
        "…"
    } else {
        " "
    };
    let title = titles.collect::<String>() + cut + " drops, newest right";
    let mut lines = vec![Line::from(Span::styled(title, theme.title()))];
    let below = usize::from(area.height).saturating_sub(1);
    // Where there is little room, CPUs come first.
    let height = if below < ROOMY {
        below
    } else {
        below - (LEGEND + 1)
    };
    let above = state.cpu.saturating_sub(height.saturating_sub(1));
    let rows = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    targets.add_rows(rows, (above..cpus.iter().len()).take(height));
    for (place, (number, cpu)) in cpus.iter().enumerate().skip(above).take(height) {
        let cells = cells(number, cpu, shown.now.seconds);
        let cells = columns.iter().zip(&cells);
        let head = cells.map(|((_, width), cell)| format!(" {cell:>width$}"));
        let head = head.collect::<String>() + "  ";
        let mut style = if cpu.squeezed_now + cpu.full_now + cpu.unqueued_now > 0 {
            theme.warning()
        } else {
            Style::new()
        };
        if place == state.cpu {
            style = style.patch(theme.selected());
        }
        let mut spans = vec![Span::styled(head, style)];
        spans.extend(strip(cpu, room, hottest, theme));
        lines.push(Line::from(spans));
    }
    lines.push(Line::default());
    let scale = format!(
        " one character an interval; {} none, {} most ({hottest} drops)",
        HEAT[0], HEAT[4]
    );
    lines.push(Line::from(Span::styled(scale, theme.quiet())));
    for (name, meaning) in MEANINGS {
        let meaning = format!(" {name:<9}{meaning}");
        lines.push(Line::from(Span::styled(meaning, theme.quiet())));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// Those that there is room for.
fn columns(width: usize) -> &'static [(&'static str, usize)] {
    let mut columns = COLUMNS.as_slice();
    while let [first @ .., _] = columns
        && columns.iter().map(|(_, width)| width + 1).sum::<usize>() + 2 + NARROWEST > width
    {
        columns = first;
    }
    columns
}

fn cells(number: u32, cpu: &Cpu, seconds: f64) -> [String; COLUMNS.len()] {
    let now = cpu.recent.back().copied().unwrap_or_default();
    [
        number.to_string(),
        number::rate(rate(now, seconds), 6),
        number::count(cpu.drops, 7),
        number::count(cpu.squeezed, 7),
        number::count(cpu.full, 5),
        cpu.queued
            .map_or_else(|| "-".to_owned(), |queued| number::count(queued.into(), 6)),
        number::count(cpu.unqueued, 8),
    ]
}

fn strip<'a>(cpu: &Cpu, room: usize, hottest: u64, theme: Theme) -> Vec<Span<'a>> {
    let skipped = cpu.recent.len().saturating_sub(room);
    let blank = room.saturating_sub(cpu.recent.len());
    let mut spans = vec![Span::raw(" ".repeat(blank))];
    for drops in cpu.recent.iter().skip(skipped) {
        let level = level(*drops, hottest);
        let style = match level {
            0 => theme.quiet(),
            1 | 2 => theme.severity(Some(crate::tally::names::Severity::Suspicious)),
            _ => theme.hot(Some(crate::tally::names::Severity::Harmful)),
        };
        spans.push(Span::styled(HEAT[level].to_string(), style));
    }
    spans
}

/// By magnitude: a tenth of the most is one step less.
fn level(drops: u64, hottest: u64) -> usize {
    if drops == 0 || hottest == 0 {
        return 0;
    }
    let share = u128::from(drops) * 1000 / u128::from(hottest);
    match share {
        0..=9 => 1,
        10..=99 => 2,
        100..=499 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn heat_goes_by_magnitude_and_nothing_is_cold() {
        assert_eq!(level(0, 100), 0);
        assert_eq!(level(0, 0), 0);
        assert_eq!(level(1, 1_000_000), 1);
        assert_eq!([1, 9, 49, 50].map(|drops| level(drops, 100)), [2, 2, 3, 4]);
        assert_eq!(level(u64::MAX, u64::MAX), 4);
    }
}
