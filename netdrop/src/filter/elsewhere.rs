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
const SAID: [(&str, &str); 7] = [
    ("psh", "push"),
    ("reset", "rst"),
    ("echo-request", "echo"),
    ("echo-reply", "echoreply"),
    ("unreachable", "unreach"),
    ("unreachable", "destinationunreach"),
    ("unreach", "destinationunreach"),
];

/// Protocols of which numbers have names.
const NUMBERED: [&str; 3] = ["tcp", "icmp", "icmp6"];

/// What a word of another language is here.
pub(super) fn here(word: &str) -> Option<String> {
    match known(word) {
        Some(here) => Some(here.to_owned()),
        None => Some(comparison("", word, None)?.asked),
    }
}

/// The words of this language for one of another.
pub(super) fn known(word: &str) -> Option<&'static str> {
    let known = KNOWN.into_iter().find(|(known, _)| *known == word);
    known.map(|(_, here)| here)
}

/// A comparison that is said without its sign.
pub(super) struct Said {
    /// How it is asked for.
    pub(super) asked: String,
    /// Does it take the word behind, too?
    pub(super) takes_next: bool,
    /// Does it take the word before, too?
    pub(super) takes_before: bool,
}

/// The comparison that a word stands for, between the words before and behind it.
pub(super) fn comparison(before: &str, word: &str, next: Option<&str>) -> Option<Said> {
    let takes_before = NUMBERED.contains(&before);
    if !takes_before && words::protocol(before).is_some() {
        return None;
    }
    let value = |protocol: &str| next.and_then(|next| number(protocol, next));
    let (name, takes_next) = match word {
        "flag" | "flags" if matches!(before, "tcp" | "") => {
            let flag = value("tcp");
            (flag.unwrap_or("tcp-syn"), flag.is_some())
        }
        "type" if before != "tcp" => {
            let protocol = if before == "icmp6" { "icmp6" } else { "icmp" };
            let digits = next.filter(|next| next.bytes().all(|byte| byte.is_ascii_digit()));
            let found = value(protocol).or(digits);
            let example = if protocol == "icmp6" {
                "icmp6-echo"
            } else {
                "icmp-echo"
            };
            return Some(Said {
                asked: format!("{protocol}[{protocol}type] = {}", found.unwrap_or(example)),
                takes_next: found.is_some(),
                takes_before,
            });
        }
        _ if takes_before => (number(before, word)?, false),
        _ => (
            NUMBERED
                .iter()
                .find_map(|protocol| number(protocol, word))?,
            false,
        ),
    };
    let asked = match name.split_once('-')?.0 {
        "tcp" => format!("tcp[tcpflags] & {name} != 0"),
        "icmp" => format!("icmp[icmptype] = {name}"),
        "icmp6" => format!("icmp6[icmp6type] = {name}"),
        _ => return None,
    };
    Some(Said {
        asked,
        takes_next,
        takes_before,
    })
}

/// The whole name of the number of a protocol that a word stands for, with or
/// without the protocol.
pub(super) fn number(protocol: &str, word: &str) -> Option<&'static str> {
    let said = SAID.iter().filter(|(said, _)| *said == word);
    std::iter::once(word)
        .chain(said.map(|(_, rest)| *rest))
        .find_map(|rest| {
            let mut rows = words::NUMBERS.iter().map(|row| row.0);
            rows.find(|name| {
                let own = name.strip_prefix(protocol);
                let own = own.and_then(|own| own.strip_prefix('-'));
                own.is_some_and(|own| own == rest || *name == rest)
            })
        })
}
