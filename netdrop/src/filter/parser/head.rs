//! Keywords before a value: what kind of value it is, of which end, of which
//! protocol.

use super::super::{
    arithmetic::{Comparison, Number, Relation},
    cursor::{Kind, Token},
    net::Net,
    tree::{Ends, Expr, Network, Target, Term, Transport, Version},
    words::{self, Alone, Own, Protocol},
};
use super::{Parsed, Parser};

/// What a value belongs to; a value without keywords takes those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Host(Option<Network>, Ends),
    Net(Option<Network>, Ends),
    Port(Option<Transport>, Ends),
    PortRange(Option<Transport>, Ends),
    Protocol(Option<Version>),
    EtherType,
    Own(Own),
}

/// What a value is, without its protocol.
#[derive(Clone, Copy)]
enum Kinds {
    Host,
    Net,
    Port,
    PortRange,
}

impl Head {
    /// Reads one value.
    pub(super) fn value(&self, parser: &mut Parser<'_>) -> Parsed<Expr> {
        let term = match *self {
            Self::Host(network, ends) => Term::Address {
                network,
                ends,
                target: parser.host(network, ends)?,
            },
            Self::Net(network, ends) => Term::Address {
                network,
                ends,
                target: Target::Net(parser.net(network)?),
            },
            Self::Port(transport, ends) => Term::Port {
                transport,
                ends,
                ports: parser.port(transport)?,
            },
            Self::PortRange(transport, ends) => Term::Port {
                transport,
                ends,
                ports: parser.port_range(transport)?,
            },
            Self::Protocol(version) => Term::Protocol {
                version,
                number: parser.protocol()?,
            },
            Self::EtherType => Term::EtherType(parser.ethertype()?),
            Self::Own(own) => parser.own(own)?,
        };
        Ok(term.into())
    }
}

