//! The measurements as Markdown.

use std::time::Duration;

use super::{
    filters::{self, Cost},
    flood::Flood,
    numbers::{grouped, median, rate},
    observer::Observer,
    process::Resident,
    programs::Stats,
};

/// The floods beside one observer.
pub(crate) struct Beside {
    name: &'static str,
    target: Option<f64>,
    rates: Vec<f64>,
    kept: Vec<f64>,
    sent: u64,
    seen: Option<u64>,
    failure: Option<String>,
}

impl Beside {
    /// None yet.
    pub(crate) fn new(observer: &Observer) -> Self {
        Self {
            name: observer.name,
            target: observer.target,
            rates: Vec::new(),
            kept: Vec::new(),
            sent: 0,
            seen: None,
            failure: None,
        }
    }

    /// Adds a pair: the rate alone, then the flood beside and what was seen of it.
    pub(crate) fn add(&mut self, alone: f64, (flood, seen): (Flood, Option<u64>)) {
        self.rates.push(flood.rate());
        self.kept.push(flood.rate() / alone);
        if let Some(seen) = seen {
            self.sent += flood.sent;
            // Other drops of the host are seen too: more than was sent is no gain.
            self.seen = Some(self.seen.unwrap_or(0) + seen.min(flood.sent));
        }
    }

    /// It could not be measured.
    pub(crate) fn fail(&mut self, why: String) {
        self.failure = Some(why);
    }

    fn row(&self) -> String {
        if self.rates.is_empty() {
            let why = self.failure.as_deref().unwrap_or("not measured");
            return format!("| {} | not measured: {why} | | | | |", self.name);
        }
        let lost = self.seen.map_or_else(
            || "-".to_owned(),
            |seen| format!("{} of {}", grouped(self.sent - seen), grouped(self.sent)),
        );
        let spread = self
            .kept
            .iter()
            .fold((f64::MAX, f64::MIN), |(low, high), kept| {
                (low.min(*kept), high.max(*kept))
            });
        let target = self
            .target
            .map_or_else(String::new, |target| format!("≥ {:.0} %", target * 100.0));
        format!(
            "| {} | {} | {:.1} % | {:.1} to {:.1} % | {lost} | {target} |",
            self.name,
            rate(median(&self.rates)),
            median(&self.kept) * 100.0,
            spread.0 * 100.0,
            spread.1 * 100.0,
        )
    }
}

/// What netdrop's process used.
pub(crate) struct Resources {
    pub(crate) ready_after: f64,
    pub(crate) full_rate: f64,
    pub(crate) full_share: f64,
    pub(crate) paced_rate: f64,
    pub(crate) paced_share: f64,
    pub(crate) resident: Resident,
    pub(crate) maps: u64,
    pub(crate) ring_lost: Option<u64>,
}

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) repeats: usize,
    pub(crate) duration: Duration,
    pub(crate) alone: f64,
    pub(crate) beside: Vec<Beside>,
    pub(crate) programs: Result<Vec<Stats>, String>,
    pub(crate) filters: Result<Vec<Cost>, String>,
    pub(crate) resources: Option<Result<Resources, String>>,
}

impl Report {
    /// Whether all of netdrop was measured; neighbours may be absent.
    pub(crate) fn is_complete(&self) -> bool {
        let is_ours = |beside: &&Beside| beside.target.is_some();
        let has_empty = |programs: &Vec<Stats>| programs.iter().any(|it| it.name == "empty");
        self.programs.as_ref().is_ok_and(has_empty)
            && self.filters.is_ok()
            && matches!(self.resources, Some(Ok(_)))
            && self
                .beside
                .iter()
                .filter(is_ours)
                .all(|beside| beside.failure.is_none())
    }

    /// Nanoseconds a run of the empty program.
    fn empty(&self) -> Option<f64> {
        let programs = self.programs.as_ref().ok()?;
        let empty = programs.iter().find(|stats| stats.name == "empty");
        empty.map(|stats| stats.per_run)
    }

    /// Writes Markdown to stdout.
    pub(crate) fn print(&self) {
        println!(
            "UDP flood to a closed port on loopback, a sender on each CPU, {:.1} s each; medians \
             of {} pairs (alone, then beside).\n",
            self.duration.as_secs_f64(),
            self.repeats
        );
        println!("| beside the flood | rate | kept | spread | drops not seen | target |");
        println!("|---|---|---|---|---|---|");
        println!("| nothing | {} | | | | |", rate(self.alone));
        for beside in &self.beside {
            println!("{}", beside.row());
        }
        println!();
        match &self.programs {
            Ok(programs) => print_programs(programs, self.empty()),
            Err(why) => println!("Programs were not measured: {why}"),
        }
        println!();
        match &self.filters {
            Ok(costs) => filters::print(costs, self.empty()),
            Err(why) => println!("Filters were not measured: {why}"),
        }
        println!();
        match &self.resources {
            Some(Ok(resources)) => print_resources(resources),
            Some(Err(why)) => println!("netdrop's process was not measured: {why}"),
            None => println!("netdrop's process was not measured"),
        }
    }
}

fn print_programs(programs: &[Stats], empty: Option<f64>) {
    println!("| program | loaded by | runs | ns per run | minus the empty one |");
    println!("|---|---|---|---|---|");
    for stats in programs {
        let own = empty.map_or_else(
            || "-".to_owned(),
            |empty| format!("{:.0}", stats.per_run - empty),
        );
        println!(
            "| {} | {} | {} | {:.0} | {own} |",
            stats.name,
            stats.observer,
            grouped(stats.runs),
            stats.per_run
        );
    }
}

fn print_resources(resources: &Resources) {
    let Resources {
        ready_after,
        full_rate,
        full_share,
        paced_rate,
        paced_share,
        resident,
        maps,
        ring_lost,
    } = resources;
    println!("| netdrop watch | measured | target |");
    println!("|---|---|---|");
    println!(
        "| start to ready | {:.0} ms | ≤ 250 ms |",
        ready_after * 1e3
    );
    println!(
        "| user space at {} | {:.1} % of a core | |",
        rate(*full_rate),
        full_share * 100.0
    );
    println!(
        "| user space at {} | {:.1} % of a core | ≤ 5 % at 200 k/s |",
        rate(*paced_rate),
        paced_share * 100.0
    );
    println!(
        "| resident (peak, while starting) | {} ({}) | ≤ 30 MiB |",
        mebibytes(resident.now),
        mebibytes(resident.peak)
    );
    println!("| kernel maps | {} | ≤ 24 MiB |", mebibytes(*maps));
    let lost = ring_lost.map_or_else(|| "unknown".to_owned(), grouped);
    println!("| detail lost in the ring | {lost} | |");
}

fn mebibytes(bytes: u64) -> String {
    format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20)
}
