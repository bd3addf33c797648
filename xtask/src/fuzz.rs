//! `cargo xtask fuzz`: texts and files that nobody would think of, against the filter's parser and
//! the reader of recordings.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use crate::{command, workspace::Workspace};

/// Seconds for each target, when they are asked for by hand.
pub(crate) const DEFAULT_SECONDS: u64 = 120;

struct Target {
    name: &'static str,
    /// Seconds that `cargo xtask test` takes for it.
    seconds: u64,
    options: &'static [&'static str],
    /// What is in the repository to begin with.
    seeds: Option<&'static str>,
}

const TARGETS: [Target; 2] = [
    Target {
        name: "filter",
        seconds: 120,
        options: &["-max_len=256", "-dict=fuzz/filter.dict"],
        seeds: None,
    },
    Target {
        name: "recording",
        seconds: 60,
        // A recording may say that it holds 64 MiB, and a batch is held twice while it is read.
        options: &[
            "-max_len=65536",
            "-malloc_limit_mb=512",
            "-rss_limit_mb=2048",
            "-timeout=60",
        ],
        seeds: Some("fuzz/seeds/recording"),
    },
];

/// For so many seconds each, with other inputs every time; what is found is kept and built upon.
///
/// # Errors
/// When a target cannot be built, or an input makes it panic; libFuzzer then says where that input
/// is kept.
pub(crate) fn explore(workspace: &Workspace, seconds: u64) -> Result<()> {
    build(workspace)?;
    for target in &TARGETS {
        let corpus = workspace.root().join("fuzz/corpus").join(target.name);
        run(workspace, target, &corpus, &[], seconds)?;
    }
    Ok(())
}

/// From the seeds in the repository and with the same random numbers every time, so that a tree
/// gets the same answer.
///
/// # Errors
/// As for [`explore`].
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    build(workspace)?;
    for target in &TARGETS {
        let corpus = workspace.target().join("fuzz-corpus").join(target.name);
        if corpus.exists() {
            fs::remove_dir_all(&corpus).with_context(|| corpus.display().to_string())?;
        }
        run(workspace, target, &corpus, &["-seed=1"], target.seconds)?;
    }
    Ok(())
}

/// cargo-fuzz uses flags of a nightly compiler; the stable one takes them when it is told to, as it
/// is for the programs of the kernel. There is no unsafe code of ours to sanitize.
fn build(workspace: &Workspace) -> Result<()> {
    let mut fuzz = workspace.cargo();
    fuzz.env("RUSTC_BOOTSTRAP", "1")
        .args(["fuzz", "build", "--sanitizer", "none"])
        .args(["--codegen-units", "16"]);
    command::run(&mut fuzz, "see what the compiler says")
}

fn run(
    workspace: &Workspace,
    target: &Target,
    corpus: &Path,
    more: &[&str],
    seconds: u64,
) -> Result<()> {
    fs::create_dir_all(corpus).with_context(|| corpus.display().to_string())?;
    let mut fuzz = workspace.cargo();
    fuzz.env("RUSTC_BOOTSTRAP", "1")
        .args(["fuzz", "run", "--sanitizer", "none"])
        .args(["--codegen-units", "16", target.name])
        .arg(corpus)
        .args(target.seeds)
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .args(target.options)
        .args(more)
        .arg("-print_final_stats=1");
    command::run(
        &mut fuzz,
        "if an input made it panic, that input is in fuzz/artifacts",
    )
}
