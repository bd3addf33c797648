//! Numbers, and comparisons of them.

use super::super::{
    arithmetic::{Comparison, Number, Operator, Relation},
    cursor::Kind,
    error::FilterError,
    tree::Term,
    words,
};
use super::{Parsed, Parser};

/// What can be compared.
const READABLE: &str = "`tcp[tcpflags]`, `icmp[icmptype]`, `icmp[icmpcode]`, `icmp6[icmp6type]`, `icmp6[icmp6code]` \
     and `len` can be compared";

/// A number as C writes it: decimal, octal or hexadecimal.
pub(super) fn number(word: &str) -> Option<u32> {
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return is_plain(digits).then(|| u32::from_str_radix(digits, 16).ok())?;
    }
    if word.len() > 1 && word.starts_with('0') {
        return is_plain(word).then(|| u32::from_str_radix(word, 8).ok())?;
    }
    is_plain(word).then(|| word.parse().ok())?
}

fn is_plain(digits: &str) -> bool {
    digits.starts_with(|c: char| c.is_ascii_hexdigit())
}

impl Parser<'_> {
    /// A number that has to stand here.
    pub(super) fn plain_number(&mut self, what: &str) -> Parsed<u32> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Word(word) => match number(word) {
                Some(value) => Ok(value),
                None if is_plain(word) => Err(self.error(
                    token.span.clone(),
                    format!("`{word}` is no number up to {}", u32::MAX),
                )),
                None => Err(self.unexpected(&token, what)),
            },
            _ => Err(self.unexpected(&token, what)),
        }
    }

    /// A comparison, if one stands here.
    pub(super) fn comparison(&mut self) -> Parsed<Option<Term>> {
        let before = self.cursor;
        let start = self.cursor.peek();
        match start.kind {
            Kind::Word(word) => {
                let mut ahead = self.cursor;
                ahead.next();
                let indexed =
                    words::protocol(word).is_some() && ahead.peek().kind == Kind::Sign("[");
                let begins = indexed
                    || matches!(word, "len" | "length")
                    || constant(word).is_some() && !words::is_keyword(word);
                if !begins {
                    return Ok(None);
                }
            }
            Kind::Sign("(" | "-") => {}
            _ => return Ok(None),
        }
        let (depth, terms) = (self.depth, self.terms);
        let found = self.try_comparison();
        self.depth = depth;
        let comparison = match found {
            Ok(Some(comparison)) => comparison,
            // A value of the keyword before, or a parenthesis around questions.
            Ok(None) => {
                self.cursor = before;
                self.terms = terms;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if comparison.question().is_none() {
            let end = self.end_of_last(start.span.start);
            return Err(self
                .error(
                    start.span.start..end,
                    "this is more than one thing compared with a constant",
                )
                .hint(format!(
                    "one byte of a header with constants, or the length with a constant: {READABLE}"
                )));
        }
        Ok(Some(Term::Comparison(comparison)))
    }

    /// Where the text read so far ends.
    fn end_of_last(&self, start: usize) -> usize {
        let ahead = self.cursor.peek().span.start;
        let read = self.cursor.text.get(start..ahead).unwrap_or_default();
        start + read.trim_end().len()
    }

    fn try_comparison(&mut self) -> Parsed<Option<Comparison>> {
        let Some(left) = self.sum(0)? else {
            return Ok(None);
        };
        let relation = match self.cursor.peek().kind {
            Kind::Sign("=" | "==") => Relation::Equal,
            Kind::Sign("!=") => Relation::Unequal,
            Kind::Sign("<") => Relation::Less,
            Kind::Sign("<=") => Relation::AtMost,
            Kind::Sign(">") => Relation::Greater,
            Kind::Sign(">=") => Relation::AtLeast,
            _ => return Ok(None),
        };
        self.cursor.next();
        let token = self.cursor.peek();
        let Some(right) = self.sum(0)? else {
            return Err(self.unexpected(&token, "a number"));
        };
        Ok(Some(Comparison {
            left,
            relation,
            right,
        }))
    }

    /// Numbers joined by signs that bind more than `strength`.
    fn sum(&mut self, strength: u8) -> Parsed<Option<Number>> {
        let Some(mut left) = self.operand()? else {
            return Ok(None);
        };
        loop {
            let Kind::Sign(sign) = self.cursor.peek().kind else {
                return Ok(Some(left));
            };
            let found = Operator::ALL
                .into_iter()
                .find(|(_, known, binds)| *known == sign && *binds > strength);
            let Some((operator, _, binds)) = found else {
                return Ok(Some(left));
            };
            self.cursor.next();
            let token = self.cursor.peek();
            self.term(token.span.clone())?;
            let Some(right) = self.deeper(|parser| parser.sum(binds))? else {
                return Err(self.unexpected(&token, "a number"));
            };
            left = Number::Computed(operator, Box::new(left), Box::new(right));
        }
    }

    fn operand(&mut self) -> Parsed<Option<Number>> {
        let token = self.cursor.peek();
        match token.kind {
            Kind::Sign("-") => {
                self.cursor.next();
                let Some(number) = self.deeper(Self::operand)? else {
                    return Ok(None);
                };
                Ok(Some(match number {
                    Number::Constant(value) => Number::Constant(value.wrapping_neg()),
                    other => Number::Computed(
                        Operator::Subtract,
                        Box::new(Number::Constant(0)),
                        Box::new(other),
                    ),
                }))
            }
            Kind::Sign("(") => {
                self.cursor.next();
                let Some(inner) = self.deeper(|parser| parser.sum(0))? else {
                    return Ok(None);
                };
                Ok(self.sign(")").then_some(inner))
            }
            Kind::Word("len" | "length") => {
                self.cursor.next();
                Ok(Some(Number::Length))
            }
            Kind::Word(word) => {
                self.cursor.next();
                if words::protocol(word).is_some() && self.cursor.peek().kind == Kind::Sign("[") {
                    return self.byte(word, token.span.start).map(Some);
                }
                Ok(constant(word).map(Number::Constant))
            }
            _ => Ok(None),
        }
    }

    /// `[offset]` or `[offset:1]` behind a protocol's word.
    fn byte(&mut self, protocol: &str, start: usize) -> Parsed<Number> {
        self.cursor.next();
        let token = self.cursor.next();
        let offset = match token.kind {
            Kind::Word(word) => constant(word),
            _ => None,
        };
        let Some(offset) = offset else {
            return Err(self.unexpected(&token, "a byte's place in the header"));
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

    pub(super) fn not_a_comparison(&mut self) -> FilterError {
        let token = self.cursor.peek();
        self.unexpected(&token, "a comparison").hint(READABLE)
    }
}

/// A number, written out or by a name of libpcap.
fn constant(word: &str) -> Option<u32> {
    number(word).or_else(|| {
        words::NUMBERS
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, value)| *value)
    })
}
