//! A recording in pieces, each of which stands for itself.

use std::{
    collections::VecDeque,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::Timestamp;

use super::Summary;
use crate::{
    cli::{
        outfile::Fresh,
        record::{
            name::{self, Naming},
            shown,
        },
        recording_header,
    },
    output::amount::count_text,
    recording::{
        header::Header,
        write::{sheet::Sheet, state::State, stream::Stream},
    },
};

/// Room left for the end of a piece.
const END: u64 = 16 << 10;
/// Names tried for one piece.
const TRIES: u32 = 1000;

/// When the next piece begins.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cli::record) struct Rotation {
    /// After so many seconds.
    pub(in crate::cli::record) every: Option<f64>,
    /// Before it has more bytes, about.
    pub(in crate::cli::record) size: Option<u64>,
    /// Pieces kept at most.
    pub(in crate::cli::record) most: Option<usize>,
}

/// The pieces.
#[derive(Debug)]
pub(in crate::cli::record) struct Pieces {
    naming: Naming,
    rotation: Rotation,
    force: bool,
    number: u64,
    /// Those that are there, the last one being written.
    made: VecDeque<Made>,
    removed: u64,
    /// Opened before anything was known of the host.
    first: Option<Fresh>,
    open: Option<Open>,
    /// Bytes of the pieces that are closed.
    closed: u64,
    /// Of them, those that were removed.
    gone: u64,
}

#[derive(Debug)]
struct Made {
    path: PathBuf,
    /// Device and inode: it may no longer be ours.
    identity: (u64, u64),
}

impl Made {
    /// Removes it, if it is still ours.
    fn remove(&self) -> bool {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        ours && fs::remove_file(&self.path).is_ok()
    }
}

#[derive(Debug)]
struct Open {
    header: Header,
    stream: Stream,
    seconds: f64,
    /// Is it time for the next one?
    full: bool,
}

impl Pieces {
    /// Opens the first piece.
    pub(in crate::cli::record) fn create(
        naming: Naming,
        rotation: Rotation,
        force: bool,
    ) -> anyhow::Result<Self> {
        let number = if force { 1 } else { naming.next_number() };
        let mut pieces = Self {
            naming,
            rotation,
            force,
            number,
            made: VecDeque::new(),
            removed: 0,
            first: None,
            open: None,
            closed: 0,
            gone: 0,
        };
        pieces.first = Some(pieces.file(Timestamp::now())?);
        Ok(pieces)
    }

    /// The file that is being written.
    pub(in crate::cli::record) fn path(&self) -> &Path {
        let last = self.made.back();
        last.map_or_else(|| self.naming.given(), |made| &made.path)
    }

    fn file(&mut self, time: Timestamp) -> anyhow::Result<Fresh> {
        let wanted = self.naming.piece(self.number, time);
        // What this run made is never written over, whatever was asked for.
        let ours = |path: &Path| self.made.iter().any(|made| made.path == path);
        let path = (1..TRIES)
            .map(|number| match number {
                1 => wanted.clone(),
                _ => name::with(&wanted, &format!("{number:03}")),
            })
            .find(|path| !ours(path) && (self.force || path.symlink_metadata().is_err()))
            .unwrap_or(wanted);
        let file = Fresh::create(&path, self.force)?;
        let found = file
            .file()
            .metadata()
            .context("cannot look at the new file")?;
        self.made.push_back(Made {
            path,
            identity: (found.dev(), found.ino()),
        });
        self.number += 1;
        Ok(file)
    }

    pub(super) fn start(&mut self, header: Header, state: State) -> anyhow::Result<()> {
        let file = self.first.take().context("there is no first piece")?;
        self.begin(file, header, state)
    }

    /// Begins a piece, which goes away where not even its beginning can be written.
    fn begin(&mut self, file: Fresh, header: Header, state: State) -> anyhow::Result<()> {
        let stream = Stream::start(file.begin()?, &header, None, state).inspect_err(|_| {
            if let Some(made) = self.made.pop_back() {
                made.remove();
            }
        })?;
        self.open = Some(Open {
            stream,
            header,
            seconds: 0.0,
            full: false,
        });
        Ok(())
    }

    pub(super) fn sheet(&mut self, sheet: Sheet) -> anyhow::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.full) {
            self.rotate()?;
        }
        let open = self.open.as_mut().context("no piece is open")?;
        let (before, seconds) = (open.stream.written(), sheet.stamp.seconds);
        open.stream.sheet(sheet)?;
        open.seconds += seconds;
        let size = open.stream.written();
        // As near as whole intervals come, and below the size as far as the next
        // interval is like this one.
        let next = size + (size - before) + END;
        open.full = self
            .rotation
            .every
            .is_some_and(|every| open.seconds + seconds / 2.0 >= every)
            || self.rotation.size.is_some_and(|most| next > most);
        Ok(())
    }

    fn rotate(&mut self) -> anyhow::Result<()> {
        let Some(Open { header, stream, .. }) = self.open.take() else {
            return Ok(());
        };
        let (time, state) = (stream.time(), stream.state().continued());
        self.closed += stream.finish("rotated")?;
        let file = self.file(time)?;
        let mut header = Header {
            since: header.since.or(header.start),
            start: Some(time),
            ..header
        };
        recording_header::renew(&mut header);
        self.begin(file, header, state)?;
        while self
            .rotation
            .most
            .is_some_and(|most| self.made.len() > most)
        {
            self.remove_first();
        }
        Ok(())
    }

    fn remove_first(&mut self) {
        let Some(made) = self.made.pop_front() else {
            return;
        };
        let bytes = fs::symlink_metadata(&made.path).map_or(0, |found| found.len());
        if made.remove() {
            self.removed += 1;
            self.gone += bytes;
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        let open = self.open.as_ref();
        self.closed + open.map_or(0, |open| open.stream.written())
    }

    pub(super) fn finish(mut self, why: &str, so_far: &Summary) -> anyhow::Result<Summary> {
        if let Some(open) = self.open.take() {
            self.closed += open.stream.finish(why)?;
        }
        let mut place = shown(self.path());
        if self.made.len() > 1 {
            let count = self.made.len();
            place = format!("{count} files up to {place}");
        }
        if self.removed > 0 {
            let removed = count_text(self.removed, "older file");
            place = format!("{place}; {removed} removed, as --max-files asks");
        }
        Ok(Summary {
            bytes: self.closed.saturating_sub(self.gone),
            place,
            ..so_far.clone()
        })
    }
}
