//! Parquet: the recording's own table, row by row, for `DuckDB` and its kin.
//!
//! It is no view: nothing is grouped, summed up or left out but what a filter does
//! not want, so that whoever reads it asks for what they want.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties},
};

use crate::recording::header::KEY;

/// Rows that are kept in memory, and found together in the file, at most.
const GROUP: usize = 128 << 10;
/// The same, in bytes.
const GROUP_BYTES: usize = 16 << 20;

/// Writes Parquet.
pub struct Parquet {
    writer: ArrowWriter<Vec<u8>>,
}

impl std::fmt::Debug for Parquet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Parquet").finish_non_exhaustive()
    }
}

impl Parquet {
    /// Begins. The header of the recording goes into the metadata of the file.
    ///
    /// # Errors
    ///
    /// When the columns are none that Parquet has.
    pub fn start(schema: &SchemaRef) -> io::Result<Self> {
        let header = schema.metadata().get(KEY).cloned();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(zstd()?))
            .set_max_row_group_row_count(Some(GROUP))
            .set_created_by(concat!("netdrop ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![KeyValue::new(KEY.to_owned(), header)]))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(schema), Some(properties))?;
        Ok(Self { writer })
    }

    /// Takes rows, and writes those that are enough for a group.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    pub fn rows(&mut self, out: &mut dyn Write, rows: &RecordBatch) -> io::Result<()> {
        self.writer.write(rows)?;
        if self.writer.in_progress_size() > GROUP_BYTES {
            self.writer.flush()?;
        }
        self.drain(out)
    }

    /// Ends.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    pub fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.writer.finish()?;
        self.drain(out)
    }

    /// The writer counts what it has written: what it wrote into may be emptied.
    fn drain(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let bytes = self.writer.inner_mut();
        out.write_all(bytes)?;
        bytes.clear();
        Ok(())
    }
}

fn zstd() -> Result<parquet::basic::ZstdLevel, ParquetError> {
    parquet::basic::ZstdLevel::try_new(3)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use arrow_array::{
        Array as _, StringArray, UInt64Array, cast::AsArray as _, types::UInt64Type,
    };
    use arrow_schema::{DataType, Field, Schema};
    use bytes::Bytes;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    #[test]
    fn every_row_and_the_header_are_in_the_file() {
        let fields = vec![
            Field::new("kind", DataType::Utf8, true),
            Field::new("drops", DataType::UInt64, true),
        ];
        let header = HashMap::from([(KEY.to_owned(), r#"{"format":1}"#.to_owned())]);
        let schema = Arc::new(Schema::new_with_metadata(fields, header));
        let mut out = Vec::new();
        let mut parquet = Parquet::start(&schema).unwrap();
        // Enough for more than one group.
        let count = GROUP as u64 / 2;
        for batch in 0..5 {
            let kinds: StringArray = (0..count)
                .map(|row| (row % 2 == 0).then_some("site"))
                .collect();
            let drops = UInt64Array::from_iter_values((0..count).map(|row| batch * count + row));
            let columns = vec![Arc::new(kinds) as _, Arc::new(drops) as _];
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
            parquet.rows(&mut out, &batch).unwrap();
        }
        assert!(!out.is_empty());
        parquet.finish(&mut out).unwrap();

        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(out)).unwrap();
        assert!(reader.metadata().num_row_groups() > 1);
        let facts = reader
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .unwrap();
        let header = facts.iter().find(|fact| fact.key == KEY).unwrap();
        assert_eq!(header.value.as_deref(), Some(r#"{"format":1}"#));
        let mut next = 0;
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let kinds = batch.column(0).as_string::<i32>();
            let drops = batch.column(1).as_primitive::<UInt64Type>();
            for row in 0..batch.num_rows() {
                assert_eq!(drops.value(row), next);
                assert_eq!(kinds.is_valid(row), (next % count).is_multiple_of(2));
                next += 1;
            }
        }
        assert_eq!(next, 5 * count);
    }
}
