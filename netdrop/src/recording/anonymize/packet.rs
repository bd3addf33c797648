//! Headers without what tells whose they are. What is not understood is cut off;
//! checksums become zero, because they would tell what was there.

use std::net::IpAddr;

use super::addresses::{Addresses, group_link};

const ETHERNET: usize = 14;
const VLANS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
/// An option of TCP or IPv4 that means nothing.
const NO_OPERATION: u8 = 1;

/// The headers with other addresses.
pub(super) fn anonymous(
    mut bytes: Vec<u8>,
    link_layer: bool,
    addresses: &mut Addresses,
) -> Vec<u8> {
    let length = if link_layer {
        link(&mut bytes, addresses)
    } else {
        network(&mut bytes, None, addresses).0
    };
    bytes.truncate(length);
    bytes
}

/// How much is understood; the rest may tell anything.
fn link(bytes: &mut [u8], addresses: &mut Addresses) -> usize {
    let Some((ethernet, _)) = bytes.split_first_chunk::<ETHERNET>() else {
        return 0;
    };
    let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, ..] = *ethernet;
    let (to, from) = ([d0, d1, d2, d3, d4, d5], [s0, s1, s2, s3, s4, s5]);
    let mut at = ETHERNET;
    let mut ethertype = word(bytes, at - 2);
    while VLANS.iter().any(|vlan| Some(*vlan) == ethertype) && bytes.len() >= at + 4 {
        at += 4;
        ethertype = word(bytes, at - 2);
    }
    let (length, group) = match (ethertype, bytes.get_mut(at..)) {
        (Some(ethertype), Some(rest)) => network(rest, Some(ethertype), addresses),
        _ => (0, None),
    };
    let to = if to[0] & 1 == 0 {
        addresses.link(to)
    } else {
        group_link(to, group)
    };
    bytes[..6].copy_from_slice(&to);
    bytes[6..12].copy_from_slice(&addresses.link(from));
    at + length
}

/// How much is understood, and the group that it is sent to.
fn network(
    bytes: &mut [u8],
    ethertype: Option<u16>,
    addresses: &mut Addresses,
) -> (usize, Option<IpAddr>) {
    let version = bytes.first().map(|byte| byte >> 4);
    match (ethertype, version) {
        (None | Some(IPV4), Some(4)) => ipv4(bytes, addresses),
        (None | Some(IPV6), Some(6)) => ipv6(bytes, addresses),
        (Some(ARP), _) => (arp(bytes, addresses), None),
        _ => (0, None),
    }
}

fn arp(bytes: &mut [u8], addresses: &mut Addresses) -> usize {
    const LENGTH: usize = 28;
    // Ethernet and IPv4.
    if bytes.len() < LENGTH || bytes[..6] != [0, 1, 8, 0, 6, 4] {
        return 0;
    }
    for (link, network) in [(8, 14), (18, 24)] {
        if let Some(address) = bytes[link..].first_chunk::<6>().copied() {
            let other = if address[0] & 1 == 0 {
                addresses.link(address)
            } else {
                group_link(address, None)
            };
            bytes[link..link + 6].copy_from_slice(&other);
        }
        change_v4(bytes, network, addresses);
    }
    LENGTH
}

fn ipv4(bytes: &mut [u8], addresses: &mut Addresses) -> (usize, Option<IpAddr>) {
    const SHORTEST: usize = 20;
    let length = bytes.first().map_or(0, |byte| usize::from(byte & 15) * 4);
    if length < SHORTEST || bytes.len() < length {
        return (0, None);
    }
    bytes[10..12].fill(0);
    change_v4(bytes, 12, addresses);
    let to = change_v4(bytes, 16, addresses);
    // Routes and time stamps hold addresses.
    bytes[SHORTEST..length].fill(NO_OPERATION);
    let later = word(bytes, 6).is_none_or(|field| field & 0x1fff != 0);
    let protocol = bytes[9];
    let behind = if later {
        0
    } else {
        transport(&mut bytes[length..], protocol, addresses)
    };
    (length + behind, to)
}

fn ipv6(bytes: &mut [u8], addresses: &mut Addresses) -> (usize, Option<IpAddr>) {
    const LENGTH: usize = 40;
    if bytes.len() < LENGTH {
        return (0, None);
    }
    change_v6(bytes, 8, addresses);
    let to = change_v6(bytes, 24, addresses);
    let mut protocol = bytes[6];
    let mut at = LENGTH;
    loop {
        let header = &mut bytes[at..];
        let Some(&[next, units]) = header.first_chunk::<2>() else {
            break;
        };
        let (length, told) = match protocol {
            // Options of every hop and of the destination: padding takes their place.
            0 | 60 => ((usize::from(units) + 1) * 8, 2),
            // Routes are addresses.
            43 => ((usize::from(units) + 1) * 8, 4),
            44 => (8, 8),
            // Authentication covers addresses.
            51 => ((usize::from(units) + 2) * 4, 12),
            _ => {
                let behind = transport(header, protocol, addresses);
                return (at + behind, to);
            }
        };
        if header.len() < length {
            break;
        }
        header[told.min(length)..length].fill(0);
        let later = protocol == 44 && word(header, 2).is_none_or(|field| field & 0xfff8 != 0);
        at += length;
        protocol = next;
        if later {
            break;
        }
    }
    (at, to)
}

/// How much is understood of a transport header.
fn transport(bytes: &mut [u8], protocol: u8, addresses: &mut Addresses) -> usize {
    let (length, checksum) = match protocol {
        1 | 2 | 58 => (8, 2),
        6 => (
            bytes.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4),
            16,
        ),
        17 | 136 => (8, 6),
        _ => return 0,
    };
    if bytes.len() < length || length < 8 || (protocol == 6 && length < 20) {
        return 0;
    }
    bytes[checksum..checksum + 2].fill(0);
    match protocol {
        // The gateway of a redirection, and the group of IGMP.
        1 if bytes[0] == 5 => {
            change_v4(bytes, 4, addresses);
        }
        2 => {
            change_v4(bytes, 4, addresses);
        }
        6 => tcp_options(&mut bytes[20..length]),
        _ => {}
    }
    length
}

/// Keeps what tells how the connection works; other options may hold addresses
/// or what was agreed between its ends.
fn tcp_options(mut options: &mut [u8]) {
    loop {
        let skip = match *options {
            // No more.
            [] | [0, ..] => {
                options.fill(0);
                return;
            }
            [1, ..] => 1,
            [kind, length, ..] if length >= 2 && usize::from(length) <= options.len() => {
                let length = usize::from(length);
                // Segment size, window scale, acknowledged ranges, time stamps.
                if !matches!(kind, 2 | 3 | 4 | 5 | 8) {
                    options[..length].fill(NO_OPERATION);
                }
                length
            }
            _ => {
                options.fill(NO_OPERATION);
                return;
            }
        };
        options = &mut options[skip..];
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn change_v4(bytes: &mut [u8], at: usize, addresses: &mut Addresses) -> Option<IpAddr> {
    let field = bytes.get_mut(at..)?.first_chunk_mut::<4>()?;
    let other = addresses.of(IpAddr::from(*field));
    if let IpAddr::V4(other) = other {
        *field = other.octets();
    }
    Some(other)
}

fn change_v6(bytes: &mut [u8], at: usize, addresses: &mut Addresses) -> Option<IpAddr> {
    let field = bytes.get_mut(at..)?.first_chunk_mut::<16>()?;
    let other = addresses.of(IpAddr::from(*field));
    if let IpAddr::V6(other) = other {
        *field = other.octets();
    }
    Some(other)
}
