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

    const SNMP: [&str; 2] = [
        include_str!("../../../tests/data/proc/5.10/snmp"),
        include_str!("../../../tests/data/proc/6.18/snmp"),
    ];
    const NETSTAT: [&str; 2] = [
        include_str!("../../../tests/data/proc/5.10/netstat"),
        include_str!("../../../tests/data/proc/6.18/netstat"),
    ];

    #[test]
    fn protocols_of_old_and_new_kernels_are_read_by_name() {
        for text in SNMP {
            let found = two_lines(text);
            assert!(found["Ip.InReceives"] > 0);
            assert!(found.contains_key("UdpLite.InDatagrams"));
            assert!(!found.contains_key("Tcp.MaxConn"), "-1 is no count");
        }
        let [old, new] = NETSTAT.map(two_lines);
        for found in [&old, &new] {
            assert!(found.contains_key("TcpExt.ListenOverflows"));
            assert!(found.contains_key("IpExt.InNoRoutes"));
        }
        assert!(!old.contains_key("TcpExt.TCPAOBad"), "from 6.7 on");
        assert!(new.contains_key("TcpExt.TCPAOBad"));
    }

    #[test]
    fn lines_that_do_not_belong_together_are_left_out() {
        assert_eq!(two_lines("Udp: A B\nTcp: 1 2\n"), Numbers::new());
        let found = two_lines("Udp: A B\nUdp: 1\n");
        assert_eq!(found, Numbers::from([("Udp.A".to_owned(), 1)]));
    }

    #[test]
    fn names_with_a_number_each_are_read() {
        for text in [
            include_str!("../../../tests/data/proc/5.10/snmp6"),
            include_str!("../../../tests/data/proc/6.18/snmp6"),
        ] {
            let found = one_a_line(text);
            assert!(found.contains_key("Ip6InNoRoutes"));
            assert!(found.contains_key("Udp6RcvbufErrors"));
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
    fn tables_of_old_and_new_kernels_are_read_by_their_own_columns() {
        let old = by_cpu(include_str!(
            "../../../tests/data/proc/5.10/stat_nf_conntrack"
        ))
        .unwrap();
        let new = by_cpu(include_str!(
            "../../../tests/data/proc/6.18/stat_nf_conntrack"
        ))
        .unwrap();
        assert!(old.contains_key("delete_list") && !old.contains_key("chainlength"));
        assert!(new.contains_key("chainlength") && !new.contains_key("delete_list"));
        for found in [old, new] {
            assert!(
                ["drop", "early_drop", "insert_failed", "entries"]
                    .iter()
                    .all(|name| found.contains_key(*name))
            );
        }
        for text in [
            include_str!("../../../tests/data/proc/5.10/stat_arp_cache"),
            include_str!("../../../tests/data/proc/6.18/stat_arp_cache"),
        ] {
            let found = by_cpu(text).unwrap();
            assert!(found.contains_key("unresolved_discards"));
            assert!(
                found["entries"] < 100,
                "one table, not the sum of the CPUs' lines"
            );
        }
    }

    #[test]
    fn memory_of_sockets_is_read() {
        for text in [
            include_str!("../../../tests/data/proc/5.10/sockstat"),
            include_str!("../../../tests/data/proc/6.18/sockstat"),
        ] {
            let found = sockstat(text);
            assert!(found.contains_key("sockstat.TCP.mem"));
            assert!(found.contains_key("sockstat.FRAG.memory"));
            assert!(found.contains_key("sockstat.sockets.used"));
        }
    }
}
