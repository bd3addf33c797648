//! From questions about the packet to the kernel's instructions.

use netdrop_ebpf::{
    filter::{ANY_PORTS, Instruction, direction, kind, test},
    packet::extension,
};

use super::{
    arithmetic::{Comparison, Field, Question, Relation},
    logic::Logic,
    net::Net,
    tree::{Command, Endpoint, Ends, Expr, Network, Ports, Target, Term, Transport, Version},
};

/// A question, and how many VLAN tags the headers it is about lie behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The question.
    pub term: Term,
    /// Tags.
    pub depth: u8,
}

/// Gives every question its place behind VLAN tags: as in libpcap, `vlan` is
/// about the next tag, and whatever is written behind it looks behind that tag.
#[must_use]
pub fn locate(expr: &Expr) -> Logic<Located> {
    fn walk(expr: &Expr, depth: &mut u8) -> Logic<Located> {
        match expr {
            Expr::And(left, right) => {
                let left = walk(left, depth);
                Logic::all([left, walk(right, depth)])
            }
            Expr::Or(left, right) => {
                let left = walk(left, depth);
                Logic::any([left, walk(right, depth)])
            }
            Expr::Not(inner) => walk(inner, depth).negated(),
            Expr::Term(term) => {
                let located = Located {
                    term: term.clone(),
                    depth: *depth,
                };
                if matches!(term, Term::Vlan(_)) {
                    *depth = depth.saturating_add(1);
                }
                Logic::Leaf(located)
            }
        }
    }
    walk(expr, &mut 0)
}

impl Located {
    /// The instructions that answer it; `None` for what only user space knows.
    #[must_use]
    pub fn tests(&self) -> Option<Logic<Instruction>> {
        let Self { term, depth } = self;
        let located = |instruction: Instruction| {
            Logic::Leaf(Instruction {
                depth: *depth,
                ..instruction
            })
        };
        Some(match term {
            Term::Address {
                network,
                ends,
                target,
            } => match target {
                Target::Net(net) => located(address(*network, *ends, *net)),
                Target::Name { addresses, .. } => Logic::any(
                    addresses
                        .iter()
                        .map(|found| located(address(*network, *ends, Net::from(*found)))),
                ),
            },
            Term::Port {
                transport,
                ends,
                ports,
            } => located(port(*transport, *ends, ports)),
            Term::Protocol { version, number } => located(Instruction {
                test: test::PROTOCOL,
                kinds: match version {
                    None => kind::IP | kind::IP6,
                    Some(Version::Ip) => kind::IP,
                    Some(Version::Ip6) => kind::IP6,
                },
                protocol: *number,
                ..Instruction::default()
            }),
            Term::EtherType(number) => located(Instruction {
                test: test::TYPE,
                low: u32::from(*number),
                ..Instruction::default()
            }),
            Term::Vlan(id) => located(Instruction {
                test: test::TAG,
                low: u32::from(id.unwrap_or(0)),
                high: u32::from(id.unwrap_or(u16::MAX)),
                ..Instruction::default()
            }),
            Term::Comparison(comparison) => located(comparison_test(comparison)?),
            Term::Pid(pid) => located(Instruction {
                test: test::PID,
                low: *pid,
                ..Instruction::default()
            }),
            Term::Command(name) => located(command(name)),
            Term::Flow {
                one,
                other,
                transport,
            } => flow(*one, *other, *transport, &located),
            Term::Reason(_)
            | Term::Stage(_)
            | Term::Function(_)
            | Term::Device(_)
            | Term::Netns(_)
            | Term::Cpu(_)
            | Term::Severity(_) => return None,
        })
    }

    /// Can the kernel answer it?
    #[must_use]
    pub fn is_for_kernel(&self) -> bool {
        self.tests().is_some()
    }

    /// Can it be answered from addresses, ports and protocol alone, without the
    /// packet?
    #[must_use]
    pub fn is_about_flow(&self) -> bool {
        let Some(tests) = self.tests() else {
            return true;
        };
        tests.is_only(&|instruction| {
            matches!(
                instruction.test,
                test::TYPE
                    | test::ADDRESS
                    | test::PROTOCOL
                    | test::PORT
                    | test::ICMP_TYPE
                    | test::ICMP_CODE
                    | test::ALWAYS
            ) && instruction.depth == 0
                // Rows tell neither which tag there is nor extension headers.
                && (instruction.test != test::TYPE || !is_tag(instruction.low))
                && (instruction.test != test::PROTOCOL || extension(instruction.protocol) == 0)
        })
    }
}

fn is_tag(ethertype: u32) -> bool {
    u16::try_from(ethertype).is_ok_and(netdrop_ebpf::filter::is_tag)
}

