//! Queueing disciplines and their statistics (`RTM_GETQDISC`).

use std::{fmt, io};

use nix::sys::socket::SockProtocol;

use crate::host::netlink::{attributes, dump, long, text, word};

const RTM_GETQDISC: u16 = 38;
/// Length of `struct tcmsg` (include/uapi/linux/rtnetlink.h).
const FIXED: usize = 20;

const TCA_KIND: u16 = 1;
const TCA_STATS2: u16 = 7;
// include/uapi/linux/gen_stats.h
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;
const TCA_STATS_PKT64: u16 = 8;

const TC_H_ROOT: u32 = 0xffff_ffff;
const TC_H_INGRESS: u32 = 0xffff_fff1;

/// A queueing discipline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Qdisc {
    /// Index of its device.
    pub ifindex: u32,
    /// What it is called: `fq_codel`.
    pub kind: String,
    /// Its handle, upper and lower half.
    pub handle: Handle,
    /// What it hangs below.
    pub parent: Handle,
    /// Bytes that left it.
    pub bytes: u64,
    /// Packets that left it. Older kernels count them in 32 bits.
    pub packets: u64,
    /// Packets it dropped (32 bits, as the others below).
    pub drops: u64,
    /// Times that it held packets back.
    pub overlimits: u64,
    /// Times that the device took a packet back.
    pub requeues: u64,
    /// Packets in it now.
    pub length: u32,
    /// Bytes in it now.
    pub backlog: u32,
}

/// The number of a queueing discipline or class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub u32);

impl Handle {
    /// Is this where a device's tree begins?
    #[must_use]
    pub fn is_root(self) -> bool {
        self.0 == TC_H_ROOT
    }

    /// Is this where received packets go, before the IP layer?
    #[must_use]
    pub fn is_ingress(self) -> bool {
        self.0 == TC_H_INGRESS
    }
}

/// As `tc` writes it, in hex: `8001:`, `1:10`.
impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(handle) = self;
        match (handle >> 16, handle & 0xffff) {
            (major, 0) => write!(f, "{major:x}:"),
            (major, minor) => write!(f, "{major:x}:{minor:x}"),
        }
    }
}

/// The queueing disciplines of the calling thread's namespace.
pub(super) fn read() -> io::Result<Vec<Qdisc>> {
    dump(SockProtocol::NetlinkRoute, RTM_GETQDISC, &[0; FIXED], parse)
}

pub(super) fn parse(payload: &[u8]) -> Option<Qdisc> {
    let mut qdisc = Qdisc {
        ifindex: word(payload, 4)?,
        handle: Handle(word(payload, 8)?),
        parent: Handle(word(payload, 12)?),
        ..Qdisc::default()
    };
    for (kind, value) in attributes(payload, FIXED) {
        match kind {
            TCA_KIND => qdisc.kind = text(value),
            TCA_STATS2 => qdisc.statistics(value)?,
            _ => {}
        }
    }
    Some(qdisc)
}

impl Qdisc {
    fn statistics(&mut self, nested: &[u8]) -> Option<()> {
        for (kind, value) in attributes(nested, 0) {
            let number = |index: usize| word(value, index * 4);
            match kind {
                TCA_STATS_BASIC => {
                    self.bytes = long(value, 0)?;
                    self.packets = self.packets.max(number(2)?.into());
                }
                TCA_STATS_PKT64 => self.packets = long(value, 0)?,
                TCA_STATS_QUEUE => {
                    self.length = number(0)?;
                    self.backlog = number(1)?;
                    self.drops = number(2)?.into();
                    self.requeues = number(3)?.into();
                    self.overlimits = number(4)?.into();
                }
                _ => {}
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::attribute, *};

    #[test]
    fn statistics_are_read_and_handles_are_written_as_tc_does() {
        let mut bytes = vec![0; FIXED];
        bytes[4] = 3;
        bytes[8..12].copy_from_slice(&0x8001_0000_u32.to_ne_bytes());
        bytes[12..16].copy_from_slice(&TC_H_ROOT.to_ne_bytes());
        attribute(&mut bytes, TCA_KIND, b"tbf\0");
        let mut statistics = Vec::new();
        let mut basic = 500_u64.to_ne_bytes().to_vec();
        basic.extend([5_u32, 0].into_iter().flat_map(u32::to_ne_bytes));
        attribute(&mut statistics, TCA_STATS_BASIC, &basic);
        let queue: Vec<u8> = [1_u32, 2, 3, 4, 5]
            .into_iter()
            .flat_map(u32::to_ne_bytes)
            .collect();
        attribute(&mut statistics, TCA_STATS_QUEUE, &queue);
        attribute(&mut bytes, TCA_STATS2, &statistics);
        let qdisc = parse(&bytes).unwrap();
        assert_eq!((qdisc.bytes, qdisc.packets), (500, 5));
        assert_eq!((qdisc.drops, qdisc.requeues, qdisc.overlimits), (3, 4, 5));
        assert_eq!((qdisc.length, qdisc.backlog), (1, 2));
        assert_eq!(qdisc.handle.to_string(), "8001:");
        assert_eq!(Handle(0x1_0010).to_string(), "1:10");
        assert!(qdisc.parent.is_root());
    }
}
