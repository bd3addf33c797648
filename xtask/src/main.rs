//! `cargo xtask`: sets up, builds, runs, tests and measures netdrop.
//!
//! Every command first installs what it needs itself (`setup`), so that a bare machine with a Rust
//! toolchain is enough. `build` makes the binaries, `lab` reads what the lab binary says, `vm`
//! boots other kernels with it, `checks` runs all of it as CI does, `bench` measures.

mod bench;
mod build;
mod checks;
mod cli;
mod command;
mod fuzz;
mod lab;
mod setup;
mod vm;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
