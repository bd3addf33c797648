//! The kernel's own counters, each as a named reading that can be taken twice.

use std::{cell::Cell, fs};

use anyhow::{Context as _, Result};

use crate::{lab::Namespace, sys::FrameSocket};

/// What netdrop calls a counter.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Name and inode; `None` for what all share.
    pub(crate) namespace: Option<(String, u32)>,
    /// How its scope begins.
    pub(crate) scope: String,
    pub(crate) name: String,
}

/// A counter of the kernel that never falls.
pub(crate) struct Counter<'a> {
    pub(crate) name: String,
    /// As netdrop names it.
    pub(crate) place: Option<Place>,
    read: Box<dyn Fn() -> Result<u64> + 'a>,
}

impl<'a> Counter<'a> {
    pub(crate) fn new(name: impl Into<String>, read: impl Fn() -> Result<u64> + 'a) -> Self {
        Self {
            name: name.into(),
            place: None,
            read: Box::new(read),
        }
    }

    /// netdrop has it under this name, and a scope that begins like this.
    fn known(
        self,
        namespace: Option<&Namespace>,
        scope: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        let namespace = namespace.map(|namespace| (namespace.name().to_owned(), namespace.inode()));
        Self {
            place: Some(Place {
                namespace,
                scope: scope.into(),
                name: name.into(),
            }),
            ..self
        }
    }

    /// The value now.
    pub(crate) fn read(&self) -> Result<u64> {
        (self.read)().with_context(|| format!("cannot read {}", self.name))
    }

    /// A field of /proc/net/snmp or /proc/net/netstat, like `Udp.NoPorts`.
    pub(crate) fn snmp(namespace: &'a Namespace, name: &'static str) -> Self {
        Self::new(name, || {
            let (protocol, field) = name.split_once('.').context("no dot in the name")?;
            let read = |file: &str| fs::read_to_string(format!("/proc/thread-self/net/{file}"));
            let text = namespace.inside(|| Ok(read("snmp")? + &read("netstat")?))?;
            snmp_field(&text, protocol, field).context("no such counter")
        })
        .known(Some(namespace), "netns", name)
    }

    /// A field of /proc/net/snmp6, like `Udp6NoPorts`.
    pub(crate) fn snmp6(namespace: &'a Namespace, name: &'static str) -> Self {
        Self::new(name, || {
            let text =
                namespace.inside(|| Ok(fs::read_to_string("/proc/thread-self/net/snmp6")?))?;
            let line = text
                .lines()
                .find(|line| line.split_whitespace().next() == Some(name));
            number(line.and_then(|line| line.split_whitespace().nth(1)))
        })
        .known(Some(namespace), "netns", name)
    }

    /// Received packets that a device's statistics call dropped.
    pub(crate) fn rx_dropped(namespace: &'a Namespace, device: &'static str) -> Self {
        Self::new(format!("{device} rx_dropped"), move || {
            let text = namespace.inside(|| Ok(fs::read_to_string("/proc/thread-self/net/dev")?))?;
            let line = text
                .lines()
                .find_map(|line| line.trim().strip_prefix(device));
            let fields = line
                .and_then(|line| line.strip_prefix(':'))
                .context("no such device")?;
            number(fields.split_whitespace().nth(3))
        })
        .known(Some(namespace), device, "link.rx_dropped")
    }

    /// A device's statistics by their name in sysfs, like `tx_dropped`.
    pub(crate) fn link(namespace: &'a Namespace, device: &'static str, name: &'static str) -> Self {
        Self::new(format!("{device} {name}"), move || {
            let text = namespace.run("ip", &format!("-s -s -j link show dev {device}"))?;
            let links: serde_json::Value = serde_json::from_str(&text)?;
            let (way, field) = name.split_once('_').context("no _ in the name")?;
            links[0]["stats64"][way][field]
                .as_u64()
                .context("no such counter")
        })
        .known(Some(namespace), device, format!("link.{name}"))
    }

    /// The packets of all rules with `counter` in a namespace's nftables.
    pub(crate) fn nft(namespace: &'a Namespace) -> Self {
        Self::new("nft rule counters", || {
            let ruleset = namespace.run("nft", "list ruleset")?;
            let counters = ruleset.split("counter packets ").skip(1);
            counters.map(|rest| number(rest.split(' ').next())).sum()
        })
    }

    /// The packets of the first rule of an xtables chain.
    pub(crate) fn xtables(
        namespace: &'a Namespace,
        program: &'static str,
        table: &str,
        chain: &str,
    ) -> Self {
        let arguments = format!("-w -v -x -n -t {table} -L {chain}");
        Self::new(format!("{program} {chain} rule counter"), move || {
            let list = namespace.run(program, &arguments)?;
            number(
                list.lines()
                    .nth(2)
                    .and_then(|rule| rule.split_whitespace().next()),
            )
        })
    }

