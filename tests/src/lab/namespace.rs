//! One network namespace: made, entered, and removed when dropped.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    thread,
};

use anyhow::{Context as _, Result, anyhow};
use nix::sched::{CloneFlags, setns};

use super::command::{output, output_of};
use crate::scenario::cannot;

/// A named network namespace with `lo` up.
pub(crate) struct Namespace {
    name: String,
    inode: u32,
}

impl Namespace {
    /// Makes the namespace and quietens it.
    pub(super) fn new(name: &str) -> Result<Self> {
        output("ip", &format!("netns add {name}"))?;
        let file = open(name)?;
        let inode = u32::try_from(file.metadata()?.ino())?;
        let namespace = Self {
            name: name.to_owned(),
            inode,
        };
        namespace.ip(&["link set lo up"])?;
        for family in ["all", "default"] {
            namespace.sysctl(&format!("net.ipv4.conf.{family}.rp_filter"), "0")?;
            namespace.sysctl(&format!("net.ipv6.conf.{family}.accept_dad"), "0")?;
            namespace.sysctl(&format!("net.ipv6.conf.{family}.router_solicitations"), "0")?;
        }
        Ok(namespace)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The inode number by which the kernel and netdrop name the namespace.
    pub(crate) fn inode(&self) -> u32 {
        self.inode
    }

    /// Does something on a thread of its own inside the namespace. Processes
    /// that it starts and sockets that it opens belong to the namespace.
    pub(crate) fn inside<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                // Opened each time: an open file would keep a removed namespace.
                let file = open(&self.name)?;
                setns(file, CloneFlags::CLONE_NEWNET)
                    .with_context(|| format!("cannot enter {}", self.name))?;
                act()
            });
            inside
                .join()
                .map_err(|_| anyhow!("the thread in {} died", self.name))?
        })
    }

    /// Runs a program inside and returns what it printed.
    pub(crate) fn run(&self, program: &str, arguments: &str) -> Result<String> {
        self.inside(|| output(program, arguments))
    }

    /// Runs a program that a kernel without some module refuses: a refusal ends
    /// the scenario as `cannot`.
    pub(crate) fn offer(&self, program: &str, arguments: &str) -> Result<String> {
        self.run(program, arguments)
            .or_else(|error| cannot(format!("{error:#}")))
    }

    /// Gives `ip` several commands at once.
    pub(crate) fn ip(&self, commands: &[&str]) -> Result<()> {
        self.inside(|| output_of("ip", "-batch -", &commands.join("\n")))
            .map(drop)
    }

    /// Gives `tc` several commands at once; a kernel that refuses them cannot do
    /// the scenario.
    pub(crate) fn tc(&self, commands: &[&str]) -> Result<()> {
        self.inside(|| output_of("tc", "-batch -", &commands.join("\n")))
            .map(drop)
            .or_else(|error| cannot(format!("{error:#}")))
    }

    /// Gives `nft` a ruleset; a kernel that refuses it cannot do the scenario.
    pub(crate) fn nft(&self, ruleset: &str) -> Result<()> {
        self.inside(|| output_of("nft", "-f -", ruleset))
            .map(drop)
            .or_else(|error| cannot(format!("{error:#}")))
    }

    /// Writes a sysctl of the namespace; dots within device names do not occur.
    pub(crate) fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/{}", key.replace('.', "/"));
        self.inside(|| fs::write(&path, value).with_context(|| format!("{key} = {value}")))
    }

    /// The index of a device.
    pub(crate) fn ifindex(&self, device: &str) -> Result<u32> {
        self.inside(|| {
            nix::net::if_::if_nametoindex(device).with_context(|| format!("no device {device}"))
        })
    }

    /// Takes the namespace away before the lab ends.
    pub(crate) fn remove(&self) -> Result<()> {
        output("ip", &format!("netns del {}", self.name)).map(drop)
    }
}

fn open(name: &str) -> Result<File> {
    File::open(format!("/run/netns/{name}")).with_context(|| format!("no namespace {name}"))
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let gone = !std::path::Path::new("/run/netns").join(&self.name).exists();
        if gone {
            return;
        }
        if let Err(error) = self.remove() {
            eprintln!("cannot remove the namespace {}: {error:#}", self.name);
        }
    }
}
