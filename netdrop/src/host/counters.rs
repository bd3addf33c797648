//! A snapshot of the kernel's own counters, and of the settings of its network
//! stack.
//!
//! Comes in: `/proc`, `/sys`, netlink and ethtool, as the calling thread's
//! network namespace shows them. Goes out: typed parts, and one flat list of
//! numbers ([`Snapshot::flat`]) in which two snapshots can be compared. What a
//! kernel lacks is absent, never 0; what could not be read is named.

/// A file of `/proc` as each kernel writes it: kernel and text.
#[cfg(test)]
macro_rules! canned {
    ($file:literal) => {
        canned!($file, "5.10", "6.1", "6.12", "6.18", "7.x")
    };
    ($file:literal, $($kernel:literal),+) => {
        [$((
            $kernel,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/data/proc/",
                $kernel,
                "/",
                $file
            )),
        )),+]
    };
}
#[cfg(test)]
pub(super) use canned;

pub mod ethtool;
pub mod interrupts;
pub mod links;
pub mod neighbours;
pub mod qdiscs;
pub mod renewed;
mod scope;
mod settings;
pub mod sockets;
mod table;
pub mod tunables;

mod flat;

use std::{fs, io, path::PathBuf, sync::Arc, thread, time::Instant};

pub(crate) use self::flat::scope_of;
use self::{
    ethtool::Driver, interrupts::Interrupt, links::Link, neighbours::NeighbourTable, qdiscs::Qdisc,
    renewed::Listener, sockets::Socket, table::Numbers, tunables::Tunable,
};
pub use self::{
    flat::{Counter, Kind},
    scope::Scope,
};
use super::{
    netns,
    sockets::holders,
    softnet::{Softnet, SoftnetError},
};

/// What shall be read beside the counters.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// Sysctls and files of `/sys/class/net` by name; `DEV` in it stands for each
    /// device. With none, no other settings are read either.
    pub tunables: Vec<&'a str>,
    /// What drivers say (ethtool), which may take up to a second.
    pub drivers: bool,
    /// Sockets, and the processes that hold those that lose.
    pub sockets: bool,
    /// Only counters of loss and what they need: no tables of neighbours (whose
    /// counters `/proc` has, too), interrupts or settings of drivers. Much of that
    /// waits for a lock that all network devices share.
    pub brief: bool,
    /// The first namespace, where the calling thread is in another: only there
    /// some things of the whole host can be seen.
    pub host: Option<(u32, PathBuf)>,
}

/// What only the first namespace shows.
#[derive(Debug, Default)]
struct OfHost {
    caches: Numbers,
    tunables: Vec<Tunable>,
}

impl OfHost {
    /// As the calling thread sees it.
    fn here(names: &[&str]) -> Self {
        let mut caches = Numbers::new();
        for name in ["rt_cache", "arp_cache", "ndisc_cache"] {
            let text = fs::read_to_string(format!("/proc/thread-self/net/stat/{name}"));
            let found = table::by_cpu(&text.unwrap_or_default()).unwrap_or_default();
            caches.extend(named(name, found));
        }
        Self {
            caches,
            tunables: tunables::of_host(names),
        }
    }

    /// As that namespace shows it, read by a thread that enters it; nothing where
    /// it may not be entered.
    fn of(names: &[&str], host: Option<&(u32, PathBuf)>) -> Self {
        let Some((inode, path)) = host else {
            return Self::here(names);
        };
        thread::scope(|scope| {
            let there = scope.spawn(|| {
                netns::enter(*inode, path)?;
                io::Result::Ok(Self::here(names))
            });
            there.join().ok().and_then(Result::ok).unwrap_or_default()
        })
    }
}

