//! Files that commands write: never over another one unless told so.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::{
        fd::AsFd as _,
        unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::fault::Usage;

/// Only its owner may read it.
const MODE: u32 = 0o600;

/// Creates a file that only its owner may read.
pub(super) fn create(path: &Path, force: bool) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(MODE);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let file = options.open(path).map_err(|error| refusal(path, &error))?;
    // A file that was there before may be open to others.
    if force && file.metadata().is_ok_and(|found| found.is_file()) {
        file.set_permissions(Permissions::from_mode(MODE))
            .map_err(|error| refusal(path, &error))?;
    }
    Ok(file)
}

/// A file that appears as a whole or not at all: it is written under another
/// name, and gets its own when it is finished. Standard output is what it is.
#[derive(Debug)]
pub(super) struct Whole {
    file: File,
    /// The name it is written under, and its own; `None` for standard output.
    names: Option<[PathBuf; 2]>,
    force: bool,
}

impl Whole {
    /// Begins a file; `-` is standard output.
    pub(super) fn create(path: &Path, force: bool) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            let stdout = io::stdout().as_fd().try_clone_to_owned();
            return Ok(Self {
                file: stdout.context("cannot use standard output")?.into(),
                names: None,
                force,
            });
        }
        if !force && path.symlink_metadata().is_ok() {
            return Err(refusal(path, &io::ErrorKind::AlreadyExists.into()));
        }
        let name = path
            .file_name()
            .with_context(|| format!("{} is no name of a file", path.display()))?;
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}", std::process::id()));
        let temporary = path.with_file_name(temporary);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&temporary)
            .map_err(|error| refusal(path, &error))?;
        Ok(Self {
            file,
            names: Some([temporary, path.to_owned()]),
            force,
        })
    }

    /// What it is written to.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Lets it appear.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        let Some([temporary, path]) = self.names.take() else {
            return Ok(());
        };
        let renamed = self
            .file
            .sync_all()
            .and_then(|()| rename(&temporary, &path, self.force));
        if let Err(error) = renamed {
            let _ = fs::remove_file(&temporary);
            return Err(refusal(&path, &error));
        }
        Ok(())
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some([temporary, _]) = &self.names {
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Renames, over another file only if that may be.
fn rename(from: &Path, to: &Path, force: bool) -> io::Result<()> {
    if force {
        return fs::rename(from, to);
    }
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system has links.
        Err(_) => fs::rename(from, to),
    }
}

fn refusal(path: &Path, error: &io::Error) -> anyhow::Error {
    let path = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Usage(format!("{path} exists; choose another name, or --force")).into();
    }
    anyhow::anyhow!("cannot create {path}: {error}")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all_and_never_over_another() {
        let folder = std::env::temp_dir().join(format!("netdrop-outfile-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("out");
        let mut whole = Whole::create(&path, false).unwrap();
        whole.file().write_all(b"one").unwrap();
        assert!(!path.exists());
        drop(whole);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        let mut whole = Whole::create(&path, false).unwrap();
        whole.file().write_all(b"two").unwrap();
        whole.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let refused = Whole::create(&path, false).unwrap_err();
        assert!(refused.is::<Usage>(), "{refused}");
        assert!(create(&path, false).unwrap_err().is::<Usage>());
        Whole::create(&path, true).unwrap().finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
