//! The kernel matrix: the lab on Debian's kernels, each booted under QEMU's emulation.
//!
//! In come this machine's Debian mirror, the release build and the lab's tools; out comes one
//! lab run a kernel. `sources` finds the mirror, `kernel` names the kernels, `fetch` downloads and
//! unpacks them, `modules` and `initramfs` make what they boot, `qemu` boots it.

mod cpio;
mod fetch;
mod initramfs;
mod kernel;
mod libraries;
mod modules;
mod qemu;
mod sources;

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

pub(crate) use self::kernel::Kernel;
use self::{fetch::Unpacked, qemu::Guest};
use crate::{
    build,
    lab::{self, LabRun},
    setup,
    workspace::Workspace,
};

/// How long a kernel may take, boot and lab together.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);

/// How many kernels run at a time.
pub(crate) const DEFAULT_JOBS: usize = 2;

/// How to run the matrix.
#[derive(Debug)]
pub(crate) struct Options {
    /// After this long a kernel is stopped and counts as failed.
    pub(crate) timeout: Duration,
    /// How many kernels run at a time.
    pub(crate) jobs: usize,
    /// The lab's own arguments.
    pub(crate) arguments: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: DEFAULT_TIMEOUT,
            jobs: DEFAULT_JOBS,
            arguments: Vec::new(),
        }
    }
}

/// `cargo xtask vm`: sets up, builds, runs the lab on `kernels` and prints what came of it.
pub(crate) fn run(
    workspace: &Workspace,
    kernels: &[Kernel],
    options: &Options,
) -> Result<ExitCode> {
    setup::for_testing(workspace)?;
    build::binaries(workspace, true)?;
    let runs = matrix(workspace, kernels, options)?;
    println!();
    let totals = lab::print_summary(&runs);
    println!("\n{} passed, {} failed", totals.passed, totals.failed);
    Ok(if totals.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints the kernels of the matrix and which of them are downloaded.
pub(crate) fn list(workspace: &Workspace, kernels: &[Kernel]) {
    for kernel in kernels {
        let state = Unpacked::cached(workspace, *kernel)
            .map_or_else(|| "not downloaded".to_owned(), |it| it.version);
        println!("{:6} Debian {:10} {state}", kernel.name, kernel.suite);
    }
}

/// Runs the lab of the release build on `kernels`; each comes back, in this order.
pub(crate) fn matrix(
    workspace: &Workspace,
    kernels: &[Kernel],
    options: &Options,
) -> Result<Vec<(String, LabRun)>> {
    if !cfg!(target_arch = "x86_64") {
        bail!("the kernel matrix runs this machine's binaries on x86_64 kernels: use x86_64");
    }
    let unpacked = fetch::all(workspace, kernels);
    let next = AtomicUsize::new(0);
    let runs = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..options.jobs.min(kernels.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((kernel, unpacked)) = kernels.get(index).zip(unpacked.get(index))
                    else {
                        break;
                    };
                    let run = match unpacked {
                        Ok(unpacked) => one(workspace, *kernel, unpacked, options),
                        Err(error) => LabRun::broken(format!("{error:#}")),
                    };
                    let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
                    runs.push((index, kernel.name.to_owned(), run));
                }
            });
        }
    });
    let mut runs = runs.into_inner().unwrap_or_else(PoisonError::into_inner);
    runs.sort_by_key(|(index, ..)| *index);
    Ok(runs
        .into_iter()
        .map(|(_, kernel, run)| (kernel, run))
        .collect())
}

fn one(workspace: &Workspace, kernel: Kernel, unpacked: &Unpacked, options: &Options) -> LabRun {
    let start = Instant::now();
    let name = kernel.name;
    println!("[{name}] starting {}", unpacked.version);
    let run = match initramfs::write(workspace, kernel, unpacked, &options.arguments) {
        Ok((initramfs, absent)) => {
            if !absent.is_empty() {
                println!("[{name}] absent or built in: {}", absent.join(" "));
            }
            let guest = Guest {
                name,
                vmlinuz: &unpacked.vmlinuz,
                initramfs: &initramfs,
                log: &workspace.vm().join("log").join(format!("{name}.log")),
                timeout: options.timeout,
            };
            let run = guest.run();
            match &run.broken {
                None => run,
                Some(why) => {
                    println!("[{name}] {why}");
                    println!("[{name}] a guest that does not reach its end gets one more try");
                    guest.run()
                }
            }
        }
        Err(error) => LabRun::broken(format!("{error:#}")),
    };
    println!("[{name}] took {:.1} s", start.elapsed().as_secs_f64());
    run
}
