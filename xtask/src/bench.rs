//! `cargo xtask bench`: what netdrop costs this host, beside what its neighbours cost.
//!
//! A UDP flood to a closed port in a namespace of its own (`flood`) runs alone and beside each
//! observer (`observer`) in turns; `programs` reads what the kernel itself measured, `process`
//! what netdrop's process used, `report` writes it all as Markdown.

mod filters;
mod flood;
mod numbers;
mod observer;
mod process;
mod programs;
mod report;

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, bail};

use self::{
    flood::{Flood, Namespace, Pace},
    numbers::median,
    observer::{Observer, Running},
    programs::{Statistics, Stats},
    report::{Beside, Report, Resources},
};
use crate::{build, setup, workspace::Workspace};

/// The rate at which user space's share of a core has a target.
const PACED: u64 = 200_000;

/// Measures and prints the report.
pub(crate) fn run(workspace: &Workspace, repeats: usize, seconds: f64) -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("measuring loads kernel programs and makes a namespace: run as root");
    }
    setup::for_measuring(workspace)?;
    setup::neighbours();
    build::binaries(workspace, true)?;
    let scratch = workspace.target().join("bench");
    fs::create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
    let bench = Bench {
        observers: observer::all(&workspace.release(build::NETDROP), &scratch),
        namespace: Namespace::create()?,
        duration: Duration::from_secs_f64(seconds),
        repeats,
    };
    let report = bench.report()?;
    report.print();
    if !report.is_complete() {
        bail!("netdrop itself was not measured in full; the report above says what failed");
    }
    Ok(())
}

struct Bench {
    observers: Vec<Observer>,
    namespace: Namespace,
    duration: Duration,
    repeats: usize,
}

impl Bench {
    fn report(&self) -> Result<Report> {
        // The first flood pays for caches and neighbour entries.
        self.flood(Pace::Full)?;
        let mut alone = Vec::new();
        let mut beside: Vec<_> = self.observers.iter().map(Beside::new).collect();
        for repeat in 1..=self.repeats {
            eprintln!("bench: pair {repeat} of {}", self.repeats);
            for (observer, beside) in self.observers.iter().zip(&mut beside) {
                let before = self.flood(Pace::Full)?.rate();
                alone.push(before);
                match self.beside(observer) {
                    Ok(measured) => beside.add(before, measured),
                    Err(error) => beside.fail(format!("{error:#}")),
                }
            }
        }
        let netdrop = self.observers.iter().find(|it| it.is_netdrop());
        let resources = netdrop.map(|it| self.resources(it));
        Ok(Report {
            repeats: self.repeats,
            duration: self.duration,
            alone: median(&alone),
            beside,
            programs: self.programs().map_err(|error| format!("{error:#}")),
            filters: self.filters().map_err(|error| format!("{error:#}")),
            resources: resources.map(|it| it.map_err(|error| format!("{error:#}"))),
        })
    }

    fn flood(&self, pace: Pace) -> Result<Flood> {
        flood::run(&self.namespace, self.duration, pace)
    }

    /// One flood beside an observer; how much of it was seen, where the observer counts.
    fn beside(&self, observer: &Observer) -> Result<(Flood, Option<u64>)> {
        let running = observer.start()?;
        let flood = self.flood(Pace::Full)?;
        let ended = running.stop()?;
        Ok((flood, ended.seen))
    }

    /// netdrop's process while every drop is at a steady rate, and at full rate.
    fn resources(&self, netdrop: &Observer) -> Result<Resources> {
        let mut starts = Vec::new();
        for _ in 0..self.repeats {
            let running = netdrop.start()?;
            starts.push(running.ready_after.as_secs_f64());
            running.stop()?;
        }
        let (full_share, full) = self.share(&netdrop.start()?, Pace::Full)?;
        let running = netdrop.start()?;
        let (paced_share, paced) = self.share(&running, Pace::PerSecond(PACED))?;
        let resident = process::resident(running.pid())?;
        let maps = programs::map_bytes(running.pid())?;
        let ring_lost = running.stop()?.ring_lost;
        Ok(Resources {
            ready_after: median(&starts),
            full_rate: full.rate(),
            full_share,
            paced_rate: paced.rate(),
            paced_share,
            resident,
            maps,
            ring_lost,
        })
    }

    /// The share of one core that the observer's user space used during a flood.
    fn share(&self, running: &Running, pace: Pace) -> Result<(f64, Flood)> {
        let before = process::cpu_seconds(running.pid())?;
        let flood = self.flood(pace)?;
        let used = process::cpu_seconds(running.pid())? - before;
        Ok((used / flood.seconds, flood))
    }

    /// What the drop program costs with filters.
    fn filters(&self) -> Result<Vec<filters::Cost>> {
        let _statistics = Statistics::enable()?;
        let netdrop = self.observers.iter().find(|it| it.is_netdrop());
        let netdrop = netdrop.context("no netdrop to measure")?;
        filters::measure(netdrop, self.repeats, || self.flood(Pace::Full).map(drop))
    }

    /// What each program costs by the kernel's own clock, the empty one first.
    fn programs(&self) -> Result<Vec<Stats>> {
        let _statistics = Statistics::enable()?;
        let mut programs = Vec::new();
        for observer in self.observers.iter().filter(|it| it.has_our_programs()) {
            let running = match observer.start() {
                Ok(running) => running,
                Err(error) => {
                    eprintln!("bench: {error:#}");
                    continue;
                }
            };
            self.flood(Pace::Full)?;
            programs.extend(programs::of(running.pid(), observer.name)?);
            running.stop()?;
        }
        Ok(programs)
    }
}
