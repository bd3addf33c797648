//! Running `ip`, `tc`, `nft`, `iptables` and `ethtool`.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::scenario::cannot;

/// Runs a program with the words of a line as arguments and returns what it
/// printed. A program that is not installed ends the scenario as `cannot`.
pub(crate) fn output(program: &str, arguments: &str) -> Result<String> {
    output_of(program, arguments, "")
}

/// The same with something on standard input.
pub(super) fn output_of(program: &str, arguments: &str, input: &str) -> Result<String> {
    let mut child = match Command::new(program)
        .args(arguments.split_ascii_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return cannot(format!("{program} is not installed"));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot run {program}")),
    };
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(input.as_bytes())
            .with_context(|| format!("{program}: standard input"))?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let what = if input.is_empty() { arguments } else { input };
        bail!(
            "{program} {what}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
