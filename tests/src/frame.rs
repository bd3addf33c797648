//! Ethernet frames byte by byte, right by default and wrong where a scenario
//! wants them wrong.

use std::net::IpAddr;

use crate::{
    case::Flow,
    lab::{End, Mac},
};

mod checksum;
mod packet;
mod segment;

pub(crate) use self::segment::{ACK, FIN, RST, SYN, Segment};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;

/// What follows the network header.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// A datagram.
    Udp { src: u16, dst: u16, payload: usize },
    /// A segment.
    Tcp(Segment),
    /// A message of ICMP or of its IPv6 twin.
    Icmp {
        kind: u8,
        code: u8,
        payload: Vec<u8>,
    },
    /// Anything else: its protocol number and bytes.
    Other { protocol: u8, bytes: Vec<u8> },
}

/// A frame to be.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    mac_src: Mac,
    mac_dst: Mac,
    src: IpAddr,
    dst: IpAddr,
    transport: Transport,
    hops: u8,
    vlan: Option<u16>,
    id: u16,
    fragment: u16,
    extensions: Vec<(u8, Vec<u8>)>,
    options: Vec<u8>,
    version: Option<u8>,
    missing: u16,
    congested: bool,
    bad_network_checksum: bool,
    bad_transport_checksum: bool,
}

/// The flag that says more fragments follow.
pub(crate) const MORE_FRAGMENTS: u16 = 0x2000;
/// Where a fragment lies in its packet.
const OFFSET: u16 = 0x1fff;
/// IPv6 hop-by-hop options.
pub(crate) const HOP_BY_HOP: u8 = 0;
/// The IPv6 fragment header.
pub(crate) const FRAGMENT: u8 = 44;
/// IPv6 destination options.
pub(crate) const DESTINATION_OPTIONS: u8 = 60;

impl Frame {
    /// An IPv4 packet from one end of a link to the other.
    pub(crate) fn v4(from: End, to: End, transport: Transport) -> Self {
        Self::new(from, to, from.v4.into(), to.v4.into(), transport)
    }

    /// An IPv6 packet from one end of a link to the other.
    pub(crate) fn v6(from: End, to: End, transport: Transport) -> Self {
        Self::new(from, to, from.v6.into(), to.v6.into(), transport)
    }

    fn new(from: End, to: End, src: IpAddr, dst: IpAddr, transport: Transport) -> Self {
        Self {
            mac_src: from.mac,
            mac_dst: to.mac,
            src,
            dst,
            transport,
            hops: 64,
            vlan: None,
            id: 0x1234,
            fragment: 0,
            extensions: Vec::new(),
            options: Vec::new(),
            version: None,
            missing: 0,
            congested: false,
            bad_network_checksum: false,
            bad_transport_checksum: false,
        }
    }

    pub(crate) fn src(self, src: impl Into<IpAddr>) -> Self {
        Self {
            src: src.into(),
            ..self
        }
    }

    pub(crate) fn dst(self, dst: impl Into<IpAddr>) -> Self {
        Self {
            dst: dst.into(),
            ..self
        }
    }

    pub(crate) fn mac_src(self, mac_src: Mac) -> Self {
        Self { mac_src, ..self }
    }

    pub(crate) fn mac_dst(self, mac_dst: Mac) -> Self {
        Self { mac_dst, ..self }
    }

    pub(crate) fn hops(self, hops: u8) -> Self {
        Self { hops, ..self }
    }

    pub(crate) fn vlan(self, id: u16) -> Self {
        Self {
            vlan: Some(id),
            ..self
        }
    }

    /// The IPv4 fragment field: flags, and the offset in units of eight bytes.
    pub(crate) fn fragment(self, fragment: u16) -> Self {
        Self { fragment, ..self }
    }

    /// The IPv4 identification, by which fragments belong together.
    pub(crate) fn id(self, id: u16) -> Self {
        Self { id, ..self }
    }

    /// An IPv6 extension header of eight bytes full of padding.
    pub(crate) fn extension(self, kind: u8) -> Self {
        // PadN of four bytes after the next header and length bytes.
        self.extension_of(kind, [0, 0, 1, 4, 0, 0, 0, 0])
    }

    /// An IPv6 extension header of these bytes; the first is made right.
    pub(crate) fn extension_of(mut self, kind: u8, bytes: [u8; 8]) -> Self {
        self.extensions.push((kind, bytes.to_vec()));
        self
    }

