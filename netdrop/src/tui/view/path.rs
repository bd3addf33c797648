//! The way of a packet through the stack, and what each stage loses.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{counters, number};
use crate::{
    drops::side::Side,
    output::table::shorten,
    tally::row::rate,
    tui::{
        state::{State, compared::Room, mouse::Targets, shown::StageCount},
        theme::Theme,
    },
};

/// From here on, stages have their names and bars.
const WIDE: u16 = 120;
/// Lines that every stage of a column takes.
const TALL: u16 = 26;
/// The longest id.
const ID: usize = 12;
/// Stages of a column at most, where there is little room.
const COLUMN: usize = 12;

pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &mut State,
    theme: Theme,
    targets: &mut Targets,
) {
    if state.counters.room == Room::All {
        counters::draw(frame, area, state, theme);
        return;
    }
    let wants_counters = state.counters.room == Room::Below;
    let Some(shown) = &state.shown else { return };
    let mut picture = Picture {
        seconds: shown.now.seconds,
        most: shown
            .path
            .iter()
            .map(|it| it.now.drops())
            .max()
            .unwrap_or(0),
        selected: state.stage,
        theme,
        targets,
    };
    let of = |side| -> Vec<(usize, &StageCount)> {
        let all = shown.path.iter().enumerate();
        all.filter(|(_, count)| count.side == side).collect()
    };
    let (rx, tx) = (of(Side::Receiving), of(Side::Sending));
    let side = of(Side::Beside);
    let tall = TALL + if wants_counters { counters::LOWEST } else { 0 };
    let below = if area.width >= WIDE && area.height >= tall {
        picture.wide(frame, area, &rx, &tx, &side)
    } else {
        picture.narrow(frame, area, &rx, &tx, &side, wants_counters)
    };
    state.lanes = targets.clone();
    if wants_counters {
        counters::draw(frame, below, state, theme);
    }
}

type Stages<'a> = [(usize, &'a StageCount)];

const RX: &str = "RX from wire";
const TX: &str = "TX to wire";
const SIDE: &str = "beside the path";

fn places(stages: &Stages<'_>) -> impl Iterator<Item = usize> {
    stages.iter().map(|(place, _)| *place)
}

struct Picture<'t> {
    seconds: f64,
    /// The most drops of a stage in the interval.
    most: u64,
    selected: usize,
    theme: Theme,
    targets: &'t mut Targets,
}

