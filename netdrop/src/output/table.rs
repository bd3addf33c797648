//! Aligned columns.

use std::{borrow::Borrow, fmt::Write as _};

use super::{escape::escape, palette::Palette, wrap::INDENT};
use crate::tally::{
    harm::Here,
    names::Severity,
    row::{Field, Other, Row, Value},
};

/// Between columns.
const GAP: &str = "  ";
/// A name is never shortened below this.
const NARROWEST_NAME: usize = 8;
/// Nor an address and port: `255.255.255.255:65535` has room.
const NARROWEST_END: usize = 21;
/// Columns that give way on a narrow terminal, first to last.
const LESS_WANTED: [&str; 3] = ["HERE", "BYTES", "RATE/S"];

/// A column of names and numbers, escaped.
pub(crate) struct Column {
    pub(crate) title: String,
    pub(crate) cells: Vec<String>,
    pub(crate) right: bool,
    /// Is it a key of the rows?
    key: bool,
    /// How far it may be shortened, if at all.
    least: Option<usize>,
}

impl Column {
    fn width(&self) -> usize {
        std::iter::once(&self.title)
            .chain(&self.cells)
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    }

    /// The width it has at least.
    fn least(&self) -> usize {
        self.least
            .map_or(usize::MAX, |least| least.max(self.title.len()))
            .min(self.width())
    }
}

/// Appends the rows of a period. `width` is the terminal's; without one nothing
/// is shortened.
pub fn write(out: &mut String, rows: &[Row], seconds: f64, width: Option<usize>, palette: Palette) {
    let lines = lines(columns(rows, seconds), width);
    for (number, Fitted { columns, widths }) in lines.iter().enumerate() {
        let titles = line(columns, widths, |column| &column.title);
        let indent = if number > 0 { INDENT } else { "" };
        let _ = writeln!(out, "{indent}{}", palette.bold(titles.trim_end()));
    }
    for (index, row) in rows.iter().enumerate() {
        for (number, Fitted { columns, widths }) in lines.iter().enumerate() {
            let mut line = line(columns, widths, |column| &column.cells[index]);
            if let Some(other) = row.other {
                // Its keys are empty: there is room, whatever their widths.
                line.truncate(keys_start(columns, widths));
                line.push_str(&stands_for(other));
            }
            if number > 0 {
                line.insert_str(0, INDENT);
            }
            let line = line.trim_end();
            let _ = match (row.other, row.sums.worst()) {
                (None, Some(severity @ (Severity::Harmful | Severity::Benign))) => {
                    writeln!(out, "{}", palette.severity(severity, line))
                }
                (None, _) => writeln!(out, "{line}"),
                (Some(_), _) => {
                    let _ = writeln!(out, "{}", palette.dim(line));
                    break;
                }
            };
        }
        for field in &row.fields {
            if let Value::Lines(lines) = &field.value {
                for line in lines.lines() {
                    let _ = writeln!(out, "    {}", palette.dim(&escape(line)));
                }
            }
        }
    }
}

pub(crate) fn stands_for(other: Other) -> String {
    match other {
        Other::Top(1) => "(1 more row)".to_owned(),
        Other::Top(rows) => format!("({rows} more rows)"),
        Other::Table => "(not kept apart)".to_owned(),
    }
}

/// Where the keys begin, behind what was counted.
fn keys_start(columns: &[Column], widths: &[usize]) -> usize {
    columns
        .iter()
        .zip(widths)
        .take_while(|(column, _)| !column.key)
        .map(|(_, width)| width + GAP.len())
        .sum()
}

fn columns(rows: &[Row], seconds: f64) -> Vec<Column> {
    let number = |title: &str, of: &dyn Fn(&Row) -> String| Column {
        title: title.to_owned(),
        cells: rows.iter().map(of).collect(),
        right: true,
        key: false,
        least: None,
    };
    let mut columns = vec![
        number("DROPS", &|row| row.sums.drops().to_string()),
        number("RATE/S", &|row| {
            row.rate(seconds)
                .map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"))
        }),
        number("BYTES", &|row| row.sums.bytes.to_string()),
        Column {
            title: "SEVERITY".to_owned(),
            cells: rows
                .iter()
                .map(|row| row.sums.worst().map_or("-", Severity::as_str).to_owned())
                .collect(),
            right: false,
            key: false,
            least: None,
        },
    ];
    if rows.iter().any(|row| row.tells_harm) {
        let or_dash = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |n| n.to_string());
        columns.extend([
            number("RETRANS", &|row| or_dash(row.sums.harm.retransmits())),
            number("RESETS", &|row| or_dash(row.sums.harm.resets())),
            Column {
                right: false,
                ..number("HERE", &|row| {
                    row.sums.harm.here().map_or("-", Here::as_str).to_owned()
                })
            },
        ]);
    }
    columns.extend(key_columns(rows));
    columns
}

