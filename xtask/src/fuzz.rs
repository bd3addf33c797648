//! `cargo xtask fuzz`: texts that nobody would think of, against the filter's parser.

use anyhow::Result;

use crate::{command, workspace::Workspace};

/// Seconds that `cargo xtask test` fuzzes.
pub(crate) const DEFAULT_SECONDS: u64 = 120;

/// Builds the target and runs it for so many seconds.
///
/// cargo-fuzz uses flags of a nightly compiler; the stable one takes them when it is told to, as it
/// is for the programs of the kernel. There is no unsafe code to sanitize in the parser.
///
/// # Errors
/// When it cannot be built, or a text makes it panic; libFuzzer then says where that text is kept.
pub(crate) fn run(workspace: &Workspace, seconds: u64) -> Result<()> {
    let mut fuzz = workspace.cargo();
    fuzz.env("RUSTC_BOOTSTRAP", "1")
        .args(["fuzz", "run", "--sanitizer", "none", "filter", "--"])
        .arg(format!("-max_total_time={seconds}"))
        .args([
            "-max_len=256",
            "-dict=fuzz/filter.dict",
            "-print_final_stats=1",
        ]);
    command::run(
        &mut fuzz,
        "if a text made it panic, that text is in fuzz/artifacts",
    )
}
