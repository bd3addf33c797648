//! The columns that a file has, as far as they are of types that recordings have.

use std::collections::HashMap;

use arrow_ipc::{Endianness, Message, Precision, TimeUnit as IpcTimeUnit, Type};
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::{Stop, damaged};

/// Most columns.
const MOST_COLUMNS: usize = 1024;

/// The schema, as far as it is made of types that recordings have.
pub(super) fn schema(message: &Message<'_>) -> Result<Schema, Stop> {
    let found = message
        .header_as_schema()
        .ok_or_else(|| damaged("it does not begin with a schema"))?;
    let all = found.fields().ok_or_else(|| damaged("it has no columns"))?;
    if found.endianness() != Endianness::Little || all.len() > MOST_COLUMNS {
        return Err(damaged("its columns are not those of a recording"));
    }
    let mut fields = Vec::with_capacity(all.len());
    for field in all {
        let name = field.name().unwrap_or_default();
        let data_type = data_type(&field)
            .ok_or_else(|| damaged(format!("its column {name:?} has an unknown type")))?;
        fields.push(Field::new(name, data_type, true));
    }
    let metadata = found.custom_metadata().into_iter().flatten();
    let metadata: HashMap<String, String> = metadata
        .filter_map(|pair| Some((pair.key()?.to_owned(), pair.value()?.to_owned())))
        .collect();
    Ok(Schema::new_with_metadata(fields, metadata))
}

fn data_type(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    if field.dictionary().is_some() || field.children().is_some_and(|some| !some.is_empty()) {
        return None;
    }
    Some(match field.type_type() {
        Type::Utf8 => DataType::Utf8,
        Type::Bool => DataType::Boolean,
        Type::FloatingPoint => {
            let float = field.type_as_floating_point()?;
            (float.precision() == Precision::DOUBLE).then_some(DataType::Float64)?
        }
        Type::Int => {
            let int = field.type_as_int()?;
            match (int.bitWidth(), int.is_signed()) {
                (8, false) => DataType::UInt8,
                (16, false) => DataType::UInt16,
                (32, false) => DataType::UInt32,
                (64, false) => DataType::UInt64,
                (8, true) => DataType::Int8,
                (16, true) => DataType::Int16,
                (32, true) => DataType::Int32,
                (64, true) => DataType::Int64,
                _ => return None,
            }
        }
        Type::Timestamp => {
            let timestamp = field.type_as_timestamp()?;
            let unit = match timestamp.unit() {
                IpcTimeUnit::MICROSECOND => TimeUnit::Microsecond,
                IpcTimeUnit::NANOSECOND => TimeUnit::Nanosecond,
                _ => return None,
            };
            DataType::Timestamp(unit, timestamp.timezone().map(Into::into))
        }
        _ => return None,
    })
}
