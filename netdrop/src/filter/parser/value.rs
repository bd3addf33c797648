//! Values: addresses, ports, protocols.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use super::super::{
    cursor::{Kind, Token},
    error::FilterError,
    tree::{Endpoint, Net, Network, Ports, Target, Term, Transport},
    words::{self, Alone},
};
use super::{Parsed, Parser, number::number};

/// Highest VLAN identifier.
const LAST_VLAN: u16 = 4095;

impl<'a> Parser<'a> {
    /// A word, escaped or not.
    fn value_word(&mut self, what: &str) -> Parsed<(&'a str, Token<'a>)> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Escaped(word) => Ok((word, token)),
            Kind::Word(word) if !words::is_keyword(word) => Ok((word, token)),
            Kind::Word(word) => Err(self
                .unexpected(&token, what)
                .hint(format!("if that is a name, write `\\{word}`"))),
            _ => Err(self.unexpected(&token, what)),
        }
    }

    /// What stands behind `host`: an address, or a name.
    pub(super) fn host(&mut self, network: Option<Network>) -> Parsed<Target> {
        let (word, token) = self.value_word("an address or a host's name")?;
        if let Some(net) = self.net_of(word, &token, false)? {
            self.check_network(network, net, &token.span)?;
            return Ok(Target::Net(net));
        }
        let addresses = self.names.host(word).map_err(|error| {
            self.error(
                token.span.clone(),
                format!("unknown host `{word}`: {error}"),
            )
        })?;
        let addresses: Vec<_> = addresses
            .into_iter()
            .filter(|address| fits(network, address.is_ipv6()))
            .collect();
        if addresses.is_empty() {
            return Err(self.error(
                token.span,
                format!("host `{word}` has no address of that protocol"),
            ));
        }
        Ok(Target::Name {
            name: word.to_owned(),
            addresses,
        })
    }

    /// What stands behind `net`.
    pub(super) fn net(&mut self, network: Option<Network>) -> Parsed<Net> {
        let (word, token) = self.value_word("a network")?;
        let Some(net) = self.net_of(word, &token, true)? else {
            return Err(self
                .error(token.span, format!("`{word}` is no network"))
                .hint("for example `net 10.1.0.0/16` or `net 2001:db8::/32`"));
        };
        self.check_network(network, net, &token.span)?;
        Ok(net)
    }

    fn check_network(&self, network: Option<Network>, net: Net, span: &Range<usize>) -> Parsed<()> {
        if fits(network, matches!(net, Net::V6(..))) {
            return Ok(());
        }
        Err(self.error(span.clone(), "this protocol has no such addresses"))
    }

    /// An address, with `/bits` or `mask` behind it where there is one; `None`
    /// when the word is none.
    fn net_of(&mut self, word: &str, token: &Token<'_>, is_net: bool) -> Parsed<Option<Net>> {
        if let Ok(address) = word.parse::<Ipv6Addr>() {
            let bits = self.prefix(128)?.unwrap_or(128);
            self.check_bits(u128::from(address), mask(bits, 128), token.span.start)?;
            return Ok(Some(Net::V6(address, u8::try_from(bits).unwrap_or(128))));
        }
        let Some((address, written)) = ipv4(word) else {
            let looks_like_one = word.chars().all(|c| c.is_ascii_digit() || c == '.');
            if looks_like_one {
                return Err(self.error(token.span.clone(), "not a valid IPv4 address"));
            }
            return Ok(None);
        };
        let is_number = !word.contains('.');
        let mask = if let Some(bits) = self.prefix(32)? {
            u32::try_from(mask(bits, 32)).unwrap_or(u32::MAX)
        } else if self.word("mask") {
            let mask = self.cursor.next();
            match mask.kind {
                Kind::Word(word) => match ipv4(word) {
                    Some((mask, _)) => mask,
                    None => return Err(self.unexpected(&mask, "a mask like 255.255.0.0")),
                },
                _ => return Err(self.unexpected(&mask, "a mask like 255.255.0.0")),
            }
        } else if is_number {
            // As in libpcap a number alone is a whole address for `host`, and
            // the first bytes of one for `net`.
            return Ok(Some(match (is_net, number(word)) {
                (true, Some(number)) => short_net(number),
                (_, number) => Net::from(IpAddr::from(Ipv4Addr::from(number.unwrap_or(0)))),
            }));
        } else {
            u32::MAX.checked_shl(32 - written).unwrap_or(0)
        };
        let address = if is_number && is_net {
            // `net 10/8`
            match number(word).map(short_net) {
                Some(Net::V4(address, _)) => u32::from(address),
                _ => address,
            }
        } else {
            address
        };
        self.check_bits(u128::from(address), u128::from(mask), token.span.start)?;
        Ok(Some(Net::V4(address.into(), mask.into())))
    }

    fn prefix(&mut self, most: u32) -> Parsed<Option<u32>> {
        if !self.sign("/") {
            return Ok(None);
        }
        let token = self.cursor.peek();
        let bits = self.plain_number("a prefix length")?;
        if bits > most {
            return Err(self.error(token.span, format!("a prefix has at most {most} bits")));
        }
        Ok(Some(bits))
    }

    fn check_bits(&self, address: u128, mask: u128, start: usize) -> Parsed<()> {
        if address & !mask == 0 {
            return Ok(());
        }
        let end = self.cursor.peek().span.start;
        let span = self.cursor.text.get(start..end).unwrap_or_default();
        let end = start + span.trim_end().len();
        Err(self.error(start..end, "the address has bits outside of the network"))
    }

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
            [] if found.is_empty() => Err(self
                .error(span.clone(), format!("unknown service `{word}`"))
                .hint("services are named as in /etc/services; a port's number works, too")),
            [] => Err(self.error(
                span.clone(),
                format!("service `{word}` is none of that protocol"),
            )),
            [(port, transport)] => Ok((*port, wanted.is_none().then_some(*transport))),
            [(port, _), ..] => Ok((*port, None)),
        }
    }

    /// What stands behind `proto`: a number, or a name with or without a
    /// backslash.
    pub(super) fn protocol(&mut self) -> Parsed<u8> {
        let token = self.cursor.next();
        let (Kind::Word(word) | Kind::Escaped(word)) = token.kind else {
            return Err(self.unexpected(&token, "an IP protocol"));
        };
        if let Some(number) = number(word) {
            return u8::try_from(number)
                .map_err(|_| self.error(token.span, "an IP protocol is a number from 0 to 255"));
        }
        if let Some(number) = self.names.protocol(word) {
            return Ok(number);
        }
        if let Some(Alone::Protocol(_, number)) = words::protocol(word).map(|known| known.alone) {
            return Ok(number);
        }
        Err(self
            .error(token.span, format!("unknown IP protocol `{word}`"))
            .nearest(word, words::PROTOCOLS.iter().map(|known| known.word)))
    }

    /// What stands behind `ether proto`.
    pub(super) fn ethertype(&mut self) -> Parsed<u16> {
        /// Below this it is the length of an 802.3 frame.
        const FIRST: u32 = 0x0600;
        let token = self.cursor.next();
        let (Kind::Word(word) | Kind::Escaped(word)) = token.kind else {
            return Err(self.unexpected(&token, "an ethertype"));
        };
        if let Some(number) = number(word) {
            return match u16::try_from(number) {
                Ok(ethertype) if number >= FIRST => Ok(ethertype),
                _ => Err(self.error(token.span, "an ethertype is a number from 0x0600 to 0xffff")),
            };
        }
        match words::protocol(word).map(|known| known.alone) {
            Some(Alone::EtherType(number)) => Ok(number),
            _ if word == "loopback" => Ok(0x9000),
            _ => Err(self
                .error(token.span, format!("unknown ethertype `{word}`"))
                .nearest(word, words::PROTOCOLS.iter().map(|known| known.word))),
        }
    }

    /// What may stand behind `vlan`.
    pub(super) fn vlan_id(&mut self) -> Parsed<Option<u16>> {
        let before = self.cursor;
        let mut open = 0;
        while self.sign("(") {
            open += 1;
        }
        let token = self.cursor.peek();
        let found = match token.kind {
            Kind::Word(word) => number(word),
            _ => None,
        };
        let Some(id) = found else {
            self.cursor = before;
            return Ok(None);
        };
        self.cursor.next();
        for _ in 0..open {
            let token = self.cursor.peek();
            if !self.sign(")") {
                return Err(self.unexpected(&token, "`)`"));
            }
        }
        match u16::try_from(id) {
            Ok(id) if id <= LAST_VLAN => Ok(Some(id)),
            _ => Err(self.error(
                token.span,
                format!("a VLAN is a number from 0 to {LAST_VLAN}"),
            )),
        }
    }

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
        let wrong = || -> FilterError {
            self.error(span.clone(), "an address and port expected")
                .hint("for example `flow 10.0.0.1:443 10.0.0.2:50000` or `flow [::1]:80 [::1]:50000 tcp`")
        };
        let address: std::net::SocketAddr = word.parse().map_err(|_| wrong())?;
        let endpoint = Endpoint {
            address: address.ip(),
            port: address.port(),
        };
        Ok((endpoint, span))
    }
}

