//! Recordings in the formats of other tools, one file per format.
//!
//! Comes in: a recording as the live views see it, a period for each interval
//! and one for the whole; for Parquet, its rows. Goes out: bytes, as they come.

mod csv;
mod csv_events;
mod folded;
mod json;
mod openmetrics;
mod parquet;
mod pcapng;

use std::io::{self, Write};

use crate::{
    filter::plan::Plan,
    kernel::capture::HookStatus,
    recording::header::Header,
    tally::{key::By, packet::Drop, period::Period},
};

pub use self::{
    csv::Csv, csv_events::CsvEvents, folded::Folded, json::Json, openmetrics::OpenMetrics,
    parquet::Parquet, pcapng::Pcapng,
};

/// Where a recording comes from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What it says of itself.
    pub header: &'a Header,
    /// The filter it was made with, and who decided what of it, as in
    /// [`Ready`](super::ready::Ready).
    pub filter: Option<(&'a str, Option<&'a Plan>)>,
    /// The hooks that this version knows.
    pub hooks: &'a [HookStatus],
}

/// Writes recordings in one format.
pub trait Exporter {
    /// The keys that rows are grouped by unless others are asked for.
    fn keys(&self) -> &'static str;

    /// Is it nothing without sampled drops?
    fn wants_events(&self) -> bool {
        false
    }

    /// Does it tell anything of sampled drops, of a recording with this header?
    fn uses_events(&self, _header: &Header) -> bool {
        self.wants_events()
    }

    /// Does it tell what a filter left out?
    fn tells_accounting(&self) -> bool {
        false
    }

    /// Begins.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    fn start(&mut self, out: &mut dyn Write, source: &Source<'_>, by: &By) -> io::Result<()>;

    /// Writes a sampled drop, before the interval that it belongs to.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    fn event(&mut self, _out: &mut dyn Write, _drop: &Drop) -> io::Result<()> {
        Ok(())
    }

    /// Writes an interval.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    fn interval(&mut self, out: &mut dyn Write, period: &Period) -> io::Result<()>;

    /// Ends with the whole recording.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    fn finish(&mut self, out: &mut dyn Write, summary: &Period) -> io::Result<()>;
}

/// Keys of formats that keep everything but flows apart.
const ALL: &str = "stage,reason,function,device,netns,cpu,protocol,direction";

#[cfg(test)]
mod tests;
