//! What is wrong with a filter, and where.

use std::{fmt, ops::Range};

use unicode_width::UnicodeWidthChar as _;

/// How alike a word must be to be suggested, from 0 to 1 (Jaro-Winkler).
const ALIKE: f64 = 0.8;

/// A filter that cannot be used. Its text shows the expression with the place
/// marked, like a compiler's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// What the text is.
    what: &'static str,
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
            what: "filter",
            text: text.to_owned(),
            span,
            message: message.into(),
            hint: None,
        }
    }

    /// It is not a filter, but this.
    #[must_use]
    pub fn about(mut self, what: &'static str) -> Self {
        self.what = what;
        self
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

    /// What to do instead.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.hint.as_deref()
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

/// Characters shown before the place, at most.
const BEFORE: usize = 40;
/// And behind it.
const BEHIND: usize = 30;

/// What a terminal shows as one character: whatever would move the cursor, or
/// turn the text around, is a space or a question mark.
fn visible(character: char) -> char {
    match character {
        c if c.is_whitespace() => ' ',
        c if c.is_control() || c.width() == Some(0) => '?',
        c => c,
    }
}

fn plain(text: &str) -> String {
    text.chars().map(visible).collect()
}

impl fmt::Display for FilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            text,
            span,
            message,
            hint,
        } = self;
        let start = text
            .get(..span.start)
            .map_or(0, |part| part.chars().count());
        let marked = text
            .get(span.clone())
            .map_or(0, |part| part.chars().count())
            .max(1);
        let characters: Vec<char> = text.chars().map(visible).collect();
        // Of a long text, what stands around the place.
        let from = start.saturating_sub(BEFORE);
        let to = (start + marked.min(BEFORE) + BEHIND).min(characters.len());
        let cut = |cut: bool| if cut { "…" } else { "" };
        let (before, behind) = (cut(from > 0), cut(to < characters.len()));
        let shown: String = characters[from..to].iter().collect();
        let width = |from: usize, to: usize| -> usize {
            let part = characters.get(from..to.min(characters.len()));
            let widths = part.unwrap_or_default().iter();
            widths.map(|c| c.width().unwrap_or(1)).sum()
        };
        let indent = before.chars().count() + width(from, start);
        let carets = width(start, (start + marked).min(to)).max(1);
        writeln!(formatter, "{what}: {}", plain(message))?;
        writeln!(formatter, "  {before}{shown}{behind}")?;
        write!(formatter, "  {:indent$}{}", "", "^".repeat(carets))?;
        if let Some(hint) = hint {
            write!(formatter, "\n{}", plain(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for FilterError {}
