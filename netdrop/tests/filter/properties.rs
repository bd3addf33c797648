//! What must hold for every tree and every packet.

use netdrop::{
    drops::{severity::Severity, stage::Stage},
    filter::{
        arithmetic::{Comparison, Field, Number, Operator, Relation},
        compile::{Located, locate},
        logic::Logic,
        net::Net,
        parse,
        pattern::Pattern,
        plan::{Plan, Verdict},
        row::Row,
        tree::{
            Command, Endpoint, Ends, Expr, Netns, Network, Ports, Target, Term, Transport, Version,
        },
    },
};
use netdrop_ebpf::{
    filter::{Machine, decide, look, marks, run, verdict},
    flow::{FlowAddrs, FlowKey},
    kleene,
    packet::{Packet, known},
    site::{SiteKey, state},
};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest},
    prop_assert, prop_assert_eq,
    sample::select,
};
use std::net::{IpAddr, Ipv4Addr};

use crate::{
    frames::{PORTS, V4, V6},
    names::Fixed,
};

fn v4() -> impl Strategy<Value = Net> {
    let short =
        (select(&V4[..]), select(vec![0_u32, 8, 16, 24, 30, 32])).prop_map(|(octets, bits)| {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            Net::V4((u32::from_be_bytes(octets) & mask).into(), mask.into())
        });
    prop_oneof![
        short,
        Just(Net::V4(
            Ipv4Addr::new(10, 0, 0, 1),
            Ipv4Addr::new(255, 0, 0, 255)
        )),
    ]
}

fn v6() -> impl Strategy<Value = Net> {
    (select(&V6[..]), select(vec![0_u8, 8, 32, 127, 128])).prop_map(|(text, bits)| {
        let address: std::net::Ipv6Addr = text.parse().unwrap();
        let mask = !u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
        Net::V6((u128::from(address) & mask).into(), bits)
    })
}

fn ends() -> impl Strategy<Value = Ends> {
    select(vec![
        Ends::Either,
        Ends::Source,
        Ends::Destination,
        Ends::Both,
    ])
}

fn transport() -> impl Strategy<Value = Option<Transport>> {
    option::of(select(&Transport::ALL[..]))
}

fn address() -> impl Strategy<Value = Term> {
    let named = Just(Target::Name {
        name: "ace".to_owned(),
        addresses: vec!["10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
    });
    let networks_v4 = select(vec![
        None,
        Some(Network::Ip),
        Some(Network::Arp),
        Some(Network::Rarp),
    ]);
    let networks_v6 = select(vec![None, Some(Network::Ip6)]);
    let target = prop_oneof![
        (networks_v4, v4().prop_map(Target::Net)),
        (networks_v6, v6().prop_map(Target::Net)),
        (Just(None), named),
    ];
    (target, ends()).prop_map(|((network, target), ends)| Term::Address {
        network,
        ends,
        target,
    })
}

fn ports() -> impl Strategy<Value = Term> {
    let number = (select(&PORTS[..]), select(&PORTS[..])).prop_map(|(one, other)| Ports {
        low: one.min(other),
        high: one.max(other),
        name: None,
        transport: None,
    });
    let plain = (transport(), ends(), number).prop_map(|(transport, ends, ports)| Term::Port {
        transport,
        ends,
        ports,
    });
    let named = |name: &str, port, transport| Term::Port {
        transport: None,
        ends: Ends::Source,
        ports: Ports {
            low: port,
            high: port,
            name: Some(name.to_owned()),
            transport,
        },
    };
    prop_oneof![
        6 => plain,
        1 => Just(named("domain", 53, None)),
        1 => Just(named("ftp-data", 20, Some(Transport::Tcp))),
    ]
}

fn number(field: Field) -> impl Strategy<Value = Number> {
    let leaf = prop_oneof![
        Just(Number::Byte(field)),
        (0_u32..260).prop_map(Number::Constant),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let operators: Vec<_> = Operator::ALL.iter().map(|row| row.0).collect();
        (select(operators), inner.clone(), inner).prop_map(|(operator, left, right)| {
            let right = match (operator, right.constant()) {
                // These are refused.
                (Operator::Divide | Operator::Modulo, Some(0))
                | (Operator::Left | Operator::Right, Some(32..)) => Number::Constant(3),
                _ => right,
            };
            Number::Computed(operator, Box::new(left), Box::new(right))
        })
    })
}

