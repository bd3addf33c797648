//! A recording as the table that it is: its rows as they were written, without
//! understanding more of them than where an interval ends, unless the host is to be
//! hidden.

mod hide;

use std::{io::Read, mem, sync::Arc};

use arrow_array::{Array as _, RecordBatch, StringArray, cast::AsArray as _};
use arrow_schema::{Schema, SchemaRef};

use self::hide::Hider;
use super::{
    anonymize::Anonymizer,
    checksum,
    frame::{Frames, Stop},
    header::Header,
    read::{End, OpenError},
};

/// Rows of an interval at most.
const MOST_ROWS: usize = 4 << 20;
/// Memory for the rows of an interval at most.
const MOST_BYTES: usize = 1 << 30;

/// The rows of a recording that is being read.
#[derive(Debug)]
pub struct Table<R> {
    frames: Frames<R>,
    schema: SchemaRef,
    hider: Option<Hider>,
    /// Rows of an interval that is not whole yet.
    held: Vec<RecordBatch>,
    end: Option<End>,
}

impl<R: Read> Table<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When the file is no recording, or one that only a later version reads.
    pub fn open(reader: R) -> Result<Self, OpenError> {
        Self::open_with(reader, None)
    }

    /// The same; what tells of the host is hidden by the anonymizer. So what only
    /// later versions understand is left out.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(reader: R, anonymizer: Option<Anonymizer>) -> Result<Self, OpenError> {
        let mut frames = Frames::new(reader);
        let schema = frames.schema().map_err(|stop| match stop {
            Stop::Io(error) => OpenError::Io(error),
            Stop::Cut => OpenError::Empty,
            Stop::Closed => OpenError::NotOne("it is empty".to_owned()),
            Stop::Damaged(why) => OpenError::NotOne(why),
        })?;
        let header = Header::of(&schema)?;
        let mut metadata = schema.metadata().clone();
        // That is of the bytes of this file, not of its rows.
        metadata.remove(checksum::KEY);
        let schema = Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata));
        let hider = anonymizer.map(|anonymizer| Hider::new(header, anonymizer));
        Ok(Self {
            frames,
            schema,
            hider: hider.transpose()?,
            held: Vec::new(),
            end: None,
        })
    }

    /// Its columns, with the header in their metadata.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        self.hider.as_ref().map_or(&self.schema, Hider::schema)
    }

    /// The rows of the next intervals that are whole; none when there is no
    /// further one. The first have those that stand before, the last those behind.
    pub fn next_rows(&mut self) -> Vec<RecordBatch> {
        while self.end.is_none() {
            let before = self.frames.whole();
            let end = match self.frames.batch(&self.schema) {
                Ok(batch) => match self.take(batch) {
                    Ok(Taken::Open) => continue,
                    Ok(Taken::Whole(rows)) => match self.hidden(rows) {
                        Ok(rows) => return rows,
                        Err(why) => End::Damaged(before, why),
                    },
                    Ok(Taken::Closed(rows, why)) => match self.hidden(rows) {
                        Ok(rows) => {
                            self.end = Some(self.behind(why));
                            return rows;
                        }
                        Err(why) => End::Damaged(before, why),
                    },
                    Err(why) => End::Damaged(before, why),
                },
                Err(stop) => self.stopped(stop, "unknown".to_owned()),
            };
            self.end = Some(end);
        }
        Vec::new()
    }

    /// How it ends; known once there are no further rows.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn take(&mut self, batch: RecordBatch) -> Result<Taken, String> {
        let text = |name: &str| -> Option<StringArray> {
            batch.column_by_name(name)?.as_string_opt::<i32>().cloned()
        };
        let kinds = text("kind").ok_or("its rows have no kind")?;
        let last = |kind: &str| {
            (0..kinds.len())
                .rev()
                .find(|row| kinds.is_valid(*row) && kinds.value(*row) == kind)
        };
        let closed = last("end");
        let whole = if closed.is_some() {
            Some(batch.num_rows())
        } else {
            last("interval").map(|row| row + 1)
        };
        let Some(whole) = whole else {
            self.hold(batch)?;
            return Ok(Taken::Open);
        };
        let mut rows = mem::take(&mut self.held);
        rows.push(batch.slice(0, whole));
        if let Some(row) = closed {
            let why = text("name").filter(|names| names.is_valid(row));
            let why = why.map_or("unknown".to_owned(), |names| names.value(row).to_owned());
            return Ok(Taken::Closed(rows, why));
        }
        if whole < batch.num_rows() {
            self.hold(batch.slice(whole, batch.num_rows() - whole))?;
        }
        Ok(Taken::Whole(rows))
    }

    fn hidden(&mut self, rows: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, String> {
        match &mut self.hider {
            None => Ok(rows),
            Some(hider) => rows.iter().map(|rows| hider.hidden(rows)).collect(),
        }
    }

    fn hold(&mut self, batch: RecordBatch) -> Result<(), String> {
        self.held.push(batch);
        let held = self.held.iter();
        let rows: usize = held.clone().map(RecordBatch::num_rows).sum();
        let bytes: usize = held.map(RecordBatch::get_array_memory_size).sum();
        if rows > MOST_ROWS || bytes > MOST_BYTES {
            return Err("an interval has too many rows".to_owned());
        }
        Ok(())
    }

    /// Is there a mark that the stream was closed behind its last row?
    fn behind(&mut self, why: String) -> End {
        match self.frames.batch(&self.schema) {
            Ok(_) => End::Damaged(self.frames.whole(), "it goes on behind its end".to_owned()),
            Err(stop) => self.stopped(stop, why),
        }
    }

    fn stopped(&self, stop: Stop, why: String) -> End {
        let whole = self.frames.whole();
        match stop {
            Stop::Closed => End::Closed(why),
            Stop::Cut => End::Cut(whole),
            Stop::Damaged(why) => End::Damaged(whole, why),
            Stop::Io(error) => End::Damaged(whole, error.to_string()),
        }
    }
}

