//! Where the rows of a table come from.

use std::{io::Read, path::Path};

use anyhow::Context as _;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::{
    cli::{
        filter::{self, Filter},
        grouping::open,
        reading::{self, Reading},
    },
    recording::{anonymize::Anonymizer, filtered::Filtered, read::End, table::Table},
    tally::{choose::Singles, left_out::LeftOut},
};

/// The rows of a recording.
pub(super) enum Rows {
    /// All, as they were recorded.
    All(Box<Table<Box<dyn Read>>>),
    /// Those that a filter leaves.
    Wanted(Box<Filtered<Box<dyn Read>>>),
}

impl Rows {
    pub(super) fn open(
        reading: &Reading,
        file: &Path,
        filter: Option<&Filter>,
        anonymizer: Option<Anonymizer>,
    ) -> anyhow::Result<Self> {
        if filter.is_none() {
            let table = Table::open_with(reading.open(file)?, anonymizer)
                .with_context(|| reading::name(file))?;
            return Ok(Self::All(Box::new(table)));
        }
        let hides = anonymizer.is_some();
        let recording = open(reading, file, filter, anonymizer)?;
        let recorded = recording.header().filter.as_deref();
        let text = filter::told(recorded, filter, hides);
        Ok(Self::Wanted(Box::new(Filtered::of(recording, text)?)))
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        match self {
            Self::All(table) => table.schema(),
            Self::Wanted(table) => table.schema(),
        }
    }

    /// Those of the next intervals; none when there is no further one.
    pub(super) fn next_rows(&mut self) -> anyhow::Result<Vec<RecordBatch>> {
        Ok(match self {
            Self::All(table) => table.next_rows(),
            Self::Wanted(table) => table.next_rows()?,
        })
    }

    pub(super) fn end(&self) -> Option<&End> {
        match self {
            Self::All(table) => table.end(),
            Self::Wanted(table) => table.end(),
        }
    }

    /// How far single drops decided, where a filter asked them.
    pub(super) fn singles(&self) -> Option<Singles> {
        match self {
            Self::All(_) => None,
            Self::Wanted(table) => table.singles(),
        }
    }

    /// What a filter left out.
    pub(super) fn left_out(&self) -> LeftOut {
        match self {
            Self::All(_) => LeftOut::default(),
            Self::Wanted(table) => table.left_out(),
        }
    }
}
