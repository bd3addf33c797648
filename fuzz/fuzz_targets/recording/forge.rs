//! Recordings built from instructions: the rows of a real one, with cells changed.

use std::sync::{Arc, LazyLock};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt16Array, UInt32Array, UInt64Array,
    cast::AsArray as _,
    types::{Float64Type, TimestampMicrosecondType, UInt16Type, UInt32Type, UInt64Type},
};
use arrow_ipc::{
    CompressionType, MetadataVersion,
    reader::StreamReader,
    writer::{IpcWriteOptions, StreamWriter},
};
use arrow_schema::{DataType, SchemaRef};

/// Every stream begins with 0xff, and no instructions do.
const STREAM: u8 = 0xff;

/// Rows of a forged batch at most.
const ROWS: usize = 256;

/// Words that mean something somewhere.
const WORDS: &[&str] = &[
    "site",
    "flow",
    "count",
    "poll",
    "connection",
    "counter",
    "interval",
    "end",
    "event",
    "histogram",
    "stack",
    "netdrop",
    "hook",
    "softnet",
    "fired",
    "parts",
    "filtered",
    "site_other",
    "flow_cut",
    "flow_other",
    "recursion_missed",
    "time_squeeze",
    "all_resets",
    "watched",
    "removed",
    "retransmit",
    "reset_sent",
    "src",
    "dst",
    "both",
    "rx_lookup",
    "tx_qdisc",
    "harmful",
    "benign",
    "rx",
    "tx",
    "tcp",
    "udp",
    "icmp",
    "NO_SOCKET",
    "10.0.0.1",
    "fe80::1",
    "0xffffffff81000000",
    "",
    "packet_size",
    "age",
    "0-63",
    "18446744073709551615-0",
    "unknown",
    "host",
    "lo",
    "\u{202e}\u{7}",
];

/// Numbers at which something turns.
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    6,
    17,
    64,
    255,
    256,
    4095,
    65_535,
    65_536,
    u32::MAX as u64,
    1 << 32,
    1 << 53,
    1 << 61,
    1 << 62,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
    1_700_000_000_000_000,
];

#[derive(Clone, Debug)]
enum Cell {
    Null,
    Text(String),
    Number(u64),
}

struct Template {
    schema: SchemaRef,
    rows: Vec<Vec<Cell>>,
}

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    let bytes: &[u8] = include_bytes!("../../seeds/recording/plain.ndr");
    let reader = StreamReader::try_new(bytes, None).expect("a recording");
    let schema = reader.schema();
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.expect("a batch")).collect();
    let rows = batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(|row| cells(batch, row)))
        .collect();
    Template { schema, rows }
});

