//! Words and signs of a filter, one at a time. What a word may be made of
//! depends on where it stands, so the parser asks for what it wants.

use std::{net::Ipv6Addr, ops::Range};

/// A word or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A word, number or address.
    Word(&'a str),
    /// A word behind a backslash, which is no keyword.
    Escaped(&'a str),
    /// A sign.
    Sign(&'static str),
    /// Something else.
    Strange(char),
    /// Nothing is left.
    End,
}

/// Longer ones first.
const SIGNS: [&str; 26] = [
    "&&", "||", "!=", "==", "<=", ">=", "<<", ">>", "(", ")", "[", "]", "!", "&", "|", "=", "<",
    ">", "+", "-", "*", "/", "%", "^", ":", ",",
];

/// A place in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, length: usize) -> (&'a str, Range<usize>) {
        let span = self.at..self.at + length;
        self.at = span.end;
        (self.text.get(span.clone()).unwrap_or_default(), span)
    }

    /// The next token, which stays.
    pub(super) fn peek(&self) -> Token<'a> {
        let mut ahead = *self;
        ahead.next()
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Token<'a> {
        self.skip_space();
        let rest = self.rest();
        let token = |(kind, span)| Token { kind, span };
        let Some(first) = rest.chars().next() else {
            return token((Kind::End, self.at..self.at));
        };
        if let Some(length) = address(rest) {
            let (word, span) = self.take(length);
            return token((Kind::Word(word), span));
        }
        if first.is_alphanumeric() || first == '_' {
            let length = word(rest);
            let (word, span) = self.take(length);
            return token((Kind::Word(word), span));
        }
        if first == '\\' && rest[1..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            let length = word(&rest[1..]);
            let (word, span) = self.take(1 + length);
            return token((Kind::Escaped(&word[1..]), span));
        }
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            let (_, span) = self.take(sign.len());
            return token((Kind::Sign(sign), span));
        }
        let (_, span) = self.take(first.len_utf8());
        token((Kind::Strange(first), span))
    }

    /// Does a double quote come next?
    pub(super) fn at_quote(&self) -> bool {
        self.rest().trim_start().starts_with('"')
    }

    /// A name in which nearly everything may stand: up to a space, parenthesis
    /// or joining sign, or whatever stands between double quotes (where a
    /// backslash takes the next character as it is).
    pub(super) fn name(&mut self) -> Option<(String, Range<usize>)> {
        self.skip_space();
        let rest = self.rest();
        let start = self.at;
        if !rest.starts_with('"') {
            let length = length_until(rest, |c| c.is_whitespace() || "()&|!\"".contains(c));
            let (name, span) = self.take(length);
            let name = name.strip_prefix('\\').unwrap_or(name);
            return (!name.is_empty()).then(|| (name.to_owned(), span));
        }
        let mut name = String::new();
        let mut characters = rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at = start + at + 1;
                    return Some((name, start..self.at));
                }
                '\\' => name.push(characters.next()?.1),
                other => name.push(other),
            }
        }
        None
    }

    /// What stands here up to a space, parenthesis or joining sign; it stays.
    pub(super) fn written(&self) -> (&'a str, Range<usize>) {
        let mut ahead = *self;
        ahead.skip_space();
        let length = length_until(ahead.rest(), |c| c.is_whitespace() || "()&|!\"".contains(c));
        ahead.take(length)
    }

    /// Everything up to the next space or parenthesis.
    pub(super) fn endpoint(&mut self) -> (&'a str, Range<usize>) {
        self.skip_space();
        let length = length_until(self.rest(), |c| c.is_whitespace() || "()".contains(c));
        self.take(length)
    }
}

fn length_until(text: &str, stop: impl Fn(char) -> bool) -> usize {
    text.find(stop).unwrap_or(text.len())
}

/// The length of an IPv6 address at the start.
fn address(text: &str) -> Option<usize> {
    let length = length_until(text, |c| !(c.is_ascii_hexdigit() || c == ':' || c == '.'));
    let found = &text[..length];
    let is_whole = !text[length..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    (found.contains(':') && is_whole && found.parse::<Ipv6Addr>().is_ok()).then_some(length)
}

/// The length of a word: it may have dots, hyphens and underscores inside, but
/// no hyphen at its end.
fn word(text: &str) -> usize {
    let length = length_until(text, |c| {
        !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
    });
    text[..length].trim_end_matches('-').len()
}