    /// Whole words of IPv4 options.
    pub(crate) fn options(self, options: &[u8]) -> Self {
        Self {
            options: options.to_vec(),
            ..self
        }
    }

    /// Another version in the IP header than the true one.
    pub(crate) fn version(self, version: u8) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }

    /// The IP header speaks of so many bytes more than there are.
    pub(crate) fn missing(self, missing: u16) -> Self {
        Self { missing, ..self }
    }

    /// Routers on the way have marked the packet: congestion experienced.
    pub(crate) fn congested(self) -> Self {
        Self {
            congested: true,
            ..self
        }
    }

    pub(crate) fn bad_network_checksum(self) -> Self {
        Self {
            bad_network_checksum: true,
            ..self
        }
    }

    pub(crate) fn bad_transport_checksum(self) -> Self {
        Self {
            bad_transport_checksum: true,
            ..self
        }
    }

    /// The length of the IP packet: what netdrop reports as `length`.
    pub(crate) fn packet_length(&self) -> u64 {
        self.packet().len() as u64
    }

    /// The flow that netdrop must see.
    pub(crate) fn flow(&self) -> Flow {
        let bytes = self.transport_bytes();
        let port = |at: usize| match self.protocol() {
            6 | 17 if self.fragment & OFFSET == 0 => {
                Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
            }
            _ => None,
        };
        Flow {
            protocol: match self.protocol() {
                1 => "icmp",
                6 => "tcp",
                17 => "udp",
                58 => "icmpv6",
                _ => "253",
            },
            src: self.src,
            src_port: port(0),
            dst: self.dst,
            dst_port: port(2),
        }
    }

    /// The frame on the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let ethertype = if self.src.is_ipv4() { IPV4 } else { IPV6 };
        let mut frame = [self.mac_dst, self.mac_src].concat();
        if let Some(id) = self.vlan {
            frame.extend(VLAN.to_be_bytes());
            frame.extend(id.to_be_bytes());
        }
        frame.extend(ethertype.to_be_bytes());
        frame.extend(self.packet());
        frame
    }
}

/// A datagram with this content and without a checksum.
pub(crate) fn datagram(src: u16, dst: u16, content: &[u8]) -> Transport {
    let mut bytes = [src.to_be_bytes(), dst.to_be_bytes()].concat();
    bytes.extend(packet::short(8 + content.len()));
    bytes.extend([0, 0]);
    bytes.extend(content);
    Transport::Other {
        protocol: 17,
        bytes,
    }
}

/// An Ethernet frame that carries no IP.
pub(crate) fn ethernet(from: End, to: End, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [to.mac, from.mac].concat();
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{A, B};

    #[test]
    fn an_ipv4_header_sums_up_to_zero() {
        let frame = Frame::v4(
            A,
            B,
            Transport::Udp {
                src: 1,
                dst: 2,
                payload: 3,
            },
        );
        assert_eq!(checksum::of(&[&frame.bytes()[14..34]]), 0);
        assert_eq!(frame.packet_length(), 31);
        let bad = frame.bad_network_checksum().bytes();
        assert_ne!(checksum::of(&[&bad[14..34]]), 0);
    }

    #[test]
    fn a_frame_knows_its_flow() {
        let frame = Frame::v4(A, B, datagram(4000, 9, b"x"));
        assert_eq!(frame.flow(), Flow::new("udp", (A.v4, 4000), (B.v4, 9)));
        let later = frame.fragment(5).flow();
        assert_eq!((later.src_port, later.dst_port), (None, None));
    }

    #[test]
    fn a_segment_counts_its_options() {
        let segment = Segment::new(1, 2, SYN).timestamps(3, 4).payload(5);
        let bytes = Frame::v4(A, B, Transport::Tcp(segment)).bytes();
        assert_eq!(
            (bytes[14 + 20 + 12] >> 4, bytes.len()),
            (8, 14 + 20 + 32 + 5)
        );
    }

    #[test]
    fn extension_headers_are_chained_in_order() {
        let frame = Frame::v6(
            A,
            B,
            Transport::Udp {
                src: 1,
                dst: 2,
                payload: 0,
            },
        )
        .extension(HOP_BY_HOP)
        .extension(DESTINATION_OPTIONS)
        .bytes();
        assert_eq!(
            [frame[14 + 6], frame[14 + 40], frame[14 + 48]],
            [HOP_BY_HOP, DESTINATION_OPTIONS, 17]
        );
    }
}
