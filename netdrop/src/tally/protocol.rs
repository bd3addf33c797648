//! Protocol, addresses and ports of a packet, as far as they were read.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use netdrop_ebpf::{
    flow::FlowAddrs,
    site::{SiteKey, state},
};

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_IPV6: u16 = 0x86dd;

const AF_UNIX: u8 = 1;
const AF_NETLINK: u8 = 16;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const DCCP: u8 = 33;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
const UDPLITE: u8 = 136;

fn is_ip(ethertype: u16) -> bool {
    matches!(ethertype, ETHERTYPE_IPV4 | ETHERTYPE_IPV6)
}

/// Is it a packet of IPv4?
pub(super) fn is_ipv4(site: &SiteKey) -> bool {
    site.ethertype == ETHERTYPE_IPV4
}

/// Is it a packet of TCP?
pub(crate) fn is_tcp(site: &SiteKey) -> bool {
    is_ip(site.ethertype) && site.protocol == TCP
}

/// The protocol's name, its number where it has none here, or the ethertype;
/// `None` when unknown.
#[must_use]
pub fn name(site: &SiteKey) -> Option<Cow<'static, str>> {
    let name = match (site.ethertype, site.protocol) {
        (0, AF_UNIX) => "unix",
        (0, AF_NETLINK) => "netlink",
        (0, _) => return None,
        (ETHERTYPE_ARP, _) => "arp",
        (ethertype, protocol) if is_ip(ethertype) => match protocol {
            0 if site.state & state::FLOW == 0 => return None,
            ICMP => "icmp",
            TCP => "tcp",
            UDP => "udp",
            ICMPV6 => "icmpv6",
            SCTP => "sctp",
            other => return Some(other.to_string().into()),
        },
        (ethertype, _) => return Some(ethertype_text(ethertype).into()),
    };
    Some(name.into())
}

/// An ethertype as it is written everywhere, for example `0x88b5`.
#[must_use]
pub fn ethertype_text(ethertype: u16) -> String {
    format!("{ethertype:#06x}")
}

/// Source and destination. All `None` where the flow was not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Source address (ARP: the sender's).
    pub src: Option<IpAddr>,
    /// Source port, where the protocol has ports and they were read.
    pub src_port: Option<u16>,
    /// Destination address (ARP: the target's).
    pub dst: Option<IpAddr>,
    /// Destination port.
    pub dst_port: Option<u16>,
}

impl Ends {
    /// Who sent the packet to whom.
    #[must_use]
    pub fn of(site: &SiteKey, addrs: &FlowAddrs) -> Self {
        if site.state & state::FLOW == 0 {
            return Self::default();
        }
        let ports = is_ip(site.ethertype)
            && matches!(site.protocol, TCP | UDP | DCCP | SCTP | UDPLITE)
            && site.state & state::NO_TRANSPORT == 0;
        // A socket that is closed has given its port back.
        let port = |port| (ports && (port != 0 || !site.is_from_socket())).then_some(port);
        Self {
            src: address(site.ethertype, addrs.src),
            src_port: port(addrs.src_port),
            dst: address(site.ethertype, addrs.dst),
            dst_port: port(addrs.dst_port),
        }
    }
}

/// Type and code of an ICMP or `ICMPv6` message.
#[must_use]
pub fn icmp(site: &SiteKey, addrs: &FlowAddrs) -> Option<(u8, u8)> {
    let is_icmp = matches!(
        (site.ethertype, site.protocol),
        (ETHERTYPE_IPV4, ICMP) | (ETHERTYPE_IPV6, ICMPV6)
    );
    // A packet described by its socket has no message yet.
    let read = state::FLOW | state::NO_TRANSPORT;
    let is_read = site.state & read == state::FLOW && !site.is_from_socket();
    (is_icmp && is_read).then(|| addrs.dst_port.to_be_bytes().into())
}