/// Counters and settings at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When the reading began.
    pub taken: Instant,
    /// How long it took: the counters are not of one instant.
    pub skew: std::time::Duration,
    /// The network namespace.
    pub netns: u32,
    /// Seconds since boot.
    pub uptime: Option<u64>,
    /// Counters of protocols (`Udp.NoPorts`, `TcpExt.ListenDrops`,
    /// `Ip6InNoRoutes`, `xfrm.XfrmInError`).
    pub protocols: Numbers,
    /// `sockstat.TCP.mem` and so on: what there is now.
    pub sockstat: Numbers,
    /// Connection tracking (`conntrack.drop`); empty without.
    pub conntrack: Numbers,
    /// The host's caches (`rt_cache.in_martian_src`, `arp_cache.unresolved_discards`),
    /// which only the first namespace shows.
    pub caches: Numbers,
    /// The CPUs' receive work.
    pub softnet: Option<Softnet>,
    /// `NET_RX` and `NET_TX` by CPU.
    pub softirqs: Vec<(&'static str, Vec<(u32, u64)>)>,
    /// Devices.
    pub links: Vec<Link>,
    /// Interrupts of devices, by device.
    pub interrupts: Vec<(Arc<str>, Interrupt)>,
    /// Queueing disciplines.
    pub qdiscs: Vec<Qdisc>,
    /// The host's tables of neighbours.
    pub neighbours: Vec<NeighbourTable>,
    /// What drivers say.
    pub drivers: Vec<Driver>,
    /// Listeners, and sockets with drops.
    pub sockets: Vec<Socket>,
    /// Settings.
    pub tunables: Vec<Tunable>,
    /// What was made anew before it was read, where somebody listened
    /// ([`renewed`]).
    pub marks: Vec<Counter>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Something that is there and could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Snapshot {
    /// Reads everything in the calling thread's namespace. `/sys` must be that
    /// namespace's, too.
    #[must_use]
    pub fn take(wanted: &Wanted<'_>) -> Self {
        Self::after(wanted, None)
    }

    /// The same, with what happened to devices and queueing disciplines since the
    /// listener was asked last.
    #[must_use]
    pub fn after(wanted: &Wanted<'_>, listener: Option<&mut Listener>) -> Self {
        let taken = Instant::now();
        let mut unread = Vec::new();
        let mut file = |path: &str| {
            let text = fs::read_to_string(path);
            text.unwrap_or_else(|error| {
                if error.kind() != io::ErrorKind::NotFound {
                    unread.push(Unread::new(path, &error));
                }
                String::new()
            })
        };
        let net = "/proc/thread-self/net";
        let mut protocols = table::two_lines(&file(&format!("{net}/snmp")));
        protocols.extend(table::two_lines(&file(&format!("{net}/netstat"))));
        protocols.extend(table::one_a_line(&file(&format!("{net}/snmp6"))));
        let xfrm = table::one_a_line(&file(&format!("{net}/xfrm_stat")));
        protocols.extend(named("xfrm", xfrm));
        let mut sockstat = table::sockstat(&file(&format!("{net}/sockstat")));
        sockstat.extend(table::sockstat(&file(&format!("{net}/sockstat6"))));
        let conntrack = table::by_cpu(&file(&format!("{net}/stat/nf_conntrack")));
        let conntrack = named("conntrack", conntrack.unwrap_or_default());
        let of_host = OfHost::of(&wanted.tunables, wanted.host.as_ref());
        let uptime = file("/proc/uptime");
        let uptime = uptime.split('.').next().and_then(|text| text.parse().ok());
        let softirqs = file("/proc/softirqs");
        let softirqs = ["NET_RX", "NET_TX"]
            .into_iter()
            .filter_map(|name| Some((name, interrupts::softirq(&softirqs, name)?)))
            .collect();
        let lines = if wanted.brief {
            Vec::new()
        } else {
            interrupts::interrupts(&file("/proc/interrupts"))
        };
        let softnet = file(&format!("{net}/softnet_stat"));
        let softnet = Softnet::parse(&softnet);
        let mut snapshot = Self {
            taken,
            skew: std::time::Duration::ZERO,
            netns: netns::own().unwrap_or_default(),
            uptime,
            protocols,
            sockstat,
            conntrack,
            caches: of_host.caches,
            softnet: None,
            softirqs,
            links: Vec::new(),
            interrupts: Vec::new(),
            qdiscs: Vec::new(),
            neighbours: Vec::new(),
            drivers: Vec::new(),
            sockets: Vec::new(),
            tunables: of_host.tunables,
            marks: Vec::new(),
            unread,
        };
        snapshot.softnet = snapshot.noted_softnet(softnet);
        snapshot.devices(listener);
        if !wanted.brief {
            snapshot.neighbours = snapshot.noted("neighbour tables", neighbours::read());
        }
        snapshot.interrupts = interrupts::by_device(lines, &snapshot.links);
        snapshot.beside(wanted);
        snapshot.skew = taken.elapsed();
        snapshot
    }

    /// Devices and queueing disciplines, and what was made anew before.
    fn devices(&mut self, mut listener: Option<&mut Listener>) {
        const TRIES: usize = 4;
        for tries in 1..=TRIES {
            let heard = listener.as_mut().map(|listener| {
                listener.listen();
                listener.heard()
            });
            self.links = self.noted("devices", links::read());
            self.qdiscs = self.noted("queueing disciplines", qdiscs::read());
            // What happens while they are read may be in them or not.
            let Some(listener) = &mut listener else { break };
            if !listener.listen() {
                break;
            }
            if tries == TRIES {
                listener.doubt(heard.unwrap_or_default());
            }
        }
        if let Some(listener) = listener {
            self.marks = listener.settle(&self.links, &self.qdiscs);
        }
    }

    fn beside(&mut self, wanted: &Wanted<'_>) {
        let Wanted {
            tunables,
            drivers,
            sockets,
            brief,
            host: _,
        } = wanted;
        if *sockets {
            for (what, found) in [
                ("listeners", sockets::listeners()),
                ("TCP sockets", sockets::connections()),
                ("UDP sockets", sockets::datagrams()),
            ] {
                let found = self.noted(what, found);
                self.sockets.extend(found);
            }
            let asked = self
                .sockets
                .iter()
                .filter(|socket| socket.is_full() || socket.drops.is_some_and(|drops| drops > 0))
                .map(|socket| u64::from(socket.inode))
                .filter(|inode| *inode != 0)
                .collect();
            let mut found = holders(&asked);
            for socket in &mut self.sockets {
                if let Some(held) = found.remove(&socket.inode.into()) {
                    socket.held_by(held);
                }
            }
        }
        self.tunables
            .extend(tunables::of_namespace(tunables, &self.links));
        if let Some(usual) = tunables::nth(&self.tunables, "net.ipv4.tcp_rmem", 1) {
            for socket in &mut self.sockets {
                socket.suppose(usual);
            }
        }
        for link in &self.links {
            self.tunables.extend(tunables::files(tunables, &link.name));
        }
        let settings = !tunables.is_empty();
        if settings {
            let affinities = interrupts::affinities(&self.interrupts);
            self.tunables.extend(affinities);
        }
        if *drivers {
            let devices: Vec<Arc<str>> = self
                .links
                .iter()
                .map(|link| Arc::clone(&link.name))
                .collect();
            let (found, silent) = ethtool::read(&devices, *brief);
            self.drivers = found;
            self.unread.extend(silent.into_iter().map(|device| Unread {
                what: format!("the driver of {device}"),
                why: "it did not answer within a second".to_owned(),
            }));
        }
        if settings && !brief {
            self.tunables.extend(settings::all(self));
        }
    }

    fn noted<T: Default>(&mut self, what: &str, found: io::Result<T>) -> T {
        found.unwrap_or_else(|error| {
            self.unread.push(Unread::new(what, &error));
            T::default()
        })
    }

    fn noted_softnet(&mut self, found: Result<Softnet, SoftnetError>) -> Option<Softnet> {
        found
            .map_err(|error| self.unread.push(Unread::new("softnet_stat", &error)))
            .ok()
    }

    /// Every number, with its scope and name.
    #[must_use]
    pub fn flat(&self) -> Vec<Counter> {
        flat::counters(self)
    }
}

impl Unread {
    fn new(what: &str, why: &dyn std::error::Error) -> Self {
        Self {
            what: what.to_owned(),
            why: why.to_string(),
        }
    }
}

fn named(group: &str, numbers: Numbers) -> Numbers {
    numbers
        .into_iter()
        .map(|(name, number)| (format!("{group}.{name}"), number))
        .collect()
}

/// Appends an attribute to a message under construction.
#[cfg(test)]
fn attribute(to: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).unwrap();
    to.extend(length.to_ne_bytes());
    to.extend(kind.to_ne_bytes());
    to.extend(value);
    to.resize(to.len().next_multiple_of(4), 0);
}
