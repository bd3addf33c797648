//! Rows as a table: what they lost, over time too, and their keys.

use std::fmt::Write as _;

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::number;
use crate::{
    output::table::{self, shorten, stands_for},
    tally::{
        harm::Here,
        names::Severity,
        regroup::Line as Counted,
        row::{Row, rate},
    },
    tui::{
        state::{mouse::Targets, sparks::Sparks},
        theme::Theme,
    },
};

/// Bars from low to high.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// From here on there is room for everything.
const WIDE: usize = 100;

/// The column of bars.
const LATELY: &str = "LATELY";

/// How a list of rows is drawn.
pub(super) struct Rows<'a> {
    pub(super) lines: &'a [Counted],
    /// Length of the last interval.
    pub(super) seconds: f64,
    /// The row that is looked at; `None`: none can be.
    pub(super) selected: Option<usize>,
    /// Where they are known, the last intervals.
    pub(super) sparks: Option<&'a Sparks>,
    /// Columns of keys scrolled away, where there is no room for all of them.
    pub(super) skipped: usize,
    pub(super) theme: Theme,
}

/// Columns that are left out on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    pub(super) before: usize,
    pub(super) behind: usize,
}

/// The columns of a table.
struct Columns {
    all: Vec<Column>,
    /// Where those of the keys begin.
    keys_start: usize,
    hidden: Hidden,
}

struct Column {
    title: String,
    cells: Vec<String>,
    width: usize,
    right: bool,
}

impl Rows<'_> {
    /// Draws it, and returns what there was no room for.
    pub(super) fn draw(&self, frame: &mut Frame<'_>, area: Rect, targets: &mut Targets) -> Hidden {
        let (lines, hidden) = self.lines(usize::from(area.width));
        let height = usize::from(area.height);
        let room = height.saturating_sub(1);
        let above = self
            .selected
            .unwrap_or_default()
            .saturating_sub(room.saturating_sub(1));
        let below = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(1),
            ..area
        };
        targets.add_rows(below, above..self.lines.len());
        let mut lines = lines.into_iter();
        let mut shown: Vec<Line<'_>> = lines.next().into_iter().collect();
        shown.extend(lines.skip(above).take(room));
        frame.render_widget(Paragraph::new(shown), area);
        hidden
    }

    /// The heading and every row.
    pub(super) fn text<'l>(&self, width: usize) -> Vec<Line<'l>> {
        self.lines(width).0
    }

    fn lines<'l>(&self, width: usize) -> (Vec<Line<'l>>, Hidden) {
        let Self { lines, theme, .. } = self;
        let Columns {
            all: columns,
            keys_start,
            hidden,
        } = self.columns(width);
        let mut titles = row(&columns, |column| &column.title);
        if hidden.before > 0 {
            // The place before the first key is blank.
            let title = titles.chars().enumerate();
            let marked = title.map(|(at, it)| if at + 1 == keys_start { '…' } else { it });
            titles = marked.collect();
        }
        if hidden.behind > 0 {
            let room = width.saturating_sub(1);
            titles = format!("{titles:<room$}…");
        }
        let mut text = vec![Line::from(Span::styled(titles, theme.title()))];
        for (index, line) in lines.iter().enumerate() {
            let mut cells = row(&columns, |column| &column.cells[index]);
            let mut style = match (line.run.other, line.run.sums.worst()) {
                (Some(_), _) => theme.quiet(),
                (None, worst) if line.now.drops() > 0 => theme.hot(worst),
                (None, worst) => theme.severity(worst),
            };
            if let Some(other) = line.run.other {
                cells = cells.chars().take(keys_start).collect();
                cells = format!("{cells:<keys_start$}{}", stands_for(other));
            }
            if self.selected == Some(index) {
                style = style.patch(theme.selected());
                cells = format!("{cells:<width$}");
            }
            text.push(Line::from(Span::styled(cells, style)));
        }
        (text, hidden)
    }

    fn columns(&self, width: usize) -> Columns {
        let rows: Vec<Row> = self.lines.iter().map(|line| line.run.clone()).collect();
        let mut keys = table::key_columns(&rows);
        for column in &mut keys {
            if width < WIDE && column.title == "PROTOCOL" {
                "PROTO".clone_into(&mut column.title);
            }
            if width < WIDE && column.title == "NETNS" {
                column.cells.iter_mut().for_each(name_only);
            }
        }
        let mut all = self.own(width);
        let start = |own: &[Column]| 1 + own.iter().map(|it| it.width + 2).sum::<usize>();
        let mut keys_start = start(&all);
        if !table::fits(&keys, width.saturating_sub(keys_start)) {
            // Bars give way to keys.
            all.retain(|column| column.title != LATELY);
            keys_start = start(&all);
        }
        let mut room = width.saturating_sub(keys_start);
        if !table::fits(&keys, room) {
            // For the sign behind the titles.
            room = room.saturating_sub(2);
        }
        let keys = table::in_sight(keys, self.skipped, room);
        all.extend(keys.columns.into_iter().map(|(column, width)| Column {
            title: column.title,
            cells: column.cells,
            width,
            right: column.right,
        }));
        Columns {
            all,
            keys_start,
            hidden: Hidden {
                before: keys.before,
                behind: keys.behind,
            },
        }
    }

    /// What was counted.
    fn own(&self, width: usize) -> Vec<Column> {
        let Self {
            lines,
            seconds,
            sparks,
            ..
        } = self;
        let number = |title: &str, width, of: &dyn Fn(&Counted) -> String| Column {
            title: title.to_owned(),
            cells: lines.iter().map(of).collect(),
            width,
            right: true,
        };
        let wide = width >= WIDE;
        let (totals, rates) = if wide { (10, 7) } else { (7, 5) };
        let mut columns = vec![
            number("TOTAL", totals, &|line| {
                number::count(line.run.sums.drops(), totals)
            }),
            number("NOW/S", rates, &|line| {
                number::rate(rate(line.now.drops(), *seconds), rates)
            }),
        ];
        if let Some(sparks) = sparks
            && width >= 78
        {
            let most = if width >= 120 { 20 } else { 8 };
            columns.push(Column {
                right: true,
                ..number(LATELY, most, &|line| {
                    if line.run.other.is_some() {
                        return String::new();
                    }
                    spark(&sparks.of(&line.group, most))
                })
            });
        }
        if wide {
            columns.push(Column {
                right: false,
                ..number("SEVERITY", 10, &|line| {
                    let worst = line.run.sums.worst();
                    worst.map_or("-", Severity::as_str).to_owned()
                })
            });
        }
        if lines.iter().any(|line| line.run.tells_harm) {
            let titles = if wide {
                [("RETRANS", 7), ("RESETS", 6)]
            } else {
                [("RETR", 4), ("RST", 4)]
            };
            let or_dash = |count: Option<u64>, width| {
                count.map_or_else(|| "-".to_owned(), |count| number::count(count, width))
            };
            let [(retransmits, width), (resets, narrow)] = titles;
            columns.push(number(retransmits, width, &|line| {
                or_dash(line.run.sums.harm.retransmits(), width)
            }));
            columns.push(number(resets, narrow, &|line| {
                or_dash(line.run.sums.harm.resets(), narrow)
            }));
            if wide {
                columns.push(Column {
                    right: false,
                    ..number("HERE", 4, &|line| {
                        let here = line.run.sums.harm.here();
                        here.map_or("-", Here::as_str).to_owned()
                    })
                });
            }
        }
        columns
    }
}