fn comparison() -> impl Strategy<Value = Term> {
    let relation = || {
        select(vec![
            Relation::Equal,
            Relation::Unequal,
            Relation::Less,
            Relation::AtMost,
            Relation::Greater,
            Relation::AtLeast,
        ])
    };
    let bytes = select(&Field::ALL[..]).prop_flat_map(|field| (number(field), number(field)));
    let length = (0_u32..200).prop_map(|length| (Number::Length, Number::Constant(length)));
    (prop_oneof![3 => bytes, 1 => length], relation()).prop_map(|((left, right), relation)| {
        Term::Comparison(Comparison {
            left,
            relation,
            right,
        })
    })
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        3 => "[A-Z_*][A-Z0-9_.*]{0,6}",
        1 => "[a-z ()&|!\"\\\\ä,:=~<>`'-]{1,6}",
        1 => select(vec!["and", "or", "not", "host", "eth0.100"]).prop_map(str::to_owned),
    ]
    .prop_map(|text| Pattern::new(&text))
}

fn own() -> impl Strategy<Value = Term> {
    let stages: Vec<_> = Stage::all().collect();
    prop_oneof![
        pattern().prop_map(Term::Reason),
        select(stages).prop_map(Term::Stage),
        pattern().prop_map(Term::Function),
        pattern().prop_map(Term::Device),
        pattern().prop_map(|name| Term::Netns(Netns::Name(name))),
        any::<u32>().prop_map(|inode| Term::Netns(Netns::Inode(inode))),
        (0_u16..4).prop_map(Term::Cpu),
        select(&Severity::ALL[..]).prop_map(Term::Severity),
    ]
}

fn flow() -> impl Strategy<Value = Term> {
    let end = |v6: bool| {
        let addresses: Vec<IpAddr> = if v6 {
            V6.iter().map(|text| text.parse().unwrap()).collect()
        } else {
            V4.iter().map(|octets| IpAddr::from(*octets)).collect()
        };
        (select(addresses), select(&PORTS[..]))
            .prop_map(|(address, port)| Endpoint { address, port })
    };
    any::<bool>()
        .prop_flat_map(move |v6| (end(v6), end(v6), transport()))
        .prop_map(|(one, other, transport)| Term::Flow {
            one,
            other,
            transport,
        })
}

fn packet_term() -> impl Strategy<Value = Term> {
    let version = select(vec![None, Some(Version::Ip), Some(Version::Ip6)]);
    prop_oneof![
        3 => address(),
        3 => ports(),
        2 => (version, any::<u8>()).prop_map(|(version, number)| Term::Protocol { version, number }),
        1 => (0x0600_u16..).prop_map(Term::EtherType),
        1 => select(vec![0x0800_u16, 0x86DD, 0x0806, 0x8100]).prop_map(Term::EtherType),
        2 => option::of(0_u16..4096).prop_map(Term::Vlan),
        2 => comparison(),
        1 => (0_u32..3).prop_map(Term::Pid),
        1 => ("[a-z]{1,15}", any::<bool>()).prop_map(|(name, open)| {
            Term::Command(Command { name: name.chars().take(15).collect(), open })
        }),
        1 => flow(),
    ]
}

fn expr(leaf: impl Strategy<Value = Term> + 'static) -> impl Strategy<Value = Expr> {
    leaf.prop_map(Expr::Term).prop_recursive(5, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.and(right)),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.or(right)),
            inner.prop_map(|inner| !inner),
        ]
    })
}

