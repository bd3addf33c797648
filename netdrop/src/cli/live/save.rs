//! The summary, in a file that did not exist before.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
};

use anyhow::Context as _;

use crate::{output::json, tally::period::Period};

/// Names tried at most.
const MOST: u32 = 100;

/// Writes the object that `--format json` writes last; returns the file's name.
pub(in crate::cli) fn save(summary: &Period) -> anyhow::Result<String> {
    let time = summary.time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let (name, mut file) = create(&time)?;
    let mut out = Vec::with_capacity(4096);
    json::summary(&mut out, summary);
    file.write_all(&out)
        .with_context(|| format!("cannot write to {name}; free space"))?;
    Ok(name)
}

fn create(time: &str) -> anyhow::Result<(String, File)> {
    let mut name = format!("netdrop-{time}.json");
    for number in 2..=MOST {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&name);
        match file {
            Ok(file) => return Ok((name, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                name = format!("netdrop-{time}-{number}.json");
            }
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("cannot create {name} in the current folder; start netdrop elsewhere")
                });
            }
        }
    }
    anyhow::bail!("cannot save: {MOST} files of this second exist")
}