/// A number with a name in brackets gives way to the name.
fn name_only(cell: &mut String) {
    let name = cell
        .split_once(" (")
        .and_then(|(_, it)| it.strip_suffix(')'));
    if let Some(name) = name.map(str::to_owned) {
        *cell = name;
    }
}

fn row<'a>(columns: &'a [Column], cell: impl Fn(&'a Column) -> &'a String) -> String {
    let mut text = String::from(" ");
    for column in columns {
        let width = column.width;
        let cell = shorten(cell(column), width);
        let _ = if column.right {
            write!(text, "{cell:>width$}  ")
        } else {
            write!(text, "{cell:<width$}  ")
        };
    }
    text.trim_end().to_owned()
}

/// The values as bars; nothing lost is a blank.
pub(super) fn spark(values: &[u64]) -> String {
    let most = values.iter().copied().max().unwrap_or_default();
    let bar = |value: u64| {
        if value == 0 {
            return ' ';
        }
        let eighth = u128::from(value) * 8 / u128::from(most);
        BARS[usize::try_from(eighth).unwrap_or(8).clamp(1, 8) - 1]
    };
    values.iter().map(|value| bar(*value)).collect()
}

#[cfg(test)]
mod tests {
    use super::spark;

    #[test]
    fn the_least_loss_is_seen_and_none_is_blank() {
        assert_eq!(spark(&[0, 1, 400, 800]), " ▁▄█");
        assert_eq!(spark(&[]), "");
        assert_eq!(spark(&[0, u64::MAX]), " █");
    }
}
