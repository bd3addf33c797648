//! The binaries, and netdrop run from them.

use std::{ffi::OsString, os::unix::process::CommandExt as _, process::ExitCode};

use anyhow::{Context as _, Result};

use crate::{command, workspace::Workspace};

/// The tool.
pub(crate) const NETDROP: &str = "netdrop";
/// The network lab.
pub(crate) const LAB: &str = "netdrop-tests";

/// Builds netdrop, with its kernel programs, and the lab.
pub(crate) fn binaries(workspace: &Workspace, release: bool) -> Result<()> {
    cargo_build(workspace, release, &[NETDROP, LAB])
}

fn cargo_build(workspace: &Workspace, release: bool, packages: &[&str]) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.arg("build");
    if release {
        cargo.arg("--release");
    }
    for package in packages {
        cargo.args(["--package", package]);
    }
    command::run(&mut cargo, "see the compiler's messages above")
}

/// Builds netdrop and becomes it, so that its exit code and signals are its own.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    cargo_build(workspace, true, &[NETDROP])?;
    let mut netdrop = command::as_root(workspace.release(NETDROP));
    netdrop.args(arguments);
    let error = netdrop.exec();
    Err(error).with_context(|| {
        format!(
            "cannot start `{}`: netdrop needs root; install sudo or run as root",
            command::line(&netdrop)
        )
    })
}
