//! A recording that is written beside something else: the same thread and file
//! as `netdrop record`, with nothing to be asked for.

use super::{
    archive::Target,
    writer::{News, Order, Writer},
};
use crate::{
    cli::outfile::Fresh,
    recording::{
        header::Header,
        write::{HostCounter, sheet::Sheet},
    },
};

/// A file under way.
#[derive(Debug)]
pub(in crate::cli) struct Aside(Writer);

/// What became of it.
#[derive(Debug)]
pub(in crate::cli) enum Told {
    /// A message.
    Said(String),
    /// All is written: so many drops, in so many bytes.
    Done(u64, u64),
    /// Nothing more can be written.
    Failed(anyhow::Error),
}

impl Aside {
    /// Begins; the header and everything after it are written by a thread.
    pub(in crate::cli) fn start(
        file: Fresh,
        name: String,
        header: Header,
        counters: Vec<HostCounter>,
    ) -> anyhow::Result<Self> {
        let writer = Writer::start(Target::One(file, None, name), false)?;
        writer.send(Order::Start(Box::new(header), counters));
        Ok(Self(writer))
    }

    /// Is there room for an interval? If not, it had better go on.
    pub(in crate::cli) fn has_room(&self) -> bool {
        self.0.has_room()
    }

    /// Hands over an interval.
    pub(in crate::cli) fn push(&self, sheet: Sheet) {
        self.0.send(Order::Sheet(Box::new(sheet)));
    }

    /// Closes the file when all is written, and says so then.
    pub(in crate::cli) fn finish(&self, why: &'static str) {
        self.0.send(Order::Finish(why));
    }

    /// Drops and bytes written so far.
    pub(in crate::cli) fn written(&self) -> (u64, u64) {
        self.0.written()
    }

    /// What happened next.
    pub(in crate::cli) async fn told(&mut self) -> Told {
        loop {
            match self.0.news().await {
                News::Said(message) => return Told::Said(message),
                // It has no bound.
                News::Full => {}
                News::Done(summary) => return Told::Done(summary.drops, summary.bytes),
                News::Failed(error) => return Told::Failed(error),
            }
        }
    }
}
