//! Addresses that stand for addresses. Two that begin alike still begin alike,
//! equally long (`ipcrypt-pfx`), and an address stays in its class: loopback,
//! link-local, multicast, unique local.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use ipcrypt_rs::{Ipcrypt, IpcryptPfx};

/// Bytes of a key: of addresses of networks, and of links.
pub(super) const KEY_BYTES: usize = IpcryptPfx::KEY_BYTES + Ipcrypt::KEY_BYTES;
/// Addresses remembered at most; beyond it the memory starts afresh.
const MOST: usize = 1 << 16;

/// A part of the addresses that stays itself.
struct Class {
    first: u128,
    bits: u32,
    /// Does each address in it, too? They name no host.
    kept: bool,
}

const fn v4(first: [u8; 4], bits: u32, kept: bool) -> Class {
    Class {
        first: (u32::from_be_bytes(first) as u128) << 96,
        bits,
        kept,
    }
}

const V4: [Class; 7] = [
    v4([0, 0, 0, 0], 8, true),
    v4([127, 0, 0, 0], 8, true),
    v4([169, 254, 0, 0], 16, false),
    v4([224, 0, 0, 0], 4, false),
    // All hosts, all routers and their kin.
    v4([224, 0, 0, 0], 24, true),
    v4([240, 0, 0, 0], 4, false),
    v4([255, 255, 255, 255], 32, true),
];

const fn v6(first: u128, bits: u32, kept: bool) -> Class {
    Class { first, bits, kept }
}

const V6: [Class; 3] = [
    // None, and this host.
    v6(0, 127, true),
    v6(0xfe80 << 112, 64, false),
    v6(0xff << 120, 8, false),
];

/// Addresses known so far.
pub(super) struct Addresses {
    prefixes: IpcryptPfx,
    links: Ipcrypt,
    known: HashMap<IpAddr, IpAddr>,
}

impl fmt::Debug for Addresses {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Addresses").finish_non_exhaustive()
    }
}

impl Addresses {
    /// `None` where the key's parts are the same.
    pub(super) fn new(key: &[u8; KEY_BYTES]) -> Option<Self> {
        let (prefixes, links) = key.split_first_chunk::<{ IpcryptPfx::KEY_BYTES }>()?;
        let (first, second) = prefixes.split_at(IpcryptPfx::KEY_BYTES / 2);
        (first != second).then_some(())?;
        Some(Self {
            prefixes: IpcryptPfx::new(*prefixes),
            links: Ipcrypt::new(links.try_into().ok()?),
            known: HashMap::new(),
        })
    }

    /// What stands for an address.
    pub(super) fn of(&mut self, address: IpAddr) -> IpAddr {
        if let Some(known) = self.known.get(&address) {
            return *known;
        }
        let other = self.make(address);
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(address, other);
        other
    }

    fn make(&mut self, address: IpAddr) -> IpAddr {
        if let IpAddr::V6(v6) = address
            && let Some(v4) = v6.to_ipv4_mapped()
        {
            return match self.of(IpAddr::V4(v4)) {
                IpAddr::V4(other) => IpAddr::V6(other.to_ipv6_mapped()),
                other @ IpAddr::V6(_) => other,
            };
        }
        let kept = kept(address);
        match (address, self.prefixes.encrypt_ipaddr(address)) {
            (IpAddr::V4(address), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shr(kept).unwrap_or(0);
                IpAddr::V4((u32::from(address) & !mask | u32::from(other) & mask).into())
            }
            (IpAddr::V6(address), other) => {
                // The library gives what looks like a mapped address as IPv4.
                let other = match other {
                    IpAddr::V4(other) => other.to_ipv6_mapped(),
                    IpAddr::V6(other) => other,
                };
                let mask = u128::MAX.checked_shr(kept).unwrap_or(0);
                IpAddr::V6((u128::from(address) & !mask | u128::from(other) & mask).into())
            }
            (address @ IpAddr::V4(_), IpAddr::V6(_)) => address,
        }
    }

    /// The same in text; what is no address becomes none.
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        match text.parse() {
            Ok(address) => self.of(address).to_string().into(),
            Err(_) => "".into(),
        }
    }

    /// What stands for the address of a link: a made-up one of a single host.
    /// None stays none.
    pub(super) fn link(&self, address: [u8; 6]) -> [u8; 6] {
        if address == [0; 6] {
            return address;
        }
        let mut block = [0; 16];
        block[..6].copy_from_slice(&address);
        self.links.encrypt_ip16(&mut block);
        let [first, rest @ ..] = block;
        // Administered locally, and no group.
        let first = first & 0b1111_1100 | 0b10;
        [first, rest[0], rest[1], rest[2], rest[3], rest[4]]
    }
}

/// Bits of an address that stay, from the first on: those that it shares with a
/// class and the next, which tells that it is not in it, or else all of that
/// class.
fn kept(address: IpAddr) -> u32 {
    let of = |value: u128, classes: &[Class]| {
        let each = classes.iter().map(|class| {
            let shared = (value ^ class.first).leading_zeros();
            if shared < class.bits {
                shared + 1
            } else if class.kept {
                128
            } else {
                class.bits
            }
        });
        each.max().unwrap_or(0)
    };
    match address {
        IpAddr::V4(address) => of(u128::from(u32::from(address)) << 96, &V4).min(32),
        IpAddr::V6(address) => {
            let value = u128::from(address);
            let mut kept = of(value, &V6);
            if address.is_multicast() {
                // With flags and scope, and the well-known groups.
                let start = value >> 112 << 112;
                let groups = [v6(start, 112, true), v6(start | 0x1_ff00_0000, 104, false)];
                kept = kept.max(16).max(of(value, &groups));
            }
            kept
        }
    }
}

/// The link's address of a group.
pub(super) fn group_link(before: [u8; 6], group: Option<IpAddr>) -> [u8; 6] {
    match (before, group) {
        // All hosts; bridges and their neighbours: the same everywhere.
        ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff] | [1, 0x80, 0xc2, 0, 0, _], _) => before,
        ([1, 0, 0x5e, ..], Some(IpAddr::V4(group))) => {
            let [_, b, c, d] = group.octets();
            [1, 0, 0x5e, b & 0x7f, c, d]
        }
        ([1, 0, 0x5e, ..], _) => [1, 0, 0x5e, 0, 0, 0],
        ([0x33, 0x33, ..], Some(IpAddr::V6(group))) => {
            let [.., a, b, c, d] = Ipv6Addr::octets(&group);
            [0x33, 0x33, a, b, c, d]
        }
        ([0x33, 0x33, ..], _) => [0x33, 0x33, 0, 0, 0, 0],
        _ => [1, 0, 0, 0, 0, 0],
    }
}
