//! Words of other tools' languages, and what they are here.

use super::words;

/// The nearest word would ask something else, or there is none near.
const KNOWN: [(&str, &str); 19] = [
    ("dport", "dst port"),
    ("dst-port", "dst port"),
    ("dstport", "dst port"),
    ("daddr", "dst host"),
    ("sport", "src port"),
    ("src-port", "src port"),
    ("srcport", "src port"),
    ("saddr", "src host"),
    ("ip.addr", "host"),
    ("ip.src", "src host"),
    ("ip.dst", "dst host"),
    ("tcp.port", "tcp port"),
    ("udp.port", "udp port"),
    ("device", "dev"),
    ("iface", "dev"),
    ("interface", "dev"),
    ("comm", "command"),
    ("process", "command"),
    ("namespace", "netns"),
];

/// What libpcap's names of numbers are called without their protocol, where the
/// rest of the name is another.
const SAID: [(&str, &str); 10] = [
    ("flag", "syn"),
    ("flags", "syn"),
    ("psh", "push"),
    ("reset", "rst"),
    ("type", "echo"),
    ("echo-request", "echo"),
    ("echo-reply", "echoreply"),
    ("unreachable", "unreach"),
    ("unreachable", "destinationunreach"),
    ("unreach", "destinationunreach"),
];

/// What a word of another language is here.
pub(super) fn here(word: &str) -> Option<String> {
    let known = KNOWN.into_iter().find(|(known, _)| *known == word);
    known
        .map(|(_, here)| here.to_owned())
        .or_else(|| comparison("", word))
}

/// The comparison that a name of a number stands in; `before` is the word before
/// it.
pub(super) fn comparison(before: &str, word: &str) -> Option<String> {
    let name = number(before, word)?;
    match name.split_once('-')?.0 {
        "tcp" => Some(format!("tcp[tcpflags] & {name} != 0")),
        "icmp" => Some(format!("icmp[icmptype] = {name}")),
        "icmp6" => Some(format!("icmp6[icmp6type] = {name}")),
        _ => None,
    }
}

/// The whole name of the number that a word stands for, with or without its
/// protocol; `before` is the word before it.
pub(super) fn number(before: &str, word: &str) -> Option<&'static str> {
    let named = |name: &str| words::NUMBERS.iter().find(|row| row.0 == name);
    if let Some((name, _)) = named(word) {
        return Some(name);
    }
    let protocols = ["tcp", "icmp", "icmp6"];
    let of = |protocol: &&str| {
        let said = SAID.iter().filter(|(said, _)| *said == word);
        std::iter::once(word)
            .chain(said.map(|(_, rest)| *rest))
            .find_map(|rest| named(&format!("{protocol}-{rest}")))
    };
    let found = match protocols.iter().find(|protocol| **protocol == before) {
        Some(protocol) => of(protocol),
        None => protocols.iter().find_map(of),
    };
    found.map(|(name, _)| *name)
}
