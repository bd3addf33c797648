//! JSON: one object a line. `docs/json.md` documents every field.

mod drop;
mod formatter;
mod period;
mod ready;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::ready::Ready;
use crate::tally::{packet::Drop, period::Period};

/// Version of the format; it changes when a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// Appends the `ready` line.
pub fn ready(out: &mut Vec<u8>, ready: &Ready<'_>) {
    line(out, &ready::Object::of(ready));
}

/// Appends an `interval` line.
pub fn interval(out: &mut Vec<u8>, period: &Period) {
    line(out, &period::Object::of("interval", period));
}

/// Appends the `summary` line.
pub fn summary(out: &mut Vec<u8>, period: &Period) {
    line(out, &period::Object::of("summary", period));
}

/// Appends a `drop` line.
pub fn drop(out: &mut Vec<u8>, drop: &Drop) {
    line(out, &drop::Object::of(drop));
}

fn line<T: Serialize>(out: &mut Vec<u8>, object: &T) {
    let start = out.len();
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter::OneLine);
    match object.serialize(&mut serializer) {
        Ok(()) => out.push(b'\n'),
        // Only a map key that is no string could fail, and there is none.
        Err(error) => {
            out.truncate(start);
            log::error!("cannot write JSON: {error}");
        }
    }
}

/// RFC 3339 UTC with microseconds.
fn microseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.6}"))
}
