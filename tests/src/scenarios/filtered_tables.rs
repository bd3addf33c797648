//! Tables of what a filter leaves of a recording, held against the JSON of the same
//! filter.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::recordings::{Folder, drop_some, recorder};
use crate::{
    bench::Bench,
    case::report,
    lab::{A, B, Pair},
    scenario::Scenario,
    sender::Datagrams,
    tools,
};

pub(super) const USER_SPACE: &[Scenario] = &[Scenario {
    name: "parquet_is_what_a_filter_leaves",
    about: "DuckDB finds the places, flows and counts of the JSON of the same filter, decided by rows and by single drops",
    run: parquet_is_what_a_filter_leaves,
}];

/// Reads a table: its places as rows of JSON would tell them, and its counts.
const TABLE: &str = r#"
import duckdb, json, sys
import pyarrow as pa, pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
sql = lambda query: duckdb.sql(query.replace("FILE", f"'{sys.argv[1]}'")).fetchall()
one = lambda query: int(sql(query)[0][0] or 0)
count = lambda scope, name: one(f"SELECT sum(value) FROM FILE WHERE kind = 'count' "
    f"AND scope = '{scope}' AND name = '{name}'")
keys = "stage, reason, function, device, netns, cpu, protocol, direction"
texts = [column.unique().to_pylist() for column in table.columns if pa.types.is_string(column.type)]
json.dump({
    "rows": [[*row[:-1], int(row[-1])] for row in
        sql(f"SELECT {keys}, sum(drops) FROM FILE WHERE kind = 'site' GROUP BY ALL")],
    "counted": one("SELECT sum(drops) FROM FILE WHERE kind = 'interval'"),
    "filtered": count("netdrop", "filtered"),
    "undecided": count("netdrop", "undecided"),
    "site_other": count("netdrop", "site_other"),
    "by_flow": one("SELECT sum(drops) FROM FILE WHERE kind = 'flow'")
        + sum(count("netdrop", name) for name in ["flow_other", "flow_cut", "no_flow"]),
    "events": one("SELECT count(*) FROM FILE WHERE kind = 'event'"),
    "singles": {name: count("singles", name) for name in ["asked", "kept", "decided"]},
    "ends": one("SELECT count(*) FROM FILE WHERE kind = 'end'"),
    "filter": json.loads(table.schema.metadata[b"netdrop"])["filter"],
    "texts": json.dumps(texts) + str(table.schema.metadata),
}, sys.stdout)
"#;

/// Rows of which one table holds more than the other, over all columns.
const DIFFERENCE: &str = r#"
import duckdb, sys
columns = [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{sys.argv[1]}'").fetchall()]
columns = ", ".join(f'"{column}"' for column in columns)
# Flows beyond those that were recorded have no row any more to be cut.
rows = lambda file: (f"SELECT {columns} FROM '{file}' WHERE kind <> 'count' OR name NOT IN "
    "('flow_other', 'flow_cut')")
for one, other in [sys.argv[1:], sys.argv[:0:-1]]:
    difference = duckdb.sql(f"{rows(one)} EXCEPT ALL {rows(other)}")
    for row in duckdb.sql("SELECT kind, name, count(*) FROM difference GROUP BY ALL").fetchall():
        print(one, *row)
"#;

const KEYS: [&str; 8] = [
    "stage",
    "reason",
    "function",
    "device",
    "netns",
    "cpu",
    "protocol",
    "direction",
];

fn parquet_is_what_a_filter_leaves(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("filtered-tables")?;
    let file = folder.file("drops.ndr");
    let mut recorder = recorder(bench, &file, "--interval 100ms --max-events 10000 --top 2")?;
    for times in [90, 0, 60] {
        drop_some(&lab, times)?;
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 10), 400, 20).send(&lab.a)?;
        Datagrams::new((A.v6.into(), 4001), (B.v6.into(), 9), 400, 5).send(&lab.a)?;
    }
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    let netns = lab.b.inode();
    let mut complaints = Vec::new();
    for (filter, ours, of_singles) in [
        // As many as were sent.
        (
            format!("netns {netns} and reason NO_SOCKET and ip"),
            Some(210),
            false,
        ),
        (format!("netns {netns} and port 10"), None, false),
        (format!("netns {netns} and src host {}", A.v4), None, false),
        (format!("netns {netns} and greater 400"), None, true),
        ("severity harmful or less 60".to_owned(), None, true),
    ] {
        let told = export(bench, &folder, &file, &filter)?;
        let Told {
            table,
            summary,
            singles,
        } = &told;
        let mut wrong = against(table, summary);
        if ours.is_some_and(|ours| table["counted"] != ours) {
            wrong.push(format!("not {ours:?} drops"));
        }
        if table["filter"] != *filter || table["ends"] != 1 {
            wrong.push("not its filter, or no end".to_owned());
        }
        let asked = table["singles"]["asked"].as_u64().unwrap_or_default();
        if (asked > 0) != of_singles || (of_singles && table["singles"] != *singles) {
            wrong.push(format!("not {singles}"));
        }
        if table["counted"] == 0 || table["events"] == 0 {
            wrong.push("nothing is left".to_owned());
        }
        complaints.extend(
            wrong
                .iter()
                .map(|wrong| format!("`{filter}`: {wrong}: {table}")),
        );
    }
    complaints.extend(everything(bench, &folder, &file)?);
    complaints.extend(hidden(bench, &folder, &file, lab.b.name())?);
    report(&complaints)
}

