//! The network namespaces of this host.

use std::{
    collections::HashMap,
    fs, io,
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use nix::sched::{CloneFlags, setns};

mod identity;

pub use self::identity::{Identity, NetnsKind};
use crate::kernel::sys::namespace;

/// Where `ip netns` keeps its namespaces, by name.
const NAMED: &str = "/run/netns";

/// Where container engines keep theirs. Their file names are made up, so they
/// give a path but no name.
const UNNAMED: [&str; 1] = ["/run/docker/netns"];

/// A network namespace and how to get at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Its name, if one can be found.
    pub identity: Option<Identity>,
    /// A file to open for `setns`; it may be gone by then.
    pub path: PathBuf,
}

/// Namespaces by inode number (`net.ns.inum`, as in `readlink
/// /proc/self/ns/net`).
pub type Namespaces = HashMap<u32, Namespace>;

/// The namespace of the calling thread.
///
/// # Errors
///
/// When `/proc` cannot be read.
pub fn own() -> io::Result<u32> {
    inode(&fs::metadata("/proc/thread-self/ns/net")?)
        .ok_or_else(|| io::Error::other("the inode of /proc/thread-self/ns/net has over 32 bits"))
}

/// Moves the calling thread into a namespace: one of its own, which ends there.
///
/// # Errors
///
/// When it is gone, or may not be entered (`CAP_SYS_ADMIN`).
pub fn enter(inode: u32, path: &Path) -> io::Result<()> {
    setns(fs::File::open(path)?, CloneFlags::CLONE_NEWNET)?;
    // The path may lead to another namespace by now.
    if own()? == inode {
        Ok(())
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// The namespaces with a name: cheap, one file each.
#[must_use]
pub fn named() -> Namespaces {
    let mut found = Namespaces::new();
    add_files(&mut found, Path::new(NAMED), true);
    found
}

/// Every namespace that has a name, a process or a container engine's file.
/// One look at each process: some 5 µs each, and 10 more for those in a
/// namespace that no name or container is known of yet.
///
/// What may not be seen is left out: processes of others need
/// `CAP_SYS_PTRACE`.
#[must_use]
pub fn all() -> Namespaces {
    let mut found = named();
    for folder in UNNAMED {
        add_files(&mut found, Path::new(folder), false);
    }
    add_processes(&mut found, Path::new("/proc"));
    found
}

fn add_files(found: &mut Namespaces, folder: &Path, named: bool) {
    let Some(kind) = filesystem_of_namespaces() else {
        return;
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        // A file over which no namespace is mounted (any more).
        if metadata.dev() != kind {
            continue;
        }
        let name = || Identity::named(&entry.file_name().to_string_lossy());
        if let Some(inode) = inode(&metadata) {
            found.entry(inode).or_insert_with(|| Namespace {
                identity: named.then(name),
                path,
            });
        }
    }
}

fn add_processes(found: &mut Namespaces, proc: &Path) {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let mut processes: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    // The oldest, mostly the one that the others come from, gives its name.
    processes.sort_unstable();
    let host = host(proc);
    for pid in processes {
        let folder = proc.join(pid.to_string());
        let path = folder.join("ns/net");
        let Some(inode) = inode_of(&path) else {
            continue;
        };
        let namespace = found.entry(inode).or_insert(Namespace {
            identity: None,
            path,
        });
        let better = match &namespace.identity {
            None if host == Some(inode) => Some(Identity::host()),
            None => Identity::of_process(pid, &folder),
            Some(known) if known.kind == NetnsKind::Process => Identity::of_container(pid, &folder),
            Some(_) => continue,
        };
        namespace.identity = better.or(namespace.identity.take());
    }
}

/// The initial namespace, where it can be told and is seen.
#[must_use]
pub fn initial() -> Option<(u32, PathBuf)> {
    let inode = host(Path::new("/proc"))?;
    Some((inode, PathBuf::from("/proc/2/ns/net")))
}

/// The initial namespace, where it can be told.
fn host(proc: &Path) -> Option<u32> {
    let kthreadd = proc.join("2");
    identity::is_kernel_thread(&kthreadd)
        .then(|| inode_of(&kthreadd.join("ns/net")))
        .flatten()
}

/// The namespace of a process.
///
/// # Errors
///
/// When the process is gone or may not be looked at (`CAP_SYS_PTRACE`).
pub fn of(pid: u32) -> io::Result<u32> {
    inode(&fs::metadata(format!("/proc/{pid}/ns/net"))?)
        .ok_or_else(|| io::Error::other("the inode of a network namespace has over 32 bits"))
}

/// The namespace that a file stands for.
///
/// # Errors
///
/// When the file cannot be opened, or stands for something else.
pub fn at(path: &Path) -> io::Result<u32> {
    let elsewhere = || io::Error::other("it stands for something else");
    if Some(fs::metadata(path)?.dev()) != filesystem_of_namespaces() {
        return Err(elsewhere());
    }
    let file = fs::File::open(path)?;
    // Other kinds of namespaces live there, too.
    if !namespace::is_net(file.as_fd())? {
        return Err(elsewhere());
    }
    inode(&file.metadata()?)
        .ok_or_else(|| io::Error::other("the inode of a network namespace has over 32 bits"))
}

/// Does this process still live in this namespace?
#[must_use]
pub fn lives_in(pid: u32, netns: u32) -> bool {
    inode_of(&PathBuf::from(format!("/proc/{pid}/ns/net"))) == Some(netns)
}

fn inode_of(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().as_ref().and_then(inode)
}

/// The device number of the file system that namespaces live on.
fn filesystem_of_namespaces() -> Option<u64> {
    fs::metadata("/proc/self/ns/net")
        .ok()
        .map(|metadata| metadata.dev())
}

fn inode(metadata: &fs::Metadata) -> Option<u32> {
    u32::try_from(metadata.ino()).ok()
}
