//! Text to syntax tree.
//!
//! As in libpcap `and` and `or` bind equally, from left to right, and `not`
//! binds tightest; a value without a keyword takes the one before.

use std::ops::Range;

use super::{
    cursor::{Cursor, Kind, Token},
    error::FilterError,
    names::Names,
    tree::Expr,
    words,
};

mod address;
mod byte;
mod flow;
mod head;
mod meant;
mod misplaced;
mod number;
mod own;
mod port;
mod value;

use head::Head;

/// Parentheses, negations and calculations inside each other.
const DEEPEST: usize = 64;
/// Questions in one filter.
const MOST_TERMS: usize = 1024;

type Parsed<T> = Result<T, FilterError>;

/// Reads a filter; an empty one is none.
///
/// # Errors
///
/// When it is not of the language, or holds a name that nobody knows.
pub fn parse(text: &str, names: &dyn Names) -> Result<Option<Expr>, FilterError> {
    let mut parser = Parser {
        cursor: Cursor::new(text),
        names,
        depth: 0,
        terms: 0,
        numbered: "port",
    };
    if parser.cursor.peek().kind == Kind::End {
        return Ok(None);
    }
    let (expr, _) = parser.expression(None)?;
    let rest = parser.cursor.peek();
    if rest.kind != Kind::End {
        return Err(parser.unexpected_end_of_expression(&rest));
    }
    Ok(Some(expr))
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    names: &'a dyn Names,
    depth: usize,
    terms: usize,
    /// What a number alone most likely is.
    numbered: &'static str,
}

/// How two parts are joined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

impl Join {
    fn of(self, left: Expr, right: Expr) -> Expr {
        match self {
            Self::And => left.and(right),
            Self::Or => left.or(right),
        }
    }
}

impl Parser<'_> {
    fn error(&self, span: Range<usize>, message: impl Into<String>) -> FilterError {
        FilterError::new(self.cursor.text, span, message)
    }

    /// A token that does not belong where it stands.
    fn unexpected(&self, token: &Token<'_>, expected: &str) -> FilterError {
        let message = match token.kind {
            Kind::End => format!("{expected} expected at the end"),
            Kind::Word(word) | Kind::Escaped(word) => {
                format!("{expected} expected, not `{word}`")
            }
            Kind::Sign(sign) => format!("{expected} expected, not `{sign}`"),
            Kind::Strange(character) => {
                format!("{expected} expected, not {character:?}")
            }
        };
        let error = self.error(token.span.clone(), message);
        match token.kind {
            Kind::Strange('"' | '\'') => error.hint("it stands without quotes of its own"),
            _ => error,
        }
    }

    fn unexpected_end_of_expression(&self, token: &Token<'_>) -> FilterError {
        if token.kind == Kind::Sign(")") {
            return self.error(token.span.clone(), "`)` without its `(`");
        }
        let error = self.unexpected(token, "`and`, `or` or the end");
        match token.kind {
            Kind::Word(word) if words::is_keyword(word) => match words::refused(word) {
                Some(why) => self
                    .error(token.span.clone(), format!("`{word}` is not supported"))
                    .hint(why),
                None => error.hint(format!("join it: `and {word} …`")),
            },
            Kind::Word(word) => self.unjoined(error, token, word),
            Kind::Sign(",") => error.hint("several values stand between `or`: `port 80 or 443`"),
            Kind::Sign("&") => error.hint("`and` or `&&` joins them"),
            Kind::Sign("|") => error.hint("`or` or `||` joins them"),
            Kind::Sign(":") if number::number(self.word_before(token)).is_some() => {
                error.hint("a range has a hyphen: `portrange 80-90`")
            }
            _ => error,
        }
    }

    fn sign(&mut self, sign: &'static str) -> bool {
        let found = self.cursor.peek().kind == Kind::Sign(sign);
        if found {
            self.cursor.next();
        }
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.cursor.peek().kind == Kind::Word(word);
        if found {
            self.cursor.next();
        }
        found
    }

    fn join(&mut self) -> Option<Join> {
        if self.word("and") || self.sign("&&") {
            Some(Join::And)
        } else if self.word("or") || self.sign("||") {
            Some(Join::Or)
        } else {
            None
        }
    }

    fn is_not(&mut self) -> bool {
        self.word("not") || self.sign("!")
    }

    /// Runs `inner` one level deeper.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEEPEST {
            let span = self.cursor.peek().span;
            return Err(self.error(
                span,
                format!(
                    "more than {DEEPEST} parentheses, negations or calculations inside each other"
                ),
            ));
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }

    /// Counts a question.
    fn term(&mut self, span: Range<usize>) -> Parsed<()> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(self.error(span, format!("more than {MOST_TERMS} questions")));
        }
        Ok(())
    }

    /// Parts joined from left to right, and the keyword that a following value
    /// would take.
    fn expression(&mut self, before: Option<Head>) -> Parsed<(Expr, Option<Head>)> {
        let (mut expr, mut head) = self.part(before)?;
        while let Some(join) = self.join() {
            let (right, after) = self.part(head)?;
            expr = join.of(expr, right);
            head = after;
        }
        Ok((expr, head))
    }

    fn part(&mut self, before: Option<Head>) -> Parsed<(Expr, Option<Head>)> {
        if self.is_not() {
            let (expr, head) = self.deeper(|parser| parser.part(before))?;
            return Ok((!expr, head));
        }
        let token = self.cursor.peek();
        if let Some(comparison) = self.comparison()? {
            self.term(token.span)?;
            return Ok((comparison.into(), None));
        }
        if token.kind == Kind::Sign("(") {
            self.cursor.next();
            let (expr, _) = self.deeper(|parser| parser.expression(before.clone()))?;
            self.close(&token)?;
            return Ok((expr, before));
        }
        let keyword = match token.kind {
            Kind::Word(word) => words::is_keyword(word),
            _ => false,
        };
        if keyword {
            return self.question();
        }
        match (token.kind, before) {
            (Kind::End, _) | (_, None) => Err(self.not_a_question(&token)),
            (_, Some(head)) => {
                let expr = self.bare(&head)?;
                Ok((expr, Some(head)))
            }
        }
    }

    fn close(&mut self, open: &Token<'_>) -> Parsed<()> {
        let token = self.cursor.peek();
        if self.sign(")") {
            return Ok(());
        }
        if token.kind == Kind::End {
            return Err(self.error(open.span.clone(), "`(` without its `)`"));
        }
        Err(self.unexpected_end_of_expression(&token))
    }

    /// One value of a keyword, or several in parentheses.
    fn value(&mut self, head: &Head) -> Parsed<Expr> {
        if self.is_not() {
            let expr = self.deeper(|parser| parser.value(head))?;
            return Ok(!expr);
        }
        let token = self.cursor.peek();
        if self.sign("(") {
            let expr = self.deeper(|parser| {
                let mut expr = parser.value(head)?;
                while let Some(join) = parser.join() {
                    expr = join.of(expr, parser.bare(head)?);
                }
                Ok(expr)
            })?;
            self.close(&token)?;
            return Ok(expr);
        }
        self.term(token.span)?;
        if matches!(head, Head::Host(..)) {
            self.followed()?;
        }
        head.value(self)
    }
}
