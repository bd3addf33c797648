//! Who is behind a drop: processes, control groups and unnamed namespaces.

use std::{
    fs,
    net::UdpSocket,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use nix::{
    mount::{MsFlags, mount, umount},
    sched::{CloneFlags, unshare},
    sys::socket::{setsockopt, sockopt::RcvBuf},
};
use serde_json::json;

use crate::{
    bench::{Bench, PATIENCE},
    case::{BY, Count, Drops, report, watch},
    counter::Counter,
    lab::{A, B, Pair, output},
    netdrop::identity::{self, Allow},
    scenario::{Scenario, cannot},
    sender::Datagrams,
    site,
};

use super::{
    details::{told, trace},
    firewall::dropping,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a_full_socket_names_its_process",
        about: "the receiver of datagrams that a full receive buffer refuses",
        run: a_full_socket_names_its_process,
    },
    Scenario {
        name: "a_sender_is_told_with_its_control_group",
        about: "datagrams of a process that was moved into a control group",
        run: a_sender_is_told_with_its_control_group,
    },
    Scenario {
        name: "a_namespace_without_a_name_is_named_by_its_process",
        about: "drops in a namespace that only a process holds, until it is gone",
        run: a_namespace_without_a_name_is_named_by_its_process,
    },
    Scenario {
        name: "the_namespace_of_the_host_is_named",
        about: "drops on loopback in the namespace of the kernel's threads",
        run: the_namespace_of_the_host_is_named,
    },
];

pub(super) const USER_SPACE: &[Scenario] = &[Scenario {
    name: "a_namespace_is_named_by_its_container",
    about: "the same where the process is in a container's control group",
    run: a_namespace_is_named_by_its_container,
}];

fn a_full_socket_names_its_process(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _socket = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v4, 5000))?;
        setsockopt(&socket, RcvBuf, &1)?;
        // Room for one, which is taken.
        Ok(socket)
    })?;
    let fill = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 5000), 1000, 4);
    fill.send(&lab.a)?;
    // The softirq may be late on a busy machine.
    let refused = Counter::snmp(&lab.b, "Udp.RcvbufErrors");
    let deadline = Instant::now() + PATIENCE;
    let mut before = 0;
    while before == 0 || before != refused.read()? {
        ensure!(Instant::now() < deadline, "the socket does not fill up");
        before = refused.read()?;
        thread::sleep(Duration::from_millis(300));
    }
    let drops = Drops::at(site::UDP_RECEIVE_BUFFER, &lab.b, Count::AsCounted)
        .counted_by(Counter::snmp(&lab.b, "Udp.RcvbufErrors"));
    let run = trace(bench, "", drops, || fill.send(&lab.a).map(drop))?;
    let format = fs::read_to_string("/sys/kernel/tracing/events/skb/kfree_skb/format")?;
    // The kernel names the socket from 6.11 on.
    let receiver = if format.contains("rx_sk;") {
        let command = fs::read_to_string("/proc/self/comm")?;
        json!({ "dst_port": 5000, "receiver_pid": std::process::id(), "receiver_command": command.trim() })
    } else {
        json!({ "dst_port": 5000, "receiver_pid": null, "receiver_command": null })
    };
    told(run.as_ref(), &lab.b, 4, &receiver)
}

/// The hierarchy of control groups, version 2. Unmounted when dropped, if it
/// was mounted here.
struct Hierarchy {
    path: PathBuf,
    own: bool,
}

impl Hierarchy {
    fn find() -> Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let mounted = mounts.lines().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            let path = words.next()?;
            (words.next()? == "cgroup2").then(|| PathBuf::from(path))
        });
        if let Some(path) = mounted {
            return Ok(Self { path, own: false });
        }
        let path = std::env::temp_dir().join(format!("netdrop-tests-{}", std::process::id()));
        fs::create_dir(&path)?;
        let hierarchy = Self { path, own: true };
        let mounted = mount(
            Some("cgroup2"),
            &hierarchy.path,
            Some("cgroup2"),
            MsFlags::empty(),
            None::<&str>,
        );
        match mounted {
            Ok(()) => Ok(hierarchy),
            Err(error) => cannot(format!("no control groups of version 2: {error}")),
        }
    }
}

impl Drop for Hierarchy {
    fn drop(&mut self) {
        let Self { path, own } = self;
        if *own {
            let _ = umount(&*path);
            drop(fs::remove_dir(&*path));
        }
    }
}

/// A control group. Emptied into the group it was entered from, and removed,
/// when dropped.
struct Group {
    folder: PathBuf,
    path: String,
    entered_from: Option<PathBuf>,
}

impl Group {
    fn new(hierarchy: &Hierarchy, name: &str) -> Result<Self> {
        let folder = hierarchy.path.join(name);
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self {
            folder,
            path: format!("/{name}"),
            entered_from: None,
        })
    }

    fn add(&self, pid: u32) -> Result<()> {
        move_to(&self.folder, pid)
    }

    /// Moves this process into it.
    fn enter(&mut self, hierarchy: &Hierarchy) -> Result<()> {
        let groups = fs::read_to_string("/proc/self/cgroup")?;
        let from = groups
            .lines()
            .find_map(|line| line.strip_prefix("0::/"))
            .context("this process has no control group")?;
        self.entered_from = Some(hierarchy.path.join(from));
        self.add(std::process::id())
    }
}

fn move_to(folder: &Path, pid: u32) -> Result<()> {
    fs::write(folder.join("cgroup.procs"), pid.to_string())
        .with_context(|| format!("cannot move {pid} to {}", folder.display()))
}

