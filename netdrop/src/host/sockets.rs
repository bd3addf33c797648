//! Which process holds a socket.

use std::{
    collections::{HashMap, HashSet},
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::pause::Pause;

/// A search through the processes' open files stops after so long and goes on
/// from there the next time.
const LONGEST_SEARCH: Duration = Duration::from_millis(100);

/// Sockets remembered; beyond it the memory starts afresh.
const MOST_SOCKETS: usize = 65_536;

/// How long a holder is believed without looking.
const BELIEVED: Duration = Duration::from_secs(1);

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its command (not escaped).
    pub command: Arc<str>,
}

/// Sockets and who holds them, remembered.
#[derive(Debug)]
pub struct Sockets {
    proc: PathBuf,
    known: HashMap<u64, Known>,
    pause: Pause,
    /// Where the next search goes on.
    from: u32,
}

#[derive(Debug)]
struct Known {
    holder: Holder,
    /// The open file.
    file: PathBuf,
    looked: Instant,
}

impl Default for Sockets {
    fn default() -> Self {
        Self::of(PathBuf::from("/proc"))
    }
}

impl Sockets {
    fn of(proc: PathBuf) -> Self {
        Self {
            proc,
            known: HashMap::new(),
            pause: Pause::default(),
            from: 0,
        }
    }

    /// The process that holds the socket with this inode number: the first one
    /// found where several do. `None` when nobody does (any more), or the
    /// search has not come to it yet.
    ///
    /// Files of other users' processes need `CAP_DAC_READ_SEARCH` and
    /// `CAP_SYS_PTRACE`.
    pub fn holder(&mut self, inode: u64) -> Option<Holder> {
        if let Some(known) = self.known.get_mut(&inode) {
            if known.looked.elapsed() < BELIEVED {
                return Some(known.holder.clone());
            }
            if socket(&known.file) == Some(inode) {
                known.looked = Instant::now();
                return Some(known.holder.clone());
            }
            self.known.remove(&inode);
        }
        let Self {
            proc,
            known,
            pause,
            from,
        } = self;
        pause.allow(|| *from = search(proc, *from, known));
        self.known.get(&inode).map(|known| known.holder.clone())
    }
}

/// How long one search for the holders of sockets may take.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// A process that holds a socket, and its number for it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) holder: Holder,
    pub(super) descriptor: Option<u32>,
}

/// The processes that hold these sockets, by inode number, looked up at once:
/// the first one found for each. Needs the same rights as [`Sockets::holder`].
pub(super) fn holders(inodes: &HashSet<u64>) -> HashMap<u64, Held> {
    let start = Instant::now();
    let mut known = HashMap::new();
    let mut from = Some(0).filter(|_| !inodes.is_empty());
    let mut found = HashMap::new();
    while let Some(pid) = from {
        let next = search(Path::new("/proc"), pid, &mut known);
        for (inode, Known { holder, file, .. }) in known.drain() {
            if inodes.contains(&inode) {
                let number = file
                    .file_name()
                    .and_then(|name| name.to_str()?.parse().ok());
                found.entry(inode).or_insert(Held {
                    holder,
                    descriptor: number,
                });
            }
        }
        let done = next == 0 || found.len() == inodes.len() || start.elapsed() > LONGEST_LOOK;
        from = (!done).then_some(next);
    }
    found
}

/// Learns the sockets of the processes from a number on, and returns where to
/// go on: 0 at the end.
fn search(proc: &Path, from: u32, known: &mut HashMap<u64, Known>) -> u32 {
    let start = Instant::now();
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let mut processes: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid >= from)
        .collect();
    processes.sort_unstable();
    for pid in processes {
        if start.elapsed() > LONGEST_SEARCH {
            return pid;
        }
        if known.len() >= MOST_SOCKETS {
            known.clear();
        }
        learn(pid, &proc.join(pid.to_string()), known);
    }
    0
}

fn learn(pid: u32, folder: &Path, known: &mut HashMap<u64, Known>) {
    let mut holder = None;
    let files = fs::read_dir(folder.join("fd")).into_iter().flatten();
    for file in files.flatten() {
        let file = file.path();
        let Some(inode) = socket(&file) else {
            continue;
        };
        let holder = holder.get_or_insert_with(|| {
            let command = fs::read(folder.join("comm")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command);
            Holder {
                pid,
                command: command.trim_end_matches('\n').into(),
            }
        });
        known.entry(inode).or_insert_with(|| Known {
            holder: holder.clone(),
            file,
            looked: Instant::now(),
        });
    }
}

/// The inode number of a socket, from a link such as `socket:[1234]`.
fn socket(file: &Path) -> Option<u64> {
    let target = fs::read_link(file).ok()?;
    let inode = target.as_os_str().as_bytes().strip_prefix(b"socket:[")?;
    std::str::from_utf8(inode.strip_suffix(b"]")?)
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A `/proc` of its own, removed when dropped.
    struct Proc(PathBuf);

    impl Proc {
        fn new() -> Self {
            let name = format!("netdrop-sockets-{}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn opens(&self, pid: u32, file: u32, target: &str) {
            let folder = self.0.join(pid.to_string());
            fs::create_dir_all(folder.join("fd")).unwrap();
            fs::write(folder.join("comm"), format!("server-{pid}\n")).unwrap();
            symlink(target, folder.join(format!("fd/{file}"))).unwrap();
        }

        fn closes(&self, pid: u32, file: u32) {
            fs::remove_file(self.0.join(format!("{pid}/fd/{file}"))).unwrap();
        }
    }

    impl Drop for Proc {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn a_socket_is_its_first_holders_until_that_closes_it() {
        let proc = Proc::new();
        proc.opens(12, 3, "socket:[77]");
        proc.opens(12, 4, "/dev/null");
        proc.opens(12, 5, "pipe:[78]");
        proc.opens(9, 3, "socket:[77]");
        let mut sockets = Sockets::of(proc.0.clone());
        let holder = |pid: u32| {
            Some(Holder {
                pid,
                command: format!("server-{pid}").into(),
            })
        };
        assert_eq!(sockets.holder(77), holder(9));
        assert_eq!(sockets.holder(78), None);

        // Believed for a moment, then looked at again.
        proc.closes(9, 3);
        assert_eq!(sockets.holder(77), holder(9));
        let past = Instant::now().checked_sub(2 * BELIEVED).unwrap();
        sockets.known.get_mut(&77).unwrap().looked = past;
        assert_eq!(sockets.holder(77), None);
        sockets.pause.end();
        assert_eq!(sockets.holder(77), holder(12));
    }
}