fn address(network: Option<Network>, ends: Ends, net: Net) -> Instruction {
    let mut instruction = Instruction {
        test: test::ADDRESS,
        direction: direction_of(ends),
        kinds: match (network, net) {
            (None, Net::V4(..)) => kind::IP | kind::ARP | kind::RARP,
            (None, Net::V6(..)) | (Some(Network::Ip6), _) => kind::IP6,
            (Some(Network::Ip), _) => kind::IP,
            (Some(Network::Arp), _) => kind::ARP,
            (Some(Network::Rarp), _) => kind::RARP,
        },
        ..Instruction::default()
    };
    match net {
        Net::V4(address, mask) => {
            instruction.value[..4].copy_from_slice(&address.octets());
            instruction.mask[..4].copy_from_slice(&mask.octets());
        }
        Net::V6(address, bits) => {
            let mask = !u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            instruction.value = address.octets();
            instruction.mask = mask.to_be_bytes();
        }
    }
    instruction
}

fn port(transport: Option<Transport>, ends: Ends, ports: &Ports) -> Instruction {
    Instruction {
        test: test::PORT,
        direction: direction_of(ends),
        kinds: kind::IP | kind::IP6,
        protocol: transport
            .or(ports.transport)
            .map_or(ANY_PORTS, Transport::number),
        low: u32::from(ports.low),
        high: u32::from(ports.high),
        ..Instruction::default()
    }
}

const fn direction_of(ends: Ends) -> u8 {
    match ends {
        Ends::Either => direction::SOURCE | direction::DESTINATION,
        Ends::Source => direction::SOURCE,
        Ends::Destination => direction::DESTINATION,
        Ends::Both => direction::BOTH,
    }
}

fn comparison_test(comparison: &Comparison) -> Option<Instruction> {
    Some(match comparison.question()? {
        Question::Known(value) => Instruction {
            test: test::ALWAYS,
            negate: u8::from(!value),
            ..Instruction::default()
        },
        Question::Length(relation, length) => length_test(relation, length),
        Question::Byte(field, set) => byte_test(field, &set),
    })
}

fn length_test(relation: Relation, length: u32) -> Instruction {
    let (low, high) = match relation {
        Relation::Equal | Relation::Unequal => (length, length),
        Relation::AtMost | Relation::Greater => (0, length),
        Relation::AtLeast | Relation::Less => (length, u32::MAX),
    };
    let negate = matches!(
        relation,
        Relation::Unequal | Relation::Greater | Relation::Less
    );
    Instruction {
        test: test::LENGTH,
        negate: u8::from(negate),
        low,
        high,
        ..Instruction::default()
    }
}

fn byte_test(field: Field, set: &[bool; 256]) -> Instruction {
    let (test, protocol, kinds) = match field {
        Field::TcpFlags => (test::TCP_FLAGS, 6, kind::IP | kind::IP6),
        Field::IcmpType => (test::ICMP_TYPE, 1, kind::IP),
        Field::IcmpCode => (test::ICMP_CODE, 1, kind::IP),
        Field::Icmp6Type => (test::ICMP_TYPE, 58, kind::IP6),
        Field::Icmp6Code => (test::ICMP_CODE, 58, kind::IP6),
    };
    let mut bits = [0_u8; 32];
    for (byte, _) in set.iter().enumerate().filter(|(_, inside)| **inside) {
        bits[byte / 8] |= 1 << (byte % 8);
    }
    let mut instruction = Instruction {
        test,
        protocol,
        kinds,
        ..Instruction::default()
    };
    instruction.value.copy_from_slice(&bits[..16]);
    instruction.mask.copy_from_slice(&bits[16..]);
    instruction
}

/// The kernel pads a command with zeros, so a whole name is compared with all
/// its bytes and zeros behind.
fn command(command: &Command) -> Instruction {
    let Command { name, open } = command;
    let bytes = name.as_bytes();
    let length = bytes.len().min(16);
    let mut instruction = Instruction {
        test: test::COMMAND,
        ..Instruction::default()
    };
    instruction.value[..length].copy_from_slice(&bytes[..length]);
    let compared = if *open { length } else { 16 };
    instruction.mask[..compared].fill(0xFF);
    instruction
}

fn flow(
    one: Endpoint,
    other: Endpoint,
    transport: Option<Transport>,
    located: &impl Fn(Instruction) -> Logic<Instruction>,
) -> Logic<Instruction> {
    let network = if one.address.is_ipv4() {
        Network::Ip
    } else {
        Network::Ip6
    };
    let end = |ends, endpoint: Endpoint| {
        let ports = Ports {
            low: endpoint.port,
            high: endpoint.port,
            name: None,
            transport: None,
        };
        [
            located(address(Some(network), ends, Net::from(endpoint.address))),
            located(port(transport, ends, &ports)),
        ]
    };
    let way = |from, to| {
        let [a, b] = end(Ends::Source, from);
        let [c, d] = end(Ends::Destination, to);
        Logic::all([a, b, c, d])
    };
    Logic::any([way(one, other), way(other, one)])
}
