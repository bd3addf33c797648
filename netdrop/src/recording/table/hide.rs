//! The rows of a table, with other names and addresses.

use std::{collections::HashMap, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use crate::recording::{
    anonymize::Anonymizer,
    columns::{Columns, View, fields},
    header::{Header, KEY},
    read::OpenError,
};

/// What this version knows to hide in: rows of other kinds are left out.
const KINDS: [&str; 10] = [
    "site",
    "flow",
    "count",
    "poll",
    "connection",
    "histogram",
    "counter",
    "event",
    "interval",
    "end",
];

/// Makes rows anew, from the columns that this version knows.
pub(super) struct Hider {
    schema: SchemaRef,
    columns: Columns,
}

impl std::fmt::Debug for Hider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Hider").finish_non_exhaustive()
    }
}

impl Hider {
    pub(super) fn new(mut header: Header, anonymizer: Anonymizer) -> Result<Self, OpenError> {
        anonymizer.header(&mut header);
        let text = header
            .encoded()
            .map_err(|error| OpenError::NotOne(error.to_string()))?;
        let metadata = HashMap::from([(KEY.to_owned(), text)]);
        Ok(Self {
            schema: Arc::new(Schema::new_with_metadata(fields(), metadata)),
            columns: Columns::new(Some(anonymizer)),
        })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The same rows, hidden.
    pub(super) fn hidden(&mut self, rows: &RecordBatch) -> Result<RecordBatch, String> {
        let view = View::of(rows).map_err(|wrong| wrong.to_string())?;
        for line in view.lines() {
            if line.kind.is_some_and(|kind| KINDS.contains(&kind)) {
                self.columns.push(&line);
            }
        }
        let rows = self.columns.batch(Arc::clone(&self.schema));
        rows.map_err(|error| error.to_string())
    }
}
