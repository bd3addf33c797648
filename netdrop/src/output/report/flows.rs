//! The flows that lost most: two lines each, so that nothing is shortened.

use std::fmt::Write as _;

use super::super::{escape::escape, flow, text::Layout};
use crate::{
    recording::report::Report,
    tally::{names::Severity, row::Row},
};

/// Flows shown at most.
const FLOWS: usize = 5;

pub(super) fn write(out: &mut String, report: &Report, layout: Layout) {
    let Some(flows) = &report.flows else { return };
    let Layout { palette, .. } = layout;
    let rows: Vec<&Row> = flows
        .rows
        .iter()
        .filter(|row| row.other.is_none())
        .take(FLOWS)
        .collect();
    if rows.is_empty() {
        return;
    }
    let width = rows
        .iter()
        .map(|row| row.sums.drops().to_string().len())
        .max()
        .unwrap_or_default();
    let _ = writeln!(out, "\n{}", palette.bold("flows that lost most"));
    for row in rows {
        let severity = row.sums.worst().unwrap_or(Severity::Benign);
        let _ = writeln!(
            out,
            "  {:>width$}  {}",
            row.sums.drops(),
            escape(&flow::ends(row))
        );
        let _ = writeln!(
            out,
            "  {:width$}  {}, {}",
            "",
            palette.severity(severity, severity.as_str()),
            escape(&flow::consequences(row, flows.seconds))
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::samples, *};
    use crate::tally::row::{Field, Value};

    #[test]
    fn reasons_and_addresses_stand_in_full() {
        let mut report = samples::report();
        let long = "TCP_OVERWINDOW_WITH_A_NAME_AS_LONG_AS_ANY_KERNEL_WILL_EVER_HAVE";
        let flows = report.flows.as_mut().unwrap();
        flows.rows[0].fields.push(Field {
            name: "reason",
            value: Value::Text(long.into()),
        });
        let mut out = String::new();
        write(&mut out, &report, Layout::default());
        assert!(out.contains(long) && !out.contains('…'), "{out}");
        assert!(out.contains("192.0.2.1:40000"), "{out}");
        assert!(out.contains("retransmissions 4"), "{out}");
    }

    #[test]
    fn the_longest_flow_fits_the_terminal() {
        let mut report = samples::report();
        let flows = report.flows.as_mut().unwrap();
        let end = |last: &str| format!("2001:db8:1111:2222:3333:4444:5555:{last}");
        let text = |text: String| Value::Text(text.into());
        let fields = [
            ("src", text(end("6666"))),
            ("src_port", Value::Number(65_535)),
            ("dst", text(end("7777"))),
            ("dst_port", Value::Number(65_535)),
        ];
        let field = |(name, value)| Field { name, value };
        flows.rows[0].fields = fields.into_iter().map(field).collect();
        let fleet = crate::recording::fleet::Fleet::of(vec![report]);
        for width in [80, 100, 160] {
            let mut out = String::new();
            let layout = Layout {
                width: Some(width),
                ..Layout::default()
            };
            super::super::write(&mut out, &fleet, 20, layout);
            for line in out.lines() {
                let commanded = line.trim_start().starts_with("$ ");
                assert!(commanded || line.chars().count() <= width, "{line}");
            }
            for last in ["6666", "7777"] {
                let whole = format!("[{}]:65535", end(last));
                assert!(out.contains(&whole), "{width}: {out}");
            }
        }
    }
}
