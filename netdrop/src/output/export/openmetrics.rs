//! `OpenMetrics`: the sums of the whole recording as they stood at its end, for
//! Prometheus and its kin. Each sample has that time: what is long past is not
//! to be taken for now. They are gauges: those of another recording do not go on
//! where these end, and what asks for the rate of a counter would take them to.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::{Exporter, Source};
use crate::{
    output::escape::escape,
    tally::{
        accounting::{Accounting, Traffic},
        histogram::{Histogram, HistogramKind},
        key::By,
        period::Period,
        row::{Field, Row, Value},
    },
};

/// What is summed up of a row.
type Count = fn(&Row) -> u64;

/// Fields that say more of another one.
const BESIDE: [&str; 3] = ["stage_by", "netns_kind", "address"];

/// Writes `OpenMetrics`.
#[derive(Debug, Default)]
pub struct OpenMetrics {
    host: String,
}

impl Exporter for OpenMetrics {
    fn keys(&self) -> &'static str {
        "stage,reason,function,device,netns,direction,severity"
    }

    fn tells_accounting(&self) -> bool {
        true
    }

    fn start(&mut self, _out: &mut dyn Write, source: &Source<'_>, _by: &By) -> io::Result<()> {
        source.header.host.clone_into(&mut self.host);
        Ok(())
    }

    fn interval(&mut self, _out: &mut dyn Write, _period: &Period) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write, summary: &Period) -> io::Result<()> {
        let Period {
            rows,
            accounting,
            traffic,
            hooks,
            seconds,
            time,
            histograms,
            ..
        } = summary;
        // Whole seconds: readers of the older format know no others.
        let time = time.as_second();
        let host = label("host", &self.host);
        let families: [(&str, &str, Count); 3] = [
            ("netdrop_drops", "Dropped packets (skbs).", |row| {
                row.sums.drops()
            }),
            (
                "netdrop_packets",
                "Packets on the wire that they stand for.",
                |row| row.sums.packets,
            ),
            ("netdrop_bytes", "Their bytes.", |row| row.sums.bytes),
        ];
        for (name, help, of) in families {
            head(out, name, "gauge", help)?;
            for row in rows {
                let labels = labels(row);
                writeln!(out, "{name}{{{host}{labels}}} {} {time}", of(row))?;
            }
        }
        head(
            out,
            "netdrop_accounting",
            "gauge",
            "Where every run of the drop hook went, and what detail was lost.",
        )?;
        let sample = |out: &mut dyn Write, family, name, count: Option<u64>| {
            // What is unknown is left out.
            let Some(count) = count else { return Ok(()) };
            writeln!(
                out,
                "{family}{{{host},{}}} {count} {time}",
                label("name", name)
            )
        };
        for (name, count) in accounted(accounting) {
            sample(out, "netdrop_accounting", name, count)?;
        }
        head(out, "netdrop_traffic", "gauge", "What passed.")?;
        for (name, count) in passed(traffic) {
            sample(out, "netdrop_traffic", name, count)?;
        }
        head(
            out,
            "netdrop_hook_runs",
            "gauge",
            "Runs of hooks that are no drops.",
        )?;
        for hook in hooks {
            sample(out, "netdrop_hook_runs", hook.name, hook.count)?;
        }
        if let Some(histograms) = histograms {
            distributions(out, &host, time, histograms)?;
            head(
                out,
                "netdrop_unknown_values",
                "gauge",
                "What is in no bucket, because its value is not known.",
            )?;
            for Histogram { kind, unknown, .. } in histograms {
                sample(out, "netdrop_unknown_values", kind.id(), Some(*unknown))?;
            }
        }
        head(
            out,
            "netdrop_recorded_seconds",
            "gauge",
            "Measured length of the recording.",
        )?;
        writeln!(out, "netdrop_recorded_seconds{{{host}}} {seconds} {time}")?;
        writeln!(out, "# EOF")
    }
}

fn head(out: &mut dyn Write, name: &str, r#type: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# TYPE {name} {type}")?;
    writeln!(out, "# HELP {name} {help}")
}

/// Histograms, in base units. Without sums, which nobody counted; and so, by the
/// specification, without counts beside the last bucket.
fn distributions(
    out: &mut dyn Write,
    host: &str,
    time: i64,
    histograms: &[Histogram],
) -> io::Result<()> {
    for histogram in histograms {
        let (name, help) = match histogram.kind {
            HistogramKind::PacketSize => (
                "netdrop_packet_size_bytes",
                "Dropped skbs by their bytes from the network header on.",
            ),
            HistogramKind::Age => (
                "netdrop_age_seconds",
                "Dropped skbs by the time since the stack got or sent them.",
            ),
            HistogramKind::NapiWork => ("netdrop_napi_work_packets", "NAPI polls by packets."),
            HistogramKind::Burst => ("netdrop_burst_drops", "Bursts of drops on a CPU by drops."),
        };
        head(out, name, "histogram", help)?;
        let mut sum = 0_u64;
        for bucket in &histogram.buckets {
            sum += bucket.count;
            let le = bound(histogram.kind, bucket.to);
            writeln!(out, "{name}_bucket{{{host},le=\"{le}\"}} {sum} {time}")?;
        }
        writeln!(out, "{name}_bucket{{{host},le=\"+Inf\"}} {sum} {time}")?;
    }
    Ok(())
}

/// The greatest value of a bucket as a floating point number.
#[expect(
    clippy::cast_precision_loss,
    reason = "a time needs no more than 52 bits"
)]
fn bound(kind: HistogramKind, to: u64) -> String {
    match kind {
        HistogramKind::Age => format!("{:?}", to as f64 / 1e9),
        _ => format!("{to}.0"),
    }
}

fn labels(row: &Row) -> String {
    let mut labels = String::new();
    for Field { name, value } in &row.fields {
        let text = match value {
            _ if BESIDE.contains(name) => continue,
            Value::Null => continue,
            Value::Number(number) => number.to_string(),
            Value::Text(text) | Value::Lines(text) => text.to_string(),
        };
        let _ = write!(labels, ",{}", label(name, &text));
    }
    if let Some(other) = row.other {
        let _ = write!(labels, ",{}", label("other", other.as_str()));
    }
    labels
}

fn label(name: &str, value: &str) -> String {
    let value = escape(value).replace('\\', "\\\\").replace('"', "\\\"");
    format!("{name}=\"{value}\"")
}

fn accounted(accounting: &Accounting) -> Vec<(&'static str, Option<u64>)> {
    let Accounting {
        counted,
        filtered,
        undecided,
        parts,
        recursion_missed,
        flow_other,
        no_flow,
        site_other,
        unparsed,
        ..
    } = *accounting;
    vec![
        ("counted", Some(counted)),
        ("filtered", Some(filtered)),
        ("undecided", Some(undecided)),
        ("parts", Some(parts)),
        ("recursion_missed", recursion_missed),
        ("flow_other", flow_other),
        ("no_flow", no_flow),
        ("site_other", Some(site_other)),
        ("unparsed", Some(unparsed)),
    ]
}

fn passed(traffic: &Traffic) -> Vec<(&'static str, Option<u64>)> {
    let Traffic {
        rx_packets,
        tx_packets,
        napi_polls,
        napi_full,
        time_squeeze,
    } = *traffic;
    vec![
        ("rx_packets", rx_packets),
        ("tx_packets", tx_packets),
        ("napi_polls", napi_polls),
        ("napi_full", napi_full),
        ("time_squeeze", time_squeeze),
    ]
}
