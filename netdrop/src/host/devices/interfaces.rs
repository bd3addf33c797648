//! Reading the interfaces of a namespace.

use std::{io, path::PathBuf, thread};

use nix::net::if_::if_nameindex;

use crate::host::netns::{self, Namespaces};

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) index: u32,
    pub(super) name: String,
}

/// The interfaces of a namespace.
pub(super) type Read = io::Result<Vec<Interface>>;

/// Where names come from: the system, or a test.
pub(super) trait Reader: std::fmt::Debug + Send {
    /// The calling thread's namespace.
    fn own(&self) -> Option<u32>;
    /// Namespaces with a name.
    fn named(&self) -> Namespaces;
    /// All namespaces that can be found.
    fn all(&self) -> Namespaces;
    /// Does this process live in this namespace?
    fn lives_in(&self, pid: u32, netns: u32) -> bool;
    /// The interfaces of the calling thread's namespace.
    fn here(&self) -> Read;
    /// The interfaces of other namespaces.
    fn elsewhere(&self, namespaces: Vec<(u32, PathBuf)>) -> Vec<(u32, Read)>;
}

/// The running system.
#[derive(Debug)]
pub(super) struct SystemReader;

impl Reader for SystemReader {
    fn own(&self) -> Option<u32> {
        netns::own().ok()
    }

    fn named(&self) -> Namespaces {
        netns::named()
    }

    fn all(&self) -> Namespaces {
        netns::all()
    }

    fn lives_in(&self, pid: u32, netns: u32) -> bool {
        netns::lives_in(pid, netns)
    }

    fn here(&self) -> Read {
        Ok(if_nameindex()?
            .iter()
            .map(|interface| Interface {
                index: interface.index(),
                name: interface.name().to_string_lossy().into_owned(),
            })
            .collect())
    }

    /// Enters one after the other in a thread of its own, so that the caller
    /// never leaves its namespace.
    fn elsewhere(&self, namespaces: Vec<(u32, PathBuf)>) -> Vec<(u32, Read)> {
        let work = move || -> Vec<(u32, Read)> {
            namespaces
                .into_iter()
                .map(|(netns, path)| {
                    let found = netns::enter(netns, &path).and_then(|()| Self.here());
                    (netns, found)
                })
                .collect()
        };
        thread::Builder::new()
            .name("netns".to_owned())
            .spawn(work)
            .ok()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    }
}
