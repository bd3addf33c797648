//! Ports and ranges of them, by number or service.

use std::ops::Range;

use super::super::tree::{Ports, Transport};
use super::{Parsed, Parser, number::number};

impl Parser<'_> {
    /// What stands behind `port`.
    pub(super) fn port(&mut self, wanted: Option<Transport>) -> Parsed<Ports> {
        let (word, token) = self.value_word("a port or a service's name")?;
        let (port, transport) = self.port_of(word, wanted, &token.span)?;
        Ok(Ports {
            low: port,
            high: port,
            name: number(word).is_none().then(|| word.to_owned()),
            transport,
        })
    }

    /// What stands behind `portrange`; the ends may be in any order.
    pub(super) fn port_range(&mut self, wanted: Option<Transport>) -> Parsed<Ports> {
        let (word, token) = self.value_word("ports like 6000-6008")?;
        // A service's name may have hyphens, too.
        let hyphens = word.match_indices('-').map(|(at, _)| at);
        let mut first_error = None;
        for at in hyphens {
            let (one, other) = (&word[..at], &word[at + 1..]);
            let both = self
                .port_of(one, wanted, &token.span)
                .and_then(|one| Ok((one, self.port_of(other, wanted, &token.span)?)));
            match both {
                Ok(((low, a), (high, b))) => {
                    let named = number(one).is_none() || number(other).is_none();
                    let name = if low == high { one } else { word };
                    return Ok(Ports {
                        low: low.min(high),
                        high: low.max(high),
                        name: (named && number(name).is_none()).then(|| name.to_owned()),
                        transport: if a == b { a } else { None },
                    });
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        if let Some(error) = first_error {
            return Err(error);
        }
        let (port, transport) = self.port_of(word, wanted, &token.span)?;
        Ok(Ports {
            low: port,
            high: port,
            name: number(word).is_none().then(|| word.to_owned()),
            transport,
        })
    }

    fn port_of(
        &self,
        word: &str,
        wanted: Option<Transport>,
        span: &Range<usize>,
    ) -> Parsed<(u16, Option<Transport>)> {
        if word.starts_with(|c: char| c.is_ascii_digit())
            && word.bytes().all(|c| c.is_ascii_hexdigit() || c == b'x')
        {
            return match number(word).map(u16::try_from) {
                Some(Ok(port)) => Ok((port, None)),
                _ => Err(self.error(span.clone(), "a port is a number from 0 to 65535")),
            };
        }
        let found = self.names.service(word);
        let fitting: Vec<_> = found
            .iter()
            .filter(|(_, transport)| wanted.is_none_or(|wanted| wanted == *transport))
            .collect();
        match fitting.as_slice() {
            [] if found.is_empty() && is_range(word) => Err(self
                .error(span.clone(), format!("`{word}` is a range"))
                .hint(format!("`portrange {word}`"))),
            [] if found.is_empty() => {
                let known = self.names.services();
                let error = self.error(span.clone(), format!("unknown service `{word}`"));
                Err(error
                    .hint("services are named as in /etc/services; a port's number works, too")
                    .nearest(word, known.iter().map(String::as_str)))
            }
            [] => Err(self.error(
                span.clone(),
                format!("service `{word}` is none of that protocol"),
            )),
            [(port, transport)] => Ok((*port, wanted.is_none().then_some(*transport))),
            [(port, _), ..] => Ok((*port, None)),
        }
    }
}

/// Two numbers with a hyphen between them?
fn is_range(word: &str) -> bool {
    let numbers = |part: &str| part.parse::<u16>().is_ok();
    word.split_once('-')
        .is_some_and(|(low, high)| numbers(low) && numbers(high))
}
