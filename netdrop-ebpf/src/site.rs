//! The key under which every drop is counted exactly: its *site*.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::headers::{ETH_P_ARP, ETH_P_IP, ETH_P_IPV6};

/// Where and as what a packet died. Stage, function name and severity are
/// computed from it in user space.
///
/// Numbers are in host byte order.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct SiteKey {
    /// Return address of the call that freed the packet (`location` of
    /// `skb:kfree_skb`).
    pub location: u64,
    /// `enum skb_drop_reason` of the running kernel, or [`NO_REASON`].
    pub reason: u32,
    /// Inode number of the network namespace; 0 when unknown.
    pub netns: u32,
    /// Interface index; 0 when unknown.
    pub ifindex: u32,
    /// CPU the packet died on.
    pub cpu: u16,
    /// Stack the packet died with: its number in the table of stacks plus one;
    /// 0 when unknown or not asked for.
    pub stack: u16,
    /// Ethertype; 0 when the packet has none (yet).
    pub ethertype: u16,
    /// Bits of [`state`].
    pub state: u16,
    /// Bits of [`facts`], read only where the reason leaves the stage open.
    pub facts: u16,
    /// IP protocol number. Where `ethertype` is 0, the address family of the
    /// owning socket (`AF_UNIX` 1, `AF_NETLINK` 16), 0 when unknown.
    pub protocol: u8,
    /// Values of the filter's expressions, two bits each ([`kleene`](crate::kleene)).
    pub filter: u8,
}

const _: () = assert!(size_of::<SiteKey>() == 32);

impl SiteKey {
    /// Should the packet have a flow that could not be read?
    #[inline(always)]
    #[must_use]
    pub const fn is_unparsed(&self) -> bool {
        self.state & state::UNPARSED_OR_TAGGED != 0 && self.lacks_flow()
    }

    /// Does a VLAN tag lie in the frame?
    #[inline(always)]
    #[must_use]
    pub const fn is_tagged(&self) -> bool {
        self.state & state::UNPARSED_OR_TAGGED != 0
            && (!self.lacks_flow() || self.state & state::FLOW_FROM_SOCKET != 0)
    }

    /// Did its socket tell the flow, because headers were not built yet?
    #[inline(always)]
    #[must_use]
    pub const fn is_from_socket(&self) -> bool {
        self.has_flow_and(state::FLOW_FROM_SOCKET) && self.state & state::NETWORK == 0
    }

    /// Is it known to be an IP fragment other than the first?
    #[inline(always)]
    #[must_use]
    pub const fn is_later_fragment(&self) -> bool {
        self.has_flow_and(state::FLOW_FROM_SOCKET | state::NETWORK)
    }

    #[inline(always)]
    const fn has_flow_and(&self, bits: u16) -> bool {
        let all = state::FLOW | bits;
        self.state & all == all
    }

    #[inline(always)]
    const fn lacks_flow(&self) -> bool {
        self.state & state::FLOW == 0 && matches!(self.ethertype, ETH_P_IP | ETH_P_IPV6 | ETH_P_ARP)
    }
}

/// [`SiteKey::reason`] on kernels whose `skb:kfree_skb` carries no reason.
pub const NO_REASON: u32 = u32::MAX;

/// Bits of [`SiteKey::state`]: what the packet looked like when it died.
pub mod state {
    /// `skb_iif` is set: the packet was received, here or on a lower device.
    pub const RECEIVED: u16 = 1 << 0;
    /// `skb->dev` is a device (and not the union's other member).
    pub const DEVICE: u16 = 1 << 1;
    /// `skb->sk` is set.
    pub const SOCKET: u16 = 1 << 2;
    /// The tracepoint named the receiving socket (`rx_sk`, kernel 6.11+).
    pub const RX_SOCKET: u16 = 1 << 3;
    /// A MAC header is set.
    pub const MAC: u16 = 1 << 4;
    /// A network header is set and lies in the linear part.
    pub const NETWORK: u16 = 1 << 5;
    /// A route is attached (`_skb_refdst`).
    pub const ROUTED: u16 = 1 << 6;
    /// The flow was read: the drop has a row in the flow table.
    pub const FLOW: u16 = 1 << 7;
    /// With [`FLOW`]: the flow came from the socket, because headers were not built yet
    /// ([`SiteKey::is_from_socket`](super::SiteKey::is_from_socket)), or, with
    /// [`NETWORK`], the packet is an IP fragment other than the first
    /// ([`SiteKey::is_later_fragment`](super::SiteKey::is_later_fragment)).
    pub const FLOW_FROM_SOCKET: u16 = 1 << 8;
    /// Without [`FLOW`], of IP and ARP: the packet should have a flow, but its headers
    /// could not be read ([`SiteKey::is_unparsed`](super::SiteKey::is_unparsed)); with
    /// [`FLOW_FROM_SOCKET`] a VLAN tag lies in the frame, too. Of all others: a VLAN tag
    /// lies in the frame ([`SiteKey::is_tagged`](super::SiteKey::is_tagged)).
    pub const UNPARSED_OR_TAGGED: u16 = 1 << 9;