/// Packets of which anything may be unread.
fn packet() -> impl Strategy<Value = (FlowAddrs, Packet)> {
    let kind = select(vec![0x0800_u16, 0x0800, 0x86DD, 0x0806, 0x8035, 0x88CC]);
    let ends = vec((0_usize..4, select(&PORTS[..])), 2);
    let protocol = select(vec![6_u8, 17, 1, 58, 132, 47]);
    let tags = (0_u8..=3, any::<bool>(), vec(select(vec![5_u16, 7]), 4));
    (kind, ends, protocol, tags, any::<u16>(), any::<[u8; 4]>()).prop_map(
        |(
            kind,
            ends,
            protocol,
            (depth, stripped, ids),
            known,
            [flags, extensions, length, pid],
        )| {
            let mut addrs = FlowAddrs::default();
            for (place, (address, port)) in ends.into_iter().enumerate() {
                let mut bytes = [0; 16];
                if kind == 0x86DD {
                    let found: std::net::Ipv6Addr = V6[address].parse().unwrap();
                    bytes = found.octets();
                } else {
                    bytes[..4].copy_from_slice(&V4[address]);
                }
                if place == 0 {
                    (addrs.src, addrs.src_port) = (bytes, port);
                } else {
                    (addrs.dst, addrs.dst_port) = (bytes, port);
                }
            }
            let mut packet = Packet {
                types: [0x8100; 4],
                tags: ids.try_into().unwrap(),
                length: u32::from(length),
                pid: u32::from(pid % 3),
                known,
                extensions,
                protocol,
                depth,
                stripped: u8::from(stripped && depth > 0),
                tcp_flags: flags,
                ..Packet::default()
            };
            packet.types[usize::from(depth)] = kind;
            (addrs, packet)
        },
    )
}

/// The whole tree, question by question.
fn value(logic: &Logic<Located>, addrs: &FlowAddrs, packet: &Packet, row: &Row<'_>) -> u32 {
    logic.value(&mut |leaf| match leaf.tests() {
        None => row.value(&leaf.term),
        Some(tests) => tests.value(&mut |step| {
            let value = look(step, addrs, packet);
            if step.negate == 0 {
                value
            } else {
                kleene::not(value)
            }
        }),
    })
}

