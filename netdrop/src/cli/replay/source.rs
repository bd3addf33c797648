//! Where the bytes of a recording come from, once or again and again.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use anyhow::Context as _;

/// Bytes that a thread can read.
pub(super) type Bytes = Box<dyn Read + Send>;

/// The bytes of a recording.
#[derive(Debug)]
pub(super) enum Source {
    /// A file. It is read by its places, so a name that changes does not matter.
    File(Arc<File>),
    /// Standard input, or a pipe that has a name: what was read is gone.
    Stream(Option<File>),
}

impl Source {
    /// Opens it; `-` is standard input.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stream(None));
        }
        let opened = || {
            let file = File::open(path)?;
            let is_file = file.metadata()?.is_file();
            io::Result::Ok((file, is_file))
        };
        let (file, is_file) =
            opened().with_context(|| format!("cannot open {}", path.display()))?;
        Ok(if is_file {
            Self::File(Arc::new(file))
        } else {
            Self::Stream(Some(file))
        })
    }

    /// Can it be read more than once?
    pub(super) fn rewinds(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// How long it is now; `None` where nobody knows.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::File(file) => Some(file.metadata().ok()?.len()),
            Self::Stream(_) => None,
        }
    }

    /// Its bytes behind so many others, where it can be read more than once.
    pub(super) fn bytes_behind(&self, place: u64) -> Option<Bytes> {
        let Self::File(file) = self else { return None };
        let file = Arc::clone(file);
        let from = From { file, place };
        Some(Box::new(BufReader::with_capacity(64 << 10, from)))
    }

    /// Its bytes, from the start where it can be read more than once.
    pub(super) fn bytes(&mut self) -> Bytes {
        let buffered = |reader: Bytes| Box::new(BufReader::with_capacity(64 << 10, reader));
        match self {
            Self::File(file) => buffered(Box::new(From {
                file: Arc::clone(file),
                place: 0,
            })),
            Self::Stream(file) => match file.take() {
                Some(file) => buffered(Box::new(file)),
                None => Box::new(io::stdin()),
            },
        }
    }
}

/// A file from a place on.
struct From {
    file: Arc<File>,
    place: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.place)?;
        self.place += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_even_when_its_name_is_gone() {
        let path = std::env::temp_dir().join(format!("netdrop-source-{}", std::process::id()));
        std::fs::write(&path, b"recorded").unwrap();
        let mut source = Source::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(source.rewinds());
        assert_eq!(source.length(), Some(8));
        let (mut one, mut other) = (source.bytes(), source.bytes());
        let mut text = String::new();
        one.read_to_string(&mut text).unwrap();
        other.read_to_string(&mut text).unwrap();
        assert_eq!(text, "recordedrecorded");
        text.clear();
        let mut end = source.bytes_behind(6).unwrap();
        end.read_to_string(&mut text).unwrap();
        assert_eq!(text, "ed");
    }

    #[test]
    fn what_is_no_file_is_read_once() {
        let mut source = Source::open(Path::new("/dev/null")).unwrap();
        assert!(!source.rewinds());
        assert_eq!(source.length(), None);
        assert_eq!(source.bytes().read(&mut [0; 8]).unwrap(), 0);
    }
}
