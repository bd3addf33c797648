//! The kernel's type information (BTF), read for a few names only.
//!
//! One pass over the types keeps four bytes per type and a hash index of the
//! named ones; everything else is read in place. Comes in: a BTF blob, for a
//! module together with the kernel's. Goes out: member offsets, enumerators
//! and the shape of tracepoints. Every access is checked: a broken blob is an
//! error or a miss, never a panic.
//!
//! Format: `Documentation/bpf/btf.rst` of the kernel.

mod blob;
mod excerpt;
mod members;
mod record;

use std::path::Path;

pub use self::members::Member;
use self::{
    blob::Blob,
    record::{Kind, Record},
};

/// Where the kernel shows its own types.
pub const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// Most modifiers, typedefs and pointers followed from one type.
const MOST_STEPS: usize = 32;

/// The types of the kernel, or of a module on top of the kernel's.
#[derive(Debug)]
pub struct Btf<'base> {
    blob: Blob,
    base: Option<&'base Self>,
}

/// Why type information cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}; a kernel built with CONFIG_DEBUG_INFO_BTF is needed")]
    Read {
        /// The file.
        path: String,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// It does not begin like BTF of this machine's byte order.
    #[error(
        "this is no BTF: its magic number is {0:#06x}; give it an unchanged /sys/kernel/btf file"
    )]
    Magic(u16),
    /// A newer layout.
    #[error("BTF version {0} is unknown; a newer netdrop is needed")]
    Version(u8),
    /// A section or a type reaches past the end.
    #[error("BTF is cut off or damaged: {what} at byte {offset} lies outside of {length} bytes")]
    Truncated {
        /// What was to be read.
        what: &'static str,
        /// Where.
        offset: usize,
        /// Length of the blob or section.
        length: usize,
    },
    /// A kind of type whose length is not known, so that what follows cannot
    /// be found.
    #[error("type {id} of the BTF has the unknown kind {kind}; a newer netdrop is needed")]
    Kind {
        /// Type id.
        id: u32,
        /// Kind number.
        kind: u8,
    },
}

impl Btf<'static> {
    /// Reads the running kernel's types.
    ///
    /// # Errors
    ///
    /// When the kernel shows none, or what it shows cannot be read.
    pub fn vmlinux() -> Result<Self, BtfError> {
        Self::parse(read(Path::new(VMLINUX))?, None)
    }
}

impl<'base> Btf<'base> {
    /// Takes a BTF blob. Type ids and string offsets of a module's blob go on
    /// where `base`'s end.
    ///
    /// # Errors
    ///
    /// When the blob is cut off, damaged, of another byte order or holds types
    /// of an unknown kind.
    pub fn parse(bytes: Vec<u8>, base: Option<&'base Self>) -> Result<Self, BtfError> {
        let (first_id, first_string) = base.map_or((1, 0), |base| {
            (base.blob.next_id(), base.blob.next_string())
        });
        let blob = Blob::parse(bytes, first_id, first_string)?;
        Ok(Self { blob, base })
    }

    /// Reads the types of a loaded module from `/sys/kernel/btf`.
    ///
    /// # Errors
    ///
    /// When the module has no BTF, or it cannot be read.
    pub fn module(name: &str, base: &'base Self) -> Result<Self, BtfError> {
        let path = Path::new("/sys/kernel/btf").join(name);
        Self::parse(read(&path)?, Some(base))
    }

    /// Finds a member of a struct or union, by a path of member names joined
    /// with dots. Members of unnamed structs and unions count as the outer
    /// type's, as in C, and so do those of `headers` (the struct group of
    /// `sk_buff` since 5.17).
    #[must_use]
    pub fn member(&self, structure: &str, path: &str) -> Option<Member> {
        members::find(self, self.structure(structure)?, path)
    }

    /// Size of a struct or union in bytes.
    #[must_use]
    pub fn size_of(&self, structure: &str) -> Option<u32> {
        let record = self.record(self.structure(structure)?)?;
        Some(record.size_or_type)
    }

    /// The enumerators of an enum (32 or 64 bits wide) and their values.
    #[must_use]
    pub fn enumerators(&self, name: &str) -> Option<Vec<(String, i64)>> {
        let id = self.named(name, |kind| matches!(kind, Kind::Enum | Kind::Enum64))?;
        let record = self.record(id)?;
        (0..record.length)
            .map(|index| {
                let (name, value) = record.enumerator(index)?;
                Some((self.string(name)?.to_owned(), value))
            })
            .collect()
    }

    /// Does the kernel have this tracepoint, so that a `tp_btf` program can
    /// attach to it? `name` is without the group: `kfree_skb`.
    #[must_use]
    pub fn has_tracepoint(&self, name: &str) -> bool {
        self.tracepoint_arguments(name).is_some()
    }

    /// How many arguments a program at this tracepoint gets.
    #[must_use]
    pub fn tracepoint_arguments(&self, name: &str) -> Option<usize> {
        let id = self.named(&format!("btf_trace_{name}"), |kind| kind == Kind::Typedef)?;
        let pointer = self.record(self.plain(id)?)?;
        let prototype = self.record(self.plain(pointer.target(Kind::Pointer)?)?)?;
        // The first parameter is the tracepoint's own `void *__data`.
        (prototype.kind == Kind::FunctionPrototype)
            .then(|| usize::try_from(prototype.length).ok()?.checked_sub(1))
            .flatten()
    }

    fn structure(&self, name: &str) -> Option<u32> {
        self.named(name, |kind| matches!(kind, Kind::Struct | Kind::Union))
    }

    fn named(&self, name: &str, wanted: impl Fn(Kind) -> bool + Copy) -> Option<u32> {
        let matches = |&id: &u32| {
            self.record(id)
                .is_some_and(|record| wanted(record.kind) && self.string(record.name) == Some(name))
        };
        self.blob
            .candidates(name)
            .find(matches)
            .or_else(|| self.base?.named(name, wanted))
    }

    /// Skips typedefs and qualifiers.
    fn plain(&self, mut id: u32) -> Option<u32> {
        for _ in 0..MOST_STEPS {
            let record = self.record(id)?;
            if !record.kind.is_modifier() {
                return Some(id);
            }
            id = record.size_or_type;
        }
        None
    }

    fn record(&self, id: u32) -> Option<Record<'_>> {
        match self.base {
            Some(base) if id < self.blob.first_id() => base.record(id),
            _ => self.blob.record(id),
        }
    }

    fn string(&self, offset: u32) -> Option<&str> {
        match self.base {
            Some(base) if offset < self.blob.first_string() => base.string(offset),
            _ => self.blob.string(offset),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BtfError> {
    std::fs::read(path).map_err(|source| BtfError::Read {
        path: path.display().to_string(),
        source,
    })
}

#[cfg(test)]
pub(crate) mod builder;
#[cfg(test)]
mod tests;
