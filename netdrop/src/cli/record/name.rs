//! Names of the files of a recording that becomes several.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, fmt::strtime};

use crate::cli::fault::Usage;

/// Digits of a piece's number at least.
const DIGITS: usize = 5;

/// Makes names of the one that was given.
#[derive(Clone, Debug)]
pub(super) struct Naming {
    given: PathBuf,
}

impl Naming {
    /// Refuses formats of times that cannot be written.
    pub(super) fn new(given: &Path) -> Result<Self, Usage> {
        let naming = Self {
            given: given.to_owned(),
        };
        if naming.has_time() {
            naming.format(Timestamp::UNIX_EPOCH).map_err(|why| {
                Usage(format!(
                    "{}: {why}; a name may have %Y, %m, %d, %H, %M, %S and what else strftime has",
                    given.display()
                ))
            })?;
        }
        Ok(naming)
    }

    /// As it was given.
    pub(super) fn given(&self) -> &Path {
        &self.given
    }

    /// Does it have a place for the time?
    pub(super) fn has_time(&self) -> bool {
        let name = self.given.file_name().unwrap_or_default();
        name.as_bytes().contains(&b'%')
    }

    fn format(&self, time: Timestamp) -> Result<PathBuf, String> {
        let name = self.given.file_name().unwrap_or_default();
        let name = name.to_str().ok_or("not UTF-8")?;
        let text = strtime::format(name, time).map_err(|error| error.to_string())?;
        if text.is_empty() || text.contains('/') {
            return Err("not a name of a file".to_owned());
        }
        Ok(self.given.with_file_name(text))
    }

    /// At this time: as the name says, or with the time before its ending.
    pub(super) fn at(&self, time: Timestamp) -> PathBuf {
        if self.has_time()
            && let Ok(path) = self.format(time)
        {
            return path;
        }
        let stamp = strtime::format("%Y%m%dT%H%M%SZ", time).unwrap_or_default();
        with(&self.given, &stamp)
    }

    /// A piece: as the name says of the time, or numbered.
    pub(super) fn piece(&self, number: u64, time: Timestamp) -> PathBuf {
        if self.has_time() {
            return self.at(time);
        }
        with(&self.given, &format!("{number:0DIGITS$}"))
    }

    /// The number behind those of the pieces that are there.
    pub(super) fn next_number(&self) -> u64 {
        let parent = match self.given.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let found = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let numbers = found.filter_map(|entry| self.number(Path::new(&entry.file_name())));
        numbers.max().map_or(1, |last| last + 1)
    }

    fn number(&self, name: &Path) -> Option<u64> {
        if name.extension() != self.given.extension() {
            return None;
        }
        let stem = name.file_stem()?.to_str()?;
        let digits = stem
            .strip_prefix(self.given.file_stem()?.to_str()?)?
            .strip_prefix('-')?;
        let all = digits.len() >= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| all)
    }
}

/// `drops.ndr` with `text` is `drops-text.ndr`.
pub(super) fn with(path: &Path, text: &str) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push("-");
    name.push(text);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_time_or_a_number() {
        let time: Timestamp = "2026-03-01T02:03:04Z".parse().unwrap();
        let naming = |name: &str| Naming::new(Path::new(name)).unwrap();
        let plain = naming("/var/log/drops.ndr");
        assert_eq!(plain.piece(7, time), Path::new("/var/log/drops-00007.ndr"));
        assert_eq!(
            plain.at(time),
            Path::new("/var/log/drops-20260301T020304Z.ndr")
        );
        let timed = naming("/x%y/d-%H%M.ndr");
        assert_eq!(timed.piece(7, time), Path::new("/x%y/d-0203.ndr"));
        assert_eq!(naming("drops").piece(1, time), Path::new("drops-00001"));
        assert!(Naming::new(Path::new("d-%!.ndr")).is_err());
        assert!(Naming::new(Path::new("d-%D.ndr")).is_err());
        let number = |name: &str| plain.number(Path::new(name));
        assert_eq!(number("drops-00012.ndr"), Some(12));
        assert_eq!(number("drops-123456.ndr"), Some(123_456));
        for other in [
            "drops-12.ndr",
            "drops-00012",
            "other-00012.ndr",
            "drops-20260301T020304Z.ndr",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
