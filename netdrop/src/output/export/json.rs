//! The lines of `netdrop watch --format json`, and those of `netdrop trace` for
//! sampled drops where they are asked for.

use std::io::{self, Write};

use super::{ALL, Exporter, Source};
use crate::{
    output::{json, ready::Ready},
    recording::header::Header,
    tally::{key::By, packet::Drop, period::Period},
};

/// Writes JSON.
#[derive(Debug, Default)]
pub struct Json {
    /// A line for each sampled drop, too.
    pub events: bool,
}

impl Exporter for Json {
    fn keys(&self) -> &'static str {
        ALL
    }

    fn uses_events(&self, _header: &Header) -> bool {
        self.events
    }

    fn tells_accounting(&self) -> bool {
        true
    }

    fn start(&mut self, out: &mut dyn Write, source: &Source<'_>, _by: &By) -> io::Result<()> {
        let Source {
            header,
            filter,
            hooks,
        } = *source;
        line(out, |bytes| {
            json::ready(
                bytes,
                &Ready {
                    time: header.start.unwrap_or_default(),
                    version: &header.version,
                    host: &header.host,
                    kernel: &header.kernel,
                    filter,
                    hooks,
                    warnings: &header.warnings,
                },
            );
        })
    }

    fn event(&mut self, out: &mut dyn Write, drop: &Drop) -> io::Result<()> {
        if !self.events {
            return Ok(());
        }
        line(out, |bytes| json::drop(bytes, drop))
    }

    fn interval(&mut self, out: &mut dyn Write, period: &Period) -> io::Result<()> {
        line(out, |bytes| json::interval(bytes, period))
    }

    fn finish(&mut self, out: &mut dyn Write, summary: &Period) -> io::Result<()> {
        line(out, |bytes| json::summary(bytes, summary))
    }
}

fn line(out: &mut dyn Write, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
    let mut bytes = Vec::new();
    write(&mut bytes);
    out.write_all(&bytes)
}
