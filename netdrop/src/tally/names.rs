//! What the tally asks of the modules that know names.

use std::{net::IpAddr, sync::Arc};

use netdrop_ebpf::site::SiteKey;

use crate::drops::next;
pub use crate::drops::{evidence::Evidence, severity::Severity};

/// What is derived from a site besides its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// Where in the network stack, for example `rx_lookup`.
    pub stage: &'static str,
    /// The netfilter hook, where the stage is netfilter and it is known.
    pub hook: Option<&'static str>,
    /// The netfilter engine, likewise.
    pub engine: Option<&'static str>,
    /// What told stage and hook.
    pub by: Evidence,
    /// May more be known later?
    pub open: bool,
    /// `rx`, `tx` or `forward`; `None` when unknown.
    pub direction: Option<&'static str>,
    /// How much it matters.
    pub severity: Severity,
}

/// A function and the distance into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The symbol, as kallsyms spells it.
    pub function: Arc<str>,
    /// Bytes from its start.
    pub offset: u64,
}

/// What a network namespace is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetnsName {
    /// Its name.
    pub name: Arc<str>,
    /// How it was found: `named`, `host`, `container` or `process`.
    pub kind: &'static str,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its command (not escaped).
    pub command: Arc<str>,
}

/// What a drop reason is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonLabel {
    /// Its name, or its number in hexadecimal.
    pub text: Arc<str>,
    /// Is it a name?
    pub named: bool,
}

/// Names of what the kernel counted by number.
///
/// The tally asks for a site's reason, function and attribution once and
/// remembers the answer; what has no name or may get a better one is asked again once
/// an interval, so that a module loaded later gets its names. Devices and namespaces are asked for
/// once an interval.
pub trait Names {
    /// The name of a drop reason (never asked for `NO_REASON`).
    fn reason(&mut self, reason: u32) -> ReasonLabel;

    /// The function that holds a kernel address.
    fn function(&mut self, location: u64) -> Option<Place>;

    /// Stage, direction and severity of a site, or of one drop there that had
    /// this stack.
    fn attribution(&mut self, site: &SiteKey, stack: Option<&[u64]>) -> Attribution;

    /// The stack in the key of a site, innermost frame first.
    fn stack(&mut self, _site: &SiteKey) -> Option<Vec<u64>> {
        None
    }

    /// The device with this index in this network namespace.
    fn device(&mut self, netns: u32, ifindex: u32) -> Option<Arc<str>>;

    /// The name of a network namespace, by inode number.
    fn netns_name(&mut self, inode: u32) -> Option<NetnsName>;

    /// How to run a command in a network namespace.
    fn netns_place(&mut self, _inode: u32) -> next::Place {
        next::Place::Unknown
    }

    /// Does this address belong to this network namespace? `None` when unknown,
    /// as for who does not know addresses at all.
    fn is_local(&mut self, _netns: u32, _address: IpAddr) -> Option<bool> {
        None
    }

    /// The kind of the qdisc that dropped at a site, where the kernel told it.
    fn qdisc(&mut self, _site: &SiteKey) -> Option<Arc<str>> {
        None
    }

    /// The path of a control group, by its number; `pid` is a process that was
    /// in it.
    fn cgroup(&mut self, _id: u64, _pid: u32) -> Option<Arc<str>> {
        None
    }

    /// The process that holds a socket, by the socket's inode number.
    fn holder(&mut self, _socket: u64) -> Option<Process> {
        None
    }
}

#[cfg(test)]
pub(crate) mod canned {
    use netdrop_ebpf::site::facts;

    use super::{
        Arc, Attribution, Evidence, Names, NetnsName, Place, Process, ReasonLabel, Severity,
        SiteKey,
    };

    /// A host on which everything has a name; the names tell the numbers, and
    /// the reason tells the severity.
    #[derive(Debug)]
    pub(crate) struct Canned;

    /// Not in any symbol table.
    pub(crate) const NOWHERE: u64 = 0xffff_ffff_ffff_0000;

    impl Names for Canned {
        fn reason(&mut self, reason: u32) -> ReasonLabel {
            ReasonLabel {
                text: format!("REASON_{reason}").into(),
                named: true,
            }
        }

        fn function(&mut self, location: u64) -> Option<Place> {
            (location != NOWHERE).then(|| Place {
                function: format!("function_{}.constprop.0", location >> 8).into(),
                offset: location & 0xff,
            })
        }

        fn attribution(&mut self, site: &SiteKey, _stack: Option<&[u64]>) -> Attribution {
            let netfilter = (site.location >> 8) % 3 == 1;
            let is_out = site.location & 0xff == 0xee;
            Attribution {
                hook: netfilter.then_some(if is_out { "output" } else { "input" }),
                engine: netfilter.then_some("nftables"),
                by: Evidence::Reason,
                open: false,
                stage: ["rx_lookup", "netfilter", "tx_qdisc"][(site.location >> 8) as usize % 3],
                direction: [Some("rx"), None, Some("tx")][(site.location >> 8) as usize % 3],
                severity: [Severity::Benign, Severity::Suspicious, Severity::Harmful]
                    [site.reason as usize % 3],
            }
        }

        fn device(&mut self, _netns: u32, ifindex: u32) -> Option<Arc<str>> {
            (ifindex != 7).then(|| format!("eth{ifindex}").into())
        }

        fn netns_name(&mut self, inode: u32) -> Option<NetnsName> {
            inode.is_multiple_of(2).then(|| NetnsName {
                name: format!("ns{inode}").into(),
                kind: "named",
            })
        }

        fn qdisc(&mut self, site: &SiteKey) -> Option<Arc<str>> {
            let number = facts::qdisc(site.facts);
            (number != 0).then(|| format!("kind{number}").into())
        }

        fn cgroup(&mut self, id: u64, _pid: u32) -> Option<Arc<str>> {
            Some(format!("/group{id}").into())
        }

        fn holder(&mut self, socket: u64) -> Option<Process> {
            Some(Process {
                pid: u32::try_from(socket).ok()?,
                command: "server".into(),
            })
        }
    }
}
