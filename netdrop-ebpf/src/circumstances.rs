//! Route and devices of a packet whose reason leaves the stage open: they tell
//! netfilter's hooks, and receiving from sending.

use netdrop_ebpf::{
    get, put,
    scratch::Scratch,
    site::{facts, state},
};

use crate::{
    constants::setting,
    skb::{Route, Skb, Sock},
};

/// `DST_FAKE_RTABLE` (bridge netfilter) and `DST_METADATA` (tunnels): no routes
/// (include/net/dst.h, 5.10 to 7.2).
const NO_ROUTE: u16 = 0x10 | 0x80;

/// `RTN_*` of include/uapi/linux/rtnetlink.h.
const RTN_UNICAST: u16 = 1;
const RTN_LOCAL: u16 = 2;
const RTN_BROADCAST: u16 = 3;
const RTN_MULTICAST: u16 = 5;
const RTN_BLACKHOLE: u16 = 6;
const RTN_PROHIBIT: u16 = 8;

/// `RTF_*` of include/uapi/linux/route.h and `ipv6_route.h`.
const RTF_REJECT: u32 = 0x0200;
const RTF_ANYCAST: u32 = 0x0010_0000;
const RTF_LOCAL: u32 = 0x8000_0000;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86DD;

/// Does a reason like this one leave the stage open?
#[inline(always)]
pub(crate) fn leaves_open(reason: u32) -> bool {
    setting!(kfree_skb_args) < 3
        || reason == setting!(reason_not_specified)
        || reason == setting!(reason_netfilter)
}

/// Fills in `facts` of a site whose other members are known.
#[inline(always)]
pub(crate) fn read(skb: Skb, rx_sk: Option<Sock>, s: *mut Scratch) {
    put!(s, key.site.facts, 0);
    let received = get!(s, key.site.state) & state::RECEIVED != 0;
    let iif = skb.iif();
    let mut bits = 0;
    let device = skb.device();
    if get!(s, key.site.state) & state::DEVICE != 0 {
        let flags = device.private_flags();
        if flags & setting!(bridge_flag) != 0 {
            bits |= facts::BRIDGE;
        }
        if flags & setting!(bridge_port_flag) != 0 {
            bits |= facts::BRIDGE_PORT;
        }
        if received && iif == get!(s, key.site.ifindex) {
            bits |= facts::ON_INCOMING_DEVICE;
        }
    }
    if received && skb.control_block() == iif {
        bits |= facts::IP_RECEIVED;
    }
    if skb.is_tracked() {
        bits |= facts::TRACKED;
    }
    if let Some(socket) = rx_sk
        && socket.is_accept_queue_full()
    {
        bits |= facts::ACCEPT_QUEUE_FULL;
    }
    if get!(s, key.site.state) & state::NETWORK != 0
        && skb.data_offset() < u32::from(skb.network_header())
    {
        bits |= facts::LINK_HEADER;
    }
    put!(s, key.site.facts, bits);
    let Some(route) = skb.route() else {
        add(s, facts::ROUTE_NONE);
        return;
    };
    if route.flags() & NO_ROUTE != 0 {
        add(s, facts::ROUTE_NONE);
        return;
    }
    if route.device() == device.address() {
        add(s, facts::ON_ROUTES_DEVICE);
    }
    match get!(s, key.site.ethertype) {
        IPV4 => add(s, v4(route)),
        IPV6 => add(s, v6(route, received, s)),
        _ => {}
    }
}

#[inline(always)]
fn add(s: *mut Scratch, bits: u16) {
    put!(s, key.site.facts, get!(s, key.site.facts) | bits);
}

#[inline(always)]
fn v4(route: Route) -> u16 {
    match route.v4_type() {
        RTN_LOCAL | RTN_BROADCAST | RTN_MULTICAST => facts::ROUTE_LOCAL,
        RTN_UNICAST if route.is_v4_input() => facts::ROUTE_FORWARD,
        RTN_UNICAST => facts::ROUTE_OUTPUT,
        RTN_BLACKHOLE..=RTN_PROHIBIT => facts::ROUTE_REFUSED,
        _ => facts::ROUTE_UNREAD,
    }
}

/// IPv6 routes serve both ways; multicast ones have no flag of their own.
#[inline(always)]
fn v6(route: Route, received: bool, s: *mut Scratch) -> u16 {
    let flags = route.v6_flags();
    let multicast = get!(s, key.site.state) & state::FLOW != 0 && get!(s, key.addrs.dst)[0] == 0xFF;
    if flags & (RTF_LOCAL | RTF_ANYCAST) != 0 || multicast && received {
        facts::ROUTE_LOCAL
    } else if flags & RTF_REJECT != 0 {
        facts::ROUTE_REFUSED
    } else if received {
        facts::ROUTE_FORWARD
    } else {
        facts::ROUTE_OUTPUT
    }
}
