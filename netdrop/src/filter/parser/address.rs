//! Addresses: of hosts by number or name, and of networks.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use super::super::{
    cursor::{Kind, Token},
    net::Net,
    tree::{Ends, Network, Target},
};
use super::{Parsed, Parser, number::number};

impl Parser<'_> {
    /// What stands behind `host`: an address, or a name.
    pub(super) fn host(&mut self, network: Option<Network>, ends: Ends) -> Parsed<Target> {
        let network_word =
            network.map_or(String::new(), |network| format!("{} ", network.as_str()));
        if let Some(error) = self.more_than_an_address(&network_word, ends) {
            return Err(error);
        }
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
        if let Some(error) = self.not_an_ipv6_address() {
            return Err(error);
        }
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
            let net = Net::V6(address, u8::try_from(bits).unwrap_or(128));
            return self.check_bits(net, token.span.start).map(Some);
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
            v4_mask(bits)
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
            v4_mask(written)
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
        let net = Net::V4(address.into(), mask.into());
        self.check_bits(net, token.span.start).map(Some)
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

    fn check_bits(&self, net: Net, start: usize) -> Parsed<Net> {
        let network = net.network();
        if network == net {
            return Ok(net);
        }
        let end = self.end_of_last(start);
        Err(self
            .error(start..end, "the address has bits outside of the network")
            .hint(format!("did you mean `{network}`?")))
    }
}

/// The network that an address with `/bits` behind it lies in.
pub(super) fn prefixed(address: &str, bits: &str) -> Option<Net> {
    let bits: u8 = bits.parse().ok()?;
    let net = match address.parse::<Ipv6Addr>() {
        Ok(address) if bits <= 128 => Net::V6(address, bits),
        Err(_) if bits <= 32 && address.contains('.') => {
            Net::V4(ipv4(address)?.0.into(), v4_mask(bits.into()).into())
        }
        _ => return None,
    };
    Some(net.network())
}

fn fits(network: Option<Network>, is_ipv6: bool) -> bool {
    match network {
        None => true,
        Some(Network::Ip6) => is_ipv6,
        Some(Network::Ip | Network::Arp | Network::Rarp) => !is_ipv6,
    }
}

/// The upper `bits` of an IPv4 address.
fn v4_mask(bits: u32) -> u32 {
    u32::MAX.checked_shl(32 - bits).unwrap_or(0)
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
pub(super) fn ipv4(word: &str) -> Option<(u32, u32)> {
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
