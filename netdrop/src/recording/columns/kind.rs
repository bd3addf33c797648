//! The types that columns have.

use arrow_array::{
    Array, BooleanArray, Float64Array, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, UInt16Array, UInt32Array, UInt64Array,
    builder::{
        BooleanBuilder, Float64Builder, StringBuilder, TimestampMicrosecondBuilder,
        TimestampNanosecondBuilder, UInt16Builder, UInt32Builder, UInt64Builder,
    },
};
use arrow_schema::{DataType, TimeUnit};

/// A type of column.
pub(in crate::recording) trait Kind {
    type Value<'a>: Copy;
    type Builder: Default;
    type Array: Array + Clone + 'static;

    fn data_type() -> DataType;
    fn append(builder: &mut Self::Builder, value: Option<Self::Value<'_>>);
    fn finish(builder: &mut Self::Builder) -> Self::Array;
    fn value(array: &Self::Array, row: usize) -> Self::Value<'_>;

    /// The value of a row; none where it is null.
    fn cell(array: &Self::Array, row: usize) -> Option<Self::Value<'_>> {
        array.is_valid(row).then(|| Self::value(array, row))
    }
}

macro_rules! kind {
    ($name:ident, $value:ty, $builder:ty, $array:ty, $data_type:expr) => {
        #[derive(Debug)]
        pub(in crate::recording) struct $name;

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

            fn finish(builder: &mut Self::Builder) -> $array {
                builder.finish()
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

macro_rules! time {
    ($name:ident, $builder:ident, $inner:ty, $array:ty, $unit:expr, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug)]
        pub(in crate::recording) struct $name;

        /// Knows its time zone from the start.
        pub(in crate::recording) struct $builder($inner);

        impl Default for $builder {
            fn default() -> Self {
                Self(<$inner>::new().with_timezone("UTC"))
            }
        }

        impl Kind for $name {
            type Value<'a> = i64;
            type Builder = $builder;
            type Array = $array;

            fn data_type() -> DataType {
                DataType::Timestamp($unit, Some("UTC".into()))
            }

            fn append($builder(builder): &mut $builder, value: Option<i64>) {
                builder.append_option(value);
            }

            fn finish($builder(builder): &mut $builder) -> $array {
                builder.finish()
            }

            fn value(array: &Self::Array, row: usize) -> i64 {
                array.value(row)
            }
        }
    };
}

time!(
    Time,
    TimeBuilder,
    TimestampMicrosecondBuilder,
    TimestampMicrosecondArray,
    TimeUnit::Microsecond,
    "Microseconds since 1970, UTC."
);
time!(
    Nanos,
    NanosBuilder,
    TimestampNanosecondBuilder,
    TimestampNanosecondArray,
    TimeUnit::Nanosecond,
    "Nanoseconds since 1970, UTC."
);