/// The columns of the keys of these rows.
pub(crate) fn key_columns(rows: &[Row]) -> Vec<Column> {
    let has = |title| {
        let mut fields = rows.iter().flat_map(|row| &row.fields);
        fields.any(|field| field.name == title)
    };
    // A row without a function's name has an address field beside it.
    let titles = rows
        .iter()
        .flat_map(|row| &row.fields)
        .map(|field| field.name)
        .filter(|name| match *name {
            "address" | "netns_name" | "netns_kind" | "ifindex" | "severity" | "hook"
            | "engine" | "qdisc" | "stage_by" | "stack" => false,
            "src_port" => !has("src"),
            "dst_port" => !has("dst"),
            _ => true,
        });
    let mut columns: Vec<Column> = Vec::new();
    for title in titles {
        if columns.iter().any(|column| column.title == title) {
            continue;
        }
        columns.push(Column {
            title: title.to_owned(),
            cells: rows
                .iter()
                .map(|row| match row.other {
                    Some(_) => String::new(),
                    None => cell(&row.fields, title),
                })
                .collect(),
            right: matches!(title, "cpu" | "src_port" | "dst_port"),
            key: true,
            least: match title {
                "stage" | "reason" | "function" | "device" | "netns" => Some(NARROWEST_NAME),
                "src" | "dst" => Some(NARROWEST_END),
                _ => None,
            },
        });
    }
    for column in &mut columns {
        column.title = column.title.to_uppercase();
    }
    columns
}

fn cell(fields: &[Field], title: &str) -> String {
    let get = |name| {
        fields
            .iter()
            .find(|field| field.name == name)
            .map_or(&Value::Null, |field| &field.value)
    };
    let stand_in = match title {
        "stage" => "hook",
        "function" => "address",
        "device" => "ifindex",
        "netns" => "netns_name",
        "src" => "src_port",
        "dst" => "dst_port",
        _ => "",
    };
    match (title, get(title), get(stand_in)) {
        ("stage", Value::Text(stage), Value::Null) => place(stage, get("qdisc"), get("stage_by")),
        ("stage", Value::Text(stage), hook) => place(stage, hook, get("stage_by")),
        ("netns", Value::Number(inode), Value::Text(name)) => {
            format!("{inode} ({})", escape(name))
        }
        ("src" | "dst", Value::Text(address), Value::Number(port)) => end(address, *port),
        ("device", Value::Null, Value::Number(index)) => format!("#{index}"),
        (_, Value::Text(text), _) | ("function", Value::Null, Value::Text(text)) => {
            escape(text).into_owned()
        }
        (_, Value::Number(number), _) => number.to_string(),
        (_, Value::Null | Value::Lines(_), _) => "-".to_owned(),
    }
}

/// A stage, the netfilter hook if it has one, and a mark where they are only a
/// hint.
fn place(stage: &str, within: &Value, by: &Value) -> String {
    let mut text = stage.to_owned();
    if let Value::Text(within) = within {
        text.push('/');
        text.push_str(&escape(within));
    }
    if matches!(by, Value::Text(by) if &**by == "hint") {
        text.push('?');
    }
    text
}

/// As `trace` writes it.
fn end(address: &str, port: u64) -> String {
    if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    }
}

/// Columns side by side, and how wide each is.
struct Fitted {
    columns: Vec<Column>,
    widths: Vec<usize>,
}

