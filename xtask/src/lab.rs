//! What the lab binary says, one line a scenario, and what it adds up to.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use crate::{build, command, workspace::Workspace};

/// How one scenario went.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Everything it states was seen.
    Passed,
    /// Something was not as stated; why.
    Failed(String),
    /// This kernel or machine lacks what it needs; what.
    Cannot(String),
    /// It says nothing about the kernel, and runs on the host's.
    Left,
}

/// The lab's run on one kernel.
#[derive(Clone, Debug, Default)]
pub(crate) struct LabRun {
    scenarios: Vec<(String, Verdict)>,
    /// Why the run as a whole is no success, whatever its scenarios say.
    pub(crate) broken: Option<String>,
}

/// How many scenarios went which way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) cannot: usize,
    pub(crate) left: usize,
}

impl LabRun {
    /// A run that did not come to reporting anything.
    pub(crate) fn broken(why: String) -> Self {
        Self {
            scenarios: Vec::new(),
            broken: Some(why),
        }
    }

    /// Takes in one line of the lab's output; other lines mean nothing here.
    pub(crate) fn read_line(&mut self, line: &str) {
        let Some((word, rest)) = line.trim_end().split_once(' ') else {
            return;
        };
        let name = rest.split([':', ' ']).next().unwrap_or(rest);
        let after = &rest[name.len()..];
        let verdict = match word {
            // How long it took may follow.
            "ok" if after.is_empty() || after.starts_with(" (") => Verdict::Passed,
            "FAILED" if after.starts_with(": ") => Verdict::Failed(after[2..].to_owned()),
            "cannot" if after.starts_with(": ") => Verdict::Cannot(after[2..].to_owned()),
            "left" if after.starts_with(": ") => Verdict::Left,
            _ => return,
        };
        self.scenarios.push((name.to_owned(), verdict));
    }

    /// The run is over; `ending` is its exit code, or why there is none.
    pub(crate) fn finish(&mut self, ending: Result<i32, String>) {
        let totals = self.scenario_totals();
        self.broken = match ending {
            Err(why) => Some(why),
            Ok(0) if totals.passed == 0 => Some("not one scenario passed".to_owned()),
            Ok(code) if code != 0 && totals.failed == 0 => {
                Some(format!("the lab ended with exit code {code}"))
            }
            Ok(_) => None,
        };
    }

    /// Whether this kernel's run is a success.
    pub(crate) fn is_success(&self) -> bool {
        self.totals().failed == 0
    }

    /// A run that broke off counts as one more failure.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = self.scenario_totals();
        totals.failed += usize::from(self.broken.is_some());
        totals
    }

    fn scenario_totals(&self) -> Totals {
        let mut totals = Totals::default();
        for (_, verdict) in &self.scenarios {
            *match verdict {
                Verdict::Passed => &mut totals.passed,
                Verdict::Failed(_) => &mut totals.failed,
                Verdict::Cannot(_) => &mut totals.cannot,
                Verdict::Left => &mut totals.left,
            } += 1;
        }
        totals
    }

    /// What needs saying again at the end: failures, and what could not be tried.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let broken = self.broken.iter().map(|why| format!("FAILED: {why}"));
        let scenarios = self
            .scenarios
            .iter()
            .filter_map(|(name, verdict)| match verdict {
                Verdict::Passed | Verdict::Left => None,
                Verdict::Failed(why) => Some(format!("FAILED {name}: {why}")),
                Verdict::Cannot(why) => Some(format!("cannot {name}: {why}")),
            });
        broken.chain(scenarios).collect()
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        let Self {
            passed,
            failed,
            cannot,
            left,
        } = other;
        self.passed += passed;
        self.failed += failed;
        self.cannot += cannot;
        self.left += left;
    }
}

/// Prints each kernel's totals, with whatever did not pass, and returns the sum.
pub(crate) fn print_summary(runs: &[(String, LabRun)]) -> Totals {
    let width = runs
        .iter()
        .map(|(kernel, _)| kernel.len())
        .max()
        .unwrap_or(0);
    let mut sum = Totals::default();
    for (kernel, run) in runs {
        let totals = run.totals();
        print!(
            "{kernel:width$}  {:4} passed {:4} failed {:4} cannot",
            totals.passed, totals.failed, totals.cannot
        );
        match totals.left {
            0 => println!(),
            left => println!(" {left:4} left to the host"),
        }
        for remark in run.remarks() {
            println!("{:width$}    {remark}", "");
        }
        sum += totals;
    }
    sum
}

/// Runs the lab on this kernel, its lines on stdout as they come.
pub(crate) fn on_this_kernel(workspace: &Workspace) -> LabRun {
    let mut run = LabRun::default();
    let ending = stream(workspace, &mut run).map_err(|error| format!("{error:#}"));
    run.finish(ending);
    run
}

fn stream(workspace: &Workspace, run: &mut LabRun) -> Result<i32> {
    let mut lab: Command = command::as_root(workspace.release(build::LAB));
    lab.arg("--netdrop").arg(workspace.release(build::NETDROP));
    let mut child = lab
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", command::line(&lab)))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.context("cannot read the lab's output")?;
            println!("{line}");
            run.read_line(&line);
        }
    }
    let status = child.wait().context("cannot wait for the lab")?;
    status
        .code()
        .with_context(|| format!("the lab was stopped ({status})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab_run(lines: &[&str], ending: Result<i32, String>) -> LabRun {
        let mut run = LabRun::default();
        for line in lines {
            run.read_line(line);
        }
        run.finish(ending);
        run
    }

    #[test]
    fn each_verdict_is_counted_and_other_lines_are_not() {
        let run = lab_run(
            &[
                "ok udp_closed_port (1.3 s)",
                "FAILED ttl: want 5: got 4",
                "cannot xdp: no module",
                "left help: it says nothing about the kernel",
                "ok 3 things are fine",
                "1 passed, 1 failed, 1 cannot",
            ],
            Ok(1),
        );
        let expected = Totals {
            passed: 1,
            failed: 1,
            cannot: 1,
            left: 1,
        };
        assert_eq!(run.totals(), expected);
        assert_eq!(
            run.remarks(),
            ["FAILED ttl: want 5: got 4", "cannot xdp: no module"]
        );
    }

    #[test]
    fn a_run_without_a_passed_scenario_is_a_failure() {
        assert!(!lab_run(&["cannot a: no"], Ok(0)).is_success());
    }

    #[test]
    fn a_run_that_broke_off_is_a_failure() {
        assert!(!lab_run(&["ok a"], Err("no end marker".to_owned())).is_success());
    }

    #[test]
    fn an_exit_code_without_a_failed_scenario_is_a_failure() {
        assert!(!lab_run(&["ok a"], Ok(2)).is_success());
        assert!(lab_run(&["ok a"], Ok(0)).is_success());
    }
}
