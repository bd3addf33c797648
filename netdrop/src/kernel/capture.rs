//! A running capture: the loaded and attached programs and their maps.

mod config;
mod detail;
mod histograms;
mod tables;

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _},
    time::{Duration, Instant},
};

use aya::maps::{MapData, RingBuf};
use netdrop_ebpf::{
    area::{Control, Counter, CpuArea, GENERATIONS, Weights},
    flow::FlowKey,
    site::SiteKey,
    squeeze::NapiKey,
};
use nix::time::{ClockId, clock_gettime};

pub use self::{
    config::{CaptureConfig, Emit, HookStatus, Keep, MOST_STACKS},
    detail::Detail,
    tables::kind_name,
};
use self::{
    histograms::Histograms,
    tables::{Known, read_area},
};

use super::{
    aftermath::Hurts,
    allowance::Allowance,
    error::CaptureError,
    hooks::HOOKS,
    load::{self, Loaded, Types},
    messages::Messages,
    privileges,
    snapshot::{Counters, Snapshot},
    symbols::Symbols,
    sys::{Grace, MappedAreas, MappedControl, drain, release_memory},
};

/// Loaded programs that are not attached yet. Loading is a step of its own,
/// because a signal must not interrupt it: see [`Prepared::load`].
pub struct Prepared {
    loaded: Loaded,
    config: CaptureConfig,
}

impl Prepared {
    /// Loads the programs. Call it on a thread that blocks signals: one that
    /// is pending makes the kernel's verifier give up.
    ///
    /// # Errors
    ///
    /// When the kernel refuses; the message names the remedy.
    pub fn load(
        config: &CaptureConfig,
        types: &mut Types,
        symbols: &Symbols,
    ) -> Result<Self, CaptureError> {
        let loaded = load::load(config, types, symbols).map_err(CaptureError::at_start)?;
        Ok(Self {
            loaded,
            config: config.clone(),
        })
    }

    /// Attaches the programs. Every drop after this returns is counted.
    ///
    /// # Errors
    ///
    /// When the kernel refuses; the message names the remedy.
    pub fn attach(self, symbols: &Symbols) -> Result<Capture, CaptureError> {
        Capture::attach(self, symbols).map_err(CaptureError::at_start)
    }
}

/// Attached programs. Dropping it detaches them.
pub struct Capture {
    // Declared first, dropped first: the programs go before the mappings.
    loaded: Loaded,
    areas: MappedAreas<CpuArea>,
    histograms: Option<Histograms>,
    /// Is the interval that goes on the last one?
    ending: bool,
    control: MappedControl,
    grace: Grace,
    ring: RingBuf<MapData>,
    messages: Messages,
    warnings: Vec<String>,
    counts_flows: bool,
    hurts: Hurts,
    emit: Emit,
    /// With [`Emit::Some`].
    allowance: Option<Allowance>,
    headers: bool,
    known: Known,
    /// Events taken from the ring before the caller asked.
    early: Vec<Detail>,
    generation: u32,
    since: Instant,
    recursion_missed: Option<u64>,
}

