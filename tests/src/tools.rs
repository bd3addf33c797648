//! Programs that `cargo xtask setup` brings: beside the build, or on the `PATH`.

use std::{
    env,
    path::PathBuf,
    process::{Command, Output},
};

use anyhow::{Context as _, Result, ensure};

/// A program that opens what netdrop writes.
pub(crate) fn program(name: &str) -> Command {
    let ours = beside("bin").map(|folder| folder.join(name));
    Command::new(ours.filter(|path| path.exists()).unwrap_or(name.into()))
}

/// Python, with the packages that read netdrop's files.
pub(crate) fn python() -> Result<Command> {
    let python = beside("python/bin/python").filter(|path| path.exists());
    let python = python.context("its packages are missing; run `cargo xtask setup`")?;
    Ok(Command::new(python))
}

/// What a program prints when it succeeds.
pub(crate) fn printed(command: &mut Command) -> Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .with_context(|| format!("cannot start {command:?}; run `cargo xtask setup`"))?;
    ensure!(
        status.success(),
        "{}: {status}: {}{}",
        command.get_program().display(),
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    Ok(String::from_utf8(stdout)?)
}

/// A place in `target/tools`, where this program lies in `target/PROFILE`.
fn beside(name: &str) -> Option<PathBuf> {
    let ours = env::current_exe().ok()?;
    Some(ours.parent()?.parent()?.join("tools").join(name))
}