impl Parser<'_> {
    /// A question that begins with a keyword.
    pub(super) fn question(&mut self) -> Parsed<(Expr, Option<Head>)> {
        let token = self.cursor.next();
        self.numbered = "port";
        let Kind::Word(word) = token.kind else {
            return Err(self.not_a_question(&token));
        };
        if let Some(protocol) = words::protocol(word) {
            return self.after_protocol(protocol, &token);
        }
        if let Some(why) = words::refused(word) {
            return Err(self
                .error(token.span, format!("`{word}` is not supported"))
                .hint(why));
        }
        if let Some((_, own)) = words::OWN.into_iter().find(|(known, _)| *known == word) {
            return self.with_value(Head::Own(own));
        }
        match word {
            "vlan" => {
                self.term(token.span)?;
                let id = self.vlan_id()?;
                self.numbered = "vlan";
                Ok((Term::Vlan(id).into(), None))
            }
            "less" | "greater" => {
                self.term(token.span)?;
                let relation = if word == "less" {
                    Relation::AtMost
                } else {
                    Relation::AtLeast
                };
                self.numbered = if word == "less" { "less" } else { "greater" };
                let right = Number::Constant(self.plain_number("a length in bytes")?);
                let comparison = Comparison {
                    left: Number::Length,
                    relation,
                    right,
                };
                Ok((Term::Comparison(comparison).into(), None))
            }
            "flow" => {
                self.term(token.span)?;
                let flow = self.flow()?;
                Ok((flow.into(), None))
            }
            "proto" => self.with_value(Head::Protocol(None)),
            "and" | "or" => Err(self.unexpected(&token, "a word like `host`, `port` or `reason`")),
            _ => {
                let (ends, kind) = self.ends_and_kind(word)?;
                self.with_kind(None, ends, kind, &token)
            }
        }
    }

    fn with_value(&mut self, head: Head) -> Parsed<(Expr, Option<Head>)> {
        let expr = self.value(&head)?;
        Ok((expr, Some(head)))
    }

    /// A protocol's word: alone, or before what it restricts.
    fn after_protocol(
        &mut self,
        protocol: Protocol,
        token: &Token<'_>,
    ) -> Parsed<(Expr, Option<Head>)> {
        let next = self.cursor.peek();
        if let Kind::Word(word) = next.kind {
            match word {
                "src" | "dst" | "host" | "net" | "port" | "portrange" => {
                    self.cursor.next();
                    let (ends, kind) = self.ends_and_kind(word)?;
                    return self.with_kind(Some(protocol), ends, kind, token);
                }
                "proto" => {
                    self.cursor.next();
                    if protocol.alone == Alone::Link {
                        return self.with_value(Head::EtherType);
                    }
                    let Some(version) = protocol.version() else {
                        return Err(self.no_such_pair(protocol, token));
                    };
                    return self.with_value(Head::Protocol(Some(version)));
                }
                "multicast" => {
                    self.cursor.next();
                    self.term(next.span)?;
                    return self.multicast(protocol, token);
                }
                _ => {
                    if let Some(why) = words::refused(word) {
                        let both = format!("`{} {word}` is not supported", protocol.word);
                        let span = token.span.start..next.span.end;
                        return Err(self.error(span, both).hint(why));
                    }
                }
            }
        }
        self.term(token.span.clone())?;
        match protocol.alone {
            Alone::EtherType(number) => Ok((Term::EtherType(number).into(), None)),
            Alone::Protocol(version, number) => {
                Ok((Term::Protocol { version, number }.into(), None))
            }
            Alone::Link => Err(self
                .unexpected(&next, "`proto`")
                .hint("hardware addresses are not kept")),
        }
    }

    fn multicast(&mut self, protocol: Protocol, token: &Token<'_>) -> Parsed<(Expr, Option<Head>)> {
        let (network, net) = match protocol.word {
            // libpcap takes everything from 224 on, class E and broadcast too.
            "ip" => (
                Network::Ip,
                Net::V4([224, 0, 0, 0].into(), [224, 0, 0, 0].into()),
            ),
            "ip6" => (
                Network::Ip6,
                Net::V6([0xFF00, 0, 0, 0, 0, 0, 0, 0].into(), 8),
            ),
            _ => {
                return Err(self
                    .no_such_pair(protocol, token)
                    .hint("say `ip multicast` or `ip6 multicast`"));
            }
        };
        let term = Term::Address {
            network: Some(network),
            ends: Ends::Destination,
            target: Target::Net(net),
        };
        Ok((term.into(), None))
    }

    /// Reads on behind the first of the words that say which end and what.
    fn ends_and_kind(&mut self, word: &str) -> Parsed<(Ends, Kinds)> {
        let ends = match word {
            "src" => Some(self.other_end("dst", Ends::Source)),
            "dst" => Some(self.other_end("src", Ends::Destination)),
            _ => None,
        };
        let kind = match ends {
            None => Some(word),
            Some(_) => match self.cursor.peek().kind {
                Kind::Word(next) => Some(next),
                _ => None,
            },
        };
        let kind = match kind {
            Some("host") => Some(Kinds::Host),
            Some("net") => Some(Kinds::Net),
            Some("port") => Some(Kinds::Port),
            Some("portrange") => Some(Kinds::PortRange),
            _ => None,
        };
        match (ends, kind) {
            (None, Some(kind)) => Ok((Ends::Either, kind)),
            (Some(ends), Some(kind)) => {
                self.cursor.next();
                Ok((ends, kind))
            }
            (Some(ends), None) => Ok((ends, Kinds::Host)),
            (None, None) => {
                let token = self.cursor.peek();
                Err(self.not_a_question(&token))
            }
        }
    }

    /// `src or dst` and the like.
    fn other_end(&mut self, other: &str, ends: Ends) -> Ends {
        let before = self.cursor;
        if let Some(join) = self.join()
            && self.word(other)
        {
            return match join {
                super::Join::And => Ends::Both,
                super::Join::Or => Ends::Either,
            };
        }
        self.cursor = before;
        ends
    }

    fn with_kind(
        &mut self,
        protocol: Option<Protocol>,
        ends: Ends,
        kind: Kinds,
        token: &Token<'_>,
    ) -> Parsed<(Expr, Option<Head>)> {
        let (network, transport) = (
            protocol.and_then(Protocol::network),
            protocol.and_then(Protocol::transport),
        );
        let (head, fits) = match kind {
            Kinds::Host => (Head::Host(network, ends), network.is_some()),
            Kinds::Net => (Head::Net(network, ends), network.is_some()),
            Kinds::Port => (Head::Port(transport, ends), transport.is_some()),
            Kinds::PortRange => (Head::PortRange(transport, ends), transport.is_some()),
        };
        match protocol {
            Some(protocol) if !fits => Err(self.no_such_pair(protocol, token)),
            _ => self.with_value(head),
        }
    }
}
