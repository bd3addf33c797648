//! What a row stands for: the values of the keys of `--by`, as plain numbers.

use std::{
    net::IpAddr,
    num::{NonZeroU32, NonZeroU64},
};

use netdrop_ebpf::site::SiteKey;

use super::{
    intern::Name,
    key::{By, Key},
    names::{Names, Severity},
    protocol::Ends,
    site::{Site, Sites},
};

/// The values of the keys grouped by; every other member keeps its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Group {
    /// Stage.
    pub stage: Option<Name>,
    /// Netfilter hook, with the stage.
    pub hook: Option<Name>,
    /// Netfilter engine, with the stage.
    pub engine: Option<Name>,
    /// Kind of the qdisc, with the stage.
    pub qdisc: Option<Name>,
    /// Reason.
    pub reason: Option<Name>,
    /// Function.
    pub function: Option<Name>,
    /// Address of an unknown function.
    pub address: Option<NonZeroU64>,
    /// Device.
    pub device: Option<Name>,
    /// Interface index.
    pub ifindex: Option<NonZeroU32>,
    /// Inode number of the network namespace.
    pub netns: Option<NonZeroU32>,
    /// CPU.
    pub cpu: Option<u32>,
    /// Protocol.
    pub protocol: Option<Name>,
    /// Source address.
    pub src: Option<IpAddr>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination address.
    pub dst: Option<IpAddr>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// Direction.
    pub direction: Option<Name>,
    /// Severity.
    pub severity: Option<Severity>,
    /// Stack.
    pub stack: Option<Name>,
}

impl Group {
    /// The group of drops at a site, between these ends.
    pub fn of(
        by: &By,
        key: &SiteKey,
        site: &Site,
        ends: &Ends,
        sites: &mut Sites,
        names: &mut dyn Names,
    ) -> Self {
        let mut group = Self::default();
        for by in by.keys() {
            match by {
                Key::Stage => {
                    group.stage = site.stage;
                    group.hook = site.hook;
                    group.engine = site.engine;
                    group.qdisc = site.qdisc;
                }
                Key::Reason => group.reason = site.reason,
                Key::Function => {
                    group.function = site.function;
                    group.address = site.address;
                }
                Key::Device => {
                    group.device = sites.device(key, names);
                    group.ifindex = NonZeroU32::new(key.ifindex);
                }
                Key::Netns => {
                    group.netns = NonZeroU32::new(key.netns);
                    sites.learn_netns(key.netns, names);
                }
                Key::Cpu => group.cpu = Some(key.cpu.into()),
                Key::Protocol => group.protocol = site.protocol,
                Key::Src => group.src = ends.src,
                Key::SrcPort => group.src_port = ends.src_port,
                Key::Dst => group.dst = ends.dst,
                Key::DstPort => group.dst_port = ends.dst_port,
                Key::Direction => group.direction = site.direction,
                Key::Severity => group.severity = Some(site.severity),
                Key::Stack => group.stack = site.stack,
            }
        }
        group
    }

    /// The same group under these keys only.
    #[must_use]
    pub fn only(&self, by: &By) -> Self {
        let mut group = Self::default();
        for key in by.keys() {
            match key {
                Key::Stage => {
                    group.stage = self.stage;
                    group.hook = self.hook;
                    group.engine = self.engine;
                    group.qdisc = self.qdisc;
                }
                Key::Reason => group.reason = self.reason,
                Key::Function => {
                    group.function = self.function;
                    group.address = self.address;
                }
                Key::Device => {
                    group.device = self.device;
                    group.ifindex = self.ifindex;
                }
                Key::Netns => group.netns = self.netns,
                Key::Cpu => group.cpu = self.cpu,
                Key::Protocol => group.protocol = self.protocol,
                Key::Src => group.src = self.src,
                Key::SrcPort => group.src_port = self.src_port,
                Key::Dst => group.dst = self.dst,
                Key::DstPort => group.dst_port = self.dst_port,
                Key::Direction => group.direction = self.direction,
                Key::Severity => group.severity = self.severity,
                Key::Stack => group.stack = self.stack,
            }
        }
        group
    }
}
