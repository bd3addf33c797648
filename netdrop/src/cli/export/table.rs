//! Exports of a recording's own table, in which nothing is left out.

use std::io::{BufWriter, Write as _};

use anyhow::Context as _;

use super::{Args, following, name};
use crate::{
    cli::{
        fault::Usage,
        outfile::{self, Whole},
        reading,
    },
    output::export::Parquet,
    recording::{anonymize::Anonymizer, table::Table},
};

pub(super) fn export(args: &Args) -> anyhow::Result<()> {
    let Args {
        file,
        to: _,
        output,
        force,
        by,
        severity,
        events,
        anonymize,
        filter,
    } = args;
    let asked = [
        ("--by", by.is_some()),
        ("--severity", severity.is_some()),
        ("--events", *events),
        ("--filter", filter.is_some()),
    ];
    if let Some((option, _)) = asked.into_iter().find(|(_, asked)| *asked) {
        return Err(Usage(format!(
            "--to parquet writes every row as it was recorded, without {option}: ask its reader, \
             for example `SELECT reason, sum(drops) FROM 'drops.parquet' WHERE kind = 'site' \
             GROUP BY reason`, or export csv"
        ))
        .into());
    }
    let anonymizer = anonymize.then(Anonymizer::random).transpose()?;
    let reading = following(output);
    let mut table =
        Table::open_with(reading.open(file)?, anonymizer).with_context(|| reading::name(file))?;
    let mut whole = Whole::create(output, *force)?;
    outfile::refuse_terminal(whole.file())?;
    let write = || format!("cannot write {}", name(output));
    let mut out = BufWriter::with_capacity(64 << 10, whole.file());
    let mut parquet = Parquet::start(table.schema()).with_context(write)?;
    loop {
        let rows = table.next_rows();
        if rows.is_empty() {
            break;
        }
        for rows in &rows {
            parquet.rows(&mut out, rows).with_context(write)?;
        }
    }
    parquet
        .finish(&mut out)
        .and_then(|()| out.flush())
        .with_context(write)?;
    drop(out);
    whole.finish()?;
    reading.end();
    reading::warn(&reading::name(file), table.end());
    Ok(())
}