/// What a batch makes of the rows before it.
enum Taken {
    /// Part of an interval that goes on.
    Open,
    /// Whole intervals.
    Whole(Vec<RecordBatch>),
    /// Whole intervals, the last rows, and why it ends.
    Closed(Vec<RecordBatch>, String),
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow_array::UInt64Array;
    use arrow_ipc::writer::StreamWriter;
    use arrow_schema::{DataType, Field};

    use super::*;
    use crate::recording::header::KEY;

    fn recorded(batches: &[&[&str]]) -> Vec<u8> {
        let fields = vec![
            Field::new("kind", DataType::Utf8, true),
            Field::new("drops", DataType::UInt64, true),
        ];
        let header = HashMap::from([(KEY.to_owned(), r#"{"format":1}"#.to_owned())]);
        let schema = Arc::new(Schema::new_with_metadata(fields, header));
        let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
        for kinds in batches {
            let kinds = StringArray::from(kinds.to_vec());
            let drops = UInt64Array::from(vec![1; kinds.len()]);
            let columns = vec![Arc::new(kinds) as _, Arc::new(drops) as _];
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
            writer.write(&batch).unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn read(bytes: &[u8]) -> (Vec<Vec<usize>>, End) {
        let mut table = Table::open(bytes).unwrap();
        let mut found = Vec::new();
        loop {
            let rows = table.next_rows();
            if rows.is_empty() {
                return (found, table.end().unwrap().clone());
            }
            found.push(rows.iter().map(RecordBatch::num_rows).collect());
        }
    }

    #[test]
    fn rows_come_by_whole_intervals() {
        let bytes = recorded(&[
            &["counter"],
            &["site", "site"],
            &["site", "interval"],
            &["site", "interval", "site"],
            &["interval", "end"],
        ]);
        assert_eq!(
            read(&bytes),
            (
                vec![vec![1, 2, 2], vec![2], vec![1, 2]],
                End::Closed("unknown".to_owned())
            )
        );
    }

    #[test]
    fn a_cut_table_ends_behind_its_last_whole_interval() {
        let bytes = recorded(&[&["site", "interval"], &["site"], &["interval"], &["end"]]);
        let start = Table::open(&bytes[..]).unwrap().frames.whole();
        for length in usize::try_from(start).unwrap()..bytes.len() - 8 {
            let (rows, end) = read(&bytes[..length]);
            assert!(matches!(end, End::Cut(_)), "{end}");
            let all = [vec![2], vec![1, 1], vec![1]];
            assert_eq!(rows, all[..rows.len()]);
        }
    }

    #[test]
    fn an_interval_that_was_not_closed_is_left_out() {
        let bytes = recorded(&[&["site", "interval"], &["site"]]);
        let (rows, end) = read(&bytes);
        assert_eq!(rows, [vec![2]]);
        assert_eq!(end, End::Closed("unknown".to_owned()));
    }
}
