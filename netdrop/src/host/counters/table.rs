//! Files of `/proc/net` that are tables of names and numbers.

use std::collections::BTreeMap;

/// Numbers by name.
pub(super) type Numbers = BTreeMap<String, u64>;

/// Files in which a protocol has two lines, names and numbers (`snmp`,
/// `netstat`): `Udp: InDatagrams NoPorts`, `Udp: 1 25`. The names come out as
/// `Udp.NoPorts`. What is no number (`MaxConn` is -1) is left out.
pub(super) fn two_lines(text: &str) -> Numbers {
    let mut found = Numbers::new();
    let mut lines = text.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let (Some((protocol, names)), Some((same, numbers))) =
            (names.split_once(':'), numbers.split_once(':'))
        else {
            continue;
        };
        if protocol != same {
            continue;
        }
        let pairs = names.split_whitespace().zip(numbers.split_whitespace());
        for (name, number) in pairs {
            if let Ok(number) = number.parse() {
                found.insert(format!("{protocol}.{name}"), number);
            }
        }
    }
    found
}

/// Files with a name and a number on each line (`snmp6`, `xfrm_stat`).
pub(super) fn one_a_line(text: &str) -> Numbers {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
        })
        .collect()
}

/// Files with a line of names and a line of hexadecimal numbers for each CPU
/// (`stat/nf_conntrack`, `stat/arp_cache`): all CPUs together. `entries` is one
/// number, which every line repeats. `None` when a line is not as expected.
pub(super) fn by_cpu(text: &str) -> Option<Numbers> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next()?.split_whitespace().collect();
    let mut found = Numbers::new();
    for line in lines {
        let mut numbers = line.split_whitespace();
        for name in &names {
            let number = u64::from_str_radix(numbers.next()?, 16).ok()?;
            let sum = found.entry((*name).to_owned()).or_default();
            *sum = if *name == "entries" {
                number
            } else {
                sum.wrapping_add(number)
            };
        }
    }
    Some(found)
}

/// `sockstat` and `sockstat6`: `TCP: inuse 3 orphan 0`. The names come out as
/// `sockstat.TCP.inuse`.
pub(super) fn sockstat(text: &str) -> Numbers {
    let mut found = Numbers::new();
    for (group, rest) in text.lines().filter_map(|line| line.split_once(':')) {
        let mut words = rest.split_whitespace();
        while let (Some(name), Some(number)) = (words.next(), words.next()) {
            if let Ok(number) = number.parse() {
                found.insert(format!("sockstat.{group}.{name}"), number);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_of_every_kernel_are_read_by_name() {
        for (kernel, text) in canned!("snmp") {
            let found = two_lines(text);
            assert!(found["Ip.InReceives"] > 0, "{kernel}");
            assert!(found.contains_key("Udp.RcvbufErrors"), "{kernel}");
            assert!(!found.contains_key("Tcp.MaxConn"), "-1 is no count");
            let lite = found.contains_key("UdpLite.InDatagrams");
            assert_eq!(lite, kernel != "7.x", "UDP-Lite went away");
            let memory = found.contains_key("Udp.MemErrors");
            assert_eq!(memory, kernel != "5.10", "from 5.11 on");
        }
        for (kernel, text) in canned!("netstat") {
            let found = two_lines(text);
            for name in [
                "TcpExt.ListenOverflows",
                "TcpExt.TCPRcvQDrop",
                "TcpExt.TCPReqQFullDrop",
                "TcpExt.IPReversePathFilter",
                "IpExt.InNoRoutes",
            ] {
                assert!(found.contains_key(name), "{kernel} {name}");
            }
            let authenticated = found.contains_key("TcpExt.TCPAOBad");
            assert_eq!(authenticated, !["5.10", "6.1"].contains(&kernel), "6.7");
        }
    }

    #[test]
    fn lines_that_do_not_belong_together_are_left_out() {
        assert_eq!(two_lines("Udp: A B\nTcp: 1 2\n"), Numbers::new());
        let found = two_lines("Udp: A B\nUdp: 1\n");
        assert_eq!(found, Numbers::from([("Udp.A".to_owned(), 1)]));
    }

    #[test]
    fn names_with_a_number_each_are_read() {
        for (kernel, text) in canned!("snmp6") {
            let found = one_a_line(text);
            assert!(found.contains_key("Ip6InReceives"), "{kernel}");
            assert!(found.contains_key("Ip6ReasmFails"), "{kernel}");
            assert!(found.contains_key("Udp6RcvbufErrors"), "{kernel}");
        }
        for (kernel, text) in canned!("xfrm_stat") {
            let found = one_a_line(text);
            assert_eq!(found.len(), text.lines().count(), "{kernel}");
            assert!(found.contains_key("XfrmInNoStates"), "{kernel}");
        }
        assert_eq!(one_a_line("A \t 7\nB x\n\n").len(), 1);
    }

    #[test]
    fn cpus_are_added_up_but_their_common_table_is_not() {
        let text =
            "entries  drop insert_failed\n00000005 0000000a 00000001\n00000005 00000001 00000000\n";
        let found = by_cpu(text).unwrap();
        assert_eq!(found["entries"], 5);
        assert_eq!(found["drop"], 11);
        assert_eq!(found["insert_failed"], 1);
        assert_eq!(by_cpu("a b\n1\n"), None);
        assert_eq!(by_cpu(""), None);
    }

    #[test]
    fn tables_of_every_kernel_are_read_by_their_own_columns() {
        for (kernel, text) in canned!("stat_nf_conntrack") {
            let found = by_cpu(text).unwrap();
            let old = found.contains_key("delete_list");
            assert_eq!(old, kernel == "5.10");
            assert_eq!(found.contains_key("chainlength"), !old);
            for name in ["drop", "early_drop", "insert_failed", "entries"] {
                assert!(found.contains_key(name), "{kernel} {name}");
            }
        }
        for file in [canned!("stat_arp_cache"), canned!("stat_rt_cache")] {
            for (kernel, text) in file {
                let found = by_cpu(text).unwrap();
                assert!(
                    found["entries"] < 100,
                    "{kernel}: one table, not the sum of the CPUs' lines"
                );
                let arp = found.contains_key("unresolved_discards");
                assert_ne!(arp, found.contains_key("in_martian_src"), "{kernel}");
            }
        }
    }

    #[test]
    fn memory_of_sockets_is_read() {
        for (kernel, text) in canned!("sockstat") {
            let found = sockstat(text);
            for name in ["TCP.mem", "UDP.mem", "FRAG.memory", "sockets.used"] {
                let name = format!("sockstat.{name}");
                assert!(found.contains_key(&name), "{kernel} {name}");
            }
        }
        for (kernel, text) in canned!("sockstat6") {
            assert_eq!(sockstat(text)["sockstat.FRAG6.memory"], 0, "{kernel}");
        }
    }
}
