//! What is wrong with a filter, and where.

use std::{fmt, ops::Range};

/// How alike a word must be to be suggested, from 0 to 1 (Jaro-Winkler).
const ALIKE: f64 = 0.8;

/// A filter that cannot be used. Its text shows the expression with the place
/// marked, like a compiler's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    text: String,
    span: Range<usize>,
    message: String,
    hint: Option<String>,
}

impl FilterError {
    /// At a place of the text, in bytes.
    #[must_use]
    pub fn new(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            text: text.to_owned(),
            span,
            message: message.into(),
            hint: None,
        }
    }

    /// Says what to do instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Suggests the word that is most like `word`, when one is.
    #[must_use]
    pub fn nearest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, known) {
            Some(found) => self.hint(format!("did you mean `{found}`?")),
            None => self,
        }
    }

    /// The place in the text, in bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// The known word most like `word`.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    known
        .into_iter()
        .map(|known| {
            let alike = strsim::jaro_winkler(&word, &known.to_ascii_lowercase());
            (alike, known)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

impl fmt::Display for FilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            text,
            span,
            message,
            hint,
        } = self;
        // One column per character: what would move the caret is shown as a
        // space or a question mark.
        let shown = |part: &str| -> String {
            part.chars()
                .map(|c| match c {
                    c if c.is_whitespace() => ' ',
                    c if c.is_control() => '?',
                    c => c,
                })
                .collect()
        };
        let before = text.get(..span.start).unwrap_or(text).chars().count();
        let marked = text
            .get(span.clone())
            .map_or(0, |part| part.chars().count());
        writeln!(formatter, "filter: {message}")?;
        writeln!(formatter, "  {}", shown(text))?;
        write!(formatter, "  {:before$}{}", "", "^".repeat(marked.max(1)))?;
        if let Some(hint) = hint {
            write!(formatter, "\n{hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FilterError {}