struct Told {
    table: Value,
    /// The last line of the JSON.
    summary: Value,
    /// What the report says of single drops.
    singles: Value,
}

fn export(bench: &Bench, folder: &Folder, file: &Path, filter: &str) -> Result<Told> {
    let [one, other, lines] =
        ["one.parquet", "other.parquet", "lines.json"].map(|it| folder.file(it));
    for (to, out) in [("parquet", &one), ("parquet", &other), ("json", &lines)] {
        let mut command = Command::new(bench.binary()?);
        command
            .arg("export")
            .arg(file)
            .args(["--force", "--filter", filter]);
        tools::printed(command.args(["--to", to, "-o"]).arg(out))?;
    }
    ensure!(fs::read(&one)? == fs::read(&other)?, "two exports differ");
    let lines = fs::read_to_string(&lines)?;
    let mut page = Command::new(bench.binary()?);
    page.arg("report")
        .arg(file)
        .args(["--format", "json", "--filter", filter]);
    let page: Value = serde_json::from_str(&tools::printed(&mut page)?)?;
    Ok(Told {
        table: read(&one)?,
        summary: serde_json::from_str(lines.lines().last().context("no summary")?)?,
        singles: page["pieces"][0]["singles"].clone(),
    })
}

fn read(table: &Path) -> Result<Value> {
    let mut python = tools::python()?;
    let read = tools::printed(python.args(["-c", TABLE]).arg(table))?;
    Ok(serde_json::from_str(&read)?)
}

/// What differs between the table and the JSON.
fn against(table: &Value, summary: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let accounting = &summary["accounting"];
    for name in ["counted", "filtered", "undecided", "site_other"] {
        if table[name] != accounting[name] {
            wrong.push(format!("{name} is not {}", accounting[name]));
        }
    }
    if table["by_flow"] != table["counted"] {
        wrong.push("flows do not add up".to_owned());
    }
    let rows = |rows: &Value, row: fn(&Value) -> String| -> BTreeSet<String> {
        rows.as_array().into_iter().flatten().map(row).collect()
    };
    let found = rows(&table["rows"], ToString::to_string);
    let expected = rows(&summary["rows"], |row| {
        let keys = KEYS
            .into_iter()
            .chain(["drops"])
            .map(|key| row[key].clone());
        keys.collect::<Value>().to_string()
    });
    if found != expected {
        wrong.push(format!("not {expected:?}"));
    }
    wrong
}

/// A filter that leaves everything leaves every row as it was recorded.
fn everything(bench: &Bench, folder: &Folder, file: &Path) -> Result<Vec<String>> {
    let [raw, all] = ["raw.parquet", "all.parquet"].map(|it| folder.file(it));
    for (filter, out) in [(None, &raw), (Some("cpu 0 or not cpu 0"), &all)] {
        let mut command = Command::new(bench.binary()?);
        command.arg("export").arg(file).args(["--to", "parquet"]);
        if let Some(filter) = filter {
            command.args(["--filter", filter]);
        }
        tools::printed(command.arg("-o").arg(out))?;
    }
    let mut python = tools::python()?;
    let found = tools::printed(python.args(["-c", DIFFERENCE]).arg(&raw).arg(&all))?;
    Ok(found.lines().map(|row| format!("all: {row}")).collect())
}

/// The same count without any name, in the rows, in the header and in JSON.
fn hidden(bench: &Bench, folder: &Folder, file: &Path, netns: &str) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    let source = A.v4.to_string();
    let filter = format!("src host {source} and greater 400");
    let open = export(bench, folder, file, &filter)?.table;
    let [out, lines] = ["hidden.parquet", "hidden.json"].map(|it| folder.file(it));
    for (to, out) in [("parquet", &out), ("json", &lines)] {
        let mut command = Command::new(bench.binary()?);
        command
            .arg("export")
            .arg(file)
            .args(["--anonymize", "--filter", &filter]);
        tools::printed(command.args(["--to", to, "-o"]).arg(out))?;
    }
    let table = read(&out)?;
    for name in [
        "counted",
        "filtered",
        "undecided",
        "by_flow",
        "events",
        "singles",
    ] {
        if table[name] != open[name] {
            complaints.push(format!(
                "hidden: {name} is {}, not {}",
                table[name], open[name]
            ));
        }
    }
    let lines = fs::read_to_string(lines)?;
    for (what, text) in [
        ("Parquet", table["texts"].as_str().unwrap_or("")),
        ("JSON", &lines),
    ] {
        for name in [&source, &B.v4.to_string(), netns] {
            if text.is_empty() || text.contains(name) {
                complaints.push(format!("hidden: {name} in {what}"));
            }
        }
    }
    Ok(complaints)
}
