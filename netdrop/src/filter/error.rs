//! What is wrong with a filter, and where.

use std::{fmt, ops::Range};

use unicode_width::UnicodeWidthChar as _;

/// How alike a word must be to be suggested, from 0 to 1 (Jaro-Winkler), unless
/// it is only [`SLIPS`] away.
const ALIKE: f64 = 0.8;
/// How alike two words of the same letters are.
const SWAPPED: f64 = 0.97;
/// How much less alike a second word may be.
const ABOUT: f64 = 0.05;
/// Characters that are one too many, missing, wrong or swapped, at most; and
/// no more than one in three.
const SLIPS: usize = 2;

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

    /// Suggests the word that is most like `word`, when one is, or two that are
    /// about as much.
    #[must_use]
    pub fn nearest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, known).as_slice() {
            [] => self,
            [found] => self.hint(format!("did you mean `{found}`?")),
            [found, other, ..] => self.hint(format!("did you mean `{found}` or `{other}`?")),
        }
    }

    /// Suggests something beside what is suggested already.
    #[must_use]
    pub(super) fn or(self, meant: &str) -> Self {
        let hint = match self.hint.as_deref() {
            None => format!("did you mean {meant}?"),
            Some(hint) if hint.ends_with('?') => format!("{hint} Or {meant}?"),
            Some(hint) => format!("{hint}; or did you mean {meant}?"),
        };
        self.hint(hint)
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

/// The known words most like `word`: one, or two that are about as much.
fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    most_like(word, known, ALIKE)
}

/// The known word that `word` is only [`SLIPS`] away from.
pub(super) fn slip<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    most_like(word, known, f64::INFINITY).first().copied()
}

fn most_like<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
    enough: f64,
) -> Vec<&'a str> {
    let word = word.to_ascii_lowercase();
    let most = (word.chars().count() / 3).min(SLIPS);
    let mut near: Vec<(usize, f64, &str)> = known
        .into_iter()
        .filter_map(|known| {
            let lower = known.to_ascii_lowercase();
            let alike = if is_anagram(&word, &lower) {
                SWAPPED
            } else {
                strsim::jaro_winkler(&word, &lower)
            };
            let slips = strsim::osa_distance(&word, &lower).min(most + 1);
            (slips <= most || alike >= enough).then_some((slips, alike, known))
        })
        .collect();
    near.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.total_cmp(&one.1)));
    let Some(&(slips, alike, first)) = near.first() else {
        return Vec::new();
    };
    let second = near.iter().find(|(_, _, known)| *known != first);
    let second =
        second.filter(|other| other.0 == slips && slips <= most && other.1 >= alike - ABOUT);
    std::iter::once(first)
        .chain(second.map(|(_, _, known)| *known))
        .collect()
}

fn is_anagram(one: &str, other: &str) -> bool {
    let sorted = |word: &str| {
        let mut characters: Vec<char> = word.chars().collect();
        characters.sort_unstable();
        characters
    };
    one.len() == other.len() && sorted(one) == sorted(other)
}

/// Characters shown before the place, at most.
const BEFORE: usize = 40;
/// And behind it.
const BEHIND: usize = 30;

/// Characters of a word that are repeated, at most.
const LONGEST_WORD: usize = 64;

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

/// The same with long words cut, but for the sign and quote at their end.
fn short(text: &str) -> String {
    let text = plain(text);
    let words = text.split(' ').map(|word| {
        if word.chars().count() <= LONGEST_WORD {
            return word.to_owned();
        }
        let start: String = word.chars().take(LONGEST_WORD - 1).collect();
        let end = ["`:", "`"].into_iter().find(|end| word.ends_with(end));
        format!("{start}…{}", end.unwrap_or_default())
    });
    words.collect::<Vec<_>>().join(" ")
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
        writeln!(formatter, "{what}: {}", short(message))?;
        writeln!(formatter, "  {before}{shown}{behind}")?;
        write!(formatter, "  {:indent$}{}", "", "^".repeat(carets))?;
        if let Some(hint) = hint {
            write!(formatter, "\n{}", plain(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for FilterError {}
