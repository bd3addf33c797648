//! Where a file appears once it is whole.
//!
//! Until then it has no name where the file system can do that, so that nothing
//! stays behind whatever ends us; elsewhere a name of its own.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::{fd::AsRawFd as _, unix::fs::OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use nix::{
    fcntl::{AT_FDCWD, AtFlags},
    unistd::linkat,
};

use super::{MODE, refusal};

/// The place of a file.
#[derive(Debug)]
pub(super) enum Place {
    /// It is there already.
    There,
    /// It has no name yet.
    Nameless(Wanted),
    /// It has another name, which is this one.
    Elsewhere(Temporary, Wanted),
}

/// The name that a file is to get.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) path: PathBuf,
    /// May it take the place of another?
    pub(super) force: bool,
}

/// A name for the meantime. Gone when this is dropped.
#[derive(Debug)]
pub(super) struct Temporary(pub(super) PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let Self(path) = self;
        let _ = fs::remove_file(path);
    }
}

impl Temporary {
    /// Beside the name that the file is to get.
    pub(super) fn beside(path: &Path) -> anyhow::Result<Self> {
        let name = path
            .file_name()
            .with_context(|| format!("{} is no name of a file", path.display()))?;
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}", std::process::id()));
        Ok(Self(path.with_file_name(temporary)))
    }
}

impl Place {
    /// Begins a file that is to appear there.
    pub(super) fn begin(path: &Path, force: bool) -> anyhow::Result<(File, Self)> {
        let temporary = Temporary::beside(path)?;
        let wanted = Wanted {
            path: path.to_owned(),
            force,
        };
        let mut options = OpenOptions::new();
        options.write(true).mode(MODE);
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let nameless = options.clone().custom_flags(libc::O_TMPFILE).open(folder);
        if let Ok(file) = nameless
            && handle(&file).exists()
        {
            return Ok((file, Self::Nameless(wanted)));
        }
        // Whatever is wrong is said of this one.
        let file = options
            .create_new(true)
            .open(&temporary.0)
            .map_err(|error| refusal(path, &error))?;
        Ok((file, Self::Elsewhere(temporary, wanted)))
    }

    /// Lets the file appear.
    pub(super) fn finish(self, file: &File) -> anyhow::Result<()> {
        let (wanted, appeared) = match &self {
            Self::There => return Ok(()),
            Self::Nameless(wanted) => (wanted, wanted.name(file)),
            Self::Elsewhere(temporary, wanted) => (wanted, wanted.rename(file, temporary)),
        };
        appeared.map_err(|error| refusal(&wanted.path, &error))
    }
}

impl Wanted {
    /// Gives a file without a name this one.
    fn name(&self, file: &File) -> io::Result<()> {
        file.sync_all()?;
        match link(file, &self.path) {
            Err(error) if self.force && error.kind() == io::ErrorKind::AlreadyExists => {}
            named => return named,
        }
        let temporary = Temporary::beside(&self.path).map_err(io::Error::other)?;
        link(file, &temporary.0)?;
        fs::rename(&temporary.0, &self.path)
    }

    /// Renames, over another file only if that may be.
    fn rename(&self, file: &File, Temporary(from): &Temporary) -> io::Result<()> {
        file.sync_all()?;
        if self.force {
            return fs::rename(from, &self.path);
        }
        match fs::hard_link(from, &self.path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Not every file system has links.
            Err(_) => fs::rename(from, &self.path),
        }
    }
}

/// Gives an open file a name.
fn link(file: &File, path: &Path) -> io::Result<()> {
    let follow = AtFlags::AT_SYMLINK_FOLLOW;
    linkat(AT_FDCWD, &handle(file), AT_FDCWD, path, follow).map_err(io::Error::from)
}

/// The name that an open file always has.
fn handle(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}
