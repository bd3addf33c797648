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

/// What a word of another language is here.
pub(super) fn here(word: &str) -> Option<String> {
    let known = KNOWN.into_iter().find(|(known, _)| *known == word);
    known
        .map(|(_, here)| here.to_owned())
        .or_else(|| comparison(word))
}

/// The comparison that a name of a number stands in.
fn comparison(word: &str) -> Option<String> {
    let (protocol, _) = word.split_once('-')?;
    words::NUMBERS.iter().find(|(name, _)| *name == word)?;
    match protocol {
        "tcp" => Some(format!("tcp[tcpflags] & {word} != 0")),
        "icmp" => Some(format!("icmp[icmptype] = {word}")),
        "icmp6" => Some(format!("icmp6[icmp6type] = {word}")),
        _ => None,
    }
}
