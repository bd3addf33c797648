//! Turns what was counted into rows.

use std::{collections::HashMap, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema, SchemaRef};
use netdrop_ebpf::{
    area::{Counter, Weights},
    hurt::{Connection, Followed},
};

use super::{
    HostCounter, Instant,
    connections::Following,
    events::Wanted,
    sheet::{Sheet, Stamp},
    state::State,
};
use crate::{
    filter::plan::Plan,
    kernel::snapshot::Snapshot,
    recording::{
        columns::{Columns, Line, fields},
        header::Header,
    },
    tally::{
        choose::choose,
        left_out::LeftOut,
        names::{Names, Severity},
        site::{Site, Sites},
    },
};

/// Rows of a batch at most.
pub(in crate::recording) const BATCH: usize = 8192;

/// Drops at one place in the last interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Stage.
    pub stage: Option<&'a str>,
    /// Reason.
    pub reason: Option<&'a str>,
    /// Severity.
    pub severity: Severity,
    /// How many.
    pub weights: Weights,
}

/// Makes the rows of one interval after another.
pub struct Rows {
    pub(super) columns: Columns,
    pub(super) sites: Sites,
    pub(super) top: usize,
    pub(super) attached: Vec<String>,
    /// What the rows so far tell of the host's counters.
    pub(super) known: State,
    pub(super) changed: Vec<HostCounter>,
    /// What the kernel told of each connection.
    pub(super) followed: HashMap<Connection, Followed>,
    pub(super) following: Following,
    /// The places of the last interval.
    pub(super) seen: Vec<(Site, Weights)>,
    /// Their packets, and those of drops without a place.
    packets: u64,
    left_out: LeftOut,
    schema: SchemaRef,
    full: Vec<RecordBatch>,
    pub(super) filter: Option<Plan>,
    pub(super) wanted: Wanted,
    stamp: Stamp,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Rows")
            .field("stamp", &self.stamp)
            .finish_non_exhaustive()
    }
}

impl Rows {
    /// For files with this header, that begin with these counters of the host.
    #[must_use]
    pub fn new(header: &Header, counters: &[HostCounter]) -> Self {
        Self {
            columns: Columns::new(header.anonymizer.clone()),
            sites: Sites::default(),
            top: header.top.map_or(0, |top| top as usize),
            attached: header
                .hooks
                .iter()
                .filter(|hook| hook.attached)
                .map(|hook| hook.name.clone())
                .collect(),
            known: State::new(counters),
            changed: Vec::new(),
            followed: HashMap::new(),
            following: Following::default(),
            seen: Vec::new(),
            packets: 0,
            left_out: LeftOut::default(),
            schema: Arc::new(Schema::new(fields())),
            full: Vec::new(),
            filter: None,
            wanted: Wanted {
                payload: header.payload,
                stacks: header.stacks,
            },
            stamp: Stamp::of(header),
        }
    }

    /// From now on, only what the filter wants is recorded.
    pub fn filter(&mut self, plan: &Plan) {
        self.filter = plan.asks_rows().then(|| plan.clone());
    }

    /// The next interval has this number, and those behind it those that follow.
    pub fn number(&mut self, number: u32) {
        self.stamp.number = number;
    }

    /// The rows of an interval.
    ///
    /// # Errors
    ///
    /// When the columns do not fit together, which would be a fault of ours.
    pub fn interval(
        &mut self,
        snapshot: &Snapshot,
        instant: &Instant<'_>,
        names: &mut dyn Names,
    ) -> Result<Sheet, ArrowError> {
        self.sites.next_interval();
        let chosen = self
            .filter
            .as_ref()
            .map(|plan| choose(plan, snapshot, &mut self.sites, names));
        let snapshot = chosen.as_ref().map_or(snapshot, |chosen| &chosen.snapshot);
        self.stamp = Stamp {
            time: instant.time,
            seconds: snapshot.seconds,
            drops: snapshot.counters.counted(),
            ..self.stamp
        };
        self.left_out = LeftOut::from(&snapshot.counters);
        self.sites_of(snapshot, names)?;
        let cut = self.flows_of(snapshot, names)?;
        let placed: u64 = self.seen.iter().map(|(_, weights)| weights.packets).sum();
        self.packets = placed + snapshot.counters.get(Counter::SiteOtherPackets);
        self.events_of(instant, names)?;
        self.polls_of(snapshot, names);
        self.histograms_of(snapshot);
        self.push_counts(snapshot, instant, cut);
        self.push_counters(instant.counters);
        let stamp = self.stamp;
        // A file that was made by others may number as it likes.
        self.stamp.number = self.stamp.number.wrapping_add(1);
        Ok(Sheet {
            stamp,
            full: std::mem::take(&mut self.full),
            columns: self.columns.take(),
            changed: std::mem::take(&mut self.changed),
            following: std::mem::take(&mut self.following),
        })
    }

    /// The places of the last interval, without those that had no room.
    pub fn seen(&self) -> impl Iterator<Item = Seen<'_>> {
        let text = |name| self.sites.interner.text(name);
        self.seen.iter().map(move |(site, weights)| Seen {
            stage: site.stage.map(|name| &**text(name)),
            reason: site.reason.map(|name| &**text(name)),
            severity: site.severity,
            weights: *weights,
        })
    }

    /// The packets on the wire that were lost in the last interval.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// What the filter left out of the last interval.
    #[must_use]
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// A row of this interval.
    pub(super) fn line<'a>(&self, kind: &'a str) -> Line<'a> {
        self.stamp.line(kind)
    }

    /// Makes a batch of the rows so far once they are enough.
    pub(super) fn turn_full(&mut self) -> Result<(), ArrowError> {
        if self.columns.len() >= BATCH {
            let batch = self.columns.batch(Arc::clone(&self.schema))?;
            self.full.push(batch);
        }
        Ok(())
    }
}
