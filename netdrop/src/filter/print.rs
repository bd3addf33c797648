//! Syntax tree to text, which reads as the same tree again.

use std::fmt::{self, Display, Formatter};

use super::{
    arithmetic::{Comparison, Number, Operator},
    cursor::{Cursor, Kind},
    pattern::Pattern,
    tree::{Command, Ends, Expr, Netns, Network, Ports, Target, Term, Version},
    words::{self, Alone},
};

impl Display for Expr {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(left, right) => joined(left, "and", right, formatter),
            Self::Or(left, right) => joined(left, "or", right, formatter),
            Self::Not(inner) => {
                formatter.write_str("not ")?;
                operand(
                    inner,
                    matches!(**inner, Self::And(..) | Self::Or(..)),
                    formatter,
                )
            }
            Self::Term(term) => term.fmt(formatter),
        }
    }
}

/// Mixed joins get parentheses although the left one needs none: both bind
/// equally, which nobody remembers.
fn joined(left: &Expr, word: &str, right: &Expr, formatter: &mut Formatter<'_>) -> fmt::Result {
    let mixed = match left {
        Expr::And(..) => word == "or",
        Expr::Or(..) => word == "and",
        _ => false,
    };
    operand(left, mixed, formatter)?;
    write!(formatter, " {word} ")?;
    operand(
        right,
        matches!(right, Expr::And(..) | Expr::Or(..)),
        formatter,
    )
}

fn operand(expr: &Expr, parentheses: bool, formatter: &mut Formatter<'_>) -> fmt::Result {
    if parentheses {
        write!(formatter, "({expr})")
    } else {
        expr.fmt(formatter)
    }
}

impl Display for Term {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address {
                network,
                ends,
                target,
            } => address(*network, *ends, target, formatter),
            Self::Port {
                transport,
                ends,
                ports,
            } => {
                if let Some(transport) = transport {
                    write!(formatter, "{} ", transport.as_str())?;
                }
                write!(formatter, "{ends}{ports}")
            }
            Self::Protocol { version, number } => protocol(*version, *number, formatter),
            Self::EtherType(number) => match word_of(Alone::EtherType(*number)) {
                Some(word) => formatter.write_str(word),
                None => write!(formatter, "ether proto {number:#06x}"),
            },
            Self::Vlan(None) => formatter.write_str("vlan"),
            Self::Vlan(Some(id)) => write!(formatter, "vlan {id}"),
            Self::Comparison(comparison) => comparison.fmt(formatter),
            Self::Reason(pattern) => write!(formatter, "reason {}", Quoted(pattern.as_str())),
            Self::Stage(stage) => write!(formatter, "stage {}", stage.id()),
            Self::Function(pattern) => write!(formatter, "function {}", Quoted(pattern.as_str())),
            Self::Device(pattern) => write!(formatter, "dev {}", Quoted(pattern.as_str())),
            Self::Netns(Netns::Inode(inode)) => write!(formatter, "netns {inode}"),
            Self::Netns(Netns::Name(pattern)) => {
                write!(formatter, "netns {}", Quoted(Pattern::as_str(pattern)))
            }
            Self::Cpu(cpu) => write!(formatter, "cpu {cpu}"),
            Self::Severity(severity) => write!(formatter, "severity {severity}"),
            Self::Pid(pid) => write!(formatter, "pid {pid}"),
            Self::Command(Command { name, open }) => {
                let star = if *open { "*" } else { "" };
                write!(formatter, "command {}", Quoted(&format!("{name}{star}")))
            }
            Self::Flow {
                one,
                other,
                transport,
            } => {
                write!(formatter, "flow {one} {other}")?;
                match transport {
                    Some(transport) => write!(formatter, " {}", transport.as_str()),
                    None => Ok(()),
                }
            }
        }
    }
}

fn address(
    network: Option<Network>,
    ends: Ends,
    target: &Target,
    formatter: &mut Formatter<'_>,
) -> fmt::Result {
    if let Some(network) = network {
        write!(formatter, "{} ", network.as_str())?;
    }
    ends.fmt(formatter)?;
    match target {
        Target::Name { name, .. } if words::is_keyword(name) => {
            write!(formatter, "host \\{name}")
        }
        Target::Name { name, .. } => write!(formatter, "host {name}"),
        Target::Net(net) if net.is_host() => write!(formatter, "host {net}"),
        Target::Net(net) => write!(formatter, "net {net}"),
    }
}

impl Display for Ends {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Either => "",
            Self::Source => "src ",
            Self::Destination => "dst ",
            Self::Both => "src and dst ",
        })
    }
}

impl Display for Ports {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            low, high, name, ..
        } = self;
        let word = if low == high { "port" } else { "portrange" };
        match name {
            Some(name) if words::is_keyword(name) => write!(formatter, "{word} \\{name}"),
            Some(name) => write!(formatter, "{word} {name}"),
            None if low == high => write!(formatter, "{word} {low}"),
            None => write!(formatter, "{word} {low}-{high}"),
        }
    }
}

fn protocol(version: Option<Version>, number: u8, formatter: &mut Formatter<'_>) -> fmt::Result {
    if let Some(word) = word_of(Alone::Protocol(version, number)) {
        return formatter.write_str(word);
    }
    let version = match version {
        None => "",
        Some(Version::Ip) => "ip ",
        Some(Version::Ip6) => "ip6 ",
    };
    write!(formatter, "{version}proto {number}")
}

fn word_of(alone: Alone) -> Option<&'static str> {
    words::PROTOCOLS
        .iter()
        .find(|known| known.alone == alone)
        .map(|known| known.word)
}

impl Display for Comparison {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            left,
            relation,
            right,
        } = self;
        write!(formatter, "{left} {} {right}", relation.as_str())
    }
}

impl Display for Number {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => value.fmt(formatter),
            Self::Length => formatter.write_str("len"),
            Self::Byte(field) => formatter.write_str(field.as_str()),
            Self::Computed(operator, left, right) => {
                let part = |number: &Self, is_right: bool| match number {
                    Self::Computed(inner, ..)
                        if inner.strength() < operator.strength()
                            || inner.strength() == Operator::TIGHTEST
                            || is_right && inner.strength() == operator.strength() =>
                    {
                        format!("({number})")
                    }
                    other => other.to_string(),
                };
                write!(
                    formatter,
                    "{} {} {}",
                    part(left, false),
                    operator.as_str(),
                    part(right, true)
                )
            }
        }
    }
}

/// A name, between quotes where it would not be read as one otherwise.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        let is_plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.*-:@/+".contains(c))
            && !name.starts_with(':')
            && match Cursor::new(name).peek().kind {
                Kind::Sign(sign) => sign == "*",
                // `not:1` would be read as a negation, and a number of a network namespace as its
                // inode.
                Kind::Word(word) => {
                    !words::is_keyword(word) && !word.starts_with(|c: char| c.is_ascii_digit())
                }
                _ => false,
            };
        if is_plain {
            return formatter.write_str(name);
        }
        let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
        write!(formatter, "\"{escaped}\"")
    }
}
