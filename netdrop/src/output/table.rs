//! Aligned columns.

use std::fmt::Write as _;

use super::{escape::escape, palette::Palette};
use crate::tally::{
    names::Severity,
    row::{Field, Other, Row, Value},
};

/// Between columns.
const GAP: &str = "  ";
/// A name is never shortened below this.
const NARROWEST: usize = 8;

struct Column {
    title: String,
    cells: Vec<String>,
    right: bool,
    /// May it be shortened?
    name: bool,
}

impl Column {
    fn width(&self) -> usize {
        std::iter::once(&self.title)
            .chain(&self.cells)
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    }
}

/// Appends the rows of a period. `width` is the terminal's; without one nothing
/// is shortened.
pub fn write(out: &mut String, rows: &[Row], seconds: f64, width: Option<usize>, palette: Palette) {
    let columns = columns(rows, seconds);
    let widths = fit(&columns, width);
    let titles = line(&columns, &widths, |column| &column.title);
    let _ = writeln!(out, "{}", palette.bold(titles.trim_end()));
    for (index, row) in rows.iter().enumerate() {
        let line = line(&columns, &widths, |column| &column.cells[index]);
        let line = line.trim_end();
        let _ = match (row.other, row.sums.worst()) {
            (None, Some(severity @ (Severity::Harmful | Severity::Benign))) => {
                writeln!(out, "{}", palette.severity(severity, line))
            }
            (None, _) => writeln!(out, "{line}"),
            (Some(_), _) => writeln!(out, "{}", palette.dim(line)),
        };
    }
}

fn columns(rows: &[Row], seconds: f64) -> Vec<Column> {
    let number = |title: &str, of: &dyn Fn(&Row) -> String| Column {
        title: title.to_owned(),
        cells: rows.iter().map(of).collect(),
        right: true,
        name: false,
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
            name: false,
        },
    ];
    columns.extend(key_columns(rows));
    columns
}

fn key_columns(rows: &[Row]) -> Vec<Column> {
    // A row without a function's name has an address field beside it.
    let titles = rows
        .iter()
        .flat_map(|row| &row.fields)
        .map(|field| field.name)
        .filter(|name| !matches!(*name, "address" | "netns_name" | "ifindex" | "severity"));
    let mut columns: Vec<Column> = Vec::new();
    for title in titles {
        if columns.iter().any(|column| column.title == title) {
            continue;
        }
        let first = columns.is_empty();
        columns.push(Column {
            title: title.to_owned(),
            cells: rows
                .iter()
                .map(|row| match row.other {
                    Some(Other::Top(1)) if first => "(1 more row)".to_owned(),
                    Some(Other::Top(rows)) if first => format!("({rows} more rows)"),
                    Some(Other::Table) if first => "(table full)".to_owned(),
                    Some(_) => String::new(),
                    None => cell(&row.fields, title),
                })
                .collect(),
            right: matches!(title, "cpu" | "src_port" | "dst_port"),
            name: true,
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
        "function" => "address",
        "device" => "ifindex",
        "netns" => "netns_name",
        _ => "",
    };
    match (title, get(title), get(stand_in)) {
        ("netns", Value::Number(inode), Value::Text(name)) => {
            format!("{inode} ({})", escape(name))
        }
        ("device", Value::Null, Value::Number(index)) => format!("#{index}"),
        (_, Value::Text(text), _) | ("function", Value::Null, Value::Text(text)) => {
            escape(text).into_owned()
        }
        (_, Value::Number(number), _) => number.to_string(),
        (_, Value::Null, _) => "-".to_owned(),
    }
}

/// The width of each column: the widest names give way until the line fits.
fn fit(columns: &[Column], width: Option<usize>) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(Column::width).collect();
    let Some(width) = width else {
        return widths;
    };
    let gaps = GAP.len() * columns.len().saturating_sub(1);
    let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    while excess > 0 {
        let widest = widths
            .iter_mut()
            .zip(columns)
            .filter(|(width, column)| column.name && **width > NARROWEST)
            .map(|(width, _)| width)
            .max();
        let Some(widest) = widest else {
            break;
        };
        *widest -= 1;
        excess -= 1;
    }
    widths
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
fn shorten(text: &str, width: usize) -> String {
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
