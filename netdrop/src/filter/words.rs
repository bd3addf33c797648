//! The words of the language.

use super::{
    arithmetic::Field,
    tree::{Network, Transport, Version},
};

/// A word that stands for a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Protocol {
    pub(super) word: &'static str,
    /// As a question of its own.
    pub(super) alone: Alone,
}

/// What a protocol's word asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alone {
    /// The ethertype.
    EtherType(u16),
    /// The IP protocol, in one version or in both.
    Protocol(Option<Version>, u8),
    /// Nothing: the link layer.
    Link,
}

const fn ether(word: &'static str, number: u16) -> Protocol {
    Protocol {
        word,
        alone: Alone::EtherType(number),
    }
}

const fn ip(word: &'static str, version: Option<Version>, number: u8) -> Protocol {
    Protocol {
        word,
        alone: Alone::Protocol(version, number),
    }
}

const fn link(word: &'static str) -> Protocol {
    Protocol {
        word,
        alone: Alone::Link,
    }
}

/// Every protocol's word.
pub(super) const PROTOCOLS: [Protocol; 24] = [
    link("ether"),
    link("link"),
    ether("ip", 0x0800),
    ether("ip6", 0x86DD),
    ether("arp", 0x0806),
    ether("rarp", 0x8035),
    ether("aarp", 0x80F3),
    ether("decnet", 0x6003),
    ether("lat", 0x6004),
    ether("sca", 0x6007),
    ether("mopdl", 0x6001),
    ether("moprc", 0x6002),
    ip("tcp", None, 6),
    ip("udp", None, 17),
    ip("sctp", None, 132),
    ip("icmp", Some(Version::Ip), 1),
    ip("icmp6", Some(Version::Ip6), 58),
    ip("igmp", Some(Version::Ip), 2),
    ip("igrp", Some(Version::Ip), 9),
    ip("vrrp", Some(Version::Ip), 112),
    ip("carp", Some(Version::Ip), 112),
    ip("pim", None, 103),
    ip("ah", None, 51),
    ip("esp", None, 50),
];

/// Finds a protocol's word.
pub(super) fn protocol(word: &str) -> Option<Protocol> {
    PROTOCOLS.into_iter().find(|known| known.word == word)
}

impl Protocol {
    /// As what may stand before `host` and `net`.
    pub(super) fn network(self) -> Option<Network> {
        match self.word {
            "ip" => Some(Network::Ip),
            "ip6" => Some(Network::Ip6),
            "arp" => Some(Network::Arp),
            "rarp" => Some(Network::Rarp),
            _ => None,
        }
    }

    /// As what may stand before `port`.
    pub(super) fn transport(self) -> Option<Transport> {
        Transport::ALL
            .into_iter()
            .find(|transport| transport.as_str() == self.word)
    }

    /// As what may stand before `proto`.
    pub(super) fn version(self) -> Option<Version> {
        match self.word {
            "ip" => Some(Version::Ip),
            "ip6" => Some(Version::Ip6),
            _ => None,
        }
    }
}

/// netdrop's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Reason,
    Stage,
    Function,
    Device,
    Netns,
    Cpu,
    Severity,
    Pid,
    Command,
}

/// netdrop's own words that take a name or number.
pub(super) const OWN: [(&str, Own); 9] = [
    ("reason", Own::Reason),
    ("stage", Own::Stage),
    ("function", Own::Function),
    ("dev", Own::Device),
    ("netns", Own::Netns),
    ("cpu", Own::Cpu),
    ("severity", Own::Severity),
    ("pid", Own::Pid),
    ("command", Own::Command),
];

/// Words that begin a question, beside protocols and netdrop's own.
pub(super) const OTHERS: [&str; 14] = [
    "host",
    "net",
    "port",
    "portrange",
    "src",
    "dst",
    "proto",
    "vlan",
    "less",
    "greater",
    "len",
    "length",
    "flow",
    "not",
];

/// Words that join.
pub(super) const JOINS: [&str; 2] = ["and", "or"];