fn address(ethertype: u16, bytes: [u8; 16]) -> Option<IpAddr> {
    match ethertype {
        ETHERTYPE_IPV4 | ETHERTYPE_ARP => {
            let [a, b, c, d, ..] = bytes;
            Some(Ipv4Addr::new(a, b, c, d).into())
        }
        ETHERTYPE_IPV6 => Some(Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(ethertype: u16, protocol: u8, state: u16) -> SiteKey {
        SiteKey {
            ethertype,
            protocol,
            state,
            ..SiteKey::default()
        }
    }

    #[test]
    fn a_closed_socket_has_no_port() {
        let addrs = FlowAddrs {
            dst_port: 443,
            ..FlowAddrs::default()
        };
        let of = |state| Ends::of(&site(ETHERTYPE_IPV4, TCP, state::FLOW | state), &addrs);
        assert_eq!(of(state::FLOW_FROM_SOCKET).src_port, None);
        assert_eq!(of(state::FLOW_FROM_SOCKET).dst_port, Some(443));
        assert_eq!(of(0).src_port, Some(0));
    }

    #[test]
    fn a_later_fragment_is_not_from_a_socket() {
        let read = state::FLOW | state::NETWORK;
        let fragment = site(ETHERTYPE_IPV4, UDP, state::later_fragment(read));
        assert!(fragment.is_later_fragment() && !fragment.is_from_socket());
        let described = site(ETHERTYPE_IPV4, UDP, state::FLOW | state::FLOW_FROM_SOCKET);
        assert!(described.is_from_socket() && !described.is_later_fragment());
        // Of a frame that the stack has not parsed yet, it is not told.
        let early = site(ETHERTYPE_IPV4, UDP, state::later_fragment(state::FLOW));
        assert!(!early.is_from_socket() && !early.is_later_fragment());
    }

    #[test]
    fn protocols_have_their_names() {
        let name = |ethertype, protocol| name(&site(ethertype, protocol, state::FLOW));
        assert_eq!(name(0x0800, 6).as_deref(), Some("tcp"));
        assert_eq!(name(0x86dd, 58).as_deref(), Some("icmpv6"));
        assert_eq!(name(0x0800, 0).as_deref(), Some("0"));
        assert_eq!(name(0x0800, 47).as_deref(), Some("47"));
        assert_eq!(name(0x0806, 0).as_deref(), Some("arp"));
        assert_eq!(name(0x88b5, 0).as_deref(), Some("0x88b5"));
        assert_eq!(name(0x0021, 0).as_deref(), Some("0x0021"));
        assert_eq!(name(0, 1).as_deref(), Some("unix"));
        assert_eq!(name(0, 16).as_deref(), Some("netlink"));
        assert_eq!(name(0, 0), None);
    }

    #[test]
    fn an_unread_protocol_is_unknown_and_not_zero() {
        assert_eq!(name(&site(0x0800, 0, state::UNPARSED_OR_TAGGED)), None);
    }

    #[test]
    fn ports_are_only_where_they_were_read() {
        let addrs = FlowAddrs {
            src: [10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            dst: [10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            src_port: 40000,
            dst_port: 0x0800,
        };
        let udp = Ends::of(&site(0x0800, 17, state::FLOW), &addrs);
        assert_eq!(udp.src, Some(Ipv4Addr::new(10, 0, 0, 1).into()));
        assert_eq!(udp.src_port, Some(40000));
        let fragment = Ends::of(&site(0x0800, 17, state::FLOW | state::NO_TRANSPORT), &addrs);
        assert_eq!(fragment.src_port, None);
        assert_eq!(fragment.dst, Some(Ipv4Addr::new(10, 0, 0, 2).into()));
        let echo = site(0x0800, 1, state::FLOW);
        assert_eq!(Ends::of(&echo, &addrs).dst_port, None);
        assert_eq!(icmp(&echo, &addrs), Some((8, 0)));
        assert_eq!(icmp(&site(0x0800, 17, state::FLOW), &addrs), None);
        assert_eq!(Ends::of(&site(0x0800, 17, 0), &addrs), Ends::default());
    }
}
