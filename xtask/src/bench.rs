//! placeholder
use crate::workspace::Workspace;
use anyhow::{Result, bail};
pub(crate) fn run(_workspace: &Workspace, _repeats: usize, _seconds: f64) -> Result<()> {
    bail!("not yet")
}
