//! What was meant by what cannot be read: the nearest word, or the question
//! that a value alone, or more than a value, asks.

use std::{
    net::{IpAddr, Ipv6Addr},
    ops::Range,
};

use super::super::{
    cursor::{Kind, Token},
    elsewhere,
    error::{FilterError, slip},
    tree::{Ends, Expr},
    words::{self, Alone, Protocol},
};
use super::{
    Head, Parsed, Parser,
    address::{ipv4, prefixed},
};

/// Words that stand behind others, before a value.
pub(super) const INNER: [&str; 8] = [
    "src",
    "dst",
    "host",
    "net",
    "port",
    "portrange",
    "proto",
    "multicast",
];

/// What stands behind a word that may be a value.
enum Behind<'a> {
    /// Nothing that says that it is none.
    Fits,
    /// One of [`INNER`].
    Inner(Token<'a>),
    /// Another word of the language.
    Keyword(Token<'a>),
    /// Another value.
    Value(Token<'a>),
}

impl<'a> Parser<'a> {
    /// A value that takes the keyword before, which may as well be a keyword
    /// that was mistyped.
    pub(super) fn bare(&mut self, head: &Head) -> Parsed<Expr> {
        let token = self.cursor.peek();
        let Kind::Word(word) = token.kind else {
            return self.value(head);
        };
        let (known, behind) = match self.behind() {
            Behind::Fits => {
                let found = self.value(head);
                return found.map_err(|error| {
                    if error.span() == token.span {
                        or_question(error, word)
                    } else {
                        error
                    }
                });
            }
            Behind::Inner(behind) => {
                let protocols = words::PROTOCOLS.iter().map(|known| known.word);
                (protocols.chain(["src", "dst"]).collect(), behind)
            }
            // Rather a word that joins them is missing.
            Behind::Keyword(behind) => (Vec::new(), behind),
            Behind::Value(behind) => (words::questions().collect(), behind),
        };
        let is_known = elsewhere::here(word).is_some() && !known.is_empty();
        if !is_known && slip(word, known.iter().copied()).is_none() {
            return Err(self.unexpected_end_of_expression(&behind));
        }
        Err(self.unknown_word(token.span, word, known))
    }

    fn unknown_word(
        &self,
        span: Range<usize>,
        word: &str,
        known: impl IntoIterator<Item = &'static str>,
    ) -> FilterError {
        let error = self.error(span, format!("unknown word `{word}`"));
        match elsewhere::here(word) {
            Some(here) => error.hint(format!("did you mean `{here}`?")),
            None => error.nearest(word, known),
        }
    }

    /// Is the name that stands here followed by something that follows no
    /// value? Nobody has to be asked what it stands for, then.
    pub(super) fn followed(&self) -> Parsed<()> {
        match self.behind() {
            Behind::Fits => Ok(()),
            Behind::Inner(token) | Behind::Keyword(token) | Behind::Value(token) => {
                Err(self.unexpected_end_of_expression(&token))
            }
        }
    }

    fn behind(&self) -> Behind<'a> {
        let mut ahead = self.cursor;
        let token = ahead.next();
        let next = ahead.peek();
        let apart = next.span.start > token.span.end;
        match token.kind {
            Kind::Word(word) if apart && is_name(word) && !words::is_keyword(word) => {}
            _ => return Behind::Fits,
        }
        match next.kind {
            Kind::Word("and" | "or" | "mask") | Kind::End => Behind::Fits,
            Kind::Word(word) if INNER.contains(&word) => Behind::Inner(next),
            Kind::Word(word) if words::is_keyword(word) => Behind::Keyword(next),
            Kind::Word(_) | Kind::Escaped(_) | Kind::Sign("[" | "*") | Kind::Strange('"') => {
                Behind::Value(next)
            }
            _ => Behind::Fits,
        }
    }

    /// A sign before a value, as comparisons have one.
    pub(super) fn sign_before_value(error: FilterError, sign: &str) -> FilterError {
        match sign {
            "=" | "==" => error.hint("a value stands without a sign: `port 80`"),
            "!=" => error.hint("`not` stands before the question: `not port 80`"),
            _ => error,
        }
    }

    /// No question begins here.
    pub(super) fn not_a_question(&self, token: &Token<'_>) -> FilterError {
        let (written, span) = self.cursor.written();
        let at_token = span.start == token.span.start;
        if at_token
            && written.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':' || c == '[')
            && (written.contains("::") || written.starts_with(|c: char| !c.is_ascii_alphabetic()))
            && let Some(error) = self.more_than_an_address("", Ends::Either)
        {
            return error;
        }
        let Kind::Word(word) = token.kind else {
            return self.unexpected(token, "a word like `host`, `port` or `reason`");
        };
        let lower = word.to_ascii_lowercase();
        if lower != word && words::is_keyword(&lower) {
            return self
                .error(token.span.clone(), format!("unknown word `{word}`"))
                .hint(format!("words are written small: `{lower}`"));
        }
        let (address, bits) = match written.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (written, None),
        };
        let v4 = ipv4(address);
        let is_address = v4.is_some_and(|(_, bits)| bits == 32) && address.contains('.')
            || address.parse::<Ipv6Addr>().is_ok();
        let is_net = match bits {
            Some(bits) => (v4.is_some() || is_address) && bits.parse::<u8>().is_ok(),
            None => address.contains('.') && v4.is_some_and(|(_, bits)| bits < 32),
        };
        if at_token && (is_address || is_net) {
            let what = if is_net { "net" } else { "host" };
            let message = format!("a word like `host` or `net` expected, not `{written}`");
            let meant = bits.and_then(|bits| prefixed(address, bits));
            let meant = meant.map_or(written.to_owned(), |net| net.to_string());
            return self
                .error(span, message)
                .hint(format!("did you mean `{what} {meant}`?"));
        }
        if word.parse::<u16>().is_ok() {
            let numbered = self.numbered;
            return self
                .unexpected(token, "a word like `host` or `port`")
                .hint(format!("did you mean `{numbered} {word}`?"));
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return self.unexpected(token, "a word like `host` or `net`");
        }
        self.unknown_word(token.span.clone(), word, words::questions())
    }

    /// The words read behind that of the protocol do not go with it.
    pub(super) fn no_such_pair(&self, protocol: Protocol, token: &Token<'_>) -> FilterError {
        let word = protocol.word;
        let behind = token.span.end;
        let rest = self.cursor.text.get(behind..self.end_of_last(behind));
        let rest = rest.unwrap_or_default().trim();
        let error = self.error(
            token.span.clone(),
            format!("`{word}` cannot stand before `{rest}`"),
        );
        if protocol.alone == Alone::Link {
            return error.hint("hardware addresses are not kept");
        }
        match self.cursor.peek().kind {
            Kind::Word(port)
                if protocol.transport().is_some()
                    && (rest.ends_with("src") || rest.ends_with("dst"))
                    && port.parse::<u16>().is_ok() =>
            {
                error.hint(format!("did you mean `{word} {rest} port {port}`?"))
            }
            _ => error.hint(format!("join them: `{word} and {rest} …`")),
        }
    }

    /// What stands here is an address and something else, or is none although
    /// it was meant as one. `network` and `ends` are what is asked of it.
    pub(super) fn more_than_an_address(&self, network: &str, ends: Ends) -> Option<FilterError> {
        let (written, span) = self.cursor.written();
        let error = |message| self.error(span.clone(), message);
        if let Some((address, scope)) = written.split_once('%')
            && address.parse::<Ipv6Addr>().is_ok()
        {
            let hint = format!("ask `{network}{ends}host {address} and dev {scope}`");
            return Some(error("a scope is no part of an address").hint(hint));
        }
        if let Some(rest) = written.strip_prefix('[')
            && let Some((address, rest)) = rest.split_once(']')
            && address.parse::<Ipv6Addr>().is_ok()
        {
            let host = format!("{network}{ends}host {address}");
            return Some(match rest.strip_prefix(':') {
                Some(port) if !port.is_empty() => error("a port is no part of an address")
                    .hint(format!("ask `{host} and {ends}port {port}`")),
                _ => error("an address stands without brackets").hint(format!("say `{host}`")),
            });
        }
        if let Some((address, port)) = written.split_once(':')
            && !port.is_empty()
            && !port.contains(':')
            && (address.parse::<IpAddr>().is_ok() || is_name(address))
        {
            let hint = format!("ask `{network}{ends}host {address} and {ends}port {port}`");
            return Some(error("a port is no part of an address").hint(hint));
        }
        self.not_an_ipv6_address()
    }

    /// What stands here has the colons of an IPv6 address, and is none.
    pub(super) fn not_an_ipv6_address(&self) -> Option<FilterError> {
        let (written, span) = self.cursor.written();
        let address = written.split(['/', '%']).next().unwrap_or_default();
        if address.matches(':').count() < 2 || address.parse::<Ipv6Addr>().is_ok() {
            return None;
        }
        let span: Range<usize> = span.start..span.start + address.len();
        let error = self.error(span, format!("`{address}` is no IPv6 address"));
        Some(if is_hardware(address) {
            error.hint("hardware addresses are not kept")
        } else {
            error
        })
    }
}

/// What could not be read as a value may have been meant as a question of its
/// own.
fn or_question(error: FilterError, word: &str) -> FilterError {
    if word.parse::<IpAddr>().is_ok() {
        return error.or(&format!("`host {word}`"));
    }
    if let Some(here) = elsewhere::here(word) {
        return error.or(&format!("`{here}`"));
    }
    match slip(word, words::questions()) {
        Some(near) if is_name(word) => error.or(&format!("the word `{near}`")),
        _ => error,
    }
}

/// A word that may be a name: no number, no address.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !word.contains(':')
}

/// Six bytes between colons?
fn is_hardware(address: &str) -> bool {
    let parts: Vec<_> = address.split(':').collect();
    parts.len() == 6
        && parts
            .iter()
            .all(|part| matches!(part.len(), 1 | 2) && u8::from_str_radix(part, 16).is_ok())
}
