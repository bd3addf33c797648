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

    #[test]
    fn reasons_and_addresses_stand_in_full() {
        let mut report = samples::report();
        let long = "TCP_OVERWINDOW_WITH_A_NAME_AS_LONG_AS_ANY_KERNEL_WILL_EVER_HAVE";
        let flows = report.flows.as_mut().unwrap();
        flows.rows[0].fields.push(crate::tally::row::Field {
            name: "reason",
            value: crate::tally::row::Value::Text(long.into()),
        });
        let mut out = String::new();
        write(&mut out, &report, Layout::default());
        assert!(out.contains(long) && !out.contains('…'), "{out}");
        assert!(out.contains("192.0.2.1:40000"), "{out}");
        assert!(out.contains("retransmissions 4"), "{out}");
    }
}
