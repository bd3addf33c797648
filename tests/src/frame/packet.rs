//! The bytes of a frame from the network header on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Frame, Transport, checksum};

impl Frame {
    pub(super) fn packet(&self) -> Vec<u8> {
        let transport = self.transport_bytes();
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => self.packet_v4(src, dst, &transport),
            (IpAddr::V6(src), IpAddr::V6(dst)) => self.packet_v6(src, dst, &transport),
            _ => unreachable!("both addresses are of one family"),
        }
    }

    fn packet_v4(&self, src: Ipv4Addr, dst: Ipv4Addr, transport: &[u8]) -> Vec<u8> {
        let length = 20 + self.options.len();
        let words = u8::try_from(length / 4).unwrap_or(15);
        let mut header = vec![self.version.unwrap_or(4) << 4 | words];
        header.push(if self.congested { 3 } else { 0 });
        header.extend(short(length + transport.len() + usize::from(self.missing)));
        header.extend(self.id.to_be_bytes());
        header.extend(self.fragment.to_be_bytes());
        header.extend([self.hops, self.protocol(), 0, 0]);
        header.extend(src.octets());
        header.extend(dst.octets());
        header.extend(&self.options);
        let sum = checksum::of(&[&header]) ^ u16::from(self.bad_network_checksum);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        [header.as_slice(), transport].concat()
    }

    fn packet_v6(&self, src: Ipv6Addr, dst: Ipv6Addr, transport: &[u8]) -> Vec<u8> {
        let mut following = transport.to_vec();
        let mut next = self.protocol();
        for (kind, extension) in self.extensions.iter().rev() {
            let mut bytes = extension.clone();
            bytes[0] = next;
            bytes.extend(following);
            (following, next) = (bytes, *kind);
        }
        let mut header = vec![self.version.unwrap_or(6) << 4, 0, 0, 0];
        header.extend(short(following.len() + usize::from(self.missing)));
        header.extend([next, self.hops]);
        header.extend(src.octets());
        header.extend(dst.octets());
        [header, following].concat()
    }

    pub(super) fn protocol(&self) -> u8 {
        match self.transport {
            Transport::Udp { .. } => 17,
            Transport::Tcp(_) => 6,
            Transport::Icmp { .. } if self.src.is_ipv4() => 1,
            Transport::Icmp { .. } => 58,
            Transport::Other { protocol, .. } => protocol,
        }
    }

    pub(super) fn transport_bytes(&self) -> Vec<u8> {
        let (mut bytes, checksum_at) = match &self.transport {
            Transport::Udp { src, dst, payload } => {
                let mut bytes = [src.to_be_bytes(), dst.to_be_bytes()].concat();
                bytes.extend(short(8 + payload));
                bytes.resize(8 + payload, 0);
                (bytes, 6)
            }
            Transport::Tcp(segment) => (segment.bytes(), 16),
            Transport::Icmp {
                kind,
                code,
                payload,
            } => {
                let mut bytes = vec![*kind, *code, 0, 0, 0, 0, 0, 0];
                bytes.extend(payload);
                (bytes, 2)
            }
            Transport::Other { bytes, .. } => return bytes.clone(),
        };
        let sum = checksum::of(&[&self.pseudo_header(bytes.len()), &bytes]);
        let sum = sum ^ u16::from(self.bad_transport_checksum);
        bytes[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    fn pseudo_header(&self, length: usize) -> Vec<u8> {
        let mut pseudo = match (self.src, self.dst) {
            (IpAddr::V4(_), _) if self.protocol() == 1 => return Vec::new(),
            (IpAddr::V4(src), IpAddr::V4(dst)) => [src.octets(), dst.octets()].concat(),
            (IpAddr::V6(src), IpAddr::V6(dst)) => [src.octets(), dst.octets()].concat(),
            _ => unreachable!("both addresses are of one family"),
        };
        pseudo.extend(short(length));
        pseudo.extend([0, self.protocol()]);
        pseudo
    }
}

/// A length as it stands in a header.
pub(super) fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}
