//! Words of the language, or of another, that cannot stand where they do.

use super::super::{
    cursor::{Cursor, Kind, Token},
    elsewhere,
    error::FilterError,
    words,
};
use super::{Parser, meant::INNER};

impl<'a> Parser<'a> {
    /// A word that nothing joins with what stands before it.
    pub(super) fn unjoined(
        &self,
        error: FilterError,
        token: &Token<'_>,
        word: &str,
    ) -> FilterError {
        let before = self.word_before(token);
        let behind = self.cursor.text.get(token.span.end..).unwrap_or_default();
        let next = match Cursor::new(behind).peek().kind {
            Kind::Word(next) => Some(next),
            _ => None,
        };
        if let Some(said) = elsewhere::comparison(before, word, next) {
            let asked = said.asked;
            if !said.takes_before {
                return error.hint(format!("join it: `and {asked}`"));
            }
            let next = next.filter(|_| said.takes_next);
            let written: Vec<_> = [before, word].into_iter().chain(next).collect();
            return error.hint(format!("say `{asked}` instead of `{}`", written.join(" ")));
        }
        match elsewhere::known(word) {
            Some(here) => {
                let protocol = words::protocol(before);
                let is_port = here.ends_with("port")
                    && protocol.is_some_and(|protocol| protocol.transport().is_some());
                error.hint(if is_port {
                    format!("did you mean `{here}`?")
                } else {
                    format!("join it: `and {here} …`")
                })
            }
            None => error.nearest(word, words::JOINS),
        }
    }

    /// The word before a token, or nothing.
    pub(super) fn word_before(&self, token: &Token<'_>) -> &'a str {
        self.words_before(token).next().unwrap_or_default()
    }

    /// The words before a token, the last one first.
    fn words_before(&self, token: &Token<'_>) -> impl Iterator<Item = &'a str> {
        let before = self.cursor.text.get(..token.span.start).unwrap_or_default();
        before
            .trim_end()
            .rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')))
    }

    /// A word of the language where a value has to stand.
    pub(super) fn no_value(
        &self,
        error: FilterError,
        token: &Token<'_>,
        word: &str,
    ) -> FilterError {
        let is_join = |word| matches!(word, "and" | "or");
        match self.cursor.peek().kind {
            Kind::Word(next) if words::protocol(word).is_some() && !is_join(next) => {
                let before = self.words_before(token);
                let mut before: Vec<_> = before.take_while(|word| INNER.contains(word)).collect();
                before.reverse();
                let before = before.join(" ");
                error.hint(format!("the protocol stands first: `{word} {before} …`"))
            }
            _ => error.hint(format!("if that is a name, write `\\{word}`")),
        }
    }
}
