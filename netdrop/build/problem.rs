//! What is wrong with a data file, and where.

use std::{fmt, ops::Range};

use super::template::{self, Piece};

/// Something that is wrong, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    file: &'static str,
    line: usize,
    what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, what } = self;
        write!(f, "data/{file}:{line}: {what}")
    }
}

/// A text under the name of its file, and the list of all problems.
#[derive(Debug)]
pub(super) struct File<'a> {
    name: &'static str,
    pub(super) text: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl<'a> File<'a> {
    pub(super) fn new(name: &'static str, text: &'a str, problems: &'a mut Vec<Problem>) -> Self {
        Self {
            name,
            text,
            problems,
        }
    }

    /// Notes a problem in a line, counted from 1.
    pub(super) fn wrong(&mut self, line: usize, what: impl Into<String>) {
        let what: String = what.into();
        self.problems.push(Problem {
            file: self.name,
            line,
            what: what.replace('\n', "; "),
        });
    }

    /// The line that a place in the text lies in.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }

    /// Reads the text as TOML; nothing where it is none.
    pub(super) fn toml<T: serde::de::DeserializeOwned + Default>(&mut self) -> T {
        match toml::from_str(self.text) {
            Ok(value) => value,
            Err(error) => {
                let line = error.span().map_or(1, |span| self.line(&span));
                self.wrong(line, error.message());
                T::default()
            }
        }
    }

    /// One of the words that a column may hold.
    pub(super) fn one_of(&mut self, line: usize, what: &str, word: &str, known: &[&str]) {
        if !known.contains(&word) {
            self.wrong(
                line,
                format!("unknown {what} {word:?}; use {}", known.join(", ")),
            );
        }
    }

    /// Text that must say something.
    pub(super) fn not_empty(&mut self, line: usize, what: &str, text: &str) {
        if text.trim().is_empty() {
            self.wrong(line, format!("{what} is empty"));
        }
    }

    /// Gaps that can be filled.
    pub(super) fn gaps(&mut self, line: usize, text: &str) {
        for piece in template::pieces(text) {
            if let Piece::Unknown(gap) = piece {
                let known = template::GAPS.join("}, {");
                self.wrong(
                    line,
                    format!("unknown placeholder {{{gap}}}; use {{{known}}}"),
                );
            }
        }
    }
}
