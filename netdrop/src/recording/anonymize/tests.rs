use std::net::IpAddr;

use proptest::prelude::*;

use super::{
    addresses::{Addresses, KEY_BYTES},
    aliases::Aliases,
    packet::anonymous,
    scope as scope_of, *,
};

/// One that is the same every time.
pub(in crate::recording) fn anonymizer(seed: u8) -> Anonymizer {
    Anonymizer::with(&key(seed)).unwrap()
}

fn key(seed: u8) -> [u8; KEY_BYTES] {
    std::array::from_fn(|index| u8::try_from(index).unwrap().wrapping_mul(37) ^ seed)
}

fn addresses() -> Addresses {
    Addresses::new(&key(9)).unwrap()
}

fn of(address: &str) -> String {
    addresses().of(address.parse().unwrap()).to_string()
}

#[test]
fn an_address_stays_in_its_class() {
    for kept in [
        "0.0.0.0",
        "127.0.0.1",
        "224.0.0.251",
        "255.255.255.255",
        "::",
        "::1",
        "ff02::1",
        "ff02::fb",
    ] {
        assert_eq!(of(kept), kept);
    }
    for (address, start) in [
        ("169.254.3.4", "169.254."),
        ("fe80::5054:ff:fe12:3456", "fe80::"),
        ("fd12:3456::1", "fd"),
        ("2001:db8::1", "2"),
        ("ff02::1:ff12:3456", "ff02::1:ff"),
        ("ff05::abcd:1234", "ff05:"),
        ("::ffff:10.1.2.3", "::ffff:"),
    ] {
        let other = of(address);
        assert!(other.starts_with(start), "{address} became {other}");
        assert_ne!(other, address);
    }
    assert_eq!(of("::ffff:10.1.2.3"), format!("::ffff:{}", of("10.1.2.3")));
}

#[test]
fn a_weak_key_is_refused() {
    assert!(Addresses::new(&[7; KEY_BYTES]).is_none());
    assert_ne!(Anonymizer::random().unwrap(), Anonymizer::random().unwrap());
}

fn shared(first: IpAddr, second: IpAddr) -> u32 {
    match (first, second) {
        (IpAddr::V4(first), IpAddr::V4(second)) => {
            (u32::from(first) ^ u32::from(second)).leading_zeros()
        }
        (IpAddr::V6(first), IpAddr::V6(second)) => {
            (u128::from(first) ^ u128::from(second)).leading_zeros()
        }
        _ => panic!("two families"),
    }
}

proptest! {
    #[test]
    fn addresses_that_begin_alike_still_do(first: u32, second: u32, near in 0_u32..32) {
        let mut addresses = addresses();
        let second = IpAddr::V4((first ^ (second >> near)).into());
        let first = IpAddr::V4(first.into());
        let (new, other) = (addresses.of(first), addresses.of(second));
        prop_assert_eq!(shared(first, second), shared(new, other));
        let class = |address: IpAddr| (address.is_loopback(), address.is_multicast());
        prop_assert_eq!(class(first), class(new));
    }

    #[test]
    fn so_do_those_of_ipv6(first: u128, second: u128, near in 0_u32..128, group: bool) {
        let mut addresses = addresses();
        let first = if group { first | 0xff << 120 } else { first };
        let second = IpAddr::V6((first ^ (second >> near)).into());
        let first = IpAddr::V6(first.into());
        let (new, other) = (addresses.of(first), addresses.of(second));
        prop_assert_eq!(shared(first, second), shared(new, other));
        prop_assert_eq!(first.is_multicast(), new.is_multicast());
    }

    #[test]
    fn no_packet_makes_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..128), link: bool, at in 0..24_usize) {
        // Something like a header now and then.
        for (index, byte) in [8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6].iter().enumerate() {
            if let Some(slot) = bytes.get_mut(at + index) {
                *slot = *byte;
            }
        }
        let length = bytes.len();
        prop_assert!(anonymous(bytes, link, &mut addresses()).len() <= length);
    }
}

fn hidden(bytes: &[u8], link_layer: bool) -> Vec<u8> {
    anonymous(bytes.to_vec(), link_layer, &mut addresses())
}

/// To a group, from 10.0.0.9, with a checksum.
fn datagram(ethertype: [u8; 2], group: [u8; 6]) -> Vec<u8> {
    let mut bytes = group.to_vec();
    bytes.extend([2, 0, 0, 0, 0, 9]);
    bytes.extend(ethertype);
    bytes.extend([
        0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0xab, 0xcd, 10, 0, 0, 9, 239, 1, 2, 3,
    ]);
    bytes.extend([0x0f, 0xa0, 0, 9, 0, 8, 0xab, 0xcd]);
    bytes
}

