//! Numbers, and comparisons of them.

use super::super::{
    arithmetic::{Comparison, Number, Operator, Relation},
    cursor::{Kind, Token},
    elsewhere,
    error::FilterError,
    tree::Term,
    words,
};
use super::{Parsed, Parser, byte::READABLE};

/// Longer text is not repeated as an example.
const LONGEST_EXAMPLE: usize = 60;

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
                None => Err(self.no_number(&token, what)),
            },
            _ => Err(self.no_number(&token, what)),
        }
    }

    fn no_number(&self, token: &Token<'_>, what: &str) -> FilterError {
        match token.kind {
            Kind::Word(word) if word.starts_with(|c: char| c.is_ascii_digit()) => self.error(
                token.span.clone(),
                format!("`{word}` is no number up to {}", u32::MAX),
            ),
            _ => self.unexpected(token, what),
        }
    }

    /// No number although one has to stand here.
    fn not_a_number<T>(&self, token: &Token<'_>) -> Parsed<T> {
        let error = self.no_number(token, "a number");
        Err(match token.kind {
            Kind::Word(word) => match elsewhere::number(self.compared(token), word) {
                Some(name) => error.hint(format!("did you mean `{name}`?")),
                None => error.nearest(word, words::NUMBERS.iter().map(|row| row.0)),
            },
            _ => error,
        })
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
    pub(super) fn end_of_last(&self, start: usize) -> usize {
        let ahead = self.cursor.peek().span.start;
        let read = self.cursor.text.get(start..ahead).unwrap_or_default();
        start + read.trim_end().len()
    }

    fn try_comparison(&mut self) -> Parsed<Option<Comparison>> {
        let start = self.cursor.peek();
        // Nothing else begins with `tcp[` or `len`.
        let sure = matches!(start.kind, Kind::Word(word) if constant(word).is_none());
        let Some(left) = self.sum(0, sure)? else {
            return Ok(None);
        };
        let relation = match self.cursor.peek().kind {
            Kind::Sign("=" | "==") => Relation::Equal,
            Kind::Sign("!=") => Relation::Unequal,
            Kind::Sign("<") => Relation::Less,
            Kind::Sign("<=") => Relation::AtMost,
            Kind::Sign(">") => Relation::Greater,
            Kind::Sign(">=") => Relation::AtLeast,
            _ if left.constant().is_none() => {
                return Err(self.no_relation(&left, start.span.start));
            }
            // A value of the keyword before may be written as a number, too.
            _ => return Ok(None),
        };
        self.cursor.next();
        let right = self.operand_right(0)?;
        Ok(Some(Comparison {
            left,
            relation,
            right,
        }))
    }

    /// What is known of a packet stands alone.
    fn no_relation(&self, left: &Number, start: usize) -> FilterError {
        let error = self.unexpected(&self.cursor.peek(), "a comparison like `!= 0`");
        if *left == Number::Length {
            return error.hint("for example `len > 1500`");
        }
        let written = start..self.end_of_last(start);
        match self.cursor.text.get(written) {
            Some(written) if written.len() <= LONGEST_EXAMPLE => {
                error.hint(format!("for example `{written} != 0`"))
            }
            _ => error,
        }
    }

    /// Numbers behind a sign.
    fn operand_right(&mut self, strength: u8) -> Parsed<Number> {
        let token = self.cursor.peek();
        match self.sum(strength, true)? {
            Some(number) => Ok(number),
            None => self.not_a_number(&token),
        }
    }

    /// Numbers joined by signs that bind more than `strength`; `None` where it
    /// is not `sure` that they are, and they are not.
    fn sum(&mut self, strength: u8, sure: bool) -> Parsed<Option<Number>> {
        let Some(mut left) = self.operand(sure)? else {
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
            let binds = if binds == Operator::TIGHTEST {
                0
            } else {
                binds
            };
            let right = self.deeper(|parser| parser.operand_right(binds))?;
            self.check_right(operator, &right, token.span.start)?;
            left = Number::Computed(operator, Box::new(left), Box::new(right));
        }
    }

    /// Refuses what libpcap refuses, too.
    fn check_right(&self, operator: Operator, right: &Number, start: usize) -> Parsed<()> {
        let wrong = match (operator, right.constant()) {
            (Operator::Divide, Some(0)) => "division by zero",
            (Operator::Modulo, Some(0)) => "modulo by zero",
            (Operator::Left | Operator::Right, Some(32..)) => "shift by more than 31 bits",
            _ => return Ok(()),
        };
        Err(self.error(start..self.end_of_last(start), wrong))
    }

    fn operand(&mut self, sure: bool) -> Parsed<Option<Number>> {
        let token = self.cursor.peek();
        match token.kind {
            Kind::Sign("-") => {
                self.cursor.next();
                let below = Operator::TIGHTEST - 1;
                let Some(number) = self.deeper(|parser| parser.sum(below, sure))? else {
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
                let Some(inner) = self.deeper(|parser| parser.sum(0, sure))? else {
                    return Ok(None);
                };
                let next = self.cursor.peek();
                if sure && next.kind != Kind::Sign(")") {
                    return Err(self.unexpected(&next, "an operator or `)`"));
                }
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
                match constant(word) {
                    None if sure => self.not_a_number(&token),
                    found => Ok(found.map(Number::Constant)),
                }
            }
            _ if sure => self.not_a_number(&token),
            _ => Ok(None),
        }
    }
}

/// A number, written out or by a name of libpcap.
pub(super) fn constant(word: &str) -> Option<u32> {
    number(word).or_else(|| {
        words::NUMBERS
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, value)| *value)
    })
}
