//! What comes from Rust's own channels: the core library's source, the lints, bpf-linker.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{command, workspace::Workspace};

const BPF_LINKER: &str = "0.10.4";
const CARGO_FUZZ: &str = "0.13.2";

/// The source of `core`, which is compiled anew for the bpf target.
pub(crate) fn source() -> Result<()> {
    let manifest = "lib/rustlib/src/rust/library/core/Cargo.toml";
    component("rust-src", |sysroot| sysroot.join(manifest).exists())
}

/// rustfmt and clippy.
pub(crate) fn lints() -> Result<()> {
    component("rustfmt", |sysroot| sysroot.join("bin/cargo-fmt").exists())?;
    component("clippy", |sysroot| {
        sysroot.join("bin/cargo-clippy").exists()
    })
}

fn component(name: &str, is_there: impl Fn(&Path) -> bool) -> Result<()> {
    let mut rustc = Command::new("rustc");
    let sysroot = command::capture(
        rustc.args(["--print", "sysroot"]),
        "install Rust with rustup",
    )?;
    if is_there(&PathBuf::from(sysroot.trim())) {
        return Ok(());
    }
    if command::find("rustup").is_none() {
        bail!(
            "Rust's `{name}` is missing and there is no rustup to add it: install the package \
             of your Rust that brings `{name}`, or Rust itself with rustup"
        );
    }
    println!("setup: adding Rust's {name}");
    let mut rustup = Command::new("rustup");
    command::run(
        rustup.args(["component", "add", name]),
        "check the network, then add it by hand",
    )
}

/// What runs fuzz targets, into `target/tools`.
pub(crate) fn cargo_fuzz(workspace: &Workspace) -> Result<()> {
    let tools = workspace.tools();
    if tools.join("bin/cargo-fuzz").exists() || command::find("cargo-fuzz").is_some() {
        return Ok(());
    }
    println!(
        "setup: building cargo-fuzz {CARGO_FUZZ} into {}",
        tools.display()
    );
    let mut cargo = workspace.cargo();
    cargo
        // It only starts cargo: building it is what takes time.
        .args(["install", "--quiet", "--debug", "--locked", "cargo-fuzz"])
        .args(["--version", CARGO_FUZZ, "--root"])
        .arg(tools);
    command::run(&mut cargo, "check the network, then install it by hand")
}

/// The linker of the kernel programs, into `target/tools`.
pub(crate) fn bpf_linker(workspace: &Workspace) -> Result<()> {
    let tools = workspace.tools();
    if installed(&tools).as_deref() == Some(BPF_LINKER) {
        return Ok(());
    }
    println!(
        "setup: building bpf-linker {BPF_LINKER} into {} (about a minute)",
        tools.display()
    );
    let mut cargo = workspace.cargo();
    cargo
        .args(["install", "--quiet", "bpf-linker", "--version", BPF_LINKER])
        .args(["--locked", "--force", "--root"])
        .arg(&tools);
    command::run(
        &mut cargo,
        "check the network; a C compiler and libc's headers are needed too",
    )
}

/// The version of bpf-linker in `tools`, by cargo's own record.
fn installed(tools: &Path) -> Option<String> {
    tools.join("bin/bpf-linker").metadata().ok()?;
    recorded(&fs::read_to_string(tools.join(".crates.toml")).ok()?)
}

fn recorded(record: &str) -> Option<String> {
    let entry = record.lines().find_map(|line| {
        line.trim_start()
            .strip_prefix("\"bpf-linker ")?
            .split_whitespace()
            .next()
    })?;
    Some(entry.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_cargos_record() {
        let record = "[v1]\n\"bpf-linker 0.10.4 (registry+x)\" = [\"bpf-linker\"]\n";
        assert_eq!(recorded(record).as_deref(), Some("0.10.4"));
    }

    #[test]
    fn an_empty_record_has_no_version() {
        assert_eq!(recorded("[v1]\n"), None);
    }
}