impl Drop for Group {
    fn drop(&mut self) {
        let Self {
            folder,
            entered_from,
            ..
        } = self;
        if let Some(from) = entered_from
            && let Err(error) = move_to(from, std::process::id())
        {
            eprintln!("{error:#}");
        }
        // A killed process leaves its group a little later.
        for _ in 0..100 {
            if fs::remove_dir(&*folder).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        eprintln!("cannot remove {}", folder.display());
    }
}

fn a_sender_is_told_with_its_control_group(bench: &Bench) -> Result<()> {
    let hierarchy = Hierarchy::find()?;
    let lab = Pair::new()?;
    lab.a.nft(&dropping("output"))?;
    let mut group = Group::new(&hierarchy, &format!("netdrop-tests-{}", std::process::id()))?;
    let drops =
        Drops::at(site::NFT_OUTPUT, &lab.a, Count::Exactly(6)).counted_by(Counter::nft(&lab.a));
    let run = trace(bench, "", drops, || {
        group.enter(&hierarchy)?;
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, 6)
            .send(&lab.a)
            .map(drop)
    })?;
    let sender = json!({ "pid": std::process::id(), "cgroup": group.path });
    told(run.as_ref(), &lab.a, 6, &sender)
}

/// A process that sleeps in a network namespace of its own. Killed when dropped.
struct Hermit(Child);

impl Hermit {
    /// Starts it from a thread that has left for a new namespace, and returns
    /// the namespace's number besides.
    fn settle() -> Result<(Self, u32)> {
        let start = || -> Result<(Self, u32)> {
            unshare(CloneFlags::CLONE_NEWNET).context("cannot make a namespace")?;
            output("ip", "link set lo up")?;
            let child = Command::new("sleep")
                .arg("600")
                .stdin(Stdio::null())
                .spawn()
                .context("cannot run sleep")?;
            let inode = fs::metadata("/proc/thread-self/ns/net")?.ino();
            Ok((Self(child), u32::try_from(inode)?))
        };
        thread::scope(|scope| {
            let thread = scope.spawn(start);
            thread.join().map_err(|_| anyhow!("a thread died"))?
        })
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Sends datagrams to a closed port of the namespace, for some seconds.
    fn provoke(&self) -> Result<()> {
        let namespace = format!("/proc/{}/ns/net", self.pid());
        let send = || -> Result<()> {
            nix::sched::setns(fs::File::open(&namespace)?, CloneFlags::CLONE_NEWNET)?;
            let socket = UdpSocket::bind("127.0.0.1:4000")?;
            for _ in 0..DATAGRAMS {
                // The answer to the one before is an error of this one.
                drop(socket.send_to(b"x", "127.0.0.1:9"));
                thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        };
        thread::scope(|scope| {
            let thread = scope.spawn(send);
            thread.join().map_err(|_| anyhow!("a thread died"))?
        })
    }
}

impl Drop for Hermit {
    fn drop(&mut self) {
        let Self(child) = self;
        drop(child.kill());
        drop(child.wait());
    }
}

/// Netdrop looks for unknown namespaces once a second or less often.
const DATAGRAMS: u32 = 30;

fn the_namespace_of_the_host_is_named(bench: &Bench) -> Result<()> {
    let own = fs::metadata("/proc/self/ns/net")?.ino();
    if fs::metadata("/proc/2/ns/net")?.ino() != own {
        return cannot("not in the namespace of the host");
    }
    let netdrop = bench.start(&watch("200ms"))?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let closed = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    socket.send_to(b"x", closed)?;
    thread::sleep(Duration::from_millis(300));
    let Some(netdrop) = netdrop else {
        return Ok(());
    };
    let run = netdrop.stop()?;
    let mut complaints = identity::complaints(&run, BY, Allow::default());
    let mut rows = run.summary.rows.iter();
    let found = rows.find(|row| *row.key("netns") == own && *row.key("dst_port") == closed.port());
    let named = found
        .is_some_and(|row| *row.key("netns_name") == "host" && *row.key("netns_kind") == "host");
    if !named {
        complaints.push(format!("not named as the host's: {found:?}"));
    }
    report(&complaints)
}

/// Drops in a namespace that is gone before netdrop is stopped.
fn check(bench: &Bench, hermit: Hermit, netns: u32, name: &str, kind: &str) -> Result<()> {
    let netdrop = bench.start(&watch("200ms"))?;
    hermit.provoke()?;
    thread::sleep(Duration::from_millis(400));
    drop(hermit);
    thread::sleep(Duration::from_millis(400));
    let Some(netdrop) = netdrop else {
        return Ok(());
    };
    let run = netdrop.stop()?;
    let ours: Vec<_> = run
        .summary
        .rows
        .iter()
        .filter(|row| *row.key("netns") == netns)
        .collect();
    let mut complaints = identity::complaints(&run, BY, Allow::default());
    if ours.is_empty() {
        complaints.push(format!("no drops in namespace {netns}"));
    }
    for row in ours {
        if *row.key("netns_name") != name || *row.key("netns_kind") != kind {
            complaints.push(format!("not {name} ({kind}), but {row:?}"));
        }
    }
    report(&complaints)
}

fn a_namespace_without_a_name_is_named_by_its_process(bench: &Bench) -> Result<()> {
    let (hermit, netns) = Hermit::settle()?;
    let name = format!("pid:{}(sleep)", hermit.pid());
    check(bench, hermit, netns, &name, "process")
}

fn a_namespace_is_named_by_its_container(bench: &Bench) -> Result<()> {
    let hierarchy = Hierarchy::find()?;
    let id = format!("{:012x}{:052x}", std::process::id(), 0xfeed);
    let group = Group::new(&hierarchy, &format!("docker-{id}.scope"))?;
    let (hermit, netns) = Hermit::settle()?;
    group.add(hermit.pid())?;
    let short = &id[..12];
    ensure!(id.len() == 64, "{id} is no container's id");
    check(bench, hermit, netns, short, "container")
}