/// The lines of a row: one, if that fits. The widest names give way, then what is
/// less wanted; addresses go on below before they would lose anything.
fn lines(columns: Vec<Column>, width: Option<usize>) -> Vec<Fitted> {
    let width = width.unwrap_or(usize::MAX);
    let is_end = |column: &Column| column.least == Some(NARROWEST_END);
    let is_wanted = |column: &Column| !LESS_WANTED.contains(&&*column.title);
    let wanted: Vec<&Column> = columns.iter().filter(|column| is_wanted(column)).collect();
    if !columns.iter().any(is_end) || shrink(&wanted, width, NARROWEST_NAME).is_some() {
        return vec![fit(columns, width)];
    }
    let (ends, first): (Vec<Column>, Vec<Column>) = columns.into_iter().partition(is_end);
    let room = width.saturating_sub(INDENT.len());
    let mut lines = vec![fit(first, width)];
    let whole = |columns: &[Column]| -> usize {
        let gaps = GAP.len() * columns.len().saturating_sub(1);
        columns.iter().map(Column::width).sum::<usize>() + gaps
    };
    if whole(&ends) <= room {
        lines.push(fit(ends, room));
    } else {
        lines.extend(ends.into_iter().map(|end| fit(vec![end], room)));
    }
    lines
}

/// The columns that fit, and how wide each is: the widest names give way, then
/// what is less wanted, then addresses.
fn fit(mut columns: Vec<Column>, width: usize) -> Fitted {
    for less_wanted in LESS_WANTED {
        if let Some(widths) = shrink(&columns, width, NARROWEST_NAME) {
            return Fitted { columns, widths };
        }
        columns.retain(|column| column.title != less_wanted);
    }
    let widths = shrink(&columns, width, NARROWEST_NAME)
        .or_else(|| shrink(&columns, width, NARROWEST_END))
        .unwrap_or_else(|| columns.iter().map(Column::least).collect());
    Fitted { columns, widths }
}

/// Is there room for all of them in so many characters, shortened or not?
pub(crate) fn fits(columns: &[Column], width: usize) -> bool {
    fitting(columns, width).is_some()
}

fn fitting(columns: &[Column], width: usize) -> Option<Vec<usize>> {
    shrink(columns, width, NARROWEST_NAME).or_else(|| shrink(columns, width, NARROWEST_END))
}

/// Those of the columns that are seen where there is room for so many characters.
pub(crate) struct InSight {
    /// Each with its width.
    pub(crate) columns: Vec<(Column, usize)>,
    /// Columns that are left out before them.
    pub(crate) before: usize,
    /// Columns that are left out behind them.
    pub(crate) behind: usize,
}

/// All columns, or else as many whole ones as there is room for behind so many
/// that are skipped, but never fewer than there could be.
pub(crate) fn in_sight(mut columns: Vec<Column>, skipped: usize, width: usize) -> InSight {
    let all = columns.len();
    // At least one, be there room for it or not.
    let most = (0..all)
        .find(|first| fits(&columns[*first..], width))
        .unwrap_or(all.saturating_sub(1));
    let before = skipped.min(most);
    columns.drain(..before);
    while columns.len() > 1 && !fits(&columns, width) {
        columns.pop();
    }
    let widths = fitting(&columns, width)
        .unwrap_or_else(|| columns.iter().map(|it| it.width().min(width)).collect());
    let behind = all - before - columns.len();
    InSight {
        columns: columns.into_iter().zip(widths).collect(),
        before,
        behind,
    }
}

/// Shortens the widest of the columns whose least width is at most `least`,
/// until the line fits; `None` if it never does.
fn shrink<C: Borrow<Column>>(columns: &[C], width: usize, least: usize) -> Option<Vec<usize>> {
    let columns = || columns.iter().map(C::borrow);
    let mut widths: Vec<usize> = columns().map(Column::width).collect();
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        let (widest, _) = widths
            .iter_mut()
            .zip(columns())
            .filter(|(width, column)| {
                column.least.is_some_and(|at_least| at_least <= least) && **width > column.least()
            })
            .max_by_key(|(width, _)| **width)?;
        *widest -= 1;
    }
    Some(widths)
}

fn line<'a>(
    columns: &'a [Column],
    widths: &[usize],
    cell: impl Fn(&'a Column) -> &'a String,
) -> String {
    let mut line = String::new();
    for (index, (column, width)) in columns.iter().zip(widths).enumerate() {
        if index > 0 {
            line.push_str(GAP);
        }
        let text = shorten(cell(column), *width);
        let _ = if column.right {
            write!(line, "{text:>width$}")
        } else {
            write!(line, "{text:<width$}")
        };
    }
    line
}

/// Keeps the beginning and the end, where names differ.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let tail = kept / 2;
    let head = kept - tail;
    text.chars()
        .take(head)
        .chain(std::iter::once('…'))
        .chain(text.chars().skip(length - tail))
        .collect()
}

#[cfg(test)]
mod tests;
