//! Exports of a recording's own table: as it is, or as a filter would have left it.

mod rows;

use std::io::{BufWriter, Write as _};

use anyhow::Context as _;

use self::rows::Rows;
use super::{Args, following, name};
use crate::{
    cli::{
        fault::Usage,
        filter,
        outfile::{self, Whole},
        reading,
    },
    output::export::Parquet,
    recording::anonymize::Anonymizer,
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
    if severity.is_some() {
        return Err(Usage(
            "--to parquet writes rows as they are recorded, without --severity: \
             --filter 'severity harmful' leaves those that are"
                .to_owned(),
        )
        .into());
    }
    let asked = [("--by", by.is_some()), ("--events", *events)];
    if let Some((option, _)) = asked.into_iter().find(|(_, asked)| *asked) {
        return Err(Usage(format!(
            "--to parquet writes every row as it is recorded, without {option}: ask its reader, \
             for example `SELECT reason, sum(drops) FROM 'drops.parquet' WHERE kind = 'site' \
             GROUP BY reason`, or export csv"
        ))
        .into());
    }
    let anonymizer = anonymize.then(Anonymizer::random).transpose()?;
    let filter = filter::of_recording(filter.as_slice())?;
    let reading = following(output);
    let mut table = Rows::open(&reading, file, filter.as_ref(), anonymizer)?;
    let mut whole = Whole::create(output, *force)?;
    outfile::refuse_terminal(whole.file())?;
    let write = || format!("cannot write {}", name(output));
    let mut out = BufWriter::with_capacity(64 << 10, whole.file());
    let mut parquet = Parquet::start(table.schema()).with_context(write)?;
    loop {
        let rows = table.next_rows()?;
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
    filter::say_singles(&reading::name(file), table.singles());
    filter::say_left_out(&reading::name(file), table.left_out());
    Ok(())
}
