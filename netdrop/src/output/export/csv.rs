//! A table of what was dropped where in each interval, as RFC 4180 has it.

use std::io::{self, Write};

use super::{ALL, Exporter, Source};
use crate::{
    output::escape::escape,
    tally::{
        histogram::{Bucket, Histogram},
        key::{By, Key},
        names::Severity,
        period::Period,
        row::{Other, Row, Value},
    },
};

/// Columns of every row.
const COUNTS: usize = 8;
/// Columns of histograms.
const HISTOGRAM: [&str; 4] = ["histogram", "from", "to", "count"];

/// Writes CSV.
#[derive(Debug, Default)]
pub struct Csv {
    keys: Vec<&'static str>,
}

impl Exporter for Csv {
    fn keys(&self) -> &'static str {
        ALL
    }

    fn start(&mut self, out: &mut dyn Write, _source: &Source<'_>, by: &By) -> io::Result<()> {
        for key in by.keys() {
            self.keys.extend(key.fields());
            if *key == Key::Function {
                self.keys.push("address");
            }
        }
        // Every row has a severity of its own.
        self.keys.retain(|key| *key != "severity");
        let columns: Vec<&str> = ["time", "seconds"]
            .into_iter()
            .chain(self.keys.iter().copied())
            .chain([
                "drops",
                "packets",
                "bytes",
                "severity",
                "harmful",
                "suspicious",
                "benign",
                "other",
            ])
            .chain(HISTOGRAM)
            .collect();
        write!(out, "{}\r\n", columns.join(","))
    }

    fn interval(&mut self, out: &mut dyn Write, period: &Period) -> io::Result<()> {
        for row in &period.rows {
            write!(out, "{:.6},{:.6}", period.time, period.seconds)?;
            for key in &self.keys {
                write!(out, ",{}", cell(row, key))?;
            }
            let sums = &row.sums;
            write!(
                out,
                ",{},{},{},{},{},{},{},{},,,,\r\n",
                sums.drops(),
                sums.packets,
                sums.bytes,
                sums.worst().map_or("", Severity::as_str),
                sums.harmful,
                sums.suspicious,
                sums.benign,
                row.other.map_or("", Other::as_str),
            )?;
        }
        if period.rows.is_empty() {
            // Recorded time is the sum of the seconds of all times.
            let keys = ",".repeat(self.keys.len());
            write!(
                out,
                "{:.6},{:.6}{keys},0,0,0,,0,0,0,,,,,\r\n",
                period.time, period.seconds
            )?;
        }
        for histogram in period.histograms.iter().flatten() {
            self.histogram(out, period, histogram)?;
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut dyn Write, _summary: &Period) -> io::Result<()> {
        Ok(())
    }
}

impl Csv {
    /// Writes a line for each bucket, its own columns behind empty ones. What is
    /// unknown has no bounds.
    fn histogram(
        &self,
        out: &mut dyn Write,
        period: &Period,
        histogram: &Histogram,
    ) -> io::Result<()> {
        let empty = ",".repeat(self.keys.len() + COUNTS);
        let mut line = |cells: String| {
            let Period { time, seconds, .. } = period;
            let kind = histogram.kind.id();
            write!(out, "{time:.6},{seconds:.6}{empty},{kind},{cells}\r\n")
        };
        for Bucket { from, to, count } in &histogram.buckets {
            if *count > 0 {
                line(format!("{from},{to},{count}"))?;
            }
        }
        if histogram.unknown > 0 {
            line(format!(",,{}", histogram.unknown))?;
        }
        Ok(())
    }
}

fn cell(row: &Row, key: &str) -> String {
    let field = row.fields.iter().find(|field| field.name == key);
    match field.map(|field| &field.value) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Text(text) | Value::Lines(text)) => quoted(text),
    }
}

pub(super) fn quoted(text: &str) -> String {
    let text = escape(text);
    if text.contains([',', '"', '\n', '\r', ' ']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}
