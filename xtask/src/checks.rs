//! `cargo xtask test`: everything CI checks, step by step, all steps whatever fails.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{
    build, command, fuzz,
    lab::{self, LabRun},
    setup, vm,
    workspace::Workspace,
};

enum Outcome {
    Passed,
    Failed,
    LeftOut,
}

struct Step {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

/// The steps so far, and what the lab found on each kernel.
struct Checks<'a> {
    workspace: &'a Workspace,
    steps: Vec<Step>,
    runs: Vec<(String, LabRun)>,
}

/// Runs every step, prints a table of them, and the lab's totals as the last line.
pub(crate) fn run(workspace: &Workspace, skip_vm: bool) -> Result<ExitCode> {
    let mut checks = Checks {
        workspace,
        steps: Vec::new(),
        runs: Vec::new(),
    };
    checks.step("setup", |checks| setup::for_testing(checks.workspace));
    if checks.failed() {
        bail!("nothing can be checked before the set-up is complete");
    }
    checks.step("format", Checks::format);
    checks.step("clippy, host", Checks::clippy_host);
    checks.step("clippy, bpf", Checks::clippy_bpf);
    checks.step("unit tests", Checks::unit_tests);
    checks.step("fuzzing", |checks| {
        setup::for_fuzzing(checks.workspace)?;
        fuzz::check(checks.workspace)
    });
    checks.step("release build", |checks| {
        build::binaries(checks.workspace, true)
    });
    checks.step("lab, this kernel", Checks::lab);
    if skip_vm {
        checks.leave_out("kernel matrix");
    } else {
        checks.step("kernel matrix", Checks::kernel_matrix);
    }
    Ok(checks.conclude())
}

impl Checks<'_> {
    fn step(&mut self, name: &'static str, body: impl FnOnce(&mut Self) -> Result<()>) {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = match body(self) {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                println!("error: {error:#}");
                Outcome::Failed
            }
        };
        let took = start.elapsed();
        println!("== {name}: {:.1} s", took.as_secs_f64());
        self.steps.push(Step {
            name,
            outcome,
            took,
        });
    }

    fn leave_out(&mut self, name: &'static str) {
        println!("\n== {name}: left out");
        self.steps.push(Step {
            name,
            outcome: Outcome::LeftOut,
            took: Duration::ZERO,
        });
    }

    fn format(&mut self) -> Result<()> {
        let mut cargo = self.workspace.cargo();
        cargo.args(["fmt", "--all", "--check"]);
        command::run(&mut cargo, "run `cargo fmt --all`")
    }

    fn clippy_host(&mut self) -> Result<()> {
        let mut cargo = self.workspace.cargo();
        cargo.args(["clippy", "--workspace", "--all-targets", "--locked"]);
        cargo.args(["--", "-D", "warnings"]);
        command::run(&mut cargo, "see the lints above")
    }

    /// As aya-build compiles the programs, save for the linking.
    fn clippy_bpf(&mut self) -> Result<()> {
        let mut cargo = self.workspace.cargo();
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env(
                "CARGO_ENCODED_RUSTFLAGS",
                format!("--cfg=bpf_target_arch=\"{}\"", std::env::consts::ARCH),
            )
            .args(["clippy", "-Z", "build-std=core", "--release", "--locked"])
            .args(["--target", BPF_TARGET, "--package", "netdrop-ebpf"])
            .arg("--target-dir")
            .arg(self.bpf_target())
            .args(["--", "-D", "warnings"]);
        command::run(&mut cargo, "see the lints above")
    }

    fn bpf_target(&self) -> PathBuf {
        self.workspace.target().join("bpf")
    }

    fn unit_tests(&mut self) -> Result<()> {
        let mut cargo = self.workspace.cargo();
        cargo.args(["test", "--workspace", "--locked"]);
        command::run(&mut cargo, "see the failed tests above")
    }

    fn lab(&mut self) -> Result<()> {
        let run = lab::on_this_kernel(self.workspace);
        let success = run.is_success();
        self.runs.push(("this kernel".to_owned(), run));
        if !success {
            bail!("the lab failed on this kernel");
        }
        Ok(())
    }

    fn kernel_matrix(&mut self) -> Result<()> {
        let runs = vm::matrix(
            self.workspace,
            &vm::Kernel::select(&[])?,
            &vm::Options::default(),
        )?;
        let failed: Vec<_> = runs
            .iter()
            .filter(|(_, run)| !run.is_success())
            .map(|(kernel, _)| kernel.as_str())
            .collect();
        let verdict = if failed.is_empty() {
            Ok(())
        } else {
            Err(anyhow::anyhow!("the lab failed on {}", failed.join(", ")))
        };
        self.runs.extend(runs);
        verdict
    }

    fn failed(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.outcome, Outcome::Failed))
    }

    fn conclude(self) -> ExitCode {
        println!("\n== steps");
        for step in &self.steps {
            let word = match step.outcome {
                Outcome::Passed => "ok",
                Outcome::Failed => "FAILED",
                Outcome::LeftOut => "left out",
            };
            println!(
                "{:18} {word:8} {:7.1} s",
                step.name,
                step.took.as_secs_f64()
            );
        }
        println!("\n== lab, by kernel");
        let totals = lab::print_summary(&self.runs);
        println!("\n{} passed, {} failed", totals.passed, totals.failed);
        if self.failed() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

const BPF_TARGET: &str = "bpfel-unknown-none";
