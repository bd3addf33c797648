//! What to run next: commands whose gaps are filled with a drop's own device,
//! flow and network namespace.

pub(crate) mod template;

use std::borrow::Cow;

use self::template::{Piece, pieces};

/// What gaps are filled with, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// Name of the device.
    pub device: Option<String>,
    /// Source address.
    pub src: Option<String>,
    /// Destination address.
    pub dst: Option<String>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// Protocol.
    pub protocol: Option<String>,
    /// The function that dropped.
    pub function: Option<String>,
    /// Where the commands must run.
    pub place: Place,
}

/// The network namespace in which a command sees what the drop saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Not known, so nothing is said of it.
    #[default]
    Unknown,
    /// The one that netdrop runs in.
    Here,
    /// One with a name for `ip netns`.
    Named(String),
    /// One that has a file to enter it by.
    File(String),
    /// One to which no way is known, by inode number.
    Elsewhere(u32),
    /// Several.
    Several,
}

/// A command to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// As a shell takes it. Gaps that could not be filled are words in capitals.
    pub text: String,
    /// Were all gaps filled?
    pub complete: bool,
}

/// Commands that see the whole host, or only themselves, wherever they run.
const EVERYWHERE: [&str; 9] = [
    "netdrop",
    "dmesg",
    "journalctl",
    "bpftool",
    "perf",
    "free",
    "top",
    "mpstat",
    "uname",
];

/// What a command says behind it that is the same in every namespace, and may
/// not be there in others than the first.
const WHOLE_HOST: &str = "# whole host";

impl Values {
    /// Fills the gaps of a command, and makes it run in the drop's network
    /// namespace.
    #[must_use]
    pub fn fill(&self, command: &str) -> Command {
        let mut text = String::with_capacity(command.len() + 32);
        let mut complete = true;
        let mut quotes = Quotes::None;
        for piece in pieces(command) {
            match piece {
                Piece::Text(piece) => {
                    quotes = quotes.after(piece);
                    text.push_str(piece);
                }
                Piece::Gap(gap) | Piece::Unknown(gap) => {
                    let value = self.value(gap);
                    complete &= value.is_some();
                    text.push_str(&match value {
                        Some(value) => quotes.word(&value),
                        None => gap.to_ascii_uppercase(),
                    });
                }
            }
        }
        Command {
            text: self.place.wrap(text),
            complete,
        }
    }

