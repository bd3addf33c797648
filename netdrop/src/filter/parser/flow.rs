//! What stands behind `flow`: two ends, each an address and a port.

use std::{net::IpAddr, ops::Range};

use super::super::{
    cursor::Kind,
    error::FilterError,
    tree::{Endpoint, Term},
    words,
};
use super::{Parsed, Parser};

const EXAMPLE: &str =
    "for example `flow 10.0.0.1:443 10.0.0.2:50000` or `flow [::1]:80 [::1]:50000 tcp`";

impl Parser<'_> {
    /// What stands behind `flow`.
    pub(super) fn flow(&mut self) -> Parsed<Term> {
        let (one, _) = self.endpoint()?;
        let (other, span) = self.endpoint()?;
        if one.address.is_ipv4() != other.address.is_ipv4() {
            return Err(self.error(span, "both ends of a flow are of the same IP version"));
        }
        let mut transport = None;
        if let Kind::Word(word) = self.cursor.peek().kind {
            transport = words::protocol(word).and_then(words::Protocol::transport);
            if transport.is_some() {
                self.cursor.next();
            }
        }
        Ok(Term::Flow {
            one,
            other,
            transport,
        })
    }

    fn endpoint(&mut self) -> Parsed<(Endpoint, Range<usize>)> {
        let (word, span) = self.cursor.endpoint();
        let Ok(address) = word.parse::<std::net::SocketAddr>() else {
            return Err(self.not_an_endpoint(word, &span));
        };
        let endpoint = Endpoint {
            address: address.ip(),
            port: address.port(),
        };
        Ok((endpoint, span))
    }

    fn not_an_endpoint(&self, word: &str, span: &Range<usize>) -> FilterError {
        let Some((host, port)) = parts(word) else {
            return self
                .error(span.clone(), "an address and port expected")
                .hint(EXAMPLE);
        };
        let place = |from: usize, length: usize| span.start + from..span.start + from + length;
        let host_place = place(0, host.len());
        let port_place = place(host.len() + 1, port.len());
        if address(host).is_none() {
            let error = self.error(
                host_place,
                format!("`{host}` is no address: `flow` takes addresses and ports as numbers"),
            );
            return if host.starts_with(|c: char| c.is_alphabetic()) && !host.contains(':') {
                error.hint(format!("for a name ask `host {host} and port {port}`"))
            } else {
                error.hint(EXAMPLE)
            };
        }
        if port.bytes().all(|digit| digit.is_ascii_digit()) {
            return self.error(port_place, "a port is a number from 0 to 65535");
        }
        let error = self.error(
            port_place,
            format!("`{port}` is no number: `flow` takes addresses and ports as numbers"),
        );
        match self.names.service(port).first() {
            Some((number, _)) => error.hint(format!("say `{host}:{number}`")),
            None => error.hint(EXAMPLE),
        }
    }
}

/// What stands before the last colon and behind it.
fn parts(word: &str) -> Option<(&str, &str)> {
    let (host, port) = word.rsplit_once(':')?;
    (!host.is_empty() && !port.is_empty() && (host.starts_with('[') || !host.contains(':')))
        .then_some((host, port))
}

fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => Some(IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?)),
        None => Some(IpAddr::V4(host.parse().ok()?)),
    }
}