    /// The drops of a device's root qdisc.
    pub(crate) fn qdisc(namespace: &'a Namespace, device: &'static str) -> Self {
        Self::new(format!("tc drops of {device}"), move || {
            let list = namespace.run("tc", &format!("-s qdisc show dev {device}"))?;
            number_after(&list, "(dropped ")
        })
        .known(Some(namespace), format!("{device} qdisc "), "qdisc.drops")
    }

    /// Frames that a packet socket had no room for.
    pub(crate) fn packet_socket(socket: &'a FrameSocket) -> Self {
        let sum = Cell::new(0);
        Self::new("tp_drops of a packet socket", move || {
            sum.set(sum.get() + socket.lost()?);
            Ok(sum.get())
        })
    }

    /// What connection tracking counts, by its column in /proc/net/stat.
    pub(crate) fn conntrack(namespace: &'a Namespace, name: &'static str) -> Self {
        Self::new(format!("conntrack {name}"), move || {
            let file = "/proc/thread-self/net/stat/nf_conntrack";
            column(&namespace.inside(|| Ok(fs::read_to_string(file)?))?, name)
        })
        .known(Some(namespace), "netns", format!("conntrack.{name}"))
    }

    /// What a driver counts, by its name in `ethtool -S`.
    pub(crate) fn driver(
        namespace: &'a Namespace,
        device: &'static str,
        name: &'static str,
    ) -> Self {
        Self::new(format!("{device} {name}"), move || {
            let list = namespace.run("ethtool", &format!("-S {device}"))?;
            let mut lines = list.lines().filter_map(|line| line.trim().split_once(": "));
            number(
                lines
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| value),
            )
        })
        .known(Some(namespace), device, format!("driver.{name}"))
    }

    /// Packets that did not fit the queue of an unresolved neighbour, on the whole
    /// host.
    pub(crate) fn unresolved() -> Counter<'static> {
        Counter::new("arp_cache unresolved_discards", || {
            let text = fs::read_to_string("/proc/net/stat/arp_cache")?;
            column(&text, "unresolved_discards")
        })
        .known(None, "host", "arp_cache.unresolved_discards")
    }

    /// Packets that the CPUs' backlogs had no room for, on the whole host.
    pub(crate) fn backlog() -> Counter<'static> {
        Counter::new("softnet_stat dropped", || {
            fs::read_to_string("/proc/net/softnet_stat")?
                .lines()
                .map(|line| {
                    let dropped = line.split_whitespace().nth(1).context("too few columns")?;
                    Ok(u64::from_str_radix(dropped, 16)?)
                })
                .sum()
        })
        .known(None, "host", "softnet.dropped")
    }
}

fn number(text: Option<&str>) -> Result<u64> {
    Ok(text.context("no such field")?.parse()?)
}

fn number_after(text: &str, label: &str) -> Result<u64> {
    let (_, rest) = text
        .split_once(label)
        .with_context(|| format!("no {label:?} in {text:?}"))?;
    number(rest.split(|c: char| !c.is_ascii_digit()).next())
}

/// Names, then a line of hexadecimal numbers for each CPU.
fn column(text: &str, name: &str) -> Result<u64> {
    let mut lines = text.lines().map(|line| line.split_whitespace());
    let mut names = lines.next().context("empty")?;
    let column = names.position(|known| known == name);
    let column = column.context("no such column")?;
    let numbers = lines.map(|mut line| {
        let number = line.nth(column).context("too few columns")?;
        Ok(u64::from_str_radix(number, 16)?)
    });
    numbers.sum()
}

/// Two lines a protocol: `Udp: InDatagrams NoPorts …`, `Udp: 1 2 …`.
fn snmp_field(text: &str, protocol: &str, field: &str) -> Option<u64> {
    let mut lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(protocol)?.strip_prefix(": "));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs.find(|(name, _)| *name == field)?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snmp_fields_are_found_by_name() {
        let text =
            "Udp: InDatagrams NoPorts\nUdp: 1 25\nUdpLite: InDatagrams NoPorts\nUdpLite: 3 4\n";
        assert_eq!(snmp_field(text, "Udp", "NoPorts"), Some(25));
        assert_eq!(snmp_field(text, "UdpLite", "InDatagrams"), Some(3));
        assert_eq!(snmp_field(text, "Udp", "Nothing"), None);
    }

    #[test]
    fn the_number_after_a_label_is_read() {
        assert_eq!(
            number_after("a (dropped 17, overlimits 3)", "(dropped ").unwrap(),
            17
        );
        assert!(number_after("nothing", "(dropped ").is_err());
    }
}
