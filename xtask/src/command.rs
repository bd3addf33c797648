//! Other programs: finding them, running them, and one clear error when they fail.

use std::{
    env,
    ffi::OsStr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// Where administration programs live; an ordinary user's `PATH` lacks them.
const SBIN: [&str; 2] = ["/usr/sbin", "/sbin"];

/// The full path of `program`, if it is installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SBIN.map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A command for an installed program; the error names what is missing.
pub(crate) fn installed(program: &str) -> Result<Command> {
    match find(program) {
        Some(path) => Ok(Command::new(path)),
        None => bail!("`{program}` is not installed; run `cargo xtask setup`"),
    }
}

/// `program` as root: directly, or through sudo.
pub(crate) fn as_root(program: impl AsRef<OsStr>) -> Command {
    if nix::unistd::geteuid().is_root() {
        Command::new(program)
    } else {
        let mut command = Command::new("sudo");
        command.arg("--").arg(program);
        command
    }
}

/// Runs to the end, on this terminal. Fails when the program does, with `remedy` in the error.
pub(crate) fn run(command: &mut Command, remedy: &str) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start `{}`: {remedy}", line(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status}): {remedy}", line(command));
    }
    Ok(())
}

/// Runs to the end and returns what was printed. Fails when the program does, with what it said.
pub(crate) fn capture(command: &mut Command, remedy: &str) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`: {remedy}", line(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed ({}): {}: {remedy}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim(),
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_named_with_its_remedy() {
        let error = run(Command::new("sh").args(["-c", "exit 3"]), "try another").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c exit 3` failed (exit status: 3): try another"
        );
    }

    #[test]
    fn a_missing_program_points_at_setup() {
        let error = installed("no-such-program-here").unwrap_err();
        assert!(error.to_string().contains("cargo xtask setup"));
    }

    #[test]
    fn captured_output_is_stdout_alone() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2"]);
        assert_eq!(capture(&mut command, "").unwrap(), "out\n");
    }
}