fn fits(network: Option<Network>, is_ipv6: bool) -> bool {
    match network {
        None => true,
        Some(Network::Ip6) => is_ipv6,
        Some(Network::Ip | Network::Arp | Network::Rarp) => !is_ipv6,
    }
}

/// The upper `bits` of `width`.
fn mask(bits: u32, width: u32) -> u128 {
    let all = if width == 128 {
        u128::MAX
    } else {
        (1 << width) - 1
    };
    all & !all.checked_shr(bits).unwrap_or(0)
}

/// The first bytes of an address, as one number.
fn short_net(mut number: u32) -> Net {
    let mut mask = u32::MAX;
    while number != 0 && number >> 24 == 0 {
        number <<= 8;
        mask <<= 8;
    }
    Net::V4(number.into(), mask.into())
}

/// One to four numbers between dots, moved to the front, and how many bits of
/// the address were written.
fn ipv4(word: &str) -> Option<(u32, u32)> {
    if !word.contains('.') {
        return number(word).map(|value| (value, 32));
    }
    let mut address: u32 = 0;
    let mut written = 0;
    for part in word.split('.') {
        let byte = u8::try_from(number(part)?).ok()?;
        if written == 32 {
            return None;
        }
        address = address << 8 | u32::from(byte);
        written += 8;
    }
    Some((address.checked_shl(32 - written)?, written))
}

/// Two numbers with a hyphen between them?
fn is_range(word: &str) -> bool {
    let numbers = |part: &str| part.parse::<u16>().is_ok();
    word.split_once('-')
        .is_some_and(|(low, high)| numbers(low) && numbers(high))
}
