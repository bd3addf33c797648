//! What a network namespace is called, and how that was found out.

use std::{fs, path::Path, sync::Arc};

/// How a namespace got its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetnsKind {
    /// `ip netns` gave it its name.
    Named,
    /// It is the initial namespace: `host`.
    Host,
    /// By the container whose processes live in it: the first 12 digits of its
    /// id.
    Container,
    /// By a process that lives in it: `pid:1234(command)`.
    Process,
}

impl NetnsKind {
    /// The word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Host => "host",
            Self::Container => "container",
            Self::Process => "process",
        }
    }
}

/// A namespace's name (not escaped).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: Arc<str>,
    /// Where it comes from.
    pub kind: NetnsKind,
    /// The process that it was found by.
    pub process: Option<u32>,
}

impl Identity {
    /// A name given by `ip netns`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            kind: NetnsKind::Named,
            process: None,
        }
    }

    /// The initial namespace.
    #[must_use]
    pub fn host() -> Self {
        Self {
            name: "host".into(),
            kind: NetnsKind::Host,
            process: None,
        }
    }

    /// By a process's container, else by the process itself; `proc` is its
    /// directory. `None` when it is gone.
    pub(super) fn of_process(pid: u32, proc: &Path) -> Option<Self> {
        Self::of_container(pid, proc).or_else(|| {
            let command = fs::read(proc.join("comm")).ok()?;
            let command = String::from_utf8_lossy(&command);
            Some(Self {
                name: format!("pid:{pid}({})", command.trim_end_matches('\n')).into(),
                kind: NetnsKind::Process,
                process: Some(pid),
            })
        })
    }

    /// By a process's container, if it lives in one.
    pub(super) fn of_container(pid: u32, proc: &Path) -> Option<Self> {
        let groups = fs::read_to_string(proc.join("cgroup")).ok()?;
        Some(Self {
            name: container(&groups)?.into(),
            kind: NetnsKind::Container,
            process: Some(pid),
        })
    }
}

/// The short id of the container in a process's control groups
/// (`/proc/PID/cgroup`, any version).
///
/// Engines name the group by 64 hexadecimal digits: `/docker/ID`,
/// `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`,
/// `libpod-ID.scope`, `/kubepods/…/podUID/ID`. What watches a container
/// (`libpod-conmon-ID.scope`) does not live in it.
fn container(groups: &str) -> Option<&str> {
    const DIGITS: usize = 64;
    const SHORT: usize = 12;
    groups
        .lines()
        .filter_map(|line| line.splitn(3, ':').nth(2))
        .find_map(|path| {
            path.rsplit('/').find_map(|group| {
                let group = group.strip_suffix(".scope").unwrap_or(group);
                let (engine, id) = group.rsplit_once('-').unwrap_or(("", group));
                let is_id = id.len() == DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
                (is_id && !engine.ends_with("conmon")).then(|| &id[..SHORT])
            })
        })
}

/// Is this the directory of `kthreadd`? It is process 2 of the initial PID
/// namespace, a kernel thread, and so lives in the initial network namespace;
/// no other PID namespace has kernel threads.
pub(super) fn is_kernel_thread(proc: &Path) -> bool {
    /// `PF_KTHREAD` (include/linux/sched.h, 5.10 to 7.2).
    const PF_KTHREAD: u64 = 0x0020_0000;
    fs::read_to_string(proc.join("stat"))
        .ok()
        .and_then(|stat| flags(&stat))
        .is_some_and(|flags| flags & PF_KTHREAD != 0)
}

/// The ninth field of `/proc/PID/stat`; the second is a command in brackets,
/// which may hold anything.
fn flags(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(6)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{container, flags};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn containers_are_known_by_their_groups() {
        for groups in [
            format!("0::/docker/{ID}\n"),
            format!("0::/system.slice/docker-{ID}.scope\n"),
            format!(
                "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_3.slice/\
                 cri-containerd-{ID}.scope\n"
            ),
            format!("0::/kubepods/besteffort/pod0a1b2c3d-0000/{ID}\n"),
            format!("0::/kubepods.slice/crio-{ID}.scope\n"),
            format!("0::/machine.slice/libpod-{ID}.scope/container\n"),
            format!("0::/system.slice:docker:{ID}/docker/{ID}/init\n"),
            format!("9:name=systemd:/\n8:pids:/docker/{ID}\n0::/\n"),
        ] {
            assert_eq!(container(&groups), Some("0123456789ab"), "{groups}");
        }
    }

    #[test]
    fn other_groups_are_no_containers() {
        for groups in [
            String::new(),
            "0::/\n".to_owned(),
            "0::/user.slice/user-1000.slice/session-2.scope\n".to_owned(),
            format!("0::/docker/{}\n", &ID[1..]),
            format!("0::/docker/{}g\n", &ID[1..]),
            format!("0::/machine.slice/libpod-conmon-{ID}.scope\n"),
            format!("0::/kubepods.slice/crio-conmon-{ID}.scope\n"),
        ] {
            assert_eq!(container(&groups), None, "{groups}");
        }
    }

    #[test]
    fn a_command_with_brackets_does_not_hide_the_flags() {
        assert_eq!(
            flags("7 (a) S 1 ) b) S 0 0 0 0 -1 2129984 0 0"),
            Some(2_129_984)
        );
        assert_eq!(flags("7"), None);
    }
}
