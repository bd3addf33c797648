//! Bytes of headers: `tcp[tcpflags]`.

use super::super::{
    arithmetic::Number,
    cursor::{Kind, Token},
    words,
};
use super::{Parsed, Parser, number::constant};

/// What can be compared.
pub(super) const READABLE: &str = "`tcp[tcpflags]`, `icmp[icmptype]`, `icmp[icmpcode]`, `icmp6[icmp6type]`, `icmp6[icmp6code]` \
     and `len` can be compared";

impl Parser<'_> {
    /// `[offset]` or `[offset:1]` behind a protocol's word.
    pub(super) fn byte(&mut self, protocol: &str, start: usize) -> Parsed<Number> {
        self.cursor.next();
        let token = self.cursor.next();
        let offset = match token.kind {
            Kind::Word(word) => constant(word),
            _ => None,
        };
        let Some(offset) = offset else {
            let error = self.unexpected(&token, "a byte's place in the header");
            let whole = |word: &str| {
                let name = format!("{protocol}{word}");
                words::NUMBERS.iter().find(|row| row.0 == name)
            };
            return Err(match token.kind {
                Kind::Word(word) if let Some((name, _)) = whole(word) => {
                    error.hint(format!("did you mean `{name}`?"))
                }
                Kind::Word(word) => error.nearest(word, words::NUMBERS.iter().map(|row| row.0)),
                _ => error,
            });
        };
        let size = if self.sign(":") {
            self.plain_number("a number of bytes")?
        } else {
            1
        };
        let token = self.cursor.peek();
        if !self.sign("]") {
            return Err(self.unexpected(&token, "`]`"));
        }
        match words::field(protocol, offset) {
            Some(field) if size == 1 => Ok(Number::Byte(field)),
            _ => Err(self
                .error(start..token.span.end, "netdrop does not read these bytes")
                .hint(READABLE)),
        }
    }

    /// The protocol of the byte that a number is compared with, or nothing.
    pub(super) fn compared(&self, token: &Token<'_>) -> &str {
        let before = self.cursor.text.get(..token.span.start);
        let name = before.and_then(|text| Some(text.rsplit_once('[')?.0));
        let mut parts = name
            .unwrap_or_default()
            .trim_end()
            .rsplit(|c: char| !c.is_alphanumeric());
        parts.next().unwrap_or_default()
    }
}
