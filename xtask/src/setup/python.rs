//! Python's readers of netdrop's files, in a virtual environment of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::debian;
use crate::{command, workspace::Workspace};

/// What is installed from Python's index, as this machine is configured.
const PACKAGES: [&str; 3] = [
    "duckdb==2.0.0",
    "prometheus-client==0.26.0",
    "pyarrow==26.0.1",
];

/// What a Python must have for making environments; Debian keeps it in a package of its own.
const PARTS: &str = "import ensurepip, venv";

/// Makes the environment in `target/tools/python`, unless it is there.
pub(crate) fn environment(workspace: &Workspace) -> Result<()> {
    let folder = workspace.tools().join("python");
    let done = folder.join("installed");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&done).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let python = python()?;
    println!(
        "setup: installing {} into {}",
        PACKAGES.join(" "),
        folder.display()
    );
    let mut venv = Command::new(python);
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    command::capture(&mut venv, "remove target/tools/python and try again")?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"])
        .args(["--only-binary", ":all:"])
        .args(PACKAGES);
    command::capture(
        &mut pip,
        "check the network and the index that pip is configured with",
    )?;
    // Last: its presence says that the rest is whole.
    fs::write(&done, wanted).with_context(|| format!("cannot write {}", done.display()))
}

/// A Python that can make environments, installed from Debian when there is none.
fn python() -> Result<PathBuf> {
    if let Some(python) = command::find("python3").filter(|python| is_whole(python)) {
        return Ok(python);
    }
    let debians = PathBuf::from("/usr/bin/python3");
    if !is_whole(&debians) {
        debian::install_packages(&["python3-venv"])?;
    }
    Ok(debians)
}

fn is_whole(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", PARTS])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
