//! The headers of a packet, without what they carry.

use std::fmt::Write as _;

use bytes::Bytes;
use etherparse::{IpNumber, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use netdrop_ebpf::event::EVENT_LINK_LAYER;

use crate::kernel::capture::Detail;

/// The first bytes of a packet, up to the end of its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// Do they begin with the link layer's header (Ethernet), not with the
    /// network's?
    pub link_layer: bool,
    /// The bytes.
    pub bytes: Bytes,
}

impl Headers {
    /// Takes away what is payload: what follows the transport header, an ICMP
    /// header or, of other protocols and of later fragments, the network header. Of a header that is cut
    /// off or malformed nothing more is kept than what the lower layers tell.
    #[must_use]
    pub fn of(bytes: &Bytes, link_layer: bool) -> Option<Self> {
        let length = length(bytes, link_layer);
        (length > 0).then(|| Self {
            link_layer,
            bytes: bytes.slice(..length),
        })
    }

    /// The first bytes of a packet as they were.
    #[must_use]
    pub fn with_payload(detail: &Detail) -> Option<Self> {
        (!detail.headers.is_empty()).then(|| Self {
            link_layer: detail.event.flags & EVENT_LINK_LAYER != 0,
            bytes: detail.headers.clone(),
        })
    }

    /// The bytes, two digits each.
    #[must_use]
    pub fn hexadecimal(&self) -> String {
        let mut text = String::with_capacity(self.bytes.len() * 2);
        for byte in &self.bytes {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// `link` or `network`: the layer they begin with.
    #[must_use]
    pub fn from(&self) -> &'static str {
        if self.link_layer { "link" } else { "network" }
    }
}

fn length(bytes: &[u8], link_layer: bool) -> usize {
    let packet = if link_layer {
        LaxSlicedPacket::from_ethernet(bytes).ok()
    } else {
        LaxSlicedPacket::from_ip(bytes).ok()
    };
    let Some(packet) = packet else {
        return 0;
    };
    let before = |rest: &[u8]| rest.as_ptr().addr() - bytes.as_ptr().addr();
    if let Some(transport) = &packet.transport {
        return before(match transport {
            TransportSlice::Icmpv4(slice) => slice.payload(),
            TransportSlice::Icmpv6(slice) => slice.payload(),
            TransportSlice::Igmp(slice) => slice.payload(),
            TransportSlice::Udp(slice) => slice.payload(),
            TransportSlice::Tcp(slice) => slice.payload(),
        });
    }
    if let Some(LaxNetSlice::Arp(arp)) = &packet.net {
        return before(arp.slice()) + arp.slice().len();
    }
    if let Some(payload) = packet.ip_payload() {
        return before(payload.payload) + unread(&packet, payload.ip_number, payload.payload);
    }
    packet
        .ether_payload()
        .map_or(0, |payload| before(payload.payload))
}

/// How long the transport header is at the start of what the library reads no
/// header of: a first fragment, or another protocol with ports.
fn unread(packet: &LaxSlicedPacket<'_>, protocol: IpNumber, behind: &[u8]) -> usize {
    if is_later_fragment(packet) {
        return 0;
    }
    let length = match protocol {
        IpNumber::TCP => match behind.get(12) {
            Some(offset) if offset >> 4 >= 5 => usize::from(offset >> 4) * 4,
            _ => 0,
        },
        IpNumber::UDP | IpNumber::UDP_LITE | IpNumber::ICMP | IpNumber::IPV6_ICMP => 8,
        IpNumber::SCTP | IpNumber::DCCP => 12,
        _ => 0,
    };
    if length <= behind.len() { length } else { 0 }
}

fn is_later_fragment(packet: &LaxSlicedPacket<'_>) -> bool {
    match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => ip.header().fragments_offset().value() > 0,
        Some(LaxNetSlice::Ipv6(ip)) => {
            let extensions = ip.extensions();
            extensions
                .first_header()
                .is_some_and(|first| is_behind_later_fragment(first, extensions.slice()))
        }
        _ => false,
    }
}