/// Words that libpcap knows and netdrop cannot answer, and why.
pub(super) const REFUSED: [(&str, &str); 26] = [
    ("gateway", HARDWARE),
    (
        "broadcast",
        "say `dst host 255.255.255.255`, or name the broadcast address of the network: hardware \
         addresses are not kept",
    ),
    (
        "multicast",
        "say `ip multicast` or `ip6 multicast`: hardware addresses are not kept",
    ),
    (
        "protochain",
        "`proto` already follows the chain of IPv6 extension headers",
    ),
    ("mpls", TUNNEL),
    ("pppoed", "say `ether proto 0x8863`"),
    ("pppoes", TUNNEL),
    ("geneve", TUNNEL),
    ("vxlan", TUNNEL),
    (
        "inbound",
        "netdrop shows the direction; say `stage` to choose one",
    ),
    (
        "outbound",
        "netdrop shows the direction; say `stage` to choose one",
    ),
    ("ifindex", "say `dev NAME`"),
    ("ifname", "say `dev NAME`"),
    ("on", "say `dev NAME`"),
    (
        "byte",
        "only `tcp[tcpflags]`, `icmp[…]`, `icmp6[…]` and `len` are read",
    ),
    ("wlan", LINK),
    ("fddi", LINK),
    ("tr", LINK),
    ("ppp", LINK),
    ("slip", LINK),
    ("llc", LINK),
    ("iso", LINK),
    ("stp", LINK),
    ("ipx", LINK),
    ("netbeui", LINK),
    ("atalk", LINK),
];

const HARDWARE: &str = "hardware addresses are not kept";
const TUNNEL: &str = "only the outermost IP header is read; filter on that";
const LINK: &str = "only Ethernet and IP are read";

/// Why netdrop cannot answer a word that libpcap knows.
pub(super) fn refused(word: &str) -> Option<&'static str> {
    REFUSED
        .into_iter()
        .find(|(known, _)| *known == word)
        .map(|(_, why)| why)
}

/// Does this word begin a question, or join two?
pub(super) fn is_keyword(word: &str) -> bool {
    all().any(|known| known == word) || refused(word).is_some()
}

/// Every word that can stand where a question begins.
pub(super) fn questions() -> impl Iterator<Item = &'static str> {
    OTHERS
        .into_iter()
        .chain(PROTOCOLS.into_iter().map(|known| known.word))
        .chain(OWN.into_iter().map(|(word, _)| word))
}

/// Every word of the language.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    questions().chain(JOINS)
}

/// Words that stand for numbers, as in libpcap.
pub(super) const NUMBERS: &[(&str, u32)] = &[
    ("tcpflags", 13),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
    ("tcp-cwr", 0x80),
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("icmp6-destinationunreach", 1),
    ("icmp6-packettoobig", 2),
    ("icmp6-timeexceeded", 3),
    ("icmp6-parameterproblem", 4),
    ("icmp6-echo", 128),
    ("icmp6-echoreply", 129),
    ("icmp6-multicastlistenerquery", 130),
    ("icmp6-multicastlistenerreportv1", 131),
    ("icmp6-multicastlistenerdone", 132),
    ("icmp6-routersolicit", 133),
    ("icmp6-routeradvert", 134),
    ("icmp6-neighborsolicit", 135),
    ("icmp6-neighboradvert", 136),
    ("icmp6-redirect", 137),
    ("icmp6-routerrenum", 138),
    ("icmp6-nodeinformationquery", 139),
    ("icmp6-nodeinformationresponse", 140),
    ("icmp6-ineighbordiscoverysolicit", 141),
    ("icmp6-ineighbordiscoveryadvert", 142),
    ("icmp6-multicastlistenerreportv2", 143),
    ("icmp6-homeagentdiscoveryrequest", 144),
    ("icmp6-homeagentdiscoveryreply", 145),
    ("icmp6-mobileprefixsolicit", 146),
    ("icmp6-mobileprefixadvert", 147),
    ("icmp6-certpathsolicit", 148),
    ("icmp6-certpathadvert", 149),
    ("icmp6-multicastrouteradvert", 151),
    ("icmp6-multicastroutersolicit", 152),
    ("icmp6-multicastrouterterm", 153),
];

/// The bytes of headers that can be computed with.
pub(super) fn field(protocol: &str, offset: u32) -> Option<Field> {
    Field::ALL
        .into_iter()
        .find(|field| field.place() == (protocol, offset))
}
