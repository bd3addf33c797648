//! How far recordings are read, said on a terminal where that takes long.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, BufReader, IsTerminal as _, Read},
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::{
    fault::{self, Usage},
    status_line::StatusLine,
};
use crate::{
    output::{amount::bytes_text, escape::escape},
    recording::read::End,
};

/// What takes less is not worth a word.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two lines.
const PAUSE: Duration = Duration::from_millis(100);

/// The recordings that are read, together.
#[derive(Clone, Debug)]
pub(super) struct Reading(Option<Rc<RefCell<State>>>);

#[derive(Debug)]
struct State {
    line: StatusLine,
    /// Nothing is said before.
    next: Instant,
    ended: bool,
    amount: Amount,
}

/// How much there is, and how much of it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Amount {
    read: u64,
    all: u64,
    /// Is there something of which nobody knows how long it is?
    endless: bool,
}

impl Reading {
    /// From now on, for somebody who waits until it is read.
    pub(super) fn start() -> Self {
        let line = StatusLine::new();
        if !line.is_seen() {
            return Self::silent();
        }
        Self(Some(Rc::new(RefCell::new(State {
            line,
            next: Instant::now() + PATIENCE,
            ended: false,
            amount: Amount::default(),
        }))))
    }

    /// Where what is read shows on the same terminal at once.
    pub(super) fn silent() -> Self {
        Self(None)
    }

    /// What a file holds; `-` is standard input.
    pub(super) fn open(&self, path: &Path) -> anyhow::Result<Box<dyn Read>> {
        if path == Path::new("-") {
            let stdin = io::stdin();
            if stdin.is_terminal() {
                return Err(Usage(
                    "a recording is nothing to type: send one to standard input, from a file or \
                     a program"
                        .to_owned(),
                )
                .into());
            }
            return Ok(self.watched("standard input", None, stdin.lock()));
        }
        let cannot = || format!("cannot open {}", path.display());
        let file = File::open(path).with_context(cannot)?;
        let found = file.metadata().with_context(cannot)?;
        let length = found.is_file().then_some(found.len());
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy();
        let file = BufReader::with_capacity(64 << 10, file);
        Ok(self.watched(&escape(&name), length, file))
    }

    fn watched(
        &self,
        name: &str,
        length: Option<u64>,
        inner: impl Read + 'static,
    ) -> Box<dyn Read> {
        let Self(Some(state)) = self else {
            return Box::new(inner);
        };
        state.borrow_mut().amount.add(length);
        Box::new(Watched {
            inner,
            name: name.to_owned(),
            state: Rc::clone(state),
        })
    }

    /// Nothing is said from here on.
    pub(super) fn end(&self) {
        if let Self(Some(state)) = self {
            let mut state = state.borrow_mut();
            state.line.clear();
            state.ended = true;
        }
    }
}

/// Standard input has one recording.
pub(super) fn once<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), Usage> {
    let stdin = paths.into_iter().filter(|path| **path == Path::new("-"));
    if stdin.count() > 1 {
        return Err(Usage("standard input can be read once".to_owned()));
    }
    Ok(())
}

/// What a file is called in a message.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard input".to_owned();
    }
    path.display().to_string()
}

/// Says so where a recording is not whole. What was read of it is shown, so this is no
/// failure.
pub(super) fn warn(file: &str, end: Option<&End>) {
    if let Some(end) = end
        && !matches!(end, End::Closed(_))
    {
        fault::say(&escape(&format!("warning: {file}: {end}")));
    }
}

/// A recording that is read.
struct Watched<R> {
    inner: R,
    name: String,
    state: Rc<RefCell<State>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.state.borrow_mut().further(&self.name, read as u64);
        Ok(read)
    }
}

impl State {
    fn further(&mut self, name: &str, read: u64) {
        self.amount.read += read;
        let now = Instant::now();
        if now >= self.next && !self.ended {
            self.line
                .show(&format!("reading {name}: {}", self.amount.text()));
            self.next = now + PAUSE;
        }
    }
}

impl Amount {
    fn add(&mut self, length: Option<u64>) {
        self.all += length.unwrap_or_default();
        self.endless |= length.is_none();
    }

    /// `45 % of 1.2 GiB`, or `3.4 MiB` where nobody knows of how much.
    fn text(&self) -> String {
        if self.endless || self.all == 0 {
            return bytes_text(self.read);
        }
        // A recording may grow while it is read.
        let share = u128::from(self.read.min(self.all)) * 100 / u128::from(self.all);
        format!("{share} % of {}", bytes_text(self.all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(lengths: &[Option<u64>], read: u64) -> String {
        let mut amount = Amount::default();
        for length in lengths {
            amount.add(*length);
        }
        amount.read = read;
        amount.text()
    }

    #[test]
    fn files_are_read_to_a_share_of_all_of_them() {
        let mib = 1 << 20;
        assert_eq!(amount(&[Some(mib)], 0), "0 % of 1.0 MiB");
        assert_eq!(
            amount(&[Some(mib), Some(3 * mib)], 3 * mib),
            "75 % of 4.0 MiB"
        );
        assert_eq!(amount(&[Some(mib)], 2 * mib), "100 % of 1.0 MiB");
        assert_eq!(
            amount(&[Some(u64::MAX)], u64::MAX / 2),
            "49 % of 16777216.0 TiB"
        );
    }

    #[test]
    fn what_has_no_known_length_is_told_by_what_was_read() {
        assert_eq!(amount(&[None], 1536), "1.5 KiB");
        assert_eq!(amount(&[Some(9), None], 3), "3 bytes");
        assert_eq!(amount(&[Some(0)], 0), "0 bytes");
    }
}