impl Capture {
    fn attach(prepared: Prepared, symbols: &Symbols) -> Result<Self, CaptureError> {
        let Prepared { mut loaded, config } = prepared;
        let ring = loaded.ring()?;
        let messages = Messages::new(&mut loaded.ebpf);
        let areas = MappedAreas::new(loaded.map_fd("AREAS")?, loaded.cpus * GENERATIONS)
            .map_err(|source| map_error("map the counters", source))?;
        let mut control = MappedControl::new(loaded.map_fd("CONTROL")?)
            .map_err(|source| map_error("map the programs' controls", source))?;
        let grace = Grace::new().map_err(|source| map_error("make a map of maps", source))?;
        let part_range = symbols.range("skb_release_data");
        control.set(Control {
            generation: 0,
            allowance: 0,
            part_range: part_range.map_or([0, 0], |(start, end)| [start, end - start]),
            list_range: symbols
                .range("kfree_skb_list")
                .map_or([0, 0], |(start, end)| [start, end - start]),
        });
        load::attach(&mut loaded)?;
        let mut warnings = Vec::new();
        if symbols.is_empty() {
            warnings.push(
                "kernel symbols are hidden: functions are shown as addresses, stages come from reasons alone, \
                 and the parts of a dropped fragmented packet count as drops; run as root with CAP_SYSLOG, \
                 or `sysctl kernel.kptr_restrict=1`"
                    .to_owned(),
            );
        } else if part_range.is_none() {
            warnings.push(
                "this kernel has no symbol skb_release_data: the parts of a dropped fragmented packet \
                 count as drops"
                    .to_owned(),
            );
        }
        let allowance = match config.emit {
            Emit::Some(rate) => Some(Allowance::new(rate, loaded.cpus)),
            _ => None,
        };
        let mut capture = Self {
            hurts: Hurts::new(&loaded),
            histograms: if config.histograms {
                Some(Histograms::new(&loaded)?)
            } else {
                None
            },
            ending: false,
            loaded,
            areas,
            control,
            grace,
            ring,
            messages,
            warnings,
            counts_flows: config.flows.is_some(),
            emit: config.emit,
            allowance,
            headers: config.headers,
            known: Known::default(),
            early: Vec::new(),
            generation: 0,
            since: Instant::now(),
            recursion_missed: None,
        };
        capture.recursion_missed = capture.recursion_misses();
        // What was counted while attaching is nobody's interval, and what it
        // left in the ring nobody's event.
        capture.collect()?;
        if let Some(histograms) = &mut capture.histograms {
            histograms.forget();
        }
        let waiting = capture.events(usize::MAX)?;
        capture.early = waiting
            .into_iter()
            .filter(|detail| detail.event.generation == capture.generation)
            .collect();
        release_memory();
        let sockets = config.emit == Emit::All;
        match config.keep {
            Keep::ToLoad => privileges::drop_unrelated(),
            Keep::ToCount => {
                privileges::drop_unneeded(sockets, &|| capture.grace.wait().is_ok());
            }
        }
        Ok(capture)
    }

    /// The hooks, attached or not, in a fixed order.
    #[must_use]
    pub fn hooks(&self) -> &[HookStatus] {
        &self.loaded.hooks
    }

    /// Things the user should know, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Messages that the programs themselves sent since the last call.
    pub fn messages(&mut self) -> Vec<String> {
        self.messages.take()
    }

    /// Says that the interval that goes on is the last one: bursts that go on at
    /// its end are counted in it.
    pub fn end(&mut self) {
        self.ending = true;
    }

