//! Slips of the pen, and the whole error that each gets: the files hold the
//! errors with an empty line between them, and the filter is the second line of
//! each.

use std::{io, net::IpAddr};

use netdrop::filter::{names::Names, parse, tree::Transport};

use crate::names::Fixed;

fn check(errors: &str) {
    let names = Fixed {
        reasons: Some(
            ["NO_SOCKET", "TCP_CSUM", "PROTO_MEM"]
                .map(str::to_owned)
                .to_vec(),
        ),
    };
    for expected in errors.trim().split("\n\n") {
        let text = expected.lines().nth(1).unwrap();
        let text = text.strip_prefix("  ").unwrap();
        match parse(text, &names) {
            Ok(expr) => panic!("`{text}` is read as {expr:?}"),
            Err(error) => assert_eq!(error.to_string(), expected),
        }
    }
}

#[test]
fn a_comparison_that_is_missing_is_asked_for_where_it_is_missing() {
    check(include_str!("slips/comparisons.txt"));
}

#[test]
fn numbers_that_are_none_are_told_with_the_nearest_name() {
    check(include_str!("slips/numbers.txt"));
}

#[test]
fn what_cannot_be_computed_is_refused() {
    check(include_str!("slips/arithmetic.txt"));
}

#[test]
fn a_mistyped_word_behind_a_value_is_no_value() {
    check(include_str!("slips/words.txt"));
}

#[test]
fn a_value_that_nobody_knows_may_be_a_mistyped_word() {
    check(include_str!("slips/values.txt"));
}

#[test]
fn hints_ask_what_was_asked() {
    check(include_str!("slips/hints.txt"));
}

#[test]
fn addresses_without_a_word_or_with_something_else_are_told_apart() {
    check(include_str!("slips/addresses.txt"));
}

#[test]
fn words_and_signs_of_other_tools_are_told_as_they_are_here() {
    check(include_str!("slips/elsewhere.txt"));
}

#[test]
fn flows_are_numbers() {
    check(include_str!("slips/flows.txt"));
}

#[test]
fn network_namespaces_that_cannot_be_are_refused() {
    check(include_str!("slips/namespaces.txt"));
}

#[test]
fn nobody_is_asked_for_a_name_that_cannot_be_one() {
    struct Silent;
    impl Names for Silent {
        fn host(&self, name: &str) -> io::Result<Vec<IpAddr>> {
            panic!("`{name}` is asked for")
        }
        fn service(&self, _name: &str) -> Vec<(u16, Transport)> {
            Vec::new()
        }
        fn protocol(&self, _name: &str) -> Option<u8> {
            None
        }
    }
    for text in [
        "host 10.0.0.1 and prot 80",
        "host 10.0.0.1 and zzz 80",
        "host 10.0.0.1 or scr host 10.0.0.2",
        "host hots 10.0.0.2",
        "src nosuch tcp",
        "host nosuch:80",
    ] {
        parse(text, &Silent).unwrap_err();
    }
}

#[test]
fn what_percent_and_caret_join_is_read_to_its_end_as_in_libpcap() {
    for (text, whole) in [
        ("tcp[13] % 4 * 2 = 1", "tcp[tcpflags] % (4 * 2) = 1"),
        (
            "2 * tcp[13] % 3 + 1 = 1",
            "2 * (tcp[tcpflags] % (3 + 1)) = 1",
        ),
        (
            "tcp[13] & 6 ^ 2 | 1 = 1",
            "tcp[tcpflags] & (6 ^ (2 | 1)) = 1",
        ),
        ("(tcp[13] % 4) * 2 = 1", "(tcp[tcpflags] % 4) * 2 = 1"),
        ("- tcp[13] % 4 = 1", "0 - (tcp[tcpflags] % 4) = 1"),
    ] {
        let read = |text: &str| parse(text, &Fixed::NONE).unwrap().unwrap();
        assert_eq!(read(text).to_string(), whole);
        assert_eq!(read(whole), read(text));
    }
}
