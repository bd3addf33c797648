//! Netfilter's hooks: which one a packet died in.
//!
//! The kernel does not say, so the route and the devices of the packet do:
//! before PREROUTING there is none, INPUT and FORWARD follow the look-up, OUTPUT
//! comes before a device is set, POSTROUTING after it. Where two hooks look the
//! same (on the loopback device; when a packet leaves by the device it came in
//! by) only the stack tells.

use netdrop_ebpf::site::{facts, state};

use super::direction::Direction;

/// A hook of netfilter, in path order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// On the device, before the IP layer.
    Ingress,
    /// Before routing.
    Prerouting,
    /// To this host.
    Input,
    /// Through this host.
    Forward,
    /// From this host.
    Output,
    /// After routing.
    Postrouting,
    /// On the device, behind the IP layer.
    Egress,
}

impl Hook {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
            Self::Egress => "egress",
        }
    }

    /// The hook, as far as the packet's bits of [`state`] and [`facts`] tell it.
    #[must_use]
    pub fn of(bits: u16, facts: u16) -> Option<Self> {
        let has = |bit| bits & bit != 0;
        let is = |fact| facts & fact != 0;
        let received = has(state::RECEIVED);
        let device = has(state::DEVICE);
        if is(facts::LINK_HEADER) && device {
            return Some(Self::Egress);
        }
        if is(facts::BRIDGE_PORT) {
            // The bridge's own hooks leave no mark on the packet.
            return None;
        }
        match facts & facts::ROUTE_MASK {
            facts::ROUTE_NONE
                if is(facts::BRIDGE) && received && !is(facts::ON_INCOMING_DEVICE) =>
            {
                // The bridge hands up a packet of one of its ports. Bridge
                // netfilter runs PREROUTING with the bridge as device, too, and
                // attaches a route of its own after it.
                has(state::ROUTED).then_some(Self::Input)
            }
            facts::ROUTE_NONE if received => Some(before_routing(facts)),
            facts::ROUTE_LOCAL if received => {
                // On loopback the route is attached from the start.
                (!is(facts::ON_ROUTES_DEVICE)).then_some(Self::Input)
            }
            facts::ROUTE_FORWARD | facts::ROUTE_OUTPUT if received => {
                match (is(facts::ON_INCOMING_DEVICE), is(facts::ON_ROUTES_DEVICE)) {
                    (true, false) => Some(Self::Forward),
                    (false, true) => Some(Self::Postrouting),
                    _ => None,
                }
            }
            facts::ROUTE_LOCAL | facts::ROUTE_OUTPUT | facts::ROUTE_FORWARD => {
                if device && is(facts::ON_ROUTES_DEVICE) {
                    Some(Self::Postrouting)
                } else {
                    Some(Self::Output)
                }
            }
            _ => None,
        }
    }

    /// The hook that a function runs; suffixes of the compiler stripped.
    #[must_use]
    pub fn run_by(function: &str) -> Option<Self> {
        Some(match function {
            "__netif_receive_skb_core"
            | "__netif_receive_skb_one_core"
            | "__netif_receive_skb_list_core" => Self::Ingress,
            "ip_rcv" | "ip_list_rcv" | "ip_sublist_rcv" | "ipv6_rcv" | "ipv6_list_rcv"
            | "ip6_sublist_rcv" | "br_handle_frame" | "arp_rcv" => Self::Prerouting,
            "ip_local_deliver" | "ip6_input" | "br_pass_frame_up" => Self::Input,
            "ip_forward" | "ip6_forward" | "__br_forward" | "br_forward" | "ip_mr_forward"
            | "ip6_mr_forward" => Self::Forward,
            "__ip_local_out"
            | "ip_local_out"
            | "__ip_queue_xmit"
            | "ip_send_skb"
            | "ip_build_and_send_pkt"
            | "__ip6_local_out"
            | "ip6_local_out"
            | "ip6_xmit"
            | "ip6_send_skb"
            | "raw_sendmsg"
            | "rawv6_sendmsg"
            | "ndisc_send_skb"
            | "mld_sendpack"
            | "igmpv3_sendpack"
            | "arp_xmit" => Self::Output,
            "ip_output" | "ip_mc_output" | "ip6_output" | "ip6_mc_output" | "br_forward_finish" => {
                Self::Postrouting
            }
            "__dev_queue_xmit" => Self::Egress,
            _ => return None,
        })
    }

    /// The direction of a packet in it.
    #[must_use]
    pub fn direction(self, received: bool) -> Direction {
        match self {
            Self::Ingress | Self::Prerouting | Self::Input => Direction::Rx,
            Self::Forward => Direction::Forward,
            Self::Postrouting | Self::Egress if received => Direction::Forward,
            Self::Output | Self::Postrouting | Self::Egress => Direction::Tx,
        }
    }
}

