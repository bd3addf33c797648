//! The syntax tree.

use std::{fmt, net::IpAddr};

use crate::drops::{severity::Severity, stage::Stage};

use super::{arithmetic::Comparison, net::Net, pattern::Pattern};

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// Both.
    And(Box<Expr>, Box<Expr>),
    /// Either.
    Or(Box<Expr>, Box<Expr>),
    /// Not.
    Not(Box<Expr>),
    /// One question.
    Term(Term),
}

/// One question about a drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// `host`, `net`: an address of the packet.
    Address {
        /// Restricts the network protocol.
        network: Option<Network>,
        /// Which end.
        ends: Ends,
        /// What the address must be.
        target: Target,
    },
    /// `port`, `portrange`: a port of the packet.
    Port {
        /// Restricts the transport protocol.
        transport: Option<Transport>,
        /// Which end.
        ends: Ends,
        /// What the port must be.
        ports: Ports,
    },
    /// `proto N`, `tcp`, `icmp` and so on.
    Protocol {
        /// Restricts the IP version.
        version: Option<Version>,
        /// IP protocol number.
        number: u8,
    },
    /// `ether proto N`, `ip`, `arp` and so on.
    EtherType(u16),
    /// `vlan [N]`; what follows looks behind that tag.
    Vlan(Option<u16>),
    /// `less`, `greater`, `len`, `tcp[tcpflags]` and so on.
    Comparison(Comparison),
    /// Drop reason.
    Reason(Pattern),
    /// Stage of the network stack.
    Stage(Stage),
    /// Kernel function.
    Function(Pattern),
    /// Device.
    Device(Pattern),
    /// Network namespace.
    Netns(Netns),
    /// CPU.
    Cpu(u16),
    /// Severity.
    Severity(Severity),
    /// Sending process.
    Pid(u32),
    /// Sending process's command.
    Command(Command),
    /// A connection, in both directions.
    Flow {
        /// One end.
        one: Endpoint,
        /// The other end.
        other: Endpoint,
        /// Restricts the transport protocol.
        transport: Option<Transport>,
    },
}

/// Which end of the packet is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// Source or destination.
    #[default]
    Either,
    /// Source.
    Source,
    /// Destination.
    Destination,
    /// Both.
    Both,
}

/// A network protocol that carries addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// IPv4
    Ip,
    /// IPv6
    Ip6,
    /// ARP
    Arp,
    /// RARP
    Rarp,
}

impl Network {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Arp => "arp",
            Self::Rarp => "rarp",
        }
    }
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// IPv4
    Ip,
    /// IPv6
    Ip6,
}

/// A transport protocol that carries ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// SCTP
    Sctp,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    /// IP protocol number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }
}

/// What an address must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// In this network.
    Net(Net),
    /// One of the addresses that a name stood for when it was read.
    Name {
        /// The name.
        name: String,
        /// Its addresses.
        addresses: Vec<IpAddr>,
    },
}

/// What a port must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Lowest.
    pub low: u16,
    /// Highest.
    pub high: u16,
    /// As it was written, where with a name.
    pub name: Option<String>,
    /// The protocol that the name is registered for, where it is only one.
    pub transport: Option<Transport>,
}

/// A network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Netns {
    /// By inode number.
    Inode(u32),
    /// By name.
    Name(Pattern),
}

/// A command: its whole name, or how it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// At most 15 bytes.
    pub name: String,
    /// More may follow (`*`).
    pub open: bool,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Address.
    pub address: IpAddr,
    /// Port.
    pub port: u16,
}

impl Expr {
    /// Its questions, from left to right.
    #[must_use]
    pub fn terms(&self) -> Vec<&Term> {
        match self {
            Self::And(one, other) | Self::Or(one, other) => {
                let mut terms = one.terms();
                terms.append(&mut other.terms());
                terms
            }
            Self::Not(inner) => inner.terms(),
            Self::Term(term) => vec![term],
        }
    }

    /// Both of them.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::And(Box::new(self), Box::new(other))
    }

    /// Either of them.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Or(Box::new(self), Box::new(other))
    }
}

impl std::ops::Not for Expr {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

impl From<Term> for Expr {
    fn from(term: Term) -> Self {
        Self::Term(term)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::net::SocketAddr::new(self.address, self.port).fmt(formatter)
    }
}
