//! Installs what is missing, and says so; does nothing, at once, when nothing is.
//!
//! Each kind of work has its own needs: building wants Rust's own pieces and bpf-linker, testing
//! wants Debian's tools besides, measuring wants the neighbours to compare with.

mod debian;
mod python;
mod rust;

use anyhow::Result;

use crate::workspace::Workspace;

/// What `cargo xtask setup` promises: building and testing.
pub(crate) fn everything(workspace: &Workspace) -> Result<()> {
    for_testing(workspace)?;
    println!("setup: everything for building and testing is there");
    Ok(())
}

/// What `build` and `run` need.
pub(crate) fn for_building(workspace: &Workspace) -> Result<()> {
    rust::source()?;
    rust::bpf_linker(workspace)
}

/// What `test` and `vm` need.
pub(crate) fn for_testing(workspace: &Workspace) -> Result<()> {
    // Debian first: it asks for rights that may be missing, which should not take minutes to learn.
    debian::install(&debian::TEST)?;
    debian::unpack(workspace, debian::PROMTOOL)?;
    python::environment(workspace)?;
    rust::source()?;
    rust::lints()?;
    rust::bpf_linker(workspace)
}

/// What `fuzz` needs.
pub(crate) fn for_fuzzing(workspace: &Workspace) -> Result<()> {
    for_building(workspace)?;
    rust::cargo_fuzz(workspace)
}

/// What `bench` needs to build and measure netdrop itself.
pub(crate) fn for_measuring(workspace: &Workspace) -> Result<()> {
    debian::install(&debian::MEASURE)?;
    for_building(workspace)
}

/// The neighbours that `bench` compares with. Their absence is said, and is no failure.
pub(crate) fn neighbours() {
    if let Err(error) = debian::install(&debian::NEIGHBOURS) {
        eprintln!("setup: going on without: {error:#}");
    }
}