fn cells(batch: &RecordBatch, row: usize) -> Vec<Cell> {
    let cell = |column: &ArrayRef| match column.data_type() {
        _ if column.is_null(row) => Cell::Null,
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::Boolean => Cell::Number(column.as_boolean().value(row).into()),
        DataType::UInt16 => Cell::Number(column.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => Cell::Number(column.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => Cell::Number(column.as_primitive::<UInt64Type>().value(row)),
        DataType::Float64 => {
            Cell::Number(column.as_primitive::<Float64Type>().value(row).to_bits())
        }
        DataType::Timestamp(..) => Cell::Number(
            column
                .as_primitive::<TimestampMicrosecondType>()
                .value(row)
                .cast_unsigned(),
        ),
        _ => Cell::Null,
    };
    batch.columns().iter().map(cell).collect()
}

/// Instructions, read byte by byte; behind their end is nothing but zeros.
struct Tape<'a>(&'a [u8]);

impl Tape<'_> {
    fn byte(&mut self) -> u8 {
        let Self(bytes) = self;
        match bytes.split_first() {
            Some((first, rest)) => {
                *bytes = rest;
                *first
            }
            None => 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    fn cell(&mut self, data_type: &DataType) -> Cell {
        if self.byte().is_multiple_of(8) {
            return Cell::Null;
        }
        let text = *data_type == DataType::Utf8;
        match (text, self.byte() % 4) {
            (true, 0) => {
                let length = self.below(40);
                let bytes: Vec<u8> = (0..length).map(|_| self.byte()).collect();
                Cell::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
            (true, _) => Cell::Text(WORDS[self.below(WORDS.len())].to_owned()),
            (false, 0) => {
                let bytes = std::array::from_fn(|_| self.byte());
                Cell::Number(u64::from_le_bytes(bytes))
            }
            (false, 1) => Cell::Number(self.byte().into()),
            (false, _) => Cell::Number(NUMBERS[self.below(NUMBERS.len())]),
        }
    }
}

/// What the instructions build; `None` where the bytes are a stream themselves.
pub(crate) fn recording(data: &[u8]) -> Option<Vec<u8>> {
    if data.first().is_none_or(|first| *first == STREAM) {
        return None;
    }
    let Template { schema, rows } = &*TEMPLATE;
    let mut tape = Tape(data);
    let style = tape.byte();
    let compression = (style & 1 != 0).then_some(CompressionType::ZSTD);
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)
        .and_then(|options| options.try_with_compression(compression))
        .expect("options");
    let mut writer =
        StreamWriter::try_new_with_options(Vec::new(), schema, options).expect("a writer");
    let mut forged: Vec<Vec<Cell>> = Vec::new();
    while !tape.0.is_empty() {
        let mut row = rows[tape.below(rows.len())].clone();
        for _ in 0..tape.below(6) {
            let column = tape.below(row.len());
            row[column] = tape.cell(schema.field(column).data_type());
        }
        for _ in 0..=tape.byte().saturating_sub(247) {
            forged.push(row.clone());
        }
        if forged.len() >= ROWS || tape.byte().is_multiple_of(16) {
            writer.write(&batch(schema, &forged)).expect("a batch");
            forged.clear();
        }
    }
    writer.write(&batch(schema, &forged)).expect("a batch");
    if style & 2 == 0 {
        writer.finish().expect("an end");
    }
    let mut bytes = writer.get_ref().clone();
    if style & 4 != 0 {
        bytes.truncate(bytes.len() * usize::from(style) / 256);
    }
    Some(bytes)
}

#[expect(clippy::cast_possible_truncation, reason = "any number will do")]
fn batch(schema: &SchemaRef, rows: &[Vec<Cell>]) -> RecordBatch {
    let columns = schema.fields().iter().enumerate().map(|(column, field)| {
        let numbers = || {
            rows.iter().map(move |row| match row[column] {
                Cell::Number(number) => Some(number),
                Cell::Null | Cell::Text(_) => None,
            })
        };
        let array: ArrayRef = match field.data_type() {
            DataType::Utf8 => Arc::new(StringArray::from_iter(rows.iter().map(|row| {
                match &row[column] {
                    Cell::Text(text) => Some(&**text),
                    Cell::Null | Cell::Number(_) => None,
                }
            }))),
            DataType::Boolean => Arc::new(BooleanArray::from_iter(
                numbers().map(|number| number.map(|number| number & 1 != 0)),
            )),
            DataType::UInt16 => Arc::new(UInt16Array::from_iter(
                numbers().map(|number| number.map(|number| number as u16)),
            )),
            DataType::UInt32 => Arc::new(UInt32Array::from_iter(
                numbers().map(|number| number.map(|number| number as u32)),
            )),
            DataType::UInt64 => Arc::new(UInt64Array::from_iter(numbers())),
            DataType::Float64 => Arc::new(Float64Array::from_iter(
                numbers().map(|number| number.map(f64::from_bits)),
            )),
            DataType::Timestamp(_, zone) => Arc::new(
                TimestampMicrosecondArray::from_iter(
                    numbers().map(|number| number.map(u64::cast_signed)),
                )
                .with_timezone_opt(zone.clone()),
            ),
            other => arrow_array::new_null_array(other, rows.len()),
        };
        array
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).expect("columns that fit")
}
