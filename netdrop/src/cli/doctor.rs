//! `netdrop doctor`

use std::process::ExitCode;

use super::options::FormatArg;
use crate::output::render::Format;

/// Arguments of `netdrop doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: FormatArg,
}

/// Placeholder until the checks are merged.
///
/// # Errors
///
/// Always.
pub fn run(_format: Format) -> anyhow::Result<ExitCode> {
    anyhow::bail!("doctor is not part of this build")
}
