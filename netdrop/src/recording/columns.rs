//! The columns of a recording: one flat table, so that every tool that reads
//! Arrow reads it without us. `docs/recording.md` tells what they mean.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt16Array, UInt32Array, UInt64Array,
    builder::{
        BooleanBuilder, Float64Builder, StringBuilder, TimestampMicrosecondBuilder, UInt16Builder,
        UInt32Builder, UInt64Builder,
    },
};
use arrow_schema::{ArrowError, DataType, Field, TimeUnit};

/// A type of column.
pub(super) trait Kind {
    type Value<'a>: Copy;
    type Builder: Default;
    type Array: Array + Clone + 'static;

    fn data_type() -> DataType;
    fn append(builder: &mut Self::Builder, value: Option<Self::Value<'_>>);
    fn finish(builder: &mut Self::Builder) -> ArrayRef;
    fn value(array: &Self::Array, row: usize) -> Self::Value<'_>;
}

macro_rules! kind {
    ($name:ident, $value:ty, $builder:ty, $array:ty, $data_type:expr) => {
        #[derive(Debug)]
        pub(super) struct $name;

        impl Kind for $name {
            type Value<'a> = $value;
            type Builder = $builder;
            type Array = $array;

            fn data_type() -> DataType {
                $data_type
            }

            fn append(builder: &mut Self::Builder, value: Option<Self::Value<'_>>) {
                builder.append_option(value);
            }

            fn finish(builder: &mut Self::Builder) -> ArrayRef {
                Arc::new(builder.finish())
            }

            fn value(array: &Self::Array, row: usize) -> Self::Value<'_> {
                array.value(row)
            }
        }
    };
}

