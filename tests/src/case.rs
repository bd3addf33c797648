//! The shape of most scenarios: start netdrop and the witnesses, provoke, wait
//! until the witnesses have seen it, stop, and compare.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{
    bench::{Bench, PATIENCE},
    events::Events,
    netdrop::{
        Netdrop,
        identity::{self, Allow},
        record::Run,
    },
};

mod doomed;
mod expected;
mod flow;
pub(crate) mod reconciled;
mod witness;

pub(crate) use self::{
    doomed::Doomed,
    expected::{Count, Drops},
    flow::Flow,
    witness::{Watched, Witnessed},
};

/// The keys by which the rows of a case are split.
pub(crate) const BY: &[&str] = &[
    "reason",
    "stage",
    "function",
    "direction",
    "device",
    "netns",
    "protocol",
    "src",
    "src_port",
    "dst",
    "dst_port",
];

/// The command line by which the rows of a case are asked for.
pub(crate) fn watch(interval: &str) -> String {
    let by = BY.join(",");
    format!("watch --format json --severity all --interval {interval} --top 10000 --by {by}")
}

/// What must be seen, and of what nothing must be seen.
pub(crate) struct Case<'a> {
    drops: Vec<Drops<'a>>,
    none_of: Vec<(u32, Flow)>,
    parts: u64,
    traced: bool,
    interval: &'static str,
    options: &'static str,
    allow: Allow,
}

impl<'a> Case<'a> {
    /// A case in which these drops must be seen.
    pub(crate) fn of(drops: impl IntoIterator<Item = Drops<'a>>) -> Self {
        Self {
            drops: drops.into_iter().collect(),
            none_of: Vec::new(),
            parts: 0,
            traced: true,
            interval: "1s",
            options: "",
            allow: Allow::default(),
        }
    }

    /// No drop of this flow must be seen in this namespace.
    pub(crate) fn none_of(mut self, netns: u32, flow: Flow) -> Self {
        self.none_of.push((netns, flow));
        self
    }

    /// At least so many parts of fragmented packets must have been counted
    /// apart from the drops.
    pub(crate) fn parts(self, parts: u64) -> Self {
        Self { parts, ..self }
    }

    /// Leaves the trace witness out: it cannot count floods and slows them down.
    pub(crate) fn untraced(self) -> Self {
        Self {
            traced: false,
            ..self
        }
    }

    /// Another interval than one second.
    pub(crate) fn interval(self, interval: &'static str) -> Self {
        Self { interval, ..self }
    }

    /// Allows what the rule forbids.
    pub(crate) fn allow(self, allow: Allow) -> Self {
        Self { allow, ..self }
    }

    /// Further options for netdrop.
    pub(crate) fn options(self, options: &'static str) -> Self {
        Self { options, ..self }
    }

    /// Runs the case.
    pub(crate) fn check(&self, bench: &Bench, provoke: impl FnOnce() -> Result<()>) -> Result<()> {
        self.run(bench, provoke).map(drop)
    }

    /// Runs the case and returns what netdrop said, unless only the witnesses
    /// speak.
    pub(crate) fn run(
        &self,
        bench: &Bench,
        provoke: impl FnOnce() -> Result<()>,
    ) -> Result<Option<Run>> {
        let mut arguments = format!("{} {}", watch(self.interval), self.options);
        let reconciled = reconciled::options(&self.drops).filter(|_| self.options.is_empty());
        if let Some(options) = &reconciled {
            arguments = format!("{arguments} {options}");
        }
        let netdrop = bench.start(&arguments)?;
        let mut complaints = Vec::new();
        let watched = self.witness(bench, &mut complaints, provoke)?;
        let run = netdrop.map(Netdrop::stop).transpose()?;
        if let Some(run) = &run {
            complaints.extend(self.against(bench, run, &watched));
            if reconciled.is_some() {
                complaints.extend(reconciled::complaints(run, &watched.watched, &self.drops));
            }
        }
        report(&complaints)?;
        Ok(run)
    }

    /// Provokes under the eyes of the witnesses alone, for scenarios that start
    /// netdrop in their own way. What the witnesses contradict is a complaint.
    pub(crate) fn witness(
        &self,
        bench: &Bench,
        complaints: &mut Vec<String>,
        provoke: impl FnOnce() -> Result<()>,
    ) -> Result<Witnessed<'_>> {
        let mut events = self
            .traced
            .then(|| Events::start(&bench.kernel))
            .transpose()?;
        let mut watched = Watched::all(&self.drops, bench)?;
        provoke()?;
        settle(&mut watched, events.as_mut(), PATIENCE)?;
        complaints.extend(watched.iter().filter_map(Watched::against_counter));
        let mut traced = 0;
        if let Some(events) = &mut events {
            let tally = events.tally()?;
            complaints.extend(witness::against_events(&watched, tally));
            traced = tally.drops.values().sum();
        }
        Ok(Witnessed { watched, traced })
    }

    /// Everything in a run that is not as it must be.
    pub(crate) fn against(&self, bench: &Bench, run: &Run, witnessed: &Witnessed) -> Vec<String> {
        let Witnessed { watched, traced } = witnessed;
        let mut complaints = identity::complaints(run, BY, self.allow);
        let fired = run.summary.accounting.fired();
        if *traced > fired {
            complaints.push(format!(
                "the trace shows {traced} events of the host, netdrop accounts for {fired}: {:?}",
                run.summary.accounting
            ));
        }
        let rows = &run.summary.rows;
        bench.attributed.run(run);
        for one in watched {
            let wrong = one.against_rows(watched, rows);
            if wrong.is_empty() {
                bench.attributed.as_expected(one.rows(rows));
            }
            complaints.extend(wrong);
        }
        for (netns, flow) in &self.none_of {
            complaints.extend(expected::unwanted(*netns, flow, rows));
        }
        let parts = run.summary.accounting.parts;
        if parts < self.parts {
            complaints.push(format!("{parts} parts counted, not {} or more", self.parts));
        }
        complaints
    }
}

/// How long drops may take that no counter tells, when the trace has lost events
/// in somebody's flood.
const BLIND: Duration = Duration::from_millis(500);

/// Waits until the witnesses have seen what is expected and stand still, or for
/// as long as patience lasts.
fn settle(
    watched: &mut [Watched],
    mut events: Option<&mut Events>,
    patience: Duration,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    let blind = Instant::now() + BLIND;
    loop {
        let before: Vec<u64> = watched.iter().map(|watched| watched.moved).collect();
        for watched in &mut *watched {
            watched.read()?;
        }
        let still = watched.iter().map(|watched| watched.moved).eq(before);
        let counted = watched.iter().all(Watched::is_counted);
        let traced = match &mut events {
            Some(events) => {
                let tally = events.tally()?;
                if tally.lost {
                    Instant::now() > blind
                } else {
                    witness::is_traced(watched, tally)
                }
            }
            None => true,
        };
        if (still && counted && traced) || Instant::now() > deadline {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(if counted && traced {
            50
        } else {
            10
        }));
    }
}

/// Fails with all complaints, or passes without any.
pub(crate) fn report(complaints: &[String]) -> Result<()> {
    if complaints.is_empty() {
        return Ok(());
    }
    bail!("{}", complaints.join("\n"))
}
