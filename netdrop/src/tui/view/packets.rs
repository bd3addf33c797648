//! The last packets of a row, a line each.

use std::fmt::Write as _;

use ratatui::text::{Line, Span};

use crate::{
    output::{
        escape::escape,
        line::{device, ends, place},
        table::shorten,
    },
    tally::packet::Drop,
    tui::theme::Theme,
};

/// From here on there is room for CPU and device.
const WIDE: usize = 100;

struct Column {
    title: &'static str,
    right: bool,
    /// It is not made wider than this.
    most: usize,
    cell: fn(&Drop) -> String,
}

const fn column(title: &'static str, most: usize, cell: fn(&Drop) -> String) -> Column {
    Column {
        title,
        right: false,
        most,
        cell,
    }
}

const TIME: Column = column("TIME", 12, |drop| {
    drop.time.strftime("%H:%M:%S.%3f").to_string()
});
const REASON: Column = column("REASON", 20, |drop| {
    escape(drop.reason.as_deref().unwrap_or("-")).into_owned()
});
const FUNCTION: Column = column("FUNCTION", 32, place);
const DEVICE: Column = column("DEVICE", 15, device);
const FLAGS: Column = column("FLAGS", 11, |drop| {
    let flags = drop.tcp_flags.as_deref();
    flags
        .filter(|flags| !flags.is_empty())
        .unwrap_or("-")
        .to_owned()
});
const ENDS: Column = column("PACKET", 60, ends);
const CPU: Column = Column {
    right: true,
    ..column("CPU", 4, |drop| drop.cpu.to_string())
};
const LENGTH: Column = Column {
    right: true,
    ..column("LENGTH", 6, |drop| drop.length.to_string())
};

/// Titles and packets. Those of one flow need not say which.
pub(super) fn lines<'a>(
    packets: &[Drop],
    one_flow: bool,
    width: usize,
    theme: Theme,
) -> Vec<Line<'a>> {
    let columns: &[Column] = match (one_flow, width >= WIDE) {
        (true, true) => &[TIME, REASON, FUNCTION, CPU, DEVICE, LENGTH, FLAGS],
        (false, true) => &[TIME, REASON, FUNCTION, CPU, LENGTH, FLAGS, ENDS],
        (true, false) => &[TIME, REASON, FUNCTION, LENGTH, FLAGS],
        (false, false) => &[TIME, REASON, LENGTH, FLAGS, ENDS],
    };
    let cells: Vec<Vec<String>> = columns
        .iter()
        .map(|column| packets.iter().map(column.cell).collect())
        .collect();
    let mut left = width.saturating_sub(3);
    let widths: Vec<usize> = columns
        .iter()
        .zip(&cells)
        .map(|(column, cells)| {
            let longest = cells.iter().map(|cell| cell.chars().count()).max();
            let wanted = longest.unwrap_or_default().min(column.most);
            let given = wanted.max(column.title.len()).min(left);
            left = left.saturating_sub(given + 2);
            given
        })
        .collect();
    let line = |cell: &dyn Fn(usize) -> String| {
        let mut text = String::from("   ");
        for (place, (column, width)) in columns.iter().zip(&widths).enumerate() {
            let cell = shorten(&cell(place), *width);
            let _ = if column.right {
                write!(text, "{cell:>width$}  ")
            } else {
                write!(text, "{cell:<width$}  ")
            };
        }
        text.trim_end().to_owned()
    };
    let titles = line(&|place| columns[place].title.to_owned());
    let mut lines = vec![Line::from(Span::styled(titles, theme.title()))];
    for (row, drop) in packets.iter().enumerate() {
        let text = line(&|place| cells[place][row].clone());
        let style = theme.severity(Some(drop.severity));
        lines.push(Line::from(Span::styled(text, style)));
    }
    lines
}
