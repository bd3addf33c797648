//! What tcpdump refuses and accepts, written by hand; and how errors look.

use netdrop::filter::{parse, plan::Plan};

use crate::{names::Fixed, tcpdump::Capture};

fn error(text: &str) -> String {
    let names = Fixed {
        reasons: Some(vec!["NO_SOCKET".to_owned(), "TCP_CSUM".to_owned()]),
    };
    match parse(text, &names) {
        Ok(expr) => panic!("`{text}` is read as {expr:?}"),
        Err(error) => error.to_string(),
    }
}

fn printed(text: &str) -> String {
    match parse(text, &Fixed::NONE) {
        Ok(expr) => expr.unwrap().to_string(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_tcpdump_refuses_is_refused_and_what_it_accepts_is_accepted() {
    let mut capture = Capture::new(std::iter::empty());
    for text in [
        "10.0.0.1",
        "(host 1.2.3.4) or 1.2.3.5",
        "tcp or 80",
        "tcp 80",
        "ip port 80",
        "tcp host 1.2.3.4",
        "tcp src 80",
        "arp host ::1",
        "ip6 host 1.2.3.4",
        "net 10.1.1.1/8",
        "host ::1/64",
        "net 10.0.0.0/33",
        "net 1.2.3.4 mask 255.0.0.0",
        "host 1.2.3.400",
        "port 70000",
        "port 080",
        "vlan 5000",
        "vlan 7 or 8",
        "ip and and tcp",
        "ip tcp",
        "(ip",
        "ip)",
        "not",
        "port",
        "len",
        "TCP",
        "host ip",
        "icmp port 5",
    ] {
        assert!(capture.matching(text).is_err(), "tcpdump accepts `{text}`");
        error(text);
    }
    for text in [
        "host 1.2.3.4 and (port 80) or 1.2.3.5",
        "host 1.2.3.4 and (1.2.3.5 or 1.2.3.6)",
        "host not 1.2.3.4",
        "host 10.1",
        "host 1",
        "net 10",
        "net 10.1/16",
        "portrange 90-80",
        "port 010",
        "port (80 or not 81)",
        "proto \\tcp",
        "not not ip",
        "not(ip)",
        "ip&&tcp",
        "1 = 1",
        "((tcp[13])) = 2",
        "(80) = tcp[13]",
        "len <= 100 and 5 < len",
        "vlan and vlan 5 and ip",
        "vlan (5)",
        "ip6 multicast",
    ] {
        assert_eq!(capture.matching(text), Ok(Vec::new()), "{text}");
        printed(text);
    }
}

#[test]
fn values_without_a_keyword_take_the_one_before() {
    for (text, whole) in [
        ("tcp port 80 or 443", "tcp port 80 or tcp port 443"),
        ("src host ace or hot", "src host ace or src host hot"),
        ("not host ace and hot", "not host ace and host hot"),
        (
            "host ace and (hot or ace)",
            "host ace and (host hot or host ace)",
        ),
        (
            "reason a or b* and not c",
            "(reason a or reason b*) and not reason c",
        ),
        ("proto 6 or 17", "tcp or udp"),
        (
            "host ace and port 80 or domain",
            "(host ace and port 80) or port domain",
        ),
    ] {
        assert_eq!(printed(text), whole);
    }
}

#[test]
fn names_may_start_with_a_joining_word() {
    for text in [
        "dev or:1",
        r"netns or\onX",
        r"dev and\ or ip",
        r"netns \or or ip",
        r"dev \\or",
        "dev or-x",
    ] {
        let once = printed(text);
        assert_eq!(printed(&once), once, "{text}");
    }
    assert_eq!(printed(r"netns \or"), "netns \"or\"");
    assert!(error("dev or ip").contains("a device's name expected"));
}

#[test]
fn and_and_or_bind_equally_and_not_binds_tightest() {
    assert_eq!(printed("ip or tcp and udp"), "(ip or tcp) and udp");
    assert_eq!(printed("not ip or tcp"), "not ip or tcp");
    assert_eq!(printed("not (ip or tcp)"), "not (ip or tcp)");
}

#[test]
fn errors_point_at_the_word_and_say_what_to_do() {
    assert_eq!(
        error("tcp and hots 10.0.0.1"),
        "filter: unknown word `hots`\n  tcp and hots 10.0.0.1\n          ^^^^\ndid you mean `host`?"
    );
    assert_eq!(
        error("port 80 or reason NO_SOKET"),
        "filter: no drop reason of this kernel is named `NO_SOKET`\n  port 80 or reason NO_SOKET\n\
        \x20                   ^^^^^^^^\ndid you mean `NO_SOCKET`?"
    );
    assert_eq!(
        error("ip and"),
        "filter: a word like `host`, `port` or `reason` expected at the end\n  ip and\n        ^"
    );
    assert_eq!(
        error("häst"),
        "filter: unknown word `häst`\n  häst\n  ^^^^\ndid you mean `host`?"
    );
    assert!(error("dst host \\\u{4}\0p").contains("expected, not '\\\\'"));
    assert!(error("80").ends_with("did you mean `port 80`?"));
    assert!(error("10.0.0.1").ends_with("did you mean `host 10.0.0.1`?"));
    assert!(error("stage rx_lokup").ends_with("did you mean `rx_lookup`?"));
    assert!(error("tcp[12] = 1").contains("does not read these bytes"));
    assert!(error("ether host 1:2:3:4:5:6").contains("hardware addresses"));
    assert!(error("port nosuch").contains("/etc/services"));
    let long = error(&"a".repeat(5000));
    assert!(
        long.lines().all(|line| line.chars().count() < 100),
        "{long}"
    );
    assert!(long.contains("a…`\n"), "{long}");
    let long = error(&format!("stage \"{}`\u{1b}[31m b\"", "a".repeat(80)));
    assert!(!long.contains('\u{1b}'), "{long:?}");
    let remedy = error(&format!("netns /run/netns/{}", "n".repeat(80)));
    assert!(remedy.ends_with(&format!("say `netns {}`", "n".repeat(80))));
}

#[test]
fn a_reason_may_have_the_prefix_of_the_kernels_header() {
    for text in [
        "SKB_DROP_REASON_NO_SOCKET",
        "skb_drop_reason_NO_SOCKET",
        "NO_SOCKET",
    ] {
        assert_eq!(printed(&format!("reason {text}")), "reason NO_SOCKET");
    }
    assert_eq!(
        printed("reason SKB_DROP_REASON_"),
        "reason SKB_DROP_REASON_"
    );
    assert!(error("reason SKB_DROP_REASON_NO_SOKET").contains("did you mean `NO_SOCKET`?"));
}

#[test]
fn deep_and_long_filters_are_refused_and_do_not_overflow_the_stack() {
    assert!(error(&"(".repeat(100_000)).contains("more than 64 parentheses"));
    assert!(error(&"not ".repeat(100_000)).contains("more than 64"));
    assert!(error(&format!("ip{}", " or ip".repeat(2000))).contains("more than 1024"));
    printed(&format!("ip{}", " or ip".repeat(1000)));
}

#[test]
fn a_filter_too_large_for_the_kernel_goes_to_user_space_or_says_why_not() {
    let plan = |text: &str| Plan::new(&parse(text, &Fixed::NONE).unwrap().unwrap());
    let hosts = |count: usize, last: &str| {
        let hosts: Vec<_> = (0..count).map(|host| format!("10.0.0.{host}")).collect();
        format!("host {}{last}", hosts.join(" or "))
    };
    let fits = plan(&hosts(63, "")).unwrap();
    assert_eq!((fits.user(), fits.overflow()), (None, None));
    let large = plan(&hosts(64, "")).unwrap();
    assert!(large.kernel().is_none() && large.user().is_some() && large.needs_flows());
    assert!(large.overflow().unwrap().contains("room for 64"));
    let refused = plan(&hosts(64, " or len > 5")).unwrap_err().to_string();
    assert!(
        refused.contains("room for 64") && refused.contains("`len > 5`"),
        "{refused}"
    );
    let mixed = "(port 1 or reason a) and (port 2 or reason b) and (port 3 or reason c) and \
                 (port 4 or reason d)";
    assert_eq!(plan(mixed).unwrap().overflow(), None);
    let five = format!("{mixed} and (port 5 or reason e)");
    assert!(
        plan(&five)
            .unwrap()
            .overflow()
            .unwrap()
            .contains("room for 4")
    );
}

#[test]
fn a_plan_says_what_is_decided_where() {
    let plan = |text: &str| Plan::new(&parse(text, &Fixed::NONE).unwrap().unwrap()).unwrap();
    let both = plan("host 10.0.0.1 and reason no_socket and port 80");
    assert_eq!(both.kernel(), Some("host 10.0.0.1 and port 80"));
    assert_eq!(both.user(), Some("reason no_socket"));
    let user = plan("dev eth* or cpu 3");
    assert_eq!(
        (user.kernel(), user.user()),
        (None, Some("dev eth* or cpu 3"))
    );
    assert_eq!(user.rules().length, 0);
}
