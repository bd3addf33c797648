//! One way to ask for either format.

use bytes::Bytes;

use super::{
    json,
    ready::Ready,
    text::{self, Layout},
};
use crate::tally::period::Period;

/// The format of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One object a line, as `docs/json.md` says.
    Json,
}

/// Turns what happened into bytes.
#[derive(Clone, Copy, Debug)]
pub struct Renderer {
    /// The format.
    pub format: Format,
    /// How text is laid out.
    pub layout: Layout,
}

impl Renderer {
    /// What standard output says at the start: in text, nothing.
    #[must_use]
    pub fn ready(&self, ready: &Ready<'_>) -> Option<Bytes> {
        match self.format {
            Format::Text => None,
            Format::Json => Some(collect(|out| json::ready(out, ready))),
        }
    }

    /// An interval.
    #[must_use]
    pub fn interval(&self, period: &Period) -> Bytes {
        match self.format {
            Format::Text => print(|out| text::interval(out, period, self.layout)),
            Format::Json => collect(|out| json::interval(out, period)),
        }
    }

    /// The summary, after so many lines of drops.
    #[must_use]
    pub fn summary(&self, period: &Period, lines: Option<u64>) -> Bytes {
        match self.format {
            Format::Text => print(|out| text::summary(out, period, lines, self.layout)),
            Format::Json => collect(|out| json::summary(out, period)),
        }
    }
}

fn collect(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::with_capacity(4096);
    write(&mut out);
    out.into()
}

fn print(write: impl FnOnce(&mut String)) -> Bytes {
    let mut out = String::with_capacity(4096);
    write(&mut out);
    out.into()
}
