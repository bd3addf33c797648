//! Names of kernel addresses, from `/proc/kallsyms`.

mod table;

use std::{
    fs::File,
    io::{self, Read, Seek},
    time::{Duration, Instant},
};

use self::table::Table;

const KALLSYMS: &str = "/proc/kallsyms";
const MODULES: &str = "/proc/modules";

/// Shortest time between two looks for new modules. Reading all symbols takes
/// some 50 ms, the list of modules far less.
const RELOAD_PAUSE: Duration = Duration::from_secs(2);

/// The kernel's functions and those of its modules.
///
/// The file stays open, since only opening it needs `CAP_SYSLOG`.
#[derive(Debug)]
pub struct Symbols {
    table: Table,
    file: Option<File>,
    modules: Vec<String>,
    looked: Instant,
}

/// Where an address lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// The function, as the kernel spells it (with suffixes).
    pub name: &'a str,
    /// Bytes from the function's start.
    pub offset: u64,
    /// The module it belongs to; `None` for the kernel itself.
    pub module: Option<&'a str>,
}

/// Why the symbols could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SymbolsError {
    /// The file could not be opened or read.
    #[error(
        "cannot read /proc/kallsyms: {0}; functions are shown as addresses \
         (a kernel with CONFIG_KALLSYMS and a mounted /proc are needed)"
    )]
    Read(#[from] io::Error),
    /// The list is longer than 4 GiB.
    #[error("cannot use /proc/kallsyms: it is longer than 4 GiB")]
    TooLong,
}

impl Symbols {
    /// Reads the list. Needs `CAP_SYSLOG` to see addresses unless
    /// `kernel.kptr_restrict` is 0; see [`Symbols::is_restricted`].
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn load() -> Result<Self, SymbolsError> {
        let mut file = File::open(KALLSYMS)?;
        // Before the symbols: what is loaded in between is then read again.
        let modules = modules();
        let table = Table::read(&mut file)?;
        Ok(Self {
            file: Some(file),
            modules,
            ..Self::of(table)
        })
    }

    /// No symbols: for a kernel that shows none.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Table::default())
    }

    fn of(table: Table) -> Self {
        Self {
            table,
            file: None,
            modules: Vec::new(),
            looked: Instant::now(),
        }
    }

    /// Symbols from a list in the format of `/proc/kallsyms`.
    ///
    /// # Errors
    ///
    /// When the list cannot be read.
    pub fn from_reader(reader: impl Read) -> Result<Self, SymbolsError> {
        Table::read(reader).map(Self::of)
    }

    /// Does the kernel hide the addresses (`kernel.kptr_restrict` without
    /// `CAP_SYSLOG`)? Then nothing can be resolved.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.table.is_restricted()
    }

    /// Is there nothing to resolve with, because the list is missing or shows
    /// no addresses?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The function at `address`; `None` outside of any.
    #[must_use]
    pub fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        self.table.resolve(address)
    }

    /// Start and end (exclusive) of a function. Where no symbol has exactly
    /// this name, one with a compiler's suffix (`.isra.0`, `.part.0`,
    /// `.constprop.0`) is taken, but not the `.cold` part.
    #[must_use]
    pub fn range(&self, name: &str) -> Option<(u64, u64)> {
        self.table.range(name)
    }

    /// Call this when an address was not found: reads the list again if a module
    /// was loaded or removed since, looking at most once every few seconds. True
    /// when it was read, so that trying again pays.
    ///
    /// # Errors
    ///
    /// When the file cannot be read again; the old names stay.
    pub fn reload_if_needed(&mut self) -> Result<bool, SymbolsError> {
        let Self {
            table,
            file,
            modules: known,
            looked,
        } = self;
        let Some(file) = file else { return Ok(false) };
        if table.is_restricted() || looked.elapsed() < RELOAD_PAUSE {
            return Ok(false);
        }
        *looked = Instant::now();
        let now = modules();
        if now == *known {
            return Ok(false);
        }
        file.rewind()?;
        *table = Table::read(file)?;
        *known = now;
        Ok(true)
    }
}

/// The loaded modules; none where the kernel has no modules.
fn modules() -> Vec<String> {
    let list = std::fs::read_to_string(MODULES).unwrap_or_default();
    list.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// A function's name without what the compiler appended: `.constprop.N`,
/// `.isra.N`, `.part.N`, `.cold` (and `.llvm.N`).
#[must_use]
pub fn plain_name(name: &str) -> &str {
    const SUFFIXES: [&str; 5] = ["constprop", "isra", "part", "cold", "llvm"];
    name.match_indices('.')
        .find(|(at, _)| {
            let suffix = name[at + 1..].split('.').next();
            suffix.is_some_and(|suffix| SUFFIXES.contains(&suffix))
        })
        .map_or(name, |(at, _)| &name[..at])
}

#[cfg(test)]
mod tests;
