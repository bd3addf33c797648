//! The command line: which command was asked for, and with what.

use std::{ffi::OsString, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{bench, build, checks, fuzz, setup, vm, workspace::Workspace};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, tests and measures netdrop")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing for building and testing
    Setup,
    /// Build netdrop and its lab
    Build {
        /// With optimisation
        #[arg(long)]
        release: bool,
    },
    /// Build netdrop and run it, through sudo when not root
    Run {
        /// netdrop's own arguments
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Format, lints, unit tests, the lab on this kernel and on the kernel matrix
    Test {
        /// Leave the kernel matrix out (never in CI)
        #[arg(long)]
        skip_vm: bool,
    },
    /// Run the lab on other kernels, under emulation
    Vm {
        /// A kernel of the matrix, all when not given
        #[arg(long)]
        kernel: Vec<String>,
        /// List the kernels and what is downloaded
        #[arg(long)]
        list: bool,
        /// Seconds after which a kernel is stopped and counts as failed
        #[arg(long, value_name = "SECONDS", default_value_t = vm::DEFAULT_TIMEOUT.as_secs())]
        timeout: u64,
        /// How many kernels run at a time
        #[arg(long, value_name = "N", default_value_t = vm::DEFAULT_JOBS)]
        jobs: usize,
        /// The lab's own arguments
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Feed the filter's parser and the reader of recordings with what nobody would think of
    Fuzz {
        /// How long, each
        #[arg(long, default_value_t = fuzz::DEFAULT_SECONDS)]
        seconds: u64,
    },
    /// Measure netdrop and its neighbours on this host; Markdown on stdout
    Bench {
        /// Paired repeats; the medians are printed
        #[arg(long, default_value_t = 5)]
        repeats: usize,
        /// Seconds of flood per measurement
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
    },
}

/// Reads the arguments and runs the command.
pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::locate();
    match Arguments::parse().command {
        Task::Setup => setup::everything(&workspace)?,
        Task::Build { release } => {
            setup::for_building(&workspace)?;
            build::binaries(&workspace, release)?;
        }
        Task::Fuzz { seconds } => {
            setup::for_fuzzing(&workspace)?;
            fuzz::explore(&workspace, seconds)?;
        }
        Task::Run { arguments } => {
            setup::for_building(&workspace)?;
            return build::run(&workspace, &arguments);
        }
        Task::Test { skip_vm } => return checks::run(&workspace, skip_vm),
        Task::Vm {
            kernel,
            list,
            timeout,
            jobs,
            arguments,
        } => {
            let kernels = vm::Kernel::select(&kernel)?;
            if list {
                vm::list(&workspace, &kernels);
                return Ok(ExitCode::SUCCESS);
            }
            let options = vm::Options {
                timeout: Duration::from_secs(timeout),
                jobs: jobs.max(1),
                arguments,
            };
            return vm::run(&workspace, &kernels, &options);
        }
        Task::Bench { repeats, seconds } => bench::run(&workspace, repeats.max(1), seconds)?,
    }
    Ok(ExitCode::SUCCESS)
}