impl Picture<'_> {
    /// RX in two columns, TX in one, the rest below, unless something else wants
    /// the place: then what it lost is told in a line. Returns what is left below.
    fn narrow(
        &mut self,
        frame: &mut Frame<'_>,
        area: Rect,
        rx: &Stages<'_>,
        tx: &Stages<'_>,
        side: &Stages<'_>,
        is_wanted: bool,
    ) -> Rect {
        let width = area.width / 3;
        let column = |place: u16, top: u16, height: u16| Rect {
            x: area.x + place * width,
            y: area.y + top,
            width: width.saturating_sub(1),
            height: height.min(area.height.saturating_sub(top)),
        };
        let inner = usize::from(width) - 1;
        let half = rx.len().min(COLUMN);
        let tx = &self.fitting(tx, COLUMN);
        let tall = u16::try_from(COLUMN + 1).unwrap_or(u16::MAX);
        let columns = [(RX, &rx[..half]), ("", &rx[half..]), (TX, tx)];
        for (place, (title, stages)) in (0..).zip(columns) {
            let mut lines = vec![self.title(title, inner)];
            lines.extend(stages.iter().map(|stage| self.small(*stage, inner)));
            let column = column(place, 0, tall);
            self.clickable(column, stages);
            frame.render_widget(Paragraph::new(lines), column);
        }
        let rows = side.len().div_ceil(3);
        let left = area.height.saturating_sub(tall + 1);
        let height = u16::try_from(rows).unwrap_or(u16::MAX).min(left);
        let below = |top: u16| Rect {
            y: area.y + top.min(area.height),
            height: area.height.saturating_sub(top),
            ..area
        };
        if left == 0 || rows == 0 {
            return below(tall);
        }
        if is_wanted && left < height + 1 + counters::LOWEST {
            return match self.beside(side, usize::from(area.width)) {
                Some(line) => {
                    let place = Rect {
                        height: 1,
                        ..below(tall)
                    };
                    frame.render_widget(Paragraph::new(line), place);
                    below(tall + 1)
                }
                None => below(tall),
            };
        }
        let title = column(0, tall, 1);
        frame.render_widget(Paragraph::new(self.title(SIDE, inner)), title);
        for (place, stages) in (0..).zip(side.chunks(rows)) {
            let lines: Vec<Line<'_>> = stages.iter().map(|it| self.small(*it, inner)).collect();
            let rows = column(place, tall + 1, height);
            self.targets.add_rows(rows, places(stages));
            frame.render_widget(Paragraph::new(lines), rows);
        }
        below(tall + 1 + height + 1)
    }

    /// Stages beside the path that lost something, in a line.
    fn beside<'a>(&self, side: &Stages<'_>, width: usize) -> Option<Line<'a>> {
        let lost = side.iter().filter(|(_, count)| count.run.drops() > 0);
        let lost = lost.map(|(_, count)| {
            let mark = if count.now.drops() > 0 { "!" } else { "" };
            let drops = number::count(count.run.drops(), 6);
            format!("{mark}{} {drops}", count.stage.id())
        });
        let lost: Vec<String> = lost.collect();
        if lost.is_empty() {
            return None;
        }
        let text = shorten(&lost.join("  "), width.saturating_sub(SIDE.len() + 4));
        Some(Line::from(vec![
            Span::styled(format!(" {SIDE}  "), self.theme.title()),
            Span::raw(text),
        ]))
    }

    /// RX on the left, TX and the rest on the right. Returns what is left below.
    fn wide(
        &mut self,
        frame: &mut Frame<'_>,
        area: Rect,
        rx: &Stages<'_>,
        tx: &Stages<'_>,
        side: &Stages<'_>,
    ) -> Rect {
        let width = area.width / 2;
        let inner = usize::from(width) - 2;
        let half = |place: u16| Rect {
            x: area.x + place * width,
            width: width - 1,
            ..area
        };
        let room = usize::from(area.height).saturating_sub(side.len() + 3);
        let tx = &self.fitting(tx, room);
        self.clickable(half(0), rx);
        self.clickable(half(1), tx);
        let beside = u16::try_from(tx.len() + 2).unwrap_or(u16::MAX);
        let below = half(1);
        let below = Rect {
            y: below.y.saturating_add(beside).min(below.bottom()),
            height: below.height.saturating_sub(beside),
            ..below
        };
        self.clickable(below, side);
        let list = |title, stages: &Stages<'_>| {
            let mut lines = vec![self.title(title, inner)];
            lines.extend(stages.iter().map(|stage| self.large(*stage, inner)));
            lines
        };
        frame.render_widget(Paragraph::new(list(RX, rx)), half(0));
        let mut right = list(TX, tx);
        right.push(Line::default());
        right.extend(list(SIDE, side));
        let taken = (rx.len() + 1).max(right.len()) + 1;
        frame.render_widget(Paragraph::new(right), half(1));
        let taken = u16::try_from(taken).unwrap_or(u16::MAX).min(area.height);
        Rect {
            y: area.y + taken,
            height: area.height - taken,
            ..area
        }
    }

    /// So many of the stages: those that lost nothing give way, the last ones first,
    /// unless they are looked at.
    fn fitting<'a>(&self, stages: &Stages<'a>, room: usize) -> Vec<(usize, &'a StageCount)> {
        let mut left = stages.to_vec();
        while left.len() > room {
            let is_quiet = |(place, count): &(usize, &StageCount)| {
                count.run.drops() == 0 && *place != self.selected
            };
            let Some(last) = left.iter().rposition(is_quiet) else {
                break;
            };
            left.remove(last);
        }
        left
    }

    /// The stages below a title.
    fn clickable(&mut self, area: Rect, stages: &Stages<'_>) {
        let rows = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(1),
            ..area
        };
        self.targets.add_rows(rows, places(stages));
    }

    fn title<'a>(&self, title: &str, width: usize) -> Line<'a> {
        let rest = width.saturating_sub(title.len() + 1);
        let numbers = match rest {
            40.. => "now/s     total",
            10.. => "/s  total",
            _ => "",
        };
        Line::from(vec![
            Span::styled(format!(" {title}"), self.theme.title()),
            Span::styled(format!("{numbers:>rest$}"), self.theme.quiet()),
        ])
    }

    /// `!netfilter     12.3  45678`
    fn small<'a>(&self, (place, count): (usize, &StageCount), width: usize) -> Line<'a> {
        let (mark, rate, total) = self.numbers(count, 4, 6);
        let id = count.stage.id();
        let gap = width.saturating_sub(1 + ID + 1 + 4 + 1 + 6);
        let text = format!("{mark}{id:<ID$} {:gap$}{rate:>4} {total:>6}", "");
        Line::from(Span::styled(text, self.style(place, count)))
    }

    /// With the stage's name and a bar.
    fn large<'a>(&self, (place, count): (usize, &StageCount), width: usize) -> Line<'a> {
        const BAR: usize = 10;
        let (mark, rate, total) = self.numbers(count, 7, 9);
        let id = count.stage.id();
        let middle = width.saturating_sub(1 + ID + 1 + 1 + 7 + 1 + 9);
        let bar = bar(count.now.drops(), self.most, BAR);
        let title = |room| shorten(&count.passage().name(), room);
        // A title has the room of a bar and a rate that are not there.
        let told = if rate.is_empty() {
            let room = middle + 1 + 7;
            format!("{:<room$}", title(room))
        } else if bar.is_empty() {
            format!("{:<middle$} {rate:>7}", title(middle))
        } else {
            let name = middle.saturating_sub(1 + BAR);
            format!("{:<name$} {bar:<BAR$} {rate:>7}", title(name))
        };
        let text = format!("{mark}{id:<ID$} {told} {total:>9}");
        Line::from(Span::styled(text, self.style(place, count)))
    }

    fn numbers(&self, count: &StageCount, rates: usize, totals: usize) -> (char, String, String) {
        let (now, run) = (count.now.drops(), count.run.drops());
        if run == 0 {
            return (' ', String::new(), "·".to_owned());
        }
        let mark = if now > 0 { '!' } else { ' ' };
        let rate = number::rate(rate(now, self.seconds), rates);
        (mark, rate, number::count(run, totals))
    }

    fn style(&self, place: usize, count: &StageCount) -> Style {
        let Self { theme, .. } = self;
        let style = if count.now.drops() > 0 {
            theme.hot(count.now.worst())
        } else if count.run.drops() > 0 {
            theme.severity(count.run.worst())
        } else {
            theme.quiet()
        };
        if place == self.selected {
            style.patch(theme.selected())
        } else {
            style
        }
    }
}

/// A bar of eighths of a character.
fn bar(value: u64, most: u64, width: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    if most == 0 {
        return String::new();
    }
    let eighths = u128::from(value) * (width as u128 * 8) / u128::from(most);
    // What is there at all is seen.
    let eighths = usize::try_from(eighths)
        .unwrap_or(width * 8)
        .max(usize::from(value > 0));
    let mut text = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        text.push(EIGHTHS[eighths % 8]);
    }
    text
}