kind!(Text, &'a str, StringBuilder, StringArray, DataType::Utf8);
kind!(U16, u16, UInt16Builder, UInt16Array, DataType::UInt16);
kind!(U32, u32, UInt32Builder, UInt32Array, DataType::UInt32);
kind!(U64, u64, UInt64Builder, UInt64Array, DataType::UInt64);
kind!(F64, f64, Float64Builder, Float64Array, DataType::Float64);
kind!(Flag, bool, BooleanBuilder, BooleanArray, DataType::Boolean);

/// Microseconds since 1970, UTC.
#[derive(Debug)]
pub(super) struct Time;

/// Knows its time zone from the start.
pub(super) struct TimeBuilder(TimestampMicrosecondBuilder);

impl Default for TimeBuilder {
    fn default() -> Self {
        Self(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
    }
}

impl Kind for Time {
    type Value<'a> = i64;
    type Builder = TimeBuilder;
    type Array = TimestampMicrosecondArray;

    fn data_type() -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }

    fn append(TimeBuilder(builder): &mut TimeBuilder, value: Option<i64>) {
        builder.append_option(value);
    }

    fn finish(TimeBuilder(builder): &mut TimeBuilder) -> ArrayRef {
        Arc::new(builder.finish())
    }

    fn value(array: &Self::Array, row: usize) -> i64 {
        array.value(row)
    }
}

/// A column of a file has another type than ours of the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its column {column:?} is of type {found}, not {wanted}")]
pub(super) struct WrongType {
    column: &'static str,
    found: String,
    wanted: String,
}

/// The type of a cell. Spelled out, so that rows are plain to the compiler.
macro_rules! value {
    (Text, $life:lifetime) => { &$life str };
    (Time, $life:lifetime) => { i64 };
    (U16, $life:lifetime) => { u16 };
    (U32, $life:lifetime) => { u32 };
    (U64, $life:lifetime) => { u64 };
    (F64, $life:lifetime) => { f64 };
    (Flag, $life:lifetime) => { bool };
}

macro_rules! columns {
    ($($(#[$doc:meta])+ $name:ident: $kind:ident,)*) => {
        /// A row of a recording. Most columns are null in most rows.
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub(super) struct Line<'a> {
            $($(#[$doc])+ pub(super) $name: Option<value!($kind, 'a)>,)*
        }

        /// Rows on their way into a file.
        #[derive(Default)]
        pub(super) struct Columns {
            rows: usize,
            $($name: <$kind as Kind>::Builder,)*
        }

        /// The columns of a batch from a file. Those that an older file lacks
        /// are null, those that only newer files have are left out.
        #[derive(Debug)]
        pub(super) struct View {
            rows: usize,
            $($name: Option<<$kind as Kind>::Array>,)*
        }

        /// Every column.
        pub(super) fn fields() -> Vec<Field> {
            vec![$(Field::new(stringify!($name), $kind::data_type(), true),)*]
        }

        impl Columns {
            /// Adds a row.
            pub(super) fn push(&mut self, line: &Line<'_>) {
                self.rows += 1;
                $($kind::append(&mut self.$name, line.$name);)*
            }

            /// Takes all rows.
            fn arrays(&mut self) -> Vec<ArrayRef> {
                self.rows = 0;
                vec![$($kind::finish(&mut self.$name),)*]
            }
        }

        impl View {
            /// The columns that this version knows.
            pub(super) fn of(batch: &RecordBatch) -> Result<Self, WrongType> {
                Ok(Self {
                    rows: batch.num_rows(),
                    $($name: column::<$kind>(batch, stringify!($name))?,)*
                })
            }

            /// A row.
            pub(super) fn line(&self, row: usize) -> Line<'_> {
                Line {
                    $($name: cell::<$kind>(self.$name.as_ref(), row),)*
                }
            }
        }
    };
}

columns! {
    /// What the row is: `site`, `flow`, `count`, `poll`, `connection`, `counter`,
    /// `histogram`, `interval` or `end`.
    kind: Text,
    /// The wall clock at the end of the interval.
    time: Time,
    /// Number of the interval, from 0 on.
    interval: U32,
    /// Measured length of the interval.
    seconds: F64,
    /// Whose count or counter.
    scope: Text,
    /// Which count or counter.
    name: Text,
    /// Its value; null where it is unknown.
    value: U64,
    /// Stage.
    stage: Text,
    /// Netfilter hook.
    hook: Text,
    /// Netfilter engine.
    engine: Text,
    /// Kind of the qdisc.
    qdisc: Text,
    /// What told the stage.
    stage_by: Text,
    /// Reason.
    reason: Text,
    /// Function.
    function: Text,
    /// Distance into the function.
    offset: U64,
    /// Where, when the function is unknown, in hexadecimal.
    address: Text,
    /// `rx`, `tx` or `forward`.
    direction: Text,
    /// Severity.
    severity: Text,
    /// Protocol.
    protocol: Text,
    /// Ethertype as a number.
    ethertype: U16,
    /// IP protocol number, or the address family of the socket.
    ip_protocol: U16,
    /// What the packet looked like: bits.
    state: U16,
    /// What its route and devices looked like: bits.
    facts: U16,
    /// Device.
    device: Text,
    /// Its index.
    ifindex: U32,
    /// Inode number of the network namespace.
    netns: U32,
    /// Name of the network namespace.
    netns_name: Text,
    /// How that name was found.
    netns_kind: Text,
    /// CPU.
    cpu: U32,
    /// NAPI number.
    napi_id: U32,
    /// Source address.
    src: Text,
    /// Source port.
    src_port: U16,
    /// Destination address.
    dst: Text,
    /// Destination port.
    dst_port: U16,
    /// ICMP type.
    icmp_type: U16,
    /// ICMP code.
    icmp_code: U16,
    /// Does the source live in the namespace?
    src_here: Flag,
    /// Does the destination?
    dst_here: Flag,
    /// Dropped skbs.
    drops: U64,
    /// Wire packets.
    packets: U64,
    /// Bytes.
    bytes: U64,
}

impl Columns {
    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Takes all rows as a batch.
    ///
    /// # Errors
    ///
    /// When the columns do not fit together, which would be a fault of ours.
    pub(super) fn batch(
        &mut self,
        schema: arrow_schema::SchemaRef,
    ) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(schema, self.arrays())
    }
}

impl View {
    /// All rows.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        (0..self.rows).map(|row| self.line(row))
    }
}

fn column<K: Kind>(batch: &RecordBatch, name: &'static str) -> Result<Option<K::Array>, WrongType> {
    let Some(array) = batch.column_by_name(name) else {
        return Ok(None);
    };
    if *array.data_type() != K::data_type() {
        return Err(WrongType {
            column: name,
            found: array.data_type().to_string(),
            wanted: K::data_type().to_string(),
        });
    }
    Ok(array.as_any().downcast_ref::<K::Array>().cloned())
}

fn cell<K: Kind>(array: Option<&K::Array>, row: usize) -> Option<K::Value<'_>> {
    let array = array?;
    array.is_valid(row).then(|| K::value(array, row))
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn every_column_is_documented() {
        let document = include_str!("../../../docs/recording.md");
        for field in fields() {
            assert!(
                document.contains(&format!("`{}`", field.name())),
                "{} is not in docs/recording.md",
                field.name()
            );
        }
    }
}
