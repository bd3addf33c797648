//! Paths of control groups (version 2) by the number that programs see.

use std::{
    collections::HashMap,
    fs,
    os::unix::{ffi::OsStringExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::pause::Pause;

/// Groups remembered; beyond it the memory starts afresh.
const MOST_GROUPS: usize = 16_384;

/// Directories looked at in one search.
const MOST_LOOKED_AT: usize = 16_384;

/// Paths of control groups. A group's number is the inode number of its
/// directory (`kernfs_node.id`, 64-bit kernels from 5.5 on); groups cannot be
/// renamed.
#[derive(Debug)]
pub struct Cgroups {
    proc: PathBuf,
    mount: Option<PathBuf>,
    known: HashMap<u64, Arc<str>>,
    pause: Pause,
}

impl Default for Cgroups {
    fn default() -> Self {
        Self::new()
    }
}

impl Cgroups {
    /// Finds the mounted hierarchy; reads no group yet.
    #[must_use]
    pub fn new() -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Self::of(PathBuf::from("/proc"), mounted(&mounts))
    }

    fn of(proc: PathBuf, mount: Option<PathBuf>) -> Self {
        Self {
            proc,
            mount,
            known: HashMap::new(),
            pause: Pause::default(),
        }
    }

    /// The path of a group (not escaped), from the root of the hierarchy as it
    /// is mounted here. `pid` is a process that was in it a moment ago. `None`
    /// when the group is gone or cannot be seen.
    pub fn path(&mut self, id: u64, pid: u32) -> Option<Arc<str>> {
        let mount = self.mount.as_deref()?;
        if let Some(path) = self.known.get(&id) {
            return Some(Arc::clone(path));
        }
        if self.known.len() >= MOST_GROUPS {
            self.known.clear();
        }
        if let Some(path) = of_process(&self.proc.join(pid.to_string()), mount, id) {
            self.known.insert(id, Arc::clone(&path));
            return Some(path);
        }
        let Self { known, pause, .. } = self;
        pause.allow(|| search(mount, known));
        known.get(&id).cloned()
    }
}

/// The path of a process's group, if that is the one with this number.
fn of_process(folder: &Path, mount: &Path, id: u64) -> Option<Arc<str>> {
    let groups = fs::read_to_string(folder.join("cgroup")).ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let found = fs::metadata(mount.join(path.strip_prefix('/')?)).ok()?;
    (found.ino() == id).then(|| path.into())
}

/// Looks at every group, those nearer to the root first.
fn search(mount: &Path, known: &mut HashMap<u64, Arc<str>>) {
    let mut waiting = std::collections::VecDeque::from([mount.to_owned()]);
    for _ in 0..MOST_LOOKED_AT {
        let Some(folder) = waiting.pop_front() else {
            return;
        };
        if let (Ok(metadata), Ok(path)) = (fs::metadata(&folder), folder.strip_prefix(mount)) {
            let path = format!("/{}", path.to_string_lossy());
            known.insert(metadata.ino(), path.into());
        }
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        waiting.extend(
            entries
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .map(|entry| entry.path()),
        );
    }
}

/// Where version 2 is mounted, from `/proc/self/mountinfo`.
fn mounted(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        (kind.split(' ').next()? == "cgroup2").then_some(())?;
        Some(unescaped(place.split(' ').nth(4)?))
    })
}

/// The kernel writes blanks and backslashes of paths as three octal digits.
fn unescaped(path: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 8).ok()
        });
        match digits {
            Some(escaped) if byte == b'\\' => {
                bytes.push(escaped);
                rest = &after[3..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_found_by_its_kind() {
        let mounts = "\
30 24 0:26 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu
31 24 0:27 / /sys/fs/a\\040b\\134c rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate
";
        assert_eq!(mounted(mounts), Some(PathBuf::from("/sys/fs/a b\\c")));
        assert_eq!(mounted(mounts.lines().next().unwrap()), None);
    }

    /// A directory of its own, removed when dropped.
    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn groups_are_known_by_their_number_even_when_the_process_is_gone() {
        let name = format!("netdrop-cgroups-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        let (proc, mount) = (folder.0.join("proc"), folder.0.join("mount"));
        fs::create_dir_all(mount.join("a/b")).unwrap();
        fs::create_dir_all(mount.join("c")).unwrap();
        fs::create_dir_all(proc.join("7")).unwrap();
        fs::write(proc.join("7/cgroup"), "1:cpu:/x\n0::/a/b\n").unwrap();
        let id = |path: &str| fs::metadata(mount.join(path)).unwrap().ino();

        let mut groups = Cgroups::of(proc, Some(mount.clone()));
        assert_eq!(groups.path(id("a/b"), 7).as_deref(), Some("/a/b"));
        // Process 7 is in another one, and 8 is gone: a search finds it.
        assert_eq!(groups.path(id("c"), 7).as_deref(), Some("/c"));
        assert_eq!(groups.path(id(""), 8).as_deref(), Some("/"));
        assert_eq!(groups.path(1, 8), None);
        fs::create_dir(mount.join("d")).unwrap();
        assert_eq!(groups.path(id("d"), 8), None);
        groups.pause.end();
        assert_eq!(groups.path(id("d"), 8).as_deref(), Some("/d"));
    }
}
