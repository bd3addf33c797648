//! Colours, or none.

use std::borrow::Cow;

use crate::tally::names::Severity;

/// Paints text, on a terminal that wants it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    /// Emit escape sequences.
    pub on: bool,
}

impl Palette {
    /// Headings.
    #[must_use]
    pub fn bold<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.paint("1", text)
    }

    /// What matters less.
    #[must_use]
    pub fn dim<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.paint("2", text)
    }

    /// What was lost.
    #[must_use]
    pub fn warn<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.paint("33", text)
    }

    /// The colour of a severity.
    #[must_use]
    pub fn severity<'a>(&self, severity: Severity, text: &'a str) -> Cow<'a, str> {
        match severity {
            Severity::Harmful => self.paint("31", text),
            Severity::Suspicious => self.paint("33", text),
            Severity::Benign => self.dim(text),
        }
    }

    fn paint<'a>(self, code: &str, text: &'a str) -> Cow<'a, str> {
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m").into()
        } else {
            text.into()
        }
    }
}