#[test]
fn a_group_has_its_own_link_address() {
    let bytes = hidden(&datagram([8, 0], [1, 0, 0x5e, 1, 2, 3]), true);
    assert_eq!(bytes.len(), 42);
    assert_eq!(bytes[..3], [1, 0, 0x5e]);
    assert_eq!(bytes[3] & 0x7f, bytes[31] & 0x7f);
    assert_eq!(bytes[4..6], bytes[32..34]);
    assert_eq!(bytes[30] >> 4, 14);
    // The sender's is another one, of a single host.
    assert_ne!(bytes[6..12], [2, 0, 0, 0, 0, 9]);
    assert_eq!(bytes[6] & 3, 2);
    assert_eq!((&bytes[24..26], &bytes[40..42]), (&[0, 0][..], &[0, 0][..]));
    // Ports stay.
    assert_eq!(bytes[34..40], [0x0f, 0xa0, 0, 9, 0, 8]);
}

#[test]
fn what_is_not_understood_is_cut_off() {
    assert_eq!(hidden(&datagram([0x88, 0xb5], [0xff; 6]), true).len(), 14);
    assert_eq!(hidden(&datagram([8, 0], [0xff; 6])[..30], true).len(), 14);
    assert_eq!(hidden(&datagram([8, 0], [0xff; 6])[14..], false).len(), 28);
    assert!(hidden(&[1, 2, 3], true).is_empty());
}

#[test]
fn arp_tells_other_hosts() {
    let mut bytes = [[0xff; 6], [2, 0, 0, 0, 0, 9]].concat();
    bytes.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9]);
    bytes.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
    let new = hidden(&bytes, true);
    assert_eq!(new.len(), bytes.len());
    assert_eq!(new[..6], [0xff; 6]);
    assert_eq!(new[6..12], new[22..28]);
    assert_ne!(new[22..28], bytes[22..28]);
    let end = |bytes: &[u8], at: usize| -> IpAddr {
        <[u8; 4]>::try_from(&bytes[at..at + 4]).unwrap().into()
    };
    for at in [28, 38] {
        assert_eq!(end(&new, at).to_string(), of(&end(&bytes, at).to_string()));
    }
    assert_eq!(new[32..38], [0; 6]);
}

#[test]
fn options_that_hold_addresses_are_gone() {
    // Segment size, then an added address of multipath TCP.
    let mut bytes = vec![
        0x45, 0, 0, 60, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1,
    ];
    bytes.extend([
        0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 2, 0, 0, 0, 0, 0, 0,
    ]);
    bytes.extend([2, 4, 5, 0xb4, 30, 8, 0x34, 1, 10, 0, 0, 9]);
    let new = hidden(&bytes, false);
    assert_eq!(new[40..44], [2, 4, 5, 0xb4]);
    assert_eq!(new[44..], [1; 8]);
    // A route in IPv6.
    let mut bytes = vec![0x60, 0, 0, 0, 0, 32, 43, 64];
    bytes.extend([0x20; 32]);
    bytes.extend([17, 2, 0, 1, 0, 0, 0, 0]);
    bytes.extend([0x33; 16]);
    bytes.extend([0, 1, 0, 2, 0, 8, 9, 9]);
    let new = hidden(&bytes, false);
    assert_eq!(new.len(), 40 + 24 + 8);
    assert_eq!(new[40..44], [17, 2, 0, 1]);
    assert_eq!(new[44..64], [0; 20]);
    assert_eq!(new[64..], [0, 1, 0, 2, 0, 8, 0, 0]);
    // A gateway.
    let mut bytes = vec![
        0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1,
    ];
    bytes.extend([5, 1, 7, 7, 10, 0, 0, 1]);
    let new = hidden(&bytes, false);
    assert_eq!(
        (&new[20..24], &new[24..]),
        (&[5, 1, 0, 0][..], &new[16..20])
    );
}

#[test]
fn whose_counter_it_is_tells_no_names() {
    let mut devices = Aliases::new("device", &["lo"]);
    let mut addresses = addresses();
    let mut scope = |text| scope_of(text, &mut devices, &mut addresses).to_string();
    for kept in ["host", "netns", "cpu 3", "lo"] {
        assert_eq!(scope(kept), kept);
    }
    assert_eq!(
        scope("eth0 qdisc fq_codel 8001:"),
        "device1 qdisc fq_codel 8001:"
    );
    assert_eq!(scope("eth0"), "device1");
    assert_eq!(scope("wg-acme cpu 2"), "device2 cpu 2");
    assert_eq!(scope("udp 0.0.0.0:53"), "udp 0.0.0.0:53");
    assert_eq!(
        scope("listener 10.1.2.3:443"),
        format!("listener {}:443", of("10.1.2.3"))
    );
    assert_eq!(
        scope("listener [fd00::1]:443"),
        format!("listener [{}]:443", of("fd00::1"))
    );
}
