//! Devices, their NAPI instances and qdiscs, and routes.

use netdrop_ebpf::config::ABSENT;

use super::{LOWEST_NAMESPACE, copy, copy_u16, copy_u32, copy_u64, load};
use crate::constants::offset;

/// `struct Qdisc`; read only by copying, since it is rarely needed.
#[derive(Clone, Copy)]
pub(crate) struct Qdisc(pub(crate) u64);

impl Qdisc {
    /// Copies the name of its kind to where `to` points: 16 writable bytes.
    #[inline(always)]
    pub(crate) fn kind(self, to: *mut u8) -> bool {
        if offset!(qdisc_ops) == ABSENT || offset!(qdisc_id) == ABSENT {
            return false;
        }
        let ops = copy_u64(self.0 + u64::from(offset!(qdisc_ops)));
        ops != 0 && copy::<16>(ops + u64::from(offset!(qdisc_id)), to)
    }
}

/// `struct napi_struct`.
#[derive(Clone, Copy)]
pub(crate) struct Napi(pub(crate) *const u8);

impl Napi {
    /// The device it polls for; null for a CPU's backlog.
    #[inline(always)]
    pub(crate) fn device(self) -> NetDevice {
        if offset!(napi_dev) == ABSENT {
            return NetDevice(core::ptr::null());
        }
        NetDevice(load(self.0, offset!(napi_dev)))
    }

    /// Its number; 0 where it has none.
    #[inline(always)]
    pub(crate) fn id(self) -> u32 {
        if offset!(napi_id) == ABSENT {
            return 0;
        }
        load(self.0, offset!(napi_id))
    }

    /// Address of its poll function.
    #[inline(always)]
    pub(crate) fn poll(self) -> u64 {
        if offset!(napi_poll) == ABSENT {
            return 0;
        }
        load(self.0, offset!(napi_poll))
    }
}

/// `struct net_device`, or whatever else the union in the skb holds.
#[derive(Clone, Copy)]
pub(crate) struct NetDevice(pub(super) *const u8);

impl NetDevice {
    /// Interface index and namespace, where this really is a device: the union
    /// holds other things once the skb is queued, as the nodes of a tree. So what
    /// looks like a namespace must have a loopback device that lies in it.
    #[inline(always)]
    pub(crate) fn identity(self) -> Option<(u32, u32)> {
        let found = self.live_identity()?;
        if offset!(net_loopback) == ABSENT {
            return Some(found);
        }
        let net: *const u8 = load(self.0, offset!(dev_net));
        let loopback: *const u8 = load(net, offset!(net_loopback));
        let home: *const u8 = load(loopback, offset!(dev_net));
        (home as u64 == net as u64).then_some(found)
    }

    /// The same of what cannot be but a device: a packet that is being received or
    /// sent has one.
    #[inline(always)]
    pub(crate) fn live_identity(self) -> Option<(u32, u32)> {
        if self.0.is_null() || offset!(dev_net) == ABSENT || offset!(net_inum) == ABSENT {
            return None;
        }
        let ifindex: u32 = load(self.0, offset!(dev_ifindex));
        let net: *const u8 = load(self.0, offset!(dev_net));
        let netns: u32 = load(net, offset!(net_inum));
        (netns >= LOWEST_NAMESPACE && ifindex.wrapping_sub(1) < 1 << 30).then_some((ifindex, netns))
    }
}

impl NetDevice {
    /// Bits of `enum netdev_priv_flags`.
    #[inline(always)]
    pub(crate) fn private_flags(self) -> u32 {
        if self.0.is_null() || offset!(dev_priv_flags) == ABSENT {
            return 0;
        }
        load(self.0, offset!(dev_priv_flags))
    }

    #[inline(always)]
    pub(crate) fn address(self) -> u64 {
        self.0 as u64
    }
}

/// `struct dst_entry`, at the start of the `rtable` (IPv4) or `rt6_info` (IPv6)
/// it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Route(pub(super) u64);

impl Route {
    /// Bits `DST_*` (include/net/dst.h).
    #[inline(always)]
    pub(crate) fn flags(self) -> u16 {
        if offset!(dst_flags) == ABSENT {
            return u16::MAX;
        }
        copy_u16(self.0 + u64::from(offset!(dst_flags)))
    }

    /// Address of its `net_device`.
    #[inline(always)]
    pub(crate) fn device(self) -> u64 {
        if offset!(dst_dev) == ABSENT {
            return 0;
        }
        copy_u64(self.0 + u64::from(offset!(dst_dev)))
    }

    /// `RTN_*` of an IPv4 route (include/uapi/linux/rtnetlink.h).
    #[inline(always)]
    pub(crate) fn v4_type(self) -> u16 {
        if offset!(rt_type) == ABSENT {
            return 0;
        }
        copy_u16(self.0 + u64::from(offset!(rt_type)))
    }

    /// Was the IPv4 route looked up for a received packet?
    #[inline(always)]
    pub(crate) fn is_v4_input(self) -> bool {
        offset!(rt_is_input) != ABSENT
            && copy_u16(self.0 + u64::from(offset!(rt_is_input))) & 0xFF != 0
    }

    /// `RTF_*` of an IPv6 route (include/uapi/linux/route.h, `ipv6_route.h`).
    #[inline(always)]
    pub(crate) fn v6_flags(self) -> u32 {
        if offset!(rt6_flags) == ABSENT {
            return 0;
        }
        copy_u32(self.0 + u64::from(offset!(rt6_flags)))
    }
}
