//! Files that commands write: never over another one unless told so.

use std::{
    fs::{File, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

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

fn refusal(path: &Path, error: &io::Error) -> anyhow::Error {
    let path = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Usage(format!("{path} exists; choose another name, or --force")).into();
    }
    anyhow::anyhow!("cannot create {path}: {error}")
}
