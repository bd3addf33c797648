//! Which addresses belong to a network namespace.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::IpAddr,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use nix::ifaddrs::getifaddrs;

use super::netns;

/// Shortest time between two readings of one namespace.
const PAUSE: Duration = Duration::from_secs(1);

/// Most namespaces remembered; beyond it the memory starts afresh.
const MOST_NAMESPACES: usize = 4096;

/// The addresses of namespaces, remembered: those of a namespace that is gone
/// stay, so that past drops can be told about.
#[derive(Debug)]
pub struct Addresses {
    own: Option<u32>,
    seen: HashMap<u32, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// `None` until they were read once.
    addresses: Option<HashSet<IpAddr>>,
    read: Option<Instant>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self::new()
    }
}

impl Addresses {
    /// Nothing is read before it is asked for.
    #[must_use]
    pub fn new() -> Self {
        Self {
            own: netns::own().ok(),
            seen: HashMap::new(),
        }
    }

    /// Is this an address of the namespace's own? A loopback address always is.
    /// `None` when that is not known: for the unknown namespace 0, and for one
    /// that is gone or may not be entered.
    ///
    /// Reads the addresses again once they are older than a second; `place`
    /// tells where another namespace can be entered, which needs `CAP_SYS_ADMIN`.
    pub fn is_local(
        &mut self,
        netns: u32,
        address: IpAddr,
        place: impl FnOnce() -> Option<PathBuf>,
    ) -> Option<bool> {
        if netns == 0 {
            return None;
        }
        let Self { own, seen } = self;
        if seen.len() > MOST_NAMESPACES {
            seen.clear();
        }
        let Seen { addresses, read } = seen.entry(netns).or_default();
        if read.is_none_or(|read| read.elapsed() >= PAUSE) {
            *read = Some(Instant::now());
            let found = if *own == Some(netns) {
                local().ok()
            } else {
                place().and_then(|path| elsewhere(netns, path).ok())
            };
            if found.is_some() {
                *addresses = found;
            }
        }
        let addresses = addresses.as_ref()?;
        Some(address.is_loopback() || addresses.contains(&address))
    }
}

/// The addresses of the calling thread's namespace.
fn local() -> io::Result<HashSet<IpAddr>> {
    Ok(getifaddrs()?
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| v4.ip().into());
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| v6.ip().into()))
        })
        .collect())
}

/// Enters in a thread of its own, so that the caller never leaves its namespace.
fn elsewhere(netns: u32, path: PathBuf) -> io::Result<HashSet<IpAddr>> {
    thread::Builder::new()
        .name("netns".to_owned())
        .spawn(move || {
            netns::enter(netns, &path)?;
            local()
        })?
        .join()
        .unwrap_or_else(|_| {
            Err(io::Error::other(
                "the thread in another namespace ended early",
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_address_is_local_and_a_documentation_address_is_not() {
        let own = netns::own().unwrap();
        let mut addresses = Addresses::new();
        let mut ask =
            |netns, address: &str| addresses.is_local(netns, address.parse().unwrap(), || None);
        assert_eq!(ask(own, "127.0.0.9"), Some(true));
        assert_eq!(ask(own, "::1"), Some(true));
        assert_eq!(ask(own, "192.0.2.77"), Some(false));
        assert_eq!(ask(0, "127.0.0.1"), None);
        assert_eq!(ask(own.wrapping_add(1), "127.0.0.1"), None);
        let found = local().unwrap();
        for address in found {
            assert_eq!(ask(own, &address.to_string()), Some(true));
        }
    }
}
