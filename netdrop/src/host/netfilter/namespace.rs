//! What the files of a namespace tell about its engines.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
    thread,
};

use nix::sched::{CloneFlags, setns};

use super::Engines;
use crate::host::{
    netns::{self, Namespaces},
    pause::Pause,
};

/// Where facts come from: the system, or a test.
pub(super) trait Reader: std::fmt::Debug + Send {
    /// What a namespace uses; `None` when it cannot be read.
    fn read(&mut self, netns: u32) -> Option<Engines>;
}

/// The running system.
#[derive(Debug)]
pub(super) struct SystemReader {
    /// nftables was there at the start.
    nft: bool,
    own: Option<u32>,
    places: Namespaces,
    pause: Pause,
}

impl SystemReader {
    pub(super) fn new(nft: bool) -> Self {
        Self {
            nft,
            own: netns::own().ok(),
            places: Namespaces::new(),
            pause: Pause::default(),
        }
    }

    fn place(&mut self, netns: u32) -> Option<PathBuf> {
        let Self { places, pause, .. } = self;
        if !places.contains_key(&netns) {
            places.extend(netns::named());
        }
        if !places.contains_key(&netns) {
            pause.allow(|| *places = netns::all());
        }
        places.get(&netns).map(|place| place.path.clone())
    }
}

impl Reader for SystemReader {
    fn read(&mut self, netns: u32) -> Option<Engines> {
        let nft = self.nft || fs::exists("/sys/module/nf_tables").unwrap_or(false);
        if self.own == Some(netns) {
            return here(nft);
        }
        let place = self.place(netns)?;
        // On a thread of its own, so that the caller never leaves its namespace.
        let inside = move || {
            let file = File::open(place).ok()?;
            setns(file, CloneFlags::CLONE_NEWNET).ok()?;
            // The path may lead to another namespace by now.
            (netns::own().ok()? == netns).then(|| here(nft)).flatten()
        };
        let found = thread::Builder::new()
            .name("netfilter".to_owned())
            .spawn(inside)
            .ok()
            .and_then(|thread| thread.join().ok())
            .flatten();
        if found.is_none() {
            self.places.remove(&netns);
        }
        found
    }
}

/// The calling thread's namespace.
fn here(nft: bool) -> Option<Engines> {
    let file = |name: &str| optional(fs::read_to_string(format!("/proc/thread-self/net/{name}")));
    let mut xtables = false;
    for name in ["ip_tables_names", "ip6_tables_names", "arp_tables_names"] {
        xtables |= has_tables(&file(name)?);
    }
    let conntrack = file("stat/nf_conntrack")?;
    Some(Engines {
        xtables,
        ipvs: has_services(&file("ip_vs")?),
        conntrack: if conntrack.is_empty() {
            None
        } else {
            Some(dropped(&conntrack)?)
        },
        nft,
    })
}

/// An engine that is not there has no file; one that may not be read is unknown.
fn optional(read: io::Result<String>) -> Option<String> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(String::new()),
        read => read.ok(),
    }
}

/// A line for each table.
fn has_tables(names: &str) -> bool {
    !names.trim().is_empty()
}

/// Three lines of heading, then a line for each service.
fn has_services(services: &str) -> bool {
    services.lines().count() > 3
}

/// Packets dropped, of all CPUs. An entry that is dropped early to make room
/// (`early_drop`) costs no packet. `None` when the file is not as expected.
fn dropped(statistics: &str) -> Option<u64> {
    let mut lines = statistics.lines();
    let columns: Vec<&str> = lines.next()?.split_whitespace().collect();
    let column = |name| columns.iter().position(|column| *column == name);
    let wanted = [column("drop")?, column("insert_failed")?];
    let mut sum = 0;
    for line in lines {
        let values: Vec<&str> = line.split_whitespace().collect();
        for column in wanted {
            sum += u64::from_str_radix(values.get(column)?, 16).ok()?;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From 6.18.
    const STATISTICS: &str = "\
entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
00000002  00000000 00000000 00000000 00000004 00000000 00000000 00000000 00000000 00000001 0000000a 00000007 00000000  00000000 00000000 00000000 00000000
00000002  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000002 00000000 00000000  00000000 00000000 00000000 00000000
";

    #[test]
    fn dropped_packets_are_found_by_their_columns() {
        assert_eq!(dropped(STATISTICS), Some(1 + 10 + 2));
        assert_eq!(dropped(&STATISTICS.replace("insert_failed", "x")), None);
        assert_eq!(dropped(&STATISTICS.replace("0000000a", "?")), None);
    }

    #[test]
    fn tables_and_services_are_what_is_listed() {
        assert!(has_tables("filter\nnat\n"));
        assert!(!has_tables(""));
        let heading = "IP Virtual Server version 1.2.1 (size=4096)\n\
                       Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port …\n";
        assert!(!has_services(heading));
        assert!(has_services(&format!("{heading}TCP  0A630002:0050 rr\n")));
        assert!(!has_services(""));
    }

    #[test]
    fn what_may_not_be_read_is_unknown_and_what_is_not_there_is_empty() {
        let error = |kind: io::ErrorKind| Err(kind.into());
        assert_eq!(
            optional(error(io::ErrorKind::NotFound)).as_deref(),
            Some("")
        );
        assert_eq!(optional(error(io::ErrorKind::PermissionDenied)), None);
    }
}
