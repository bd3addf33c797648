//! What the description of a batch claims, before anything is made of it.

use arrow_ipc::{BodyCompressionMethod, CompressionType};
use arrow_schema::{DataType, Schema};

use super::{MOST_BODY, MOST_ROWS, Stop, damaged};

/// Holds what the description of a batch claims against its body, because the
/// library takes much of it on trust.
pub(super) fn check(
    batch: &arrow_ipc::RecordBatch<'_>,
    schema: &Schema,
    body: &[u8],
) -> Result<(), Stop> {
    let wrong = |what: &str| damaged(format!("a batch is broken: {what}"));
    let rows = batch.length();
    let nodes = batch.nodes().ok_or_else(|| wrong("no columns"))?;
    let buffers = batch.buffers().ok_or_else(|| wrong("no buffers"))?;
    if !(0..=MOST_ROWS).contains(&rows) {
        return Err(wrong("its number of rows"));
    }
    if nodes.len() != schema.fields().len() || batch.variadicBufferCounts().is_some() {
        return Err(wrong("its number of columns"));
    }
    let compressed = match batch.compression() {
        None => false,
        Some(compression)
            if compression.codec() == CompressionType::ZSTD
                && compression.method() == BodyCompressionMethod::BUFFER =>
        {
            true
        }
        Some(_) => return Err(wrong("compressed in an unknown way")),
    };
    let rows = usize::try_from(rows).map_err(|_| wrong("its number of rows"))?;
    let mut sizes = buffers.iter().map(|buffer| size(buffer, compressed, body));
    let mut size = || sizes.next().flatten().ok_or_else(|| wrong("a buffer"));
    let mut sum = 0_usize;
    for (node, field) in nodes.iter().zip(schema.fields()) {
        let nulls = usize::try_from(node.null_count())
            .ok()
            .filter(|nulls| *nulls <= rows)
            .ok_or_else(|| wrong("its number of nulls"))?;
        if usize::try_from(node.length()) != Ok(rows) {
            return Err(wrong("columns of different lengths"));
        }
        let validity = size()?;
        let values = size()?;
        let (wanted, width) = match field.data_type() {
            DataType::Boolean => (rows.div_ceil(8), 1),
            DataType::Utf8 if rows > 0 => ((rows + 1) * 4, 4),
            DataType::Utf8 => (0, 4),
            other => {
                let width = other.primitive_width().unwrap_or(8);
                (rows * width, width)
            }
        };
        let whole = values.is_multiple_of(width);
        if !whole || values < wanted || (nulls > 0 && validity < rows.div_ceil(8)) {
            return Err(wrong("a buffer is too short"));
        }
        sum += validity + values;
        if *field.data_type() == DataType::Utf8 {
            sum += size()?;
        }
        if sum > MOST_BODY {
            return Err(wrong("too much in it"));
        }
    }
    if sizes.next().is_some() {
        return Err(wrong("its number of buffers"));
    }
    Ok(())
}

/// The size of a buffer in memory; `None` where it does not lie in the body, or
/// would be too large.
fn size(buffer: &arrow_ipc::Buffer, compressed: bool, body: &[u8]) -> Option<usize> {
    let start = usize::try_from(buffer.offset()).ok()?;
    let length = usize::try_from(buffer.length()).ok()?;
    let bytes = body.get(start..start.checked_add(length)?)?;
    if bytes.is_empty() || !compressed {
        return Some(bytes.len());
    }
    let (prefix, rest) = bytes.split_first_chunk()?;
    match i64::from_le_bytes(*prefix) {
        -1 => Some(rest.len()),
        claimed => usize::try_from(claimed)
            .ok()
            .filter(|size| *size <= MOST_BODY),
    }
}
