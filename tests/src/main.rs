//! The network lab: builds small networks out of namespaces, kills packets in
//! them in every known way, and holds what netdrop says of the deaths against
//! the kernel's own counters.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Parser;

mod attributed;
mod bench;
mod browser;
mod case;
mod counter;
mod events;
mod frame;
mod kernel;
mod lab;
mod netdrop;
mod peer;
mod scenario;
mod scenarios;
mod sender;
mod site;
mod sys;
mod terminal;
mod tools;

/// Provokes packet drops in network namespaces of its own and checks what
/// netdrop reports. Needs root.
#[derive(Parser)]
struct Arguments {
    /// The netdrop binary under test.
    #[arg(long, value_name = "PATH", required_unless_present_any = ["list", "witness_only"])]
    netdrop: Option<PathBuf>,

    /// Run only the scenario of this exact name; repeatable.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// Print the names of the scenarios, one line each.
    #[arg(long)]
    list: bool,

    /// This kernel is one of several: leave out what says nothing about kernels,
    /// save what --only names.
    #[arg(long)]
    guest: bool,

    /// Provoke everything, but hold only the kernel's counters and trace events
    /// against the expectations; no netdrop is started.
    #[arg(long, conflicts_with = "netdrop")]
    witness_only: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("netdrop-tests: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut chosen = scenario::choose(&arguments.only)?;
    if arguments.guest && arguments.only.is_empty() {
        scenario::leave_to_the_host(&mut chosen);
    }
    if arguments.list {
        for scenario in &chosen {
            println!("{:<48} {}", scenario.name, scenario.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let bench = bench::Bench::new(arguments.netdrop.clone()).context("cannot prepare the lab")?;
    Ok(
        if scenario::run_all(&chosen, &bench, arguments.only.is_empty()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        },
    )
}