    fn value(&self, gap: &str) -> Option<Cow<'_, str>> {
        let Self {
            device,
            src,
            dst,
            src_port,
            dst_port,
            protocol,
            function,
            place,
        } = self;
        let text = |value: &'_ Option<String>| value.clone().map(Cow::Owned);
        let number = |value: &Option<u16>| value.map(|port| port.to_string().into());
        match gap {
            "device" => text(device),
            "src" => text(src),
            "dst" => text(dst),
            "src_port" => number(src_port),
            "dst_port" => number(dst_port),
            "protocol" => text(protocol),
            "function" => text(function),
            "netns" => match place {
                Place::Named(name) => Some(name.into()),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Place {
    /// What makes the command behind it run there; `None` without a way, and where
    /// none is needed.
    pub(crate) fn prefix(&self) -> Option<String> {
        match self {
            Self::Unknown | Self::Here | Self::Elsewhere(_) | Self::Several => None,
            Self::Named(name) => Some(format!("ip netns exec {}", quoted(name))),
            Self::File(path) => Some(format!("nsenter --net={}", quoted(path))),
        }
    }

    fn wrap(&self, command: String) -> String {
        let Some(prefix) = self.prefix() else {
            return command;
        };
        let tool = command.split(' ').next().unwrap_or_default();
        if EVERYWHERE.contains(&tool) || command.contains(WHOLE_HOST) {
            command
        } else if let Self::File(_) = self
            && command.contains("/sys/")
        {
            // Only `ip netns exec` shows the namespace's own sysfs.
            let command = format!("mount -t sysfs sysfs /sys && {command}");
            format!("{prefix} unshare -m sh -c {}", quoted(&command))
        } else if [";", "&&", "||", "*", "?"]
            .iter()
            .any(|it| command.contains(it))
        {
            format!("{prefix} sh -c {}", quoted(&command))
        } else {
            format!("{prefix} {command}")
        }
    }

    /// What a reader must know before running the commands.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Elsewhere(inode) => Some(format!(
                "these drops happened in network namespace {inode}, to which no way is known: \
                 run the commands there"
            )),
            Self::Several => Some(
                "these drops happened in several network namespaces: run the commands in the one \
                 you mean (`--by netns` tells them apart)"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// The quotes of a shell that a place in a command stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

impl Quotes {
    /// Behind a text that begins in these.
    fn after(self, text: &str) -> Self {
        text.chars()
            .fold(self, |quotes, character| match (quotes, character) {
                (Self::None, '\'') => Self::Single,
                (Self::None, '"') => Self::Double,
                (Self::Single, '\'') | (Self::Double, '"') => Self::None,
                _ => quotes,
            })
    }

    /// A value that means nothing to the shell in these.
    fn word(self, value: &str) -> String {
        match self {
            Self::None => quoted(value).into_owned(),
            Self::Single => value.replace('\'', r"'\''"),
            Self::Double => {
                let mut word = String::with_capacity(value.len());
                for character in value.chars() {
                    if matches!(character, '"' | '$' | '`' | '\\') {
                        word.push('\\');
                    }
                    word.push(character);
                }
                word
            }
        }
    }
}

/// As one word of a shell.
fn quoted(value: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/@%+=,".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.into();
    }
    format!("'{}'", value.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::{Place, Values};

    fn values() -> Values {
        Values {
            device: Some("eth0".to_owned()),
            dst_port: Some(53),
            protocol: Some("udp".to_owned()),
            ..Values::default()
        }
    }

    #[test]
    fn gaps_are_filled_and_what_is_not_known_is_a_word_in_capitals() {
        let filled = values().fill("tcpdump -ni {device} {protocol} port {dst_port}");
        assert_eq!(filled.text, "tcpdump -ni eth0 udp port 53");
        assert!(filled.complete);
        let filled = values().fill("ip route get {dst} | awk '{print $1}'");
        assert_eq!(filled.text, "ip route get DST | awk '{print $1}'");
        assert!(!filled.complete);
    }

    #[test]
    fn commands_run_in_the_namespace_of_the_drop() {
        let at = |place, command| {
            let values = Values { place, ..values() };
            values.fill(command).text
        };
        let blue = || Place::Named("blue".to_owned());
        assert_eq!(
            at(blue(), "ip -s link show {device}"),
            "ip netns exec blue ip -s link show eth0"
        );
        assert_eq!(
            at(Place::File("/proc/42/ns/net".to_owned()), "nstat -az"),
            "nsenter --net=/proc/42/ns/net nstat -az"
        );
        assert_eq!(at(Place::Here, "nstat -az"), "nstat -az");
        assert_eq!(at(blue(), "dmesg | tail"), "dmesg | tail");
        let whole = "sysctl net.core.rmem_max  # whole host";
        assert_eq!(at(blue(), whole), whole);
        assert_eq!(
            at(blue(), "nstat; ss -lnt"),
            "ip netns exec blue sh -c 'nstat; ss -lnt'"
        );
        assert_eq!(
            at(blue(), "ls /run/netns/{netns}"),
            "ip netns exec blue ls /run/netns/blue"
        );
        assert_eq!(at(Place::Several, "nstat -az"), "nstat -az");
        assert!(Place::Several.note().is_some());
        assert_eq!(Place::Here.note(), None);
    }

    #[test]
    fn a_strange_name_means_nothing_to_the_shell_within_quotes_either() {
        let device = "$(id)`'\"";
        let values = Values {
            device: Some(device.to_owned()),
            ..Values::default()
        };
        for command in [
            "printf %s {device}",
            "printf %s '{device}'",
            "printf %s \"{device}\"",
        ] {
            let command = values.fill(command).text;
            let output = std::process::Command::new("sh")
                .args(["-c", &command])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), device, "{command}");
        }
    }

    #[test]
    fn a_strange_name_stays_one_word_of_the_shell() {
        let values = Values {
            device: Some("a';reboot;'".to_owned()),
            ..Values::default()
        };
        assert_eq!(
            values.fill("ip link show {device}").text,
            r"ip link show 'a'\'';reboot;'\'''"
        );
    }
}