    /// When the current interval began.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Ends the current interval and returns its exact counts. May block for
    /// some milliseconds while running programs end.
    ///
    /// # Errors
    ///
    /// When a map cannot be read.
    pub fn collect(&mut self) -> Result<Snapshot, CaptureError> {
        let retired = self.generation;
        self.generation = 1 - retired;
        self.control.allow(0);
        let left = monotonic()?;
        self.control.set_generation(self.generation);
        self.grace
            .wait()
            .map_err(|source| map_error("wait for running programs", source))?;
        let now = Instant::now();
        let length: Duration = now - self.since;
        self.since = now;

        let mut snapshot = Snapshot {
            seconds: length.as_secs_f64(),
            ..Snapshot::default()
        };
        let mut flows = Vec::new();
        let mut most_sent = 0;
        for cpu in 0..self.loaded.cpus {
            let index = retired as usize * self.loaded.cpus + cpu;
            let before = sent(&snapshot.counters);
            read_area(
                self.areas.retired(index),
                &mut snapshot.counters,
                &mut snapshot.sites,
                &mut flows,
            );
            most_sent = (sent(&snapshot.counters) - before).max(most_sent);
        }
        if let Some(allowance) = &mut self.allowance {
            allowance.end(length, most_sent);
        }
        self.refill();
        if snapshot.counters.get(Counter::SiteSpilled) > 0 {
            let map = self
                .loaded
                .map_fd(["SITES_0", "SITES_1"][retired as usize])?;
            drain(map, |key: &SiteKey, weights: &Weights| {
                snapshot.sites.push((*key, *weights));
            })
            .map_err(|source| map_error("read the site table", source))?;
        }
        if snapshot.counters.get(Counter::FlowSpilled) > 0 {
            let map = self
                .loaded
                .map_fd(["FLOWS_0", "FLOWS_1"][retired as usize])?;
            drain(map, |key: &FlowKey, weights: &Weights| {
                flows.push((*key, *weights));
            })
            .map_err(|source| map_error("read the flow table", source))?;
        }
        if snapshot.counters.get(Counter::NapiFull) > 0 {
            let map = self
                .loaded
                .map_fd(["NAPIS_0", "NAPIS_1"][retired as usize])?;
            drain(map, |key: &NapiKey, polls: &u64| {
                snapshot.napis.push((*key, *polls));
            })
            .map_err(|source| map_error("read the table of full polls", source))?;
        }
        if matches!(self.emit, Emit::Nothing | Emit::Hints) {
            snapshot.counters.0[Counter::SampledOut as usize] = snapshot.counters.counted();
        }
        let Self { known, loaded, .. } = self;
        snapshot.stacks = known.new_stacks(&loaded.ebpf, &snapshot.sites);
        snapshot.qdiscs = known.new_qdiscs(&loaded.ebpf, &snapshot.sites);
        if self.counts_flows {
            let dropped = !flows.is_empty() || snapshot.counters.get(Counter::FlowOther) > 0;
            let map = self.loaded.map_fd("HURT")?;
            let aftermath = self
                .hurts
                .read(map, dropped)
                .map_err(|source| map_error("read the table of consequences", source))?;
            snapshot.aftermath = Some(aftermath);
            snapshot.flows = Some(flows);
        }
        let histograms = self.histograms.as_mut();
        snapshot.histograms =
            histograms.map(|histograms| histograms.read(retired, left, self.ending));
        let missed = self.recursion_misses();
        snapshot.recursion_missed =
            missed.map(|total| total.saturating_sub(self.recursion_missed.unwrap_or(0)));
        self.recursion_missed = missed;
        Ok(snapshot)
    }

    /// With [`Emit::Some`]: allows as many events as the time since the start of
    /// the interval is worth, and what was saved before, to be shared evenly by the
    /// CPUs. Call it on a timer, a few times a second.
    pub fn refill(&self) {
        if let Some(allowance) = self.allowance {
            self.control.allow(allowance.worth(self.since.elapsed()));
        }
    }

    /// The generation of what is counted now: an event of the other one belongs to
    /// the interval that was collected last.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Takes up to `most` events that wait in the ring. Programs do not wake
    /// the reader: call it on a timer.
    ///
    /// # Errors
    ///
    /// When a record is malformed.
    pub fn events(&mut self, most: usize) -> Result<Vec<Detail>, CaptureError> {
        let mut details = std::mem::take(&mut self.early);
        while details.len() < most {
            let Some(item) = self.ring.next() else { break };
            details.push(Detail::read(&item, self.headers)?);
        }
        Ok(details)
    }

    /// Runs of the drop program that the kernel skipped because it was already
    /// running on that CPU (`recursion_misses` of fdinfo; the guard exists from
    /// 6.1 on, `kernel/trace/bpf_trace.c`).
    fn recursion_misses(&self) -> Option<u64> {
        let program = self.loaded.ebpf.program(HOOKS[0].tracepoint())?;
        let fd = program.fd().ok()?.as_fd().as_raw_fd();
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()?;
        info.lines()
            .find_map(|line| line.strip_prefix("recursion_misses:"))?
            .trim()
            .parse()
            .ok()
    }
}

/// Nanoseconds of `CLOCK_MONOTONIC`.
fn monotonic() -> Result<u64, CaptureError> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_err(|error| map_error("read the clock", error.into()))?;
    let time = Duration::from(time).as_nanos();
    Ok(u64::try_from(time).unwrap_or(u64::MAX))
}

fn map_error(action: &'static str, source: io::Error) -> CaptureError {
    CaptureError::Map { action, source }
}

/// Events that were sent, or for which the ring had no room.
fn sent(counters: &Counters) -> u64 {
    counters.get(Counter::Emitted) + counters.get(Counter::RingLost)
}