/// Is one of these extension headers that of a later fragment? The library's own
/// iterator (etherparse 0.21) reads beyond the end of those that are cut off.
fn is_behind_later_fragment(mut header: IpNumber, mut bytes: &[u8]) -> bool {
    while let [next, length, high, low, ..] = *bytes {
        let units = match header {
            IpNumber::IPV6_FRAGMENTATION_HEADER if u16::from_be_bytes([high, low]) >> 3 > 0 => {
                return true;
            }
            IpNumber::IPV6_FRAGMENTATION_HEADER => 2,
            IpNumber::AUTHENTICATION_HEADER => usize::from(length) + 2,
            _ => (usize::from(length) + 1) * 2,
        };
        let Some(rest) = bytes.get(units * 4..) else {
            break;
        };
        (header, bytes) = (IpNumber(next), rest);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ethernet, IPv4, UDP with four bytes of payload.
    const UDP: &[u8] = &[
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, // Ethernet
        0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
        0x0f, 0xa0, 0, 9, 0, 12, 0, 0, // UDP
        b'd', b'a', b't', b'a',
    ];

    fn kept(bytes: &[u8], link_layer: bool) -> usize {
        let headers = Headers::of(&Bytes::copy_from_slice(bytes), link_layer);
        headers.map_or(0, |headers| headers.bytes.len())
    }

    #[test]
    fn payload_is_taken_away() {
        assert_eq!(kept(UDP, true), 14 + 20 + 8);
        assert_eq!(kept(&UDP[14..], false), 20 + 8);
        let mut tcp = UDP[..34].to_vec();
        tcp[23] = 6;
        tcp[17] = 20 + 24 + 4;
        tcp.extend([
            0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x60, 2, 0, 0, 0, 0, 0, 0,
        ]);
        tcp.extend([2, 4, 5, 0xb4]);
        tcp.extend(*b"data");
        assert_eq!(kept(&tcp, true), 14 + 20 + 24);
    }

    #[test]
    fn a_first_fragment_keeps_its_transport_header_and_a_later_one_none() {
        let mut fragment = UDP.to_vec();
        fragment[20] = 0x20;
        assert_eq!(kept(&fragment, true), 42);
        fragment[21] = 1;
        assert_eq!(kept(&fragment, true), 34);
        // IPv6, a fragment header, UDP.
        let mut v6 = vec![0x60, 0, 0, 0, 0, 20, 44, 64];
        v6.extend([0; 32]);
        v6.extend([17, 0, 0, 1, 0, 0, 0, 1]);
        v6.extend(&UDP[34..]);
        assert_eq!(kept(&v6, false), 40 + 8 + 8);
        v6[43] = 9;
        assert_eq!(kept(&v6, false), 40 + 8);
        // Behind options for the destination.
        v6[5] = 28;
        v6[6] = 60;
        v6.splice(40..40, [44, 0, 1, 4, 0, 0, 0, 0]);
        assert_eq!(kept(&v6, false), 40 + 8 + 8);
        v6[51] = 1;
        assert_eq!(kept(&v6, false), 40 + 8 + 8 + 8);
        for length in 0..v6.len() {
            assert!(kept(&v6[..length], false) <= length);
        }
    }

    #[test]
    fn protocols_with_ports_keep_them() {
        let mut sctp = UDP.to_vec();
        sctp[23] = 132;
        assert_eq!(kept(&sctp, true), 34 + 12);
        assert_eq!(kept(&sctp[..45], true), 34);
        sctp[23] = 136;
        assert_eq!(kept(&sctp, true), 34 + 8);
    }

    #[test]
    fn of_what_cannot_be_read_only_the_lower_layers_are_kept() {
        // The UDP header is cut off.
        assert_eq!(kept(&UDP[..38], true), 34);
        let mut esp = UDP.to_vec();
        esp[23] = 50;
        assert_eq!(kept(&esp, true), 34);
        let mut unknown = UDP.to_vec();
        unknown[12..14].copy_from_slice(&[0x88, 0xb5]);
        assert_eq!(kept(&unknown, true), 14);
        assert_eq!(kept(&UDP[..10], true), 0);
        assert_eq!(kept(b"nonsense", false), 0);
        assert_eq!(kept(&[], false), 0);
    }

    #[test]
    fn nothing_panics() {
        for length in 0..UDP.len() {
            for byte in 0..=255 {
                let mut bytes = UDP[..length].to_vec();
                bytes
                    .iter_mut()
                    .skip(12)
                    .step_by(7)
                    .for_each(|it| *it = byte);
                assert!(kept(&bytes, true) <= length);
                assert!(kept(&bytes, false) <= length);
            }
        }
    }
}
