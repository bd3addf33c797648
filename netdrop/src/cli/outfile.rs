//! Files that commands write: never over another one unless told so.

mod place;

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, IsTerminal as _},
    os::{
        fd::AsFd as _,
        unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _},
    },
    path::Path,
};

use anyhow::Context as _;

use self::place::Place;
use super::fault::Usage;

/// Only its owner may read it.
const MODE: u32 = 0o600;

/// A file that is opened, and was left as it is so far.
#[derive(Debug)]
pub(super) struct Fresh {
    file: File,
    /// It may have been there before.
    is_old: bool,
}

impl Fresh {
    /// Creates a file that only its owner may read, for a recording, or opens the
    /// one that is to be replaced. A device or a pipe is written to as it is.
    pub(super) fn create(path: &Path, force: bool) -> anyhow::Result<Self> {
        if let Some(file) = stream(path)? {
            refuse_terminal(&file)?;
            return Ok(Self::as_it_is(file));
        }
        let mut options = OpenOptions::new();
        options.write(true).mode(MODE);
        if force {
            options.create(true).truncate(false);
        } else {
            options.create_new(true);
        }
        let file = options.open(path).map_err(|error| refusal(path, &error))?;
        let is_old = force && file.metadata().is_ok_and(|found| found.is_file());
        // Others may have been allowed to read it. Later the rights to change
        // that are given up.
        if is_old {
            file.set_permissions(Permissions::from_mode(MODE))
                .map_err(|error| refusal(path, &error))?;
        }
        Ok(Self { file, is_old })
    }

    /// One that was opened elsewhere.
    pub(super) fn as_it_is(file: File) -> Self {
        Self {
            file,
            is_old: false,
        }
    }

    /// Which it is.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Empties it: from now on it is the new one.
    pub(super) fn begin(self) -> anyhow::Result<File> {
        let Self { file, is_old } = self;
        if is_old {
            file.set_len(0).context("cannot replace the old file")?;
        }
        Ok(file)
    }
}

/// A terminal is no place for what is no text.
pub(super) fn refuse_terminal(file: &File) -> anyhow::Result<()> {
    if file.is_terminal() {
        return Err(Usage(
            "what is to be written is no text, and would go to a terminal: send it to a file or a \
             program"
                .to_owned(),
        )
        .into());
    }
    Ok(())
}

/// A file that appears as a whole or not at all: it gets its name when it is
/// finished. Standard output, devices and pipes are what they are.
#[derive(Debug)]
pub(super) struct Whole {
    file: File,
    place: Place,
}

impl Whole {
    /// Begins a file; `-` is standard output.
    pub(super) fn create(path: &Path, force: bool) -> anyhow::Result<Self> {
        if let Some(file) = stream(path)? {
            let place = Place::There;
            return Ok(Self { file, place });
        }
        if !force && path.symlink_metadata().is_ok() {
            return Err(refusal(path, &io::ErrorKind::AlreadyExists.into()));
        }
        let (file, place) = Place::begin(path, force)?;
        Ok(Self { file, place })
    }

    /// What it is written to.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Lets it appear.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.place.finish(&self.file)
    }
}

/// What takes bytes as they come, and keeps nothing that could be written over:
/// standard output, a device or a pipe; `None` for a file, there or not.
fn stream(path: &Path) -> anyhow::Result<Option<File>> {
    // What the shell may have sent to a file, too.
    const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    if STDOUT.iter().any(|name| path == Path::new(name)) {
        let stdout = io::stdout().as_fd().try_clone_to_owned();
        return Ok(Some(stdout.context("cannot use standard output")?.into()));
    }
    let Ok(found) = fs::metadata(path) else {
        return Ok(None);
    };
    let kind = found.file_type();
    if kind.is_char_device() || kind.is_fifo() || of_a_process(path) {
        let file = OpenOptions::new().append(true).open(path);
        return Ok(Some(file.map_err(|error| refusal(path, &error))?));
    }
    if !kind.is_file() {
        let path = path.display();
        return Err(Usage(format!("{path} is there and no file; choose another name")).into());
    }
    Ok(None)
}

/// Does the name stand for an open file of a process, as `/dev/stderr` does?
fn of_a_process(path: &Path) -> bool {
    let target = path.read_link().ok();
    let mut names = [Some(path), target.as_deref()].into_iter().flatten();
    names.any(|name| name.starts_with("/proc") || name.starts_with("/dev/fd"))
}

/// What a file could not be created for.
fn refusal(path: &Path, error: &io::Error) -> anyhow::Error {
    let path = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Usage(format!("{path} exists; choose another name, or --force")).into();
    }
    anyhow::anyhow!("cannot create {path}: {error}")
}

#[cfg(test)]
mod tests;