fn before_routing(facts: u16) -> Hook {
    if facts & facts::IP_RECEIVED != 0 {
        Hook::Prerouting
    } else {
        Hook::Ingress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: u16 = state::RECEIVED | state::DEVICE;

    #[test]
    fn a_received_packet_without_a_route_is_before_routing() {
        let incoming = facts::ROUTE_NONE | facts::ON_INCOMING_DEVICE;
        assert_eq!(
            Hook::of(DEVICE, incoming | facts::IP_RECEIVED),
            Some(Hook::Prerouting)
        );
        assert_eq!(Hook::of(DEVICE, incoming), Some(Hook::Ingress));
    }

    #[test]
    fn the_route_tells_input_from_forward() {
        let on_incoming = facts::ON_INCOMING_DEVICE | facts::IP_RECEIVED;
        assert_eq!(
            Hook::of(DEVICE, facts::ROUTE_LOCAL | on_incoming),
            Some(Hook::Input)
        );
        assert_eq!(
            Hook::of(DEVICE, facts::ROUTE_FORWARD | on_incoming),
            Some(Hook::Forward)
        );
        let leaving = facts::ROUTE_FORWARD | facts::ON_ROUTES_DEVICE;
        assert_eq!(Hook::of(DEVICE, leaving), Some(Hook::Postrouting));
    }

    #[test]
    fn a_sent_packet_gets_its_device_between_output_and_postrouting() {
        assert_eq!(Hook::of(0, facts::ROUTE_OUTPUT), Some(Hook::Output));
        assert_eq!(
            Hook::of(state::DEVICE, facts::ROUTE_OUTPUT | facts::ON_ROUTES_DEVICE),
            Some(Hook::Postrouting)
        );
        // A tunnel's packet still has the tunnel's device.
        assert_eq!(
            Hook::of(state::DEVICE, facts::ROUTE_OUTPUT),
            Some(Hook::Output)
        );
    }

    #[test]
    fn behind_the_ip_layer_there_is_a_link_layer_header() {
        let leaving = facts::ROUTE_FORWARD | facts::ON_ROUTES_DEVICE | facts::LINK_HEADER;
        assert_eq!(Hook::of(DEVICE, leaving), Some(Hook::Egress));
        assert_eq!(Hook::Egress.direction(true), Direction::Forward);
    }

    #[test]
    fn what_looks_the_same_in_two_hooks_is_not_guessed() {
        let loopback = facts::ROUTE_LOCAL | facts::ON_ROUTES_DEVICE | facts::ON_INCOMING_DEVICE;
        assert_eq!(Hook::of(DEVICE, loopback), None);
        let hairpin = facts::ROUTE_FORWARD | facts::ON_ROUTES_DEVICE | facts::ON_INCOMING_DEVICE;
        assert_eq!(Hook::of(DEVICE, hairpin), None);
        assert_eq!(Hook::of(DEVICE, facts::ROUTE_UNREAD), None);
    }

    #[test]
    fn on_bridges_only_what_bridge_netfilter_marked_is_known() {
        let port = facts::BRIDGE_PORT | facts::ROUTE_NONE;
        assert_eq!(Hook::of(DEVICE, port), None);
        let bridge = facts::BRIDGE | facts::ROUTE_NONE;
        assert_eq!(Hook::of(DEVICE, bridge), None);
        assert_eq!(Hook::of(DEVICE | state::ROUTED, bridge), Some(Hook::Input));
        let incoming = bridge | facts::ON_INCOMING_DEVICE | facts::IP_RECEIVED;
        assert_eq!(Hook::of(DEVICE, incoming), Some(Hook::Prerouting));
    }
}
