//! What netdrop cannot or will not do: the right exit code and one clear line.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{bench::Bench, scenario::Scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "without_root_the_remedy_is_named",
        about: "as nobody: exit 1, CAP_BPF, CAP_PERFMON and sudo",
        run: without_root_the_remedy_is_named,
    },
    Scenario {
        name: "doctor_finds_the_host_fit",
        about: "doctor --format json: valid, exit 0",
        run: doctor_finds_the_host_fit,
    },
];

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "an_interval_of_zero_is_refused",
        about: "--interval 0s: exit 2",
        run: |bench| refused(bench, &["watch", "--interval", "0s"], "interval"),
    },
    Scenario {
        name: "a_negative_interval_is_refused",
        about: "--interval -1s: exit 2",
        run: |bench| refused(bench, &["watch", "--interval", "-1s"], "interval"),
    },
    Scenario {
        name: "an_unknown_key_is_refused",
        about: "--by nonsense: exit 2",
        run: |bench| refused(bench, &["watch", "--by", "nonsense"], "nonsense"),
    },
    Scenario {
        name: "an_unknown_option_is_refused",
        about: "--nonsense: exit 2",
        run: |bench| refused(bench, &["watch", "--nonsense"], "nonsense"),
    },
];

pub(super) fn refused(bench: &Bench, arguments: &[&str], word: &str) -> Result<()> {
    let output = Command::new(bench.binary()?)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    says(&output, 2, &[word])
}

/// Checks the exit code and that standard error, and nothing else, says it.
pub(super) fn says(output: &Output, code: i32, words: &[&str]) -> Result<()> {
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    let stderr = String::from_utf8_lossy(stderr);
    ensure!(
        status.code() == Some(code),
        "{status}, not exit code {code}: {stderr}"
    );
    ensure!(
        stdout.is_empty(),
        "standard output: {}",
        String::from_utf8_lossy(stdout)
    );
    ensure!(!stderr.contains("panicked"), "panicked: {stderr}");
    let first = stderr.lines().next().unwrap_or_default();
    for word in words {
        ensure!(
            first.to_lowercase().contains(&word.to_lowercase()),
            "the first line does not name {word}: {stderr}"
        );
    }
    Ok(())
}

/// A copy of the binary where everybody may run it.
pub(super) struct PublicCopy(pub(super) PathBuf);

impl PublicCopy {
    pub(super) fn of(binary: &Path) -> Result<Self> {
        let copy = std::env::temp_dir().join(format!("netdrop-tests-{}", std::process::id()));
        fs::copy(binary, &copy).with_context(|| copy.display().to_string())?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        Ok(Self(copy))
    }
}

impl Drop for PublicCopy {
    fn drop(&mut self) {
        let Self(path) = self;
        drop(fs::remove_file(path));
    }
}

fn without_root_the_remedy_is_named(bench: &Bench) -> Result<()> {
    const NOBODY: u32 = 65534;
    let PublicCopy(path) = &PublicCopy::of(bench.binary()?)?;
    for command in ["watch", "trace"] {
        let output = Command::new(path)
            .args([command, "--format", "json"])
            .stdin(Stdio::null())
            .current_dir("/")
            .gid(NOBODY)
            .uid(NOBODY)
            .output()?;
        says(&output, 1, &["CAP_BPF", "CAP_PERFMON", "sudo"])?;
    }
    Ok(())
}

fn doctor_finds_the_host_fit(bench: &Bench) -> Result<()> {
    let output = Command::new(bench.binary()?)
        .args(["doctor", "--format", "json"])
        .output()?;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(
        output.status.code() == Some(0),
        "{}: {stdout}{stderr}",
        output.status
    );
    ensure!(
        !stdout.trim().is_empty(),
        "nothing on standard output: {stderr}"
    );
    for line in stdout.lines() {
        let value: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        ensure!(value.is_object(), "no object: {line}");
    }
    Ok(())
}
