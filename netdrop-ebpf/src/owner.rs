//! From a packet's owning socket to protocol and flow, for packets whose headers
//! are not built yet.

use netdrop_ebpf::{
    get,
    headers::{
        ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, IPPROTO_TCP, Memory as _, addresses, clear_addresses,
        end_tags, has_ports, is_mapped, know, mark,
    },
    packet::known,
    put,
    scratch::Scratch,
    site::state,
};

use crate::skb::{Skb, Sock};

pub(crate) const AF_INET: u16 = 2;
pub(crate) const AF_INET6: u16 = 10;

/// `TCP_TIME_WAIT` and `TCP_NEW_SYN_RECV` (`include/net/tcp_states.h`): sockets
/// that are no more than their `sock_common`.
const TCP_TIME_WAIT: u8 = 6;
const TCP_NEW_SYN_RECV: u8 = 12;

/// `include/uapi/linux/in.h`
const IPPROTO_RAW: u8 = 255;

/// Completes what the headers told.
#[inline(always)]
pub(crate) fn complete(skb: Skb, sk: Option<Sock>, s: *mut Scratch) {
    if get!(s, key.site.state) & state::FLOW != 0 {
        return;
    }
    let ethertype = get!(s, key.site.ethertype);
    if get!(s, key.site.state) & state::NETWORK == 0
        && matches!(ethertype, 0 | ETH_P_IP | ETH_P_IPV6)
        && let Some(sk) = sk
    {
        read(skb, sk, s);
    }
    let bits = get!(s, key.site.state);
    let ethertype = get!(s, key.site.ethertype);
    if bits & state::FLOW == 0 && matches!(ethertype, ETH_P_IP | ETH_P_IPV6 | ETH_P_ARP) {
        put!(s, key.site.state, state::unparsed(bits));
    }
}

/// A packet whose headers are not built yet: its sender's socket knows.
#[inline(always)]
fn read(skb: Skb, sk: Sock, s: *mut Scratch) {
    let (src, dst) = addresses(s);
    let family = sk.family();
    let read = match family {
        AF_INET => sk.addresses_v4(src, dst),
        AF_INET6 => sk.addresses_v6(src, dst),
        _ => {
            if get!(s, key.site.ethertype) == 0 {
                put!(s, key.site.protocol, family as u8);
                if skb.is_filtered() && family != 0 {
                    // No packet of a network: its ethertype is known to be none.
                    know(s, known::TYPES);
                }
            }
            return;
        }
    };
    let (local, remote) = sk.ports();
    if !read || remote == 0 {
        // Not connected: the socket knows only one end.
        clear_addresses(s);
        return;
    }
    let mapped = family == AF_INET6 && is_mapped(dst);
    if mapped {
        // An IPv4 peer of an IPv6 socket (::ffff:0:0/96).
        clear_addresses(s);
        if !sk.addresses_v4(src, dst) {
            return;
        }
    }
    let ethertype = if family == AF_INET || mapped {
        ETH_P_IP
    } else {
        ETH_P_IPV6
    };
    put!(s, key.site.ethertype, ethertype);
    let protocol = if matches!(sk.state(), TCP_TIME_WAIT | TCP_NEW_SYN_RECV) {
        IPPROTO_TCP
    } else {
        sk.protocol()
    };
    put!(s, key.site.protocol, protocol);
    mark(s, state::FLOW | state::FLOW_FROM_SOCKET);
    // Of other protocols these numbers are something else.
    let ported = has_ports(protocol);
    if ported {
        put!(s, key.addrs.src_port, local);
        put!(s, key.addrs.dst_port, remote);
    } else {
        mark(s, state::NO_TRANSPORT);
    }
    if skb.is_filtered() {
        know(s, known::ADDRESSES);
        if ported {
            know(s, known::TRANSPORT);
        }
        // The sender writes the whole header itself.
        if protocol != IPPROTO_RAW {
            put!(s, packet.protocol, protocol);
            know(s, known::PROTOCOL);
        }
        end_tags(s);
    }
}
