//! The keys that `--by` groups rows by.

use std::{fmt, str::FromStr};

use crate::drops::nearest::nearest;

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Stage of the network stack.
    Stage,
    /// Drop reason.
    Reason,
    /// Kernel function.
    Function,
    /// Device, with its index.
    Device,
    /// Network namespace, with its name.
    Netns,
    /// CPU.
    Cpu,
    /// Protocol.
    Protocol,
    /// Source address.
    Src,
    /// Source port.
    SrcPort,
    /// Destination address.
    Dst,
    /// Destination port.
    DstPort,
    /// `rx` or `tx`.
    Direction,
    /// Severity.
    Severity,
    /// Kernel stack; asked for by an option of its own.
    Stack,
}

/// What `flow` stands for.
const FLOW: [Key; 5] = [
    Key::Protocol,
    Key::Src,
    Key::SrcPort,
    Key::Dst,
    Key::DstPort,
];

/// Every word that `--by` knows.
const WORDS: [(&str, &[Key]); 14] = [
    ("stage", &[Key::Stage]),
    ("reason", &[Key::Reason]),
    ("function", &[Key::Function]),
    ("device", &[Key::Device]),
    ("netns", &[Key::Netns]),
    ("cpu", &[Key::Cpu]),
    ("protocol", &[Key::Protocol]),
    ("flow", &FLOW),
    ("src", &[Key::Src]),
    ("dst", &[Key::Dst]),
    ("src_port", &[Key::SrcPort]),
    ("dst_port", &[Key::DstPort]),
    ("direction", &[Key::Direction]),
    ("severity", &[Key::Severity]),
];

impl Key {
    /// Does only the flow table know it?
    #[must_use]
    pub fn needs_flows(self) -> bool {
        matches!(self, Self::Src | Self::SrcPort | Self::Dst | Self::DstPort)
    }

    /// The names of its fields in a row.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Stage => &["stage", "hook", "engine", "qdisc", "stage_by"],
            Self::Reason => &["reason"],
            Self::Function => &["function"],
            Self::Device => &["device", "ifindex"],
            Self::Netns => &["netns", "netns_name", "netns_kind"],
            Self::Cpu => &["cpu"],
            Self::Protocol => &["protocol"],
            Self::Src => &["src"],
            Self::SrcPort => &["src_port"],
            Self::Dst => &["dst"],
            Self::DstPort => &["dst_port"],
            Self::Direction => &["direction"],
            Self::Severity => &["severity"],
            Self::Stack => &["stack"],
        }
    }
}

/// The keys of `--by`, in the order given, each once, `flow` spelled out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By(Vec<Key>);

impl By {
    /// These keys, each once.
    #[must_use]
    pub fn of(keys: impl IntoIterator<Item = Key>) -> Self {
        let mut each = Vec::new();
        for key in keys {
            if !each.contains(&key) {
                each.push(key);
            }
        }
        Self(each)
    }

    /// Source and destination with their ports, and the protocol.
    #[must_use]
    pub fn flow() -> Self {
        Self(FLOW.to_vec())
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// The same keys, and the stack.
    #[must_use]
    pub fn with_stack(mut self) -> Self {
        self.0.push(Key::Stack);
        self
    }

    /// Is this key among them?
    #[must_use]
    pub fn has(&self, key: Key) -> bool {
        self.0.contains(&key)
    }

    /// Must flows be counted?
    #[must_use]
    pub fn needs_flows(&self) -> bool {
        self.0.iter().any(|key| key.needs_flows())
    }
}

impl Default for By {
    fn default() -> Self {
        Self(vec![Key::Stage, Key::Reason, Key::Function])
    }
}

/// A word that is no key; empty where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKey(String);

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(word) = self;
        if word.is_empty() {
            write!(f, "needs at least one key, and one after every comma")?;
        } else {
            write!(f, "unknown key '{word}'")?;
        }
        if let [known, ..] = *nearest(word, WORDS.iter().map(|(known, _)| *known)) {
            write!(f, ", did you mean '{known}'?")?;
        }
        write!(f, " (keys: ")?;
        for (index, (known, _)) in WORDS.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{known}")?;
        }
        write!(f, ")")
    }
}

impl std::error::Error for UnknownKey {}

impl FromStr for By {
    type Err = UnknownKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut keys = Vec::new();
        for word in text.split(',').map(str::trim) {
            let (_, named) = WORDS
                .iter()
                .find(|(known, _)| *known == word)
                .ok_or_else(|| UnknownKey(word.to_owned()))?;
            for key in *named {
                if !keys.contains(key) {
                    keys.push(*key);
                }
            }
        }
        Ok(Self(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_flow_is_spelled_out() {
        let by: By = "dst_port,flow, stage".parse().unwrap();
        assert_eq!(
            by.keys(),
            [
                Key::DstPort,
                Key::Protocol,
                Key::Src,
                Key::SrcPort,
                Key::Dst,
                Key::Stage
            ]
        );
        assert!(by.needs_flows());
        assert!(!By::default().needs_flows());
        assert!(!"protocol".parse::<By>().unwrap().needs_flows());
    }

    #[test]
    fn an_unknown_key_names_the_nearest_and_all() {
        let error = "stage,reson".parse::<By>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown key 'reson', did you mean 'reason'? (keys: stage, reason, function, device, \
             netns, cpu, protocol, flow, src, dst, src_port, dst_port, direction, severity)"
        );
        let error = "xyzzyxyzzy".parse::<By>().unwrap_err().to_string();
        assert!(error.starts_with("unknown key 'xyzzyxyzzy' (keys: stage,"));
        for text in ["", " ", "stage,"] {
            let error = text.parse::<By>().unwrap_err().to_string();
            assert!(error.starts_with("needs at least one key"), "{error}");
            assert!(!error.contains("did you mean"), "{error}");
        }
    }
}
