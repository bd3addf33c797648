//! Names in a filter that stand for numbers.

use std::{
    fs, io,
    net::{IpAddr, ToSocketAddrs as _},
};

use super::tree::Transport;

/// Who knows the names.
pub trait Names {
    /// All addresses of a host.
    ///
    /// # Errors
    ///
    /// When it has none that can be found.
    fn host(&self, name: &str) -> io::Result<Vec<IpAddr>>;

    /// The ports of a service.
    fn service(&self, name: &str) -> Vec<(u16, Transport)>;

    /// The names of all services there are, as far as they are known.
    fn services(&self) -> Vec<String> {
        Vec::new()
    }

    /// The number of an IP protocol.
    fn protocol(&self, name: &str) -> Option<u8>;

    /// All drop reasons there are; `None` when they are not known (yet).
    fn reasons(&self) -> Option<&[String]> {
        None
    }
}

/// This host's names: its resolver, `/etc/services` and `/etc/protocols`.
#[derive(Clone, Debug, Default)]
pub struct System {
    /// Drop reasons of the running kernel, where they are known.
    pub reasons: Option<Vec<String>>,
}

impl Names for System {
    fn host(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut addresses: Vec<_> = (name, 0)
            .to_socket_addrs()?
            .map(|found| found.ip())
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses)
    }

    fn service(&self, name: &str) -> Vec<(u16, Transport)> {
        let table = fs::read_to_string("/etc/services").unwrap_or_default();
        services(&table, name)
    }

    fn services(&self) -> Vec<String> {
        let table = fs::read_to_string("/etc/services").unwrap_or_default();
        let names = lines(&table).flat_map(|(names, _)| names);
        names.map(str::to_owned).collect()
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        let table = fs::read_to_string("/etc/protocols").unwrap_or_default();
        protocol(&table, name)
    }

    fn reasons(&self) -> Option<&[String]> {
        self.reasons.as_deref()
    }
}

/// Lines of such a table: name, value, further names.
fn lines(table: &str) -> impl Iterator<Item = (Vec<&str>, &str)> {
    table.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let name = words.next()?;
        let value = words.next()?;
        Some((std::iter::once(name).chain(words).collect(), value))
    })
}

fn services(table: &str, name: &str) -> Vec<(u16, Transport)> {
    lines(table)
        .filter(|(names, _)| names.contains(&name))
        .filter_map(|(_, value)| {
            let (port, protocol) = value.split_once('/')?;
            let transport = Transport::ALL
                .into_iter()
                .find(|transport| transport.as_str() == protocol)?;
            Some((port.parse().ok()?, transport))
        })
        .collect()
}

fn protocol(table: &str, name: &str) -> Option<u8> {
    lines(table)
        .find(|(names, _)| names.contains(&name))
        .and_then(|(_, value)| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{Transport, protocol, services};

    #[test]
    fn tables_of_services_and_protocols_are_read() {
        let table = "# comment\ndomain\t53/tcp\ndomain 53/udp # both\nhttp 80/tcp www\nx 1/ddp\n";
        assert_eq!(
            services(table, "domain"),
            [(53, Transport::Tcp), (53, Transport::Udp)]
        );
        assert_eq!(services(table, "www"), [(80, Transport::Tcp)]);
        assert_eq!(services(table, "x"), []);
        assert_eq!(
            protocol("ip 0 IP\nipv6-icmp 58 IPv6-ICMP\n", "IPv6-ICMP"),
            Some(58)
        );
        assert_eq!(protocol("", "tcp"), None);
    }
}
