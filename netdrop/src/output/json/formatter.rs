//! Compact JSON that is safe on a terminal.

use std::io;

use serde_json::ser::Formatter;

use super::super::escape::is_unsafe;

/// Escapes what could steer a terminal, which JSON itself would leave as it is.
pub(super) struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((start, found)) = rest.char_indices().find(|(_, c)| is_unsafe(*c)) {
            writer.write_all(&rest.as_bytes()[..start])?;
            for unit in found.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[start + found.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}