fn row() -> impl Strategy<Value = (Option<String>, Option<String>, u16, Severity)> {
    (
        option::of("[A-Z]{1,3}"),
        option::of("[a-z]{1,3}"),
        0_u16..4,
        select(&Severity::ALL[..]),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn what_is_printed_reads_as_the_same_tree(tree in expr(prop_oneof![packet_term(), own()])) {
        let text = tree.to_string();
        let read = parse(&text, &Fixed::NONE);
        prop_assert_eq!(read.map_err(|error| error.to_string()), Ok(Some(tree)), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        let _ = parse(&text, &Fixed::NONE);
    }

    #[test]
    fn words_in_any_order_are_refused_or_read_as_they_are_printed(words in vec(select(vec![
        "host", "net", "port", "portrange", "src", "dst", "or", "and", "not", "(", ")", "[", "]",
        "tcp", "ip6", "vlan", "len", "reason", "flow", "proto", "ether", "13", "-", "&", "|", "=",
        "10.0.0.1", "::1", "/", "8", "mask", "1.2.3.4:5", "*", "\"", "\\", "multicast", "less",
        "0x", "<<", "tcp-syn", ":", "%", "^", "0", "prot", "netns", "/run/netns/a", "4294967296",
    ]), 0..12)) {
        for text in [words.join(" "), words.concat()] {
            if let Ok(Some(tree)) = parse(&text, &Fixed::NONE) {
                let printed = tree.to_string();
                prop_assert_eq!(parse(&printed, &Fixed::NONE), Ok(Some(tree)), "{}", text);
            }
        }
    }

    #[test]
    fn arithmetic_in_any_order_is_refused_or_read_as_it_is_printed(words in vec(select(vec![
        "tcp[13]", "1", "7", "-", "-", "+", "*", "/", "%", "%", "^", "^", "<<", ">>", "&", "|", "(",
        ")", "tcp[13]", "5",
    ]), 1..9)) {
        let text = format!("tcp[13] {} = 1", words.join(" "));
        if let Ok(Some(tree)) = parse(&text, &Fixed::NONE) {
            let printed = tree.to_string();
            prop_assert_eq!(parse(&printed, &Fixed::NONE), Ok(Some(tree)), "{}", text);
        }
    }

    /// A filter that the kernel has no room for decides as the tree itself, from
    /// what a row of the flow table tells.
    #[test]
    fn the_flow_table_decides_as_the_tree(
        tree in expr(packet_term()),
        (addrs, packet) in packet(),
    ) {
        let hosts: Vec<_> = (0..70).map(|host| format!("dst host 203.0.113.{host}")).collect();
        let Ok(Some(many)) = parse(&hosts.join(" or "), &Fixed::NONE) else { return Ok(()) };
        let large = tree.or(many);
        let Ok(plan) = Plan::new(&large) else { return Ok(()) };
        prop_assert!(plan.needs_flows());
        let row = Row {
            reason: None,
            stage: None,
            function: None,
            device: None,
            netns: None,
            netns_name: None,
            cpu: 0,
            severity: Severity::Benign,
        };
        let has = |bit: u16, mark: u8| if packet.known & bit == 0 { 0 } else { mark };
        let tagged = if packet.depth > packet.stripped { marks::TAGGED } else { 0 };
        let site = SiteKey {
            ethertype: packet.types[usize::from(packet.depth)],
            protocol: packet.protocol,
            state: if packet.known & known::ADDRESSES == 0 { 0 } else { state::FLOW },
            filter: has(known::LATER_FRAGMENT, marks::LATER_FRAGMENT)
                | has(known::PROTOCOL, marks::PROTOCOL)
                | has(known::TRANSPORT, marks::TRANSPORT)
                | has(known::TYPES, marks::TYPES)
                | tagged,
            ..SiteKey::default()
        };
        let flow = FlowKey { site, addrs, reserved: 0 };
        let expected = match value(&locate(&large), &addrs, &packet, &row) {
            kleene::TRUE => Verdict::Keep,
            kleene::FALSE => Verdict::Filtered,
            _ => Verdict::Undecided,
        };
        prop_assert_eq!(plan.judge(&row, &flow), expected, "{}", large);
    }

    /// The kernel's rules with their table of verdicts, and user space's share,
    /// decide as the tree itself.
    #[test]
    fn the_plan_decides_as_the_tree(
        tree in expr(prop_oneof![2 => packet_term(), 1 => own()]),
        (addrs, packet) in packet(),
        (reason, device, cpu, severity) in row(),
    ) {
        let Ok(plan) = Plan::new(&tree) else { return Ok(()) };
        if plan.overflow().is_some() {
            return Ok(());
        }
        let row = Row {
            reason: reason.as_deref(),
            stage: Stage::all().next(),
            function: device.as_deref(),
            device: device.as_deref(),
            netns: reason.as_ref().map(|_| 4_026_531_833),
            netns_name: device.as_deref(),
            cpu,
            severity,
        };
        let expected = match value(&locate(&tree), &addrs, &packet, &row) {
            kleene::TRUE => Verdict::Keep,
            kleene::FALSE => Verdict::Filtered,
            _ => Verdict::Undecided,
        };
        let values = run(plan.rules(), &addrs, &packet, &mut Machine::default());
        let flow = FlowKey {
            site: SiteKey {
                filter: values,
                ..SiteKey::default()
            },
            ..FlowKey::default()
        };
        prop_assert_eq!(plan.judge(&row, &flow), expected);
        if plan.rules().length > 0 {
            match decide(plan.rules(), values) {
                verdict::REJECT => prop_assert_eq!(expected, Verdict::Filtered),
                verdict::UNDECIDED => prop_assert_eq!(expected, Verdict::Undecided),
                _ => {}
            }
        }
    }
}