    /// The bits of a packet that should have a flow, but whose headers could not be
    /// read: of a frame with a VLAN tag in it two.
    #[inline(always)]
    #[must_use]
    pub const fn unparsed(bits: u16) -> u16 {
        if bits & UNPARSED_OR_TAGGED != 0 {
            bits | FLOW_FROM_SOCKET
        } else {
            bits | UNPARSED_OR_TAGGED
        }
    }

    /// The bits of an IP fragment other than the first.
    #[inline(always)]
    #[must_use]
    pub const fn later_fragment(bits: u16) -> u16 {
        if bits & NETWORK != 0 {
            bits | NO_TRANSPORT | FLOW_FROM_SOCKET
        } else {
            bits | NO_TRANSPORT
        }
    }
    /// The RX tag of this CPU names this packet: `netif_receive_skb` saw it.
    pub const TAG_RX: u16 = 1 << 10;
    /// The TX tag of this CPU names this packet: `net_dev_queue` saw it.
    pub const TAG_TX: u16 = 1 << 11;
    /// Ports, or type and code, are unknown: an IP fragment other than the
    /// first, or a transport header that is cut off.
    pub const NO_TRANSPORT: u16 = 1 << 12;
    /// Shift of the two low bits of `pkt_type`, with [`PACKET_TYPE_MASK`].
    pub const PACKET_TYPE_SHIFT: u16 = 13;
    /// `pkt_type` (`PACKET_HOST` 0, `BROADCAST` 1, `MULTICAST` 2,
    /// `OTHERHOST` 3, `OUTGOING` 4, from `include/uapi/linux/if_packet.h`).
    pub const PACKET_TYPE_MASK: u16 = 7 << PACKET_TYPE_SHIFT;
}

/// Bits of [`SiteKey::facts`]: what the packet's route and devices looked like.
pub mod facts {
    /// The route, one of the `ROUTE_*` values.
    pub const ROUTE_MASK: u16 = 7;
    /// Not looked at, or not readable.
    pub const ROUTE_UNREAD: u16 = 0;
    /// No route is attached.
    pub const ROUTE_NONE: u16 = 1;
    /// To this host.
    pub const ROUTE_LOCAL: u16 = 2;
    /// Through this host.
    pub const ROUTE_FORWARD: u16 = 3;
    /// From this host.
    pub const ROUTE_OUTPUT: u16 = 4;
    /// Blackhole, unreachable or prohibit.
    pub const ROUTE_REFUSED: u16 = 5;
    /// `skb->dev` is the device of the route.
    pub const ON_ROUTES_DEVICE: u16 = 1 << 3;
    /// `skb->dev` is the device the packet came in by (`skb_iif`).
    pub const ON_INCOMING_DEVICE: u16 = 1 << 4;
    /// `skb->dev` is a port of a bridge.
    pub const BRIDGE_PORT: u16 = 1 << 5;
    /// `skb->dev` is a bridge.
    pub const BRIDGE: u16 = 1 << 6;
    /// The IP layer has received it: `ip_rcv_core` and `ip6_rcv_core` leave the
    /// interface index at the start of the control block (`net/ipv4/ip_input.c`,
    /// `net/ipv6/ip6_input.c`, 5.10 to 7.2).
    pub const IP_RECEIVED: u16 = 1 << 7;
    /// A conntrack entry is attached (`_nfct`).
    pub const TRACKED: u16 = 1 << 8;
    /// `data` lies before the network header: the packet has got its link layer
    /// header and is on its way out.
    pub const LINK_HEADER: u16 = 1 << 9;
    /// Shift of [`qdisc`].
    pub const QDISC_SHIFT: u16 = 10;
    /// Bits of [`qdisc`].
    pub const QDISC_MASK: u16 = 31 << QDISC_SHIFT;
    /// The receiving socket listens, and its accept queue is full
    /// (`sk_acceptq_is_full`, `include/net/sock.h`, 5.10 to 7.2).
    pub const ACCEPT_QUEUE_FULL: u16 = 1 << 15;

    const _: () = assert!(LINK_HEADER < 1 << QDISC_SHIFT);
    const _: () = assert!(QDISC_MASK & ACCEPT_QUEUE_FULL == 0);

    /// The number that the dropping qdisc's kind has on this CPU, from 1 on; 0
    /// when none is known ([`KINDS`](crate::discipline::KINDS)).
    #[inline(always)]
    #[must_use]
    pub const fn qdisc(bits: u16) -> u16 {
        (bits & QDISC_MASK) >> QDISC_SHIFT
    }
}
