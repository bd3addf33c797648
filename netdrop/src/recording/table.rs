//! A recording as the table that it is: its rows as they were written, without
//! understanding more of them than where an interval ends, unless the host is to be
//! hidden.

mod hide;

use std::{io::Read, mem, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use self::hide::Hider;
use super::{
    anonymize::Anonymizer,
    checksum,
    columns::{Line, View},
    frame::{Frames, Stop},
    header::Header,
    read::{End, OpenError},
    sound::{Sequence, Sums},
};

/// Kinds of rows that tell whether intervals are whole.
const KINDS: [&str; 4] = ["site", "count", "interval", "end"];

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
    sums: Sums,
    sequence: Sequence,
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
        OpenError::unless_counts(&schema)?;
        let mut metadata = schema.metadata().clone();
        // That is of the bytes of this file, not of its rows.
        metadata.remove(checksum::KEY);
        let schema = Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata));
        let sequence = Sequence::of(&header);
        let hider = anonymizer.map(|anonymizer| Hider::new(header, anonymizer));
        Ok(Self {
            frames,
            schema,
            hider: hider.transpose()?,
            held: Vec::new(),
            sums: Sums::default(),
            sequence,
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
            let batch = match self.frames.batch(&self.schema) {
                Ok(batch) => batch,
                Err(stop) => {
                    self.end = Some(End::of(stop, &self.frames, &self.sequence));
                    break;
                }
            };
            match self.take(&batch, before).and_then(|rows| self.hidden(rows)) {
                Ok(rows) if rows.is_empty() => {}
                Ok(rows) => return rows,
                Err(why) => self.end = Some(End::Damaged(before, self.sequence.placed(why))),
            }
        }
        Vec::new()
    }

    /// How it ends; known once there are no further rows.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The rows of whole intervals; those of one that goes on are held.
    fn take(&mut self, batch: &RecordBatch, before: u64) -> Result<Vec<RecordBatch>, String> {
        let Seen {
            whole,
            closed,
            wrong,
        } = self.look(batch)?;
        if whole == 0 {
            if let Some(why) = wrong {
                return Err(why);
            }
            self.hold(batch.clone())?;
            return Ok(Vec::new());
        }
        let mut rows = mem::take(&mut self.held);
        rows.push(batch.slice(0, whole));
        if let Some(why) = wrong {
            self.end = Some(End::Damaged(before, self.sequence.placed(why)));
        } else if let Some(why) = closed {
            self.end = Some(End::behind(why, &mut self.frames, &self.schema));
        } else if whole < batch.num_rows() {
            self.hold(batch.slice(whole, batch.num_rows() - whole))?;
        }
        Ok(rows)
    }

    /// Looks at what tells whether intervals are whole.
    fn look(&mut self, batch: &RecordBatch) -> Result<Seen, String> {
        let view = View::of(batch).map_err(|wrong| wrong.to_string())?;
        let mut seen = Seen::default();
        for row in 0..view.len() {
            if !view.kind(row).is_some_and(|kind| KINDS.contains(&kind)) {
                continue;
            }
            let line = view.line(row);
            if let Err(why) = self.row(&line) {
                seen.wrong = Some(why);
                break;
            }
            match line.kind {
                Some("interval") => seen.whole = row + 1,
                Some("end") => {
                    seen.whole = view.len();
                    seen.closed = Some(line.name.unwrap_or("unknown").to_owned());
                    break;
                }
                _ => {}
            }
        }
        Ok(seen)
    }

    fn row(&mut self, line: &Line<'_>) -> Result<(), String> {
        let is_checked = self.frames.is_checked();
        match line.kind {
            Some("interval") => {
                mem::take(&mut self.sums).check(line)?;
                self.sequence.follow(line.interval, is_checked)
            }
            Some("end") => self.sequence.ends(line.interval, is_checked),
            _ => self.sums.add(line),
        }
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
}

/// What a batch makes of the rows before it.
#[derive(Debug, Default)]
struct Seen {
    /// Its rows up to the end of the last interval that is whole, or to the end of the
    /// file.
    whole: usize,
    /// Why the file ends.
    closed: Option<String>,
    /// What is wrong behind those rows.
    wrong: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow_array::{Array as _, StringArray, UInt64Array};
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
            let drops = UInt64Array::from(vec![None; kinds.len()]);
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
