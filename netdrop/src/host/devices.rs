//! Names of network devices, in any namespace.

mod interfaces;

use std::{
    collections::{HashMap, HashSet},
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use self::interfaces::{Interface, Read, Reader, SystemReader};
use super::netns::{Identity, Namespace, Namespaces, NetnsKind};

/// Shortest time between two readings of one namespace, and between two
/// searches for namespaces.
const PAUSE: Duration = Duration::from_secs(1);

/// A search looks at every process: the pause after one is at least this many
/// times as long as it took, so that it stays below 2 % of one CPU.
const PAUSE_BY_COST: u32 = 50;

/// Most namespaces remembered; beyond it those that are gone are forgotten.
const MOST_NAMESPACES: usize = 4096;

/// The names of all devices there are; `None` when not all namespaces can be
/// entered (those of others need `CAP_SYS_ADMIN`).
#[must_use]
pub fn every_name() -> Option<Vec<String>> {
    let reader = SystemReader;
    let own = reader.own();
    let others = reader.all().into_iter();
    let others = others.filter(|(netns, _)| Some(*netns) != own);
    let elsewhere = reader.elsewhere(others.map(|(netns, at)| (netns, at.path)).collect());
    let reads = std::iter::once(reader.here());
    let reads = reads.chain(elsewhere.into_iter().map(|(_, read)| read));
    let mut names = Vec::new();
    for read in reads {
        match read {
            Ok(found) => names.extend(found.into_iter().map(|interface| interface.name)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return None,
            // It is gone by now.
            Err(_) => {}
        }
    }
    Some(names)
}

/// Device and namespace names, remembered: a device that was renamed or is
/// gone keeps the name it had until a new one is seen, so that past drops can
/// be named.
#[derive(Debug)]
pub struct Devices {
    own: Option<u32>,
    seen: HashMap<u32, Seen>,
    /// Where to enter the namespaces that were there at the last look.
    places: Namespaces,
    /// Names of namespaces; those of namespaces that are gone stay.
    namespaces: HashMap<u32, Identity>,
    /// Namespaces whose names were asked for since the last refresh.
    asked: HashSet<u32>,
    searched: Option<Instant>,
    search_pause: Duration,
    warning: Option<String>,
    warned: bool,
    reader: Box<dyn Reader>,
}

/// A namespace in which a device was asked for.
#[derive(Debug, Default)]
struct Seen {
    names: HashMap<u32, Arc<str>>,
    read: Option<Instant>,
    /// Asked for since the last refresh.
    asked: bool,
}

impl Default for Devices {
    fn default() -> Self {
        Self::new()
    }
}

impl Devices {
    /// Nothing is read before it is asked for.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Box::new(SystemReader))
    }

    fn with(reader: Box<dyn Reader>) -> Self {
        Self {
            own: reader.own(),
            seen: HashMap::new(),
            places: Namespaces::new(),
            namespaces: HashMap::new(),
            asked: HashSet::new(),
            searched: None,
            search_pause: PAUSE,
            warning: None,
            warned: false,
            reader,
        }
    }

    /// The name of a device as the kernel has it (not escaped): the last one
    /// known. `None` for the unknown namespace 0, and for a namespace that is
    /// gone or may not be entered.
    ///
    /// A device not known yet makes its namespace be read, at most once a
    /// second; other namespaces than one's own need `CAP_SYS_ADMIN`.
    pub fn name(&mut self, netns: u32, ifindex: u32) -> Option<Arc<str>> {
        if netns == 0 || ifindex == 0 {
            return None;
        }
        let seen = self.seen.entry(netns).or_default();
        seen.asked = true;
        if let Some(name) = seen.names.get(&ifindex) {
            return Some(Arc::clone(name));
        }
        if !is_due(seen.read, PAUSE) {
            return None;
        }
        self.read(&[netns]);
        self.seen.get(&netns)?.names.get(&ifindex).cloned()
    }

    /// A namespace's name; the last one known.
    #[must_use]
    pub fn netns_name(&mut self, netns: u32) -> Option<Identity> {
        if netns == 0 {
            return None;
        }
        self.asked.insert(netns);
        self.find(netns);
        self.namespaces.get(&netns).cloned()
    }

    /// Where a namespace can be entered, if it is known to be there.
    pub fn place(&mut self, netns: u32) -> Option<&Namespace> {
        if netns == 0 {
            return None;
        }
        self.find(netns);
        self.places.get(&netns)
    }

    /// Is this the namespace that netdrop runs in?
    #[must_use]
    pub fn is_own(&self, netns: u32) -> bool {
        self.own == Some(netns)
    }

    /// Call this at the end of an interval: reads the namespaces asked for in
    /// it again, to notice renamed devices and new names of namespaces.
    pub fn refresh(&mut self) {
        let named = self.reader.named();
        self.forget_deserted(&named);
        self.add_places(named);
        let due: Vec<u32> = self
            .seen
            .iter_mut()
            .filter_map(|(&netns, seen)| {
                let due = seen.asked && is_due(seen.read, PAUSE);
                seen.asked &= !due;
                due.then_some(netns)
            })
            .collect();
        self.read(&due);
        if self.seen.len().max(self.namespaces.len()) > MOST_NAMESPACES {
            let here = self.reader.all();
            self.seen.retain(|netns, _| here.contains_key(netns));
            self.namespaces.retain(|netns, _| here.contains_key(netns));
            self.places = here;
        }
    }

    /// Why names of other namespaces are missing; told once.
    pub fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn read(&mut self, namespaces: &[u32]) {
        let now = Instant::now();
        let mut others: Vec<(u32, PathBuf)> = Vec::new();
        for &netns in namespaces {
            self.seen.entry(netns).or_default().read = Some(now);
            if self.own == Some(netns) {
                let found = self.reader.here();
                self.learn(netns, found);
                continue;
            }
            self.find(netns);
            if let Some(place) = self.places.get(&netns) {
                others.push((netns, place.path.clone()));
            }
        }
        if others.is_empty() {
            return;
        }
        for (netns, found) in self.reader.elsewhere(others) {
            self.learn(netns, found);
        }
    }

    fn learn(&mut self, netns: u32, found: Read) {
        match found {
            Ok(interfaces) => {
                let names = &mut self.seen.entry(netns).or_default().names;
                for Interface { index, name } in interfaces {
                    // Most have not changed: keep the string that is shared.
                    if names.get(&index).is_none_or(|known| **known != *name) {
                        names.insert(index, name.into());
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                if !std::mem::replace(&mut self.warned, true) {
                    self.warning = Some(format!(
                        "cannot enter network namespace {netns}: {error}; devices of other \
                         namespaces are shown by number; run with sudo or with CAP_SYS_ADMIN"
                    ));
                }
            }
            // The namespace is gone, or the process that led to it.
            Err(_) => {
                self.places.remove(&netns);
            }
        }
    }

    /// Makes sure that a namespace's place is known, if it has one.
    fn find(&mut self, netns: u32) {
        if self.places.contains_key(&netns) || !is_due(self.searched, self.search_pause) {
            return;
        }
        let start = Instant::now();
        let all = self.reader.all();
        self.add_places(all);
        self.searched = Some(start);
        self.search_pause = PAUSE.max(start.elapsed() * PAUSE_BY_COST);
    }

    /// Namespaces whose name was taken away, or that were named by a process that
    /// has left, are searched for again when they are next asked for: their
    /// number may be another one's by then.
    fn forget_deserted(&mut self, named: &Namespaces) {
        let Self {
            asked,
            places,
            reader,
            ..
        } = self;
        for netns in asked.drain() {
            let Some(identity) = places.get(&netns).and_then(|place| place.identity.as_ref())
            else {
                continue;
            };
            let unnamed = identity.kind == NetnsKind::Named && !named.contains_key(&netns);
            let deserted = |pid| !reader.lives_in(pid, netns);
            if unnamed || identity.process.is_some_and(deserted) {
                places.remove(&netns);
            }
        }
    }

    fn add_places(&mut self, found: Namespaces) {
        for (inode, place) in found {
            // Inode numbers are used again: what is there now counts.
            match &place.identity {
                Some(identity) => self.namespaces.insert(inode, identity.clone()),
                None => self.namespaces.remove(&inode),
            };
            self.places.insert(inode, place);
        }
    }
}

fn is_due(last: Option<Instant>, pause: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= pause)
}

#[cfg(test)]
mod tests;
