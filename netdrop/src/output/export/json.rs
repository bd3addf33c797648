//! The lines of `netdrop watch --format json`.

use std::io::{self, Write};

use super::{ALL, Exporter, Source};
use crate::{
    output::{json, ready::Ready},
    tally::{key::By, period::Period},
};

/// Writes JSON.
#[derive(Debug, Default)]
pub struct Json;

impl Exporter for Json {
    fn keys(&self) -> &'static str {
        ALL
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
