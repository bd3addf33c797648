//! What a scenario is, and how all of them are run and reported.

use std::{fmt, time::Instant};

use anyhow::{Result, bail};

use crate::{bench::Bench, scenarios};

/// One network, one thing done to packets, one statement of what must be seen.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Bench) -> Result<()>,
}

/// The reason why this kernel or this machine cannot do a scenario. An error,
/// so that it leaves a scenario by `?` from wherever it is noticed.
#[derive(Debug)]
pub(crate) struct Cannot(pub(crate) String);

impl fmt::Display for Cannot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(why) = self;
        formatter.write_str(why)
    }
}

impl std::error::Error for Cannot {}

/// Leaves a scenario as one that cannot be done here.
pub(crate) fn cannot<T>(why: impl Into<String>) -> Result<T> {
    Err(Cannot(why.into()).into())
}

/// All scenarios, or those of the given names in the order of the table.
pub(crate) fn choose(only: &[String]) -> Result<Vec<&'static Scenario>> {
    if let Some(unknown) = only
        .iter()
        .find(|name| scenarios::all().all(|scenario| scenario.name != name.as_str()))
    {
        bail!("no scenario is named {unknown:?}; --list shows the names");
    }
    Ok(scenarios::all()
        .filter(|scenario| only.is_empty() || only.iter().any(|name| name == scenario.name))
        .collect())
}

/// Takes out those that say nothing about the kernel, and says which.
pub(crate) fn leave_to_the_host(chosen: &mut Vec<&'static Scenario>) {
    chosen.retain(|scenario| {
        let name = scenario.name;
        let of_kernels = scenarios::of_user_space().all(|other| other.name != name);
        if !of_kernels {
            println!("left {name}: it says nothing about the kernel, the host's is enough");
        }
        of_kernels
    });
}

/// Runs the scenarios, one line each, and says whether the run is a success:
/// something passed, nothing failed, and, where all were run, netdrop knew the
/// stage of enough drops.
pub(crate) fn run_all(chosen: &[&Scenario], bench: &Bench, all: bool) -> bool {
    let (mut passed, mut failed, mut cannot) = (0, 0, 0);
    for Scenario { name, run, .. } in chosen {
        let start = Instant::now();
        let outcome = run(bench);
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => {
                passed += 1;
                println!("ok {name} ({seconds:.1} s)");
            }
            Err(error) => {
                if let Some(Cannot(why)) = error.downcast_ref() {
                    cannot += 1;
                    println!("cannot {name}: {why}");
                } else {
                    failed += 1;
                    println!("FAILED {name}: {}", indented(&format!("{error:#}")));
                }
            }
        }
    }
    println!("{}", bench.attributed);
    if all && !bench.attributed.is_enough() {
        failed += 1;
        println!("FAILED attribution: the stage of too many drops is unknown");
    }
    println!("{passed} passed, {failed} failed, {cannot} cannot");
    failed == 0 && passed > 0
}

/// The first line as it is, every further line below it and indented.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}
