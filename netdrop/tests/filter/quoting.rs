//! Names of which a part means something else: every one of them that three
//! pieces make.

use netdrop::filter::{
    parse,
    pattern::Pattern,
    tree::{Command, Expr, Netns, Term},
};

use crate::names::Fixed;

const PIECES: [&str; 20] = [
    "not", "and", "or", "host", "vlan", "1", "0x", "a", "é", "*", ":", "-", ".", "!", "&&", "(",
    " ", "\0", "\\", "\"",
];

/// `term` alone, denied, and on either side of a join.
fn check(term: Term) {
    let alone = Expr::from(term);
    let other = Expr::from(Term::Cpu(1));
    let trees = [
        alone.clone(),
        !alone.clone(),
        alone.clone().or(other.clone()),
        other.and(!alone),
    ];
    for tree in trees {
        let text = tree.to_string();
        assert_eq!(parse(&text, &Fixed::NONE), Ok(Some(tree)), "{text}");
    }
}

fn names() -> impl Iterator<Item = String> {
    let count = PIECES.len();
    (1..=3_u32).flat_map(move |pieces| {
        (0..count.pow(pieces)).map(move |mut which| {
            let mut name = String::new();
            for _ in 0..pieces {
                name.push_str(PIECES[which % count]);
                which /= count;
            }
            name
        })
    })
}

#[test]
fn a_name_of_any_pieces_reads_as_it_was_printed() {
    for name in names() {
        let pattern = Pattern::new(&name);
        check(Term::Device(pattern.clone()));
        check(Term::Netns(Netns::Name(pattern)));
        if name.len() <= 15 && !name.contains('*') {
            let open = name.len() % 2 == 0;
            check(Term::Command(Command { name, open }));
        }
    }
}

#[test]
fn a_name_that_needs_no_quotes_has_none() {
    for name in [
        "tcp_v4_rcv",
        "*_rcv",
        "TCP_*",
        "eth0.100",
        "br-3f:1",
        "not_here",
        "order",
    ] {
        let term = Term::Function(Pattern::new(name));
        assert_eq!(Expr::from(term).to_string(), format!("function {name}"));
    }
}
