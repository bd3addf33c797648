//! What a counter counts for.

use std::{cmp::Ordering, fmt, sync::Arc};

/// What a number belongs to. Scopes sort as they are listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole host.
    Host,
    /// The network namespace.
    Netns,
    /// A CPU.
    Cpu(u32),
    /// A device.
    Device(Arc<str>),
    /// A CPU's interrupts of a device.
    Interrupts(Arc<str>, u32),
    /// A queueing discipline of a device.
    Qdisc {
        /// The device.
        device: Arc<str>,
        /// What it is called, and its handle (parent, where it has none):
        /// `fq_codel 8001:`.
        name: Arc<str>,
    },
    /// A socket.
    Socket {
        /// Its inode number.
        inode: u32,
        /// What it does and its own end: `listener 10.0.0.1:443`, `udp 0.0.0.0:53`.
        name: Arc<str>,
    },
}

impl Scope {
    /// The device, for what belongs to one.
    #[must_use]
    pub fn device(&self) -> Option<&Arc<str>> {
        match self {
            Self::Device(device) | Self::Interrupts(device, _) | Self::Qdisc { device, .. } => {
                Some(device)
            }
            Self::Host | Self::Netns | Self::Cpu(_) | Self::Socket { .. } => None,
        }
    }

    /// Did this begin at 0 when it came, if it was not there before and its device
    /// was? A CPU that comes online has counted before, and a device's driver, too,
    /// if it did not answer.
    #[must_use]
    pub fn begins_at_zero(&self) -> bool {
        !matches!(self, Self::Cpu(_) | Self::Device(_) | Self::Interrupts(..))
    }

    fn rank(&self) -> (u8, u32, &str, &str) {
        match self {
            Self::Host => (0, 0, "", ""),
            Self::Netns => (1, 0, "", ""),
            Self::Cpu(cpu) => (2, *cpu, "", ""),
            Self::Device(device) => (3, 0, device, ""),
            Self::Interrupts(device, cpu) => (4, *cpu, device, ""),
            Self::Qdisc { device, name } => (5, 0, device, name),
            Self::Socket { inode, name } => (6, *inode, name, ""),
        }
    }
}

impl PartialOrd for Scope {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scope {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// As it stands in JSON (device names not escaped).
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Netns => f.write_str("netns"),
            Self::Cpu(cpu) => write!(f, "cpu {cpu}"),
            Self::Device(device) => f.write_str(device),
            Self::Interrupts(device, cpu) => write!(f, "{device} cpu {cpu}"),
            Self::Qdisc { device, name } => write!(f, "{device} qdisc {name}"),
            Self::Socket { name, .. } => f.write_str(name),
        }
    }
}
