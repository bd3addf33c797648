//! What netdrop exports is opened by those who are to read it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::{
    recordings::{Folder, drop_some, recorder, text},
    refusals::says,
};
use crate::{
    bench::Bench,
    lab::{A, B, Pair},
    scenario::Scenario,
    sender::Datagrams,
    tools,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "parquet_is_the_recording",
        about: "DuckDB and pyarrow find the rows and sums of the recording in it",
        run: parquet_is_the_recording,
    },
    Scenario {
        name: "the_recording_is_an_arrow_stream",
        about: "Python as docs/recording.md has it, on a recording",
        run: the_recording_is_an_arrow_stream,
    },
    Scenario {
        name: "prometheus_takes_the_metrics",
        about: "promtool makes blocks of the export, and their sums are those of the report",
        run: prometheus_takes_the_metrics,
    },
];

/// A recording of drops of more than one kind, and its report.
fn recorded(bench: &Bench, folder: &Folder) -> Result<Value> {
    let lab = Pair::new()?;
    let file = folder.file("drops.ndr");
    let mut recorder = recorder(bench, &file, "--interval 100ms")?;
    for times in [300, 0, 200] {
        drop_some(&lab, times)?;
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 10), 1, 30).send(&lab.a)?;
    }
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    let arguments = format!(
        "report {} --format json --severity all --by reason --top 1000",
        file.display()
    );
    Ok(serde_json::from_str(&text(bench, &arguments)?)?)
}

fn totals(report: &Value) -> Result<u64> {
    let drops = &report["summary"]["totals"]["drops"];
    let drops = drops.as_u64().context("the report has no total")?;
    ensure!(drops >= 590, "only {drops} drops");
    Ok(drops)
}

const PARQUET: &str = r#"
import duckdb, json, sys
import pyarrow as pa, pyarrow.parquet as pq
with open(sys.argv[1], "rb") as stream:
    recorded = pa.ipc.open_stream(stream).read_all()
read = pq.read_table(sys.argv[2])
sql = duckdb.sql
places = "kind = 'site' OR kind = 'count' AND scope = 'netdrop' AND name = 'site_other'"
amount = "CASE kind WHEN 'site' THEN drops ELSE value END"
rows = f"(SELECT *, {amount} AS amount FROM '{sys.argv[2]}' WHERE {places})"
one = lambda query: int(sql(query).fetchall()[0][0])
header = sql(f"SELECT value FROM parquet_kv_metadata('{sys.argv[2]}') WHERE key = 'netdrop'")
json.dump({
    "same_rows": read.equals(recorded),
    "same_columns": read.schema.equals(recorded.schema),
    "rows": read.num_rows,
    "duckdb_rows": one(f"SELECT count(*) FROM '{sys.argv[2]}'"),
    "drops": one(f"SELECT sum(amount) FROM {rows}"),
    "intervals": one(f"SELECT sum(drops) FROM '{sys.argv[2]}' WHERE kind = 'interval'"),
    "by_reason": {reason or "": int(drops) for reason, drops in
        sql(f"SELECT reason, sum(amount) FROM {rows} GROUP BY reason").fetchall() if drops},
    "header": json.loads(header.fetchall()[0][0]) == json.loads(recorded.schema.metadata[b"netdrop"]),
}, sys.stdout)
"#;

fn parquet_is_the_recording(bench: &Bench) -> Result<()> {
    let folder = Folder::new("parquet")?;
    let report = recorded(bench, &folder)?;
    let drops = totals(&report)?;
    let (file, table) = (folder.file("drops.ndr"), folder.file("drops.parquet"));
    let arguments = format!(
        "export {} --to parquet -o {}",
        file.display(),
        table.display()
    );
    text(bench, &arguments)?;
    let mut python = tools::python()?;
    let found = tools::printed(python.args(["-c", PARQUET]).arg(&file).arg(&table))?;
    let found: Value = serde_json::from_str(&found)?;
    for same in ["same_rows", "same_columns", "header"] {
        ensure!(found[same] == true, "not {same}: {found}");
    }
    ensure!(found["rows"] == found["duckdb_rows"], "{found}");
    ensure!(found["drops"] == drops, "not {drops} drops: {found}");
    ensure!(found["intervals"] == drops, "not {drops} drops: {found}");
    let rows = report["summary"]["rows"].as_array().context("no rows")?;
    let by_reason: BTreeMap<&str, u64> = rows
        .iter()
        .filter_map(|row| Some((row["reason"].as_str().unwrap_or(""), row["drops"].as_u64()?)))
        .collect();
    let by_reason = serde_json::to_value(by_reason)?;
    ensure!(found["by_reason"] == by_reason, "not {by_reason}: {found}");

    // A view of it is what others make.
    for (option, word, told) in [
        ("--by", "reason", "every row"),
        ("--severity", "harmful", "--filter 'severity harmful'"),
    ] {
        let refused = Command::new(bench.binary()?)
            .args(["export", "--to", "parquet", option, word, "-o", "-"])
            .arg(&file)
            .output()?;
        says(&refused, 2, &[option, told])?;
    }
    Ok(())
}

