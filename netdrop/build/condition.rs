//! The language of the rules' conditions.
//!
//! `softnet.dropped > 100 and softnet.dropped > 0.1% * softnet.processed`:
//! numbers (with `%`, a hundredth), names of counters and settings, `+ - * /`,
//! `> >= < <= == !=`, `and`, `or`, `not`, brackets, and `total(NAME)`,
//! `largest(NAME)` and `count(NAME)` over everything that has the name.

use std::fmt;

use super::step::{Operation, Over, Step};

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong(pub(crate) String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a condition.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<Step<'_>>, Wrong> {
    let mut parser = Parser {
        words: words(text)?,
        next: 0,
        steps: Vec::new(),
    };
    parser.any()?;
    match parser.peek() {
        None => Ok(parser.steps),
        Some(word) => Err(Wrong(format!("{word:?} does not belong there"))),
    }
}

/// The names that a condition uses.
pub(super) fn names<'a>(steps: &[Step<'a>]) -> impl Iterator<Item = &'a str> {
    steps.iter().filter_map(|step| match step {
        Step::Name(name) | Step::Over(_, name) => Some(*name),
        Step::Number(_) | Step::Apply(_) => None,
    })
}

fn words(text: &str) -> Result<Vec<&str>, Wrong> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_of_word(first) {
            rest.find(|c| !is_of_word(c)).unwrap_or(rest.len())
        } else if [">=", "<=", "==", "!="]
            .iter()
            .any(|two| rest.starts_with(two))
        {
            2
        } else if "<>()+-*/%".contains(first) {
            1
        } else {
            return Err(Wrong(format!("{first:?} is no part of a condition")));
        };
        let (word, behind) = rest.split_at(length);
        words.push(word);
        rest = behind.trim_start();
    }
    Ok(words)
}

fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.')
}

struct Parser<'a> {
    words: Vec<&'a str>,
    next: usize,
    steps: Vec<Step<'a>>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).copied()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<(), Wrong> {
        if self.take(wanted) {
            return Ok(());
        }
        let found = self.peek().unwrap_or("the end");
        Err(Wrong(format!("{wanted:?} is missing before {found:?}")))
    }

    fn apply(&mut self, operation: Operation) {
        self.steps.push(Step::Apply(operation));
    }

    fn any(&mut self) -> Result<(), Wrong> {
        self.all()?;
        while self.take("or") {
            self.all()?;
            self.apply(Operation::Or);
        }
        Ok(())
    }

    fn all(&mut self) -> Result<(), Wrong> {
        self.negated()?;
        while self.take("and") {
            self.negated()?;
            self.apply(Operation::And);
        }
        Ok(())
    }

    fn negated(&mut self) -> Result<(), Wrong> {
        if self.take("not") {
            self.negated()?;
            self.apply(Operation::Not);
            return Ok(());
        }
        self.compared()
    }

    fn compared(&mut self) -> Result<(), Wrong> {
        self.sum()?;
        let operation = match self.peek() {
            Some(">") => Operation::Greater,
            Some(">=") => Operation::AtLeast,
            Some("<") => Operation::Less,
            Some("<=") => Operation::AtMost,
            Some("==") => Operation::Equal,
            Some("!=") => Operation::Unequal,
            _ => return Ok(()),
        };
        self.next += 1;
        self.sum()?;
        self.apply(operation);
        Ok(())
    }

    fn sum(&mut self) -> Result<(), Wrong> {
        self.product()?;
        loop {
            let operation = match self.peek() {
                Some("+") => Operation::Plus,
                Some("-") => Operation::Minus,
                _ => return Ok(()),
            };
            self.next += 1;
            self.product()?;
            self.apply(operation);
        }
    }

    fn product(&mut self) -> Result<(), Wrong> {
        self.operand()?;
        loop {
            let operation = match self.peek() {
                Some("*") => Operation::Times,
                Some("/") => Operation::Divide,
                _ => return Ok(()),
            };
            self.next += 1;
            self.operand()?;
            self.apply(operation);
        }
    }

    fn operand(&mut self) -> Result<(), Wrong> {
        let Some(word) = self.peek() else {
            return Err(Wrong("ends too early".to_owned()));
        };
        self.next += 1;
        if word == "(" {
            self.any()?;
            return self.expect(")");
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let number: f64 = word
                .parse()
                .map_err(|_| Wrong(format!("{word:?} is no number")))?;
            let number = if self.take("%") {
                number / 100.0
            } else {
                number
            };
            self.steps.push(Step::Number(number));
            return Ok(());
        }
        if !word.starts_with(|c: char| c.is_ascii_alphabetic()) || ["and", "or"].contains(&word) {
            return Err(Wrong(format!("{word:?} does not belong there")));
        }
        if !self.take("(") {
            self.steps.push(Step::Name(word));
            return Ok(());
        }
        let over = match word {
            "total" => Over::Total,
            "largest" => Over::Largest,
            "count" => Over::Count,
            _ => {
                return Err(Wrong(format!(
                    "unknown function {word:?}; use total, largest or count"
                )));
            }
        };
        let name = self.peek().unwrap_or("the end");
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(Wrong(format!("{word} needs a name, not {name:?}")));
        }
        self.next += 1;
        self.steps.push(Step::Over(over, name));
        self.expect(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text| parse(text).unwrap_err().to_string();
        assert_eq!(wrong("a >"), "ends too early");
        assert_eq!(wrong("a > 1 b"), "\"b\" does not belong there");
        assert_eq!(wrong("(a > 1"), "\")\" is missing before \"the end\"");
        assert_eq!(wrong("a = 1"), "'=' is no part of a condition");
        assert_eq!(wrong("1x > 1"), "\"1x\" is no number");
        assert_eq!(
            wrong("sum(a) > 1"),
            "unknown function \"sum\"; use total, largest or count"
        );
        assert_eq!(wrong("total(1) > 1"), "total needs a name, not \"1\"");
        assert_eq!(wrong("and > 1"), "\"and\" does not belong there");
    }
}
