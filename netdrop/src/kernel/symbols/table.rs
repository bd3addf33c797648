//! The symbols in memory: sorted addresses and one blob of names.

use std::io::Read;

use super::{Symbol, SymbolsError, plain_name};

/// Bytes read at a time.
const CHUNK: usize = 1 << 16;

/// Farthest an address may lie from the start of its function where no symbol
/// follows; the largest functions of the kernel have some 50 KB.
const FARTHEST: u64 = 1 << 17;

/// Symbols at which code ends: no function begins there.
const ENDS: [&str; 4] = ["_etext", "_einittext", "__end_entry", "__init_end"];

/// One symbol in 12 bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// In native byte order: a `u64` would take four bytes of padding.
    address: [u8; 8],
    /// Where its line begins in the names.
    name: u32,
}

impl Entry {
    fn address(self) -> u64 {
        u64::from_ne_bytes(self.address)
    }
}

#[derive(Debug, Default)]
pub(super) struct Table {
    /// By address; symbols of the same address in the kernel's order, which
    /// puts the strong names before the aliases.
    entries: Vec<Entry>,
    /// `NAME\n` or `NAME\t[MODULE]\n`, as in the file.
    names: Vec<u8>,
    /// Symbols whose address the kernel hid.
    hidden: usize,
}

impl Table {
    pub(super) fn read(mut reader: impl Read) -> Result<Self, SymbolsError> {
        let mut table = Self::default();
        let mut buffer = vec![0; CHUNK];
        let mut used = 0;
        loop {
            if used == buffer.len() {
                // A line longer than the chunk.
                buffer.resize(2 * used, 0);
            }
            let count = match reader.read(&mut buffer[used..]) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            used += count;
            if count == 0 {
                table.lines(&buffer[..used])?;
                break;
            }
            let complete = buffer[..used]
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |at| at + 1);
            table.lines(&buffer[..complete])?;
            buffer.copy_within(complete..used, 0);
            used -= complete;
        }
        if !table.entries.is_sorted_by_key(|entry| entry.address()) {
            table.entries.sort_by_key(|entry| entry.address());
        }
        table.entries.shrink_to_fit();
        table.names.shrink_to_fit();
        Ok(table)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn is_restricted(&self) -> bool {
        self.entries.is_empty() && self.hidden > 0
    }

    pub(super) fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        let after = self.after(address);
        let start = self.entries.get(after.checked_sub(1)?)?.address();
        let offset = address.checked_sub(start)?;
        if after == self.entries.len() && offset >= FARTHEST || offset >= 8 * FARTHEST {
            return None;
        }
        let first = self
            .entries
            .partition_point(|entry| entry.address() < start);
        let mut symbols = self.entries[first..after]
            .iter()
            .map(|&entry| self.name(entry));
        let (name, module) = symbols.clone().next()??;
        if symbols.any(|symbol| symbol.is_some_and(|(name, _)| ENDS.contains(&name))) {
            return None;
        }
        Some(Symbol {
            name,
            offset,
            module,
        })
    }

    pub(super) fn range(&self, wanted: &str) -> Option<(u64, u64)> {
        let mut suffixed = None;
        let mut exact = None;
        for &entry in &self.entries {
            let rest = self.names.get(entry.name as usize..)?;
            // Most lines differ in the first bytes.
            if !rest.starts_with(wanted.as_bytes()) {
                continue;
            }
            let Some((name, _)) = self.name(entry) else {
                continue;
            };
            if name == wanted {
                exact = Some(entry);
                break;
            }
            if suffixed.is_none() && plain_name(name) == wanted && !name.contains(".cold") {
                suffixed = Some(entry);
            }
        }
        let start = exact.or(suffixed)?.address();
        let end = self
            .entries
            .get(self.after(start))
            .map_or(start + FARTHEST, |entry| entry.address());
        Some((start, end.min(start + 8 * FARTHEST)))
    }

    /// Index of the first symbol beyond `address`.
    fn after(&self, address: u64) -> usize {
        self.entries
            .partition_point(|entry| entry.address() <= address)
    }

    fn name(&self, entry: Entry) -> Option<(&str, Option<&str>)> {
        let rest = self.names.get(usize::try_from(entry.name).ok()?..)?;
        let line = &rest[..rest.iter().position(|&byte| byte == b'\n')?];
        let line = std::str::from_utf8(line).ok()?;
        Some(match line.split_once('\t') {
            Some((name, module)) => (
                name,
                module.strip_prefix('[').and_then(|it| it.strip_suffix(']')),
            ),
            None => (line, None),
        })
    }

    fn lines(&mut self, bytes: &[u8]) -> Result<(), SymbolsError> {
        for line in bytes.split(|&byte| byte == b'\n') {
            let Some((address, kind, name)) = parse(line) else {
                continue;
            };
            if !matches!(kind, b't' | b'T' | b'w' | b'W') {
                continue;
            }
            if address == 0 {
                self.hidden += 1;
                continue;
            }
            let start = u32::try_from(self.names.len()).map_err(|_| SymbolsError::TooLong)?;
            self.names.extend_from_slice(name);
            self.names.push(b'\n');
            self.entries.push(Entry {
                address: address.to_ne_bytes(),
                name: start,
            });
        }
        Ok(())
    }
}

/// Address, type and the rest of a line.
fn parse(line: &[u8]) -> Option<(u64, u8, &[u8])> {
    let digits = line.iter().position(|&byte| byte == b' ')?;
    if digits > 16 {
        return None;
    }
    let mut address = 0;
    for &byte in &line[..digits] {
        let digit = char::from(byte).to_digit(16)?;
        address = address << 4 | u64::from(digit);
    }
    match line.get(digits + 1..)? {
        [kind, b' ', name @ ..] if !name.is_empty() => Some((address, *kind, name)),
        _ => None,
    }
}