/// The first example of a language in a document.
fn example(document: &'static str, language: &str) -> Option<&'static str> {
    let (_, rest) = document.split_once(&format!("```{language}\n"))?;
    Some(rest.split_once("```")?.0)
}

fn the_recording_is_an_arrow_stream(bench: &Bench) -> Result<()> {
    let folder = Folder::new("stream")?;
    let report = recorded(bench, &folder)?;
    let drops = totals(&report)?;
    let example = example(include_str!("../../../docs/recording.md"), "python");
    let example = example.context("the document has no example")?;
    let sum = "SELECT CAST(sum(drops) AS BIGINT) FROM recorded WHERE kind = 'interval'";
    let mut python = tools::python()?;
    let file = folder.file("drops.ndr");
    python
        .current_dir(file.parent().context("no folder")?)
        .arg("-c")
        .arg(format!(
            "{example}\nprint('drops:', duckdb.sql(\"{sum}\").fetchall()[0][0])"
        ));
    let printed = tools::printed(&mut python)?;
    ensure!(
        printed
            .lines()
            .any(|line| line == format!("drops: {drops}")),
        "not {drops} drops: {printed}"
    );
    Ok(())
}

const METRICS: &str = r#"
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = text_string_to_metric_families(open(sys.argv[1]).read())
print(sum(int(sample.value) for family in families if family.name == "netdrop_drops"
    for sample in family.samples))
"#;

fn prometheus_takes_the_metrics(bench: &Bench) -> Result<()> {
    let folder = Folder::new("metrics")?;
    let report = recorded(bench, &folder)?;
    let drops = totals(&report)?;
    let (file, metrics) = (folder.file("drops.ndr"), folder.file("drops.om"));
    let arguments = format!(
        "export {} --to openmetrics -o {}",
        file.display(),
        metrics.display()
    );
    text(bench, &arguments)?;

    // The strict reader of the format.
    let mut python = tools::python()?;
    let sum = tools::printed(python.args(["-c", METRICS]).arg(&metrics))?;
    ensure!(sum.trim() == drops.to_string(), "{sum}, not {drops}");

    // Prometheus's own, and what its database then holds.
    let blocks = folder.file("blocks");
    let mut import = tools::program("promtool");
    import.args(["tsdb", "create-blocks-from", "openmetrics"]);
    tools::printed(import.arg(&metrics).arg(&blocks))?;
    // What promtool reads wants one, and what it writes has none.
    fs::create_dir(blocks.join("wal"))?;
    let dump = tools::printed(
        tools::program("promtool")
            .args(["tsdb", "dump"])
            .arg(&blocks),
    )?;
    let sum: u64 = dump
        .lines()
        .filter(|line| line.contains("__name__=\"netdrop_drops\""))
        .filter_map(|line| {
            line.rsplit_once("} ")?
                .1
                .split(' ')
                .next()?
                .parse::<u64>()
                .ok()
        })
        .sum();
    ensure!(sum == drops, "{sum} in the database, not {drops}: {dump}");
    let text = fs::read_to_string(&metrics)?;
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    ensure!(
        dump.lines().count() == samples,
        "not {samples} samples: {dump}"
    );

    let checked = tools::program("promtool")
        .args(["check", "metrics"])
        .stdin(File::open(&metrics)?)
        .output()
        .context("cannot start promtool")?;
    let remarks = String::from_utf8_lossy(&checked.stderr);
    ensure!(
        checked.status.success() && remarks.is_empty(),
        "promtool check metrics: {}: {remarks}",
        checked.status
    );
    Ok(())
}
