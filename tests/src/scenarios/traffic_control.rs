//! Packets that a classifier, a queue or a control group's program refuses.

use std::{fs, os::fd::AsRawFd as _, path::PathBuf};

use anyhow::{Context as _, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::{
    bench::Bench,
    case::{Case, Count, Doomed, Drops, Flow},
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, Pair},
    scenario::{Scenario, cannot},
    sender::Datagrams,
    site,
    sys::{Refusal, Refuse},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "tc_ingress_drop",
        about: "9 datagrams that a classifier drops at ingress",
        run: tc_ingress_drop,
    },
    Scenario {
        name: "tc_egress_drop",
        about: "9 datagrams that a classifier drops at egress",
        run: tc_egress_drop,
    },
    Scenario {
        name: "qdisc_class_overflow",
        about: "20 datagrams into a class of a slow qdisc, with room for two",
        run: qdisc_class_overflow,
    },
    Scenario {
        name: "cgroup_egress_drop",
        about: "9 datagrams that a control group's program refuses to send",
        run: cgroup_egress_drop,
    },
];

const UDP: Transport = Transport::Udp {
    src: 4000,
    dst: 9,
    payload: 10,
};

/// What A's stack says by itself would be dropped too.
pub(super) fn silent() -> Result<Pair> {
    let lab = Pair::new()?;
    lab.a.sysctl("net.ipv6.conf.a0.disable_ipv6", "1")?;
    Ok(lab)
}

/// A classic program that returns `TC_ACT_SHOT` for everything.
pub(super) fn shoot(device: &str, hook: &str) -> [String; 2] {
    [
        format!("qdisc add dev {device} clsact"),
        format!("filter add dev {device} {hook} bpf da bytecode \"1,6 0 0 2\""),
    ]
}

fn tc_ingress_drop(bench: &Bench) -> Result<()> {
    let lab = silent()?;
    let [qdisc, filter] = shoot(B.device, "ingress");
    lab.b.tc(&[&qdisc, &filter])?;
    let doomed = Doomed::at(site::TC_INGRESS, Frame::v4(A, B, UDP), 9);
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn tc_egress_drop(bench: &Bench) -> Result<()> {
    let lab = silent()?;
    let [qdisc, filter] = shoot(A.device, "egress");
    lab.a.tc(&[&qdisc, &filter])?;
    let drops = Drops::at(site::TC_EGRESS, &lab.a, Count::Exactly(9))
        .device(A.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 10);
    Case::of([drops]).check(bench, || nine().send(&lab.a).map(drop))
}

fn nine() -> Datagrams {
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 10, 9)
}

fn qdisc_class_overflow(bench: &Bench) -> Result<()> {
    let lab = silent()?;
    lab.a.ip(&["link set a0 txqueuelen 2"])?;
    lab.a.tc(&[
        "qdisc add dev a0 root handle 1: htb default 1",
        "class add dev a0 parent 1: classid 1:1 htb rate 8kbit burst 1600",
        "qdisc add dev a0 parent 1:1 handle 10: pfifo_fast",
    ])?;
    let drops = Drops::at(site::QDISC_LIMIT, &lab.a, Count::AsCounted)
        .device(A.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 1000)
        .counted_by(Counter::qdisc(&lab.a, A.device));
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1000, 20)
            .send(&lab.a)
            .map(drop)
    })
}

fn cgroup_egress_drop(bench: &Bench) -> Result<()> {
    let lab = silent()?;
    let group = Group::new()?;
    let directory = fs::File::open(&group.path)?;
    let _program = Refusal::attach(Refuse::CgroupEgress(directory.as_raw_fd()))
        .or_else(|error| cannot(format!("a program of a control group: {error}")))?;
    let drops = Drops::at(site::CGROUP_EGRESS, &lab.a, Count::Exactly(9))
        .device(A.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 10)
        .counted_by(Counter::snmp(&lab.a, "Ip.OutDiscards"));
    Case::of([drops]).check(bench, || {
        let _member = group.enter()?;
        nine().send(&lab.a).map(drop)
    })
}

/// A control group of its own, in a mount of its own.
struct Group {
    mount: PathBuf,
    path: PathBuf,
}

/// The lab's process in the group, until this goes away.
struct Member {
    before: PathBuf,
}

impl Group {
    fn new() -> Result<Self> {
        let mount_point = PathBuf::from(format!("/run/netdrop-tests-{}", std::process::id()));
        fs::create_dir(&mount_point)?;
        let mounted = mount(
            Some("none"),
            &mount_point,
            Some("cgroup2"),
            MsFlags::empty(),
            None::<&str>,
        );
        if let Err(error) = mounted {
            drop(fs::remove_dir(&mount_point));
            return cannot(format!("cgroup2: {error}"));
        }
        let path = mount_point.join("netdrop-tests");
        fs::create_dir(&path).context("cannot make a control group")?;
        Ok(Self {
            mount: mount_point,
            path,
        })
    }

    /// Moves the process in. A socket belongs to the group in which it was made.
    fn enter(&self) -> Result<Member> {
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
        let own = own.context("no control group of the second version")?;
        let member = Member {
            before: self.mount.join(own).join("cgroup.procs"),
        };
        fs::write(self.path.join("cgroup.procs"), "0").context("cannot enter the control group")?;
        Ok(member)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.before, "0") {
            eprintln!("cannot go back to {}: {error}", self.before.display());
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let Self { mount, path } = self;
        let gone = fs::remove_dir(&*path)
            .and_then(|()| Ok(umount2(&*mount, MntFlags::MNT_DETACH)?))
            .and_then(|()| fs::remove_dir(&*mount));
        if let Err(error) = gone {
            eprintln!(
                "cannot remove the control group {}: {error}",
                path.display()
            );
        }
    }
}
