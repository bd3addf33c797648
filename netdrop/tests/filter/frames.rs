//! Frames of many kinds, over few addresses and ports so that filters match.

use crate::dice::Dice;

pub(crate) const V4: [[u8; 4]; 5] = [
    [10, 0, 0, 1],
    [10, 0, 0, 2],
    [10, 1, 2, 3],
    [192, 168, 7, 9],
    [224, 0, 0, 5],
];

pub(crate) const V6: [&str; 4] = ["2001:db8::1", "2001:db8::2", "2001:db8:1::7", "ff02::fb"];

pub(crate) const PORTS: [u16; 6] = [53, 80, 443, 5000, 6001, 40000];

#[expect(clippy::struct_excessive_bools, reason = "they are independent")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) bytes: Vec<u8>,
    /// Bytes on the wire.
    pub(crate) length: u32,
    /// The same frame without IPv6 extension headers, where it has some and is
    /// no later fragment.
    pub(crate) plain: Option<Vec<u8>>,
    pub(crate) extensions: Vec<u8>,
    pub(crate) is_v6: bool,
    pub(crate) is_later_v6_fragment: bool,
    pub(crate) is_cut: bool,
    pub(crate) is_arp: bool,
    pub(crate) is_rarp: bool,
    pub(crate) tags: usize,
}

pub(crate) fn frames(dice: &mut Dice, count: usize) -> Vec<Frame> {
    (0..count).map(|_| frame(dice)).collect()
}

fn frame(dice: &mut Dice) -> Frame {
    let mut frame = Frame::default();
    let mut link = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.tags = dice.pick(&[0, 0, 0, 0, 1, 1, 1, 2, 2, 3]);
    for _ in 0..frame.tags {
        link.extend(
            dice.pick(&[0x8100_u16, 0x8100, 0x88A8, 0x9100])
                .to_be_bytes(),
        );
        // Priority bits are no part of the identifier.
        let control = dice.pick(&[5_u16, 7, 100]) | dice.pick(&[0, 0xE000]);
        link.extend(control.to_be_bytes());
    }
    let (ethertype, body, plain) = match dice.roll(20) {
        0..10 => (0x0800_u16, ipv4(dice), None),
        10..17 => {
            frame.is_v6 = true;
            let (body, plain) = ipv6(dice, &mut frame);
            (0x86DD, body, plain)
        }
        17 => {
            frame.is_arp = true;
            (0x0806, arp(dice), None)
        }
        18 if dice.one_in(3) => {
            frame.is_rarp = true;
            (0x8035, arp(dice), None)
        }
        _ => (dice.pick(&[0x88CC, 0x8863, 0x0026]), vec![0; 38], None),
    };
    link.extend(ethertype.to_be_bytes());
    frame.plain = plain.map(|plain| [link.as_slice(), &plain].concat());
    let header = link.len();
    frame.bytes = [link, body].concat();
    frame.length = u32::try_from(frame.bytes.len()).unwrap();
    if dice.one_in(8) {
        let cut = header + dice.roll(frame.bytes.len() - header);
        // Of the frame without extension headers as much is missing, unless the
        // cut goes through them.
        let missing = frame.bytes.len() - cut;
        frame.bytes.truncate(cut);
        frame.is_cut = true;
        frame.plain = frame.plain.and_then(|mut plain| {
            let left = plain.len().checked_sub(missing)?;
            plain.truncate(left);
            (left >= header + 40).then_some(plain)
        });
    }
    frame
}

fn ipv4(dice: &mut Dice) -> Vec<u8> {
    let protocol = dice.pick(&[6_u8, 6, 6, 17, 17, 132, 1, 1, 47, 2, 51, 33, 136, 58]);
    let words = dice.pick(&[5_u8, 5, 5, 6, 8, 15]);
    // Offsets whose bytes look like no ethertype.
    let fragment: u16 = dice.pick(&[0, 0, 0, 0, 0x4000, 0x2000, 0x2001, 0x0010]);
    let payload = transport(dice, protocol);
    let length = u16::from(words) * 4 + u16::try_from(payload.len()).unwrap();
    let mut packet = vec![0x40 | words, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0x12, 0x34]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(dice.pick(&V4));
    packet.extend(dice.pick(&V4));
    packet.resize(usize::from(words) * 4, 1);
    packet.extend(payload);
    packet
}

fn ipv6(dice: &mut Dice, frame: &mut Frame) -> (Vec<u8>, Option<Vec<u8>>) {
    let protocol = dice.pick(&[6_u8, 6, 17, 17, 132, 58, 58, 47, 1]);
    let mut chain = Vec::new();
    if dice.one_in(2) {
        for _ in 0..=dice.roll(3) {
            chain.push(dice.pick(&[0_u8, 43, 44, 51, 60, 135]));
        }
    }
    let offset = if chain.contains(&44) && dice.one_in(2) {
        8_u16
    } else {
        0
    };
    let mut payload = Vec::new();
    for (place, &header) in chain.iter().enumerate() {
        let next = chain.get(place + 1).copied().unwrap_or(protocol);
        let long = dice.roll(2);
        match header {
            44 => {
                payload.extend([next, 0]);
                payload.extend((offset | 1).to_be_bytes());
                payload.extend([0, 0, 0, 7]);
                if offset != 0 {
                    frame.is_later_v6_fragment = true;
                    // Whatever is in there is no header.
                    payload.extend([0xCC; 40]);
                    break;
                }
            }
            51 => {
                // Counted in four bytes, minus two.
                payload.extend([next, u8::try_from(1 + 2 * long).unwrap()]);
                payload.extend(vec![0; 10 + 8 * long]);
            }
            _ => {
                payload.extend([next, u8::try_from(long).unwrap()]);
                payload.extend(vec![0; 6 + 8 * long]);
            }
        }
    }
    let transport = transport(dice, protocol);
    if !frame.is_later_v6_fragment {
        payload.extend(&transport);
    }
    let (src, dst) = (dice.pick(&V6), dice.pick(&V6));
    let build = |first: u8, payload: &[u8]| {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        packet.extend([first, 64]);
        for address in [src, dst] {
            packet.extend(address.parse::<std::net::Ipv6Addr>().unwrap().octets());
        }
        packet.extend(payload);
        packet
    };
    let packet = build(chain.first().copied().unwrap_or(protocol), &payload);
    let plain =
        (!chain.is_empty() && !frame.is_later_v6_fragment).then(|| build(protocol, &transport));
    frame.extensions = chain;
    (packet, plain)
}

fn transport(dice: &mut Dice, protocol: u8) -> Vec<u8> {
    let ports = |dice: &mut Dice| {
        let mut header = dice.pick(&PORTS).to_be_bytes().to_vec();
        header.extend(dice.pick(&PORTS).to_be_bytes());
        header
    };
    let mut header = match protocol {
        6 => {
            let mut header = ports(dice);
            header.extend([0; 8]);
            header.extend([
                0x50,
                dice.pick(&[0x02, 0x10, 0x12, 0x04, 0x14, 0x11, 0x18, 0xC2]),
            ]);
            header.extend([0; 6]);
            header
        }
        17 | 33 | 132 | 136 => {
            let mut header = ports(dice);
            header.extend([0; 8]);
            header
        }
        1 => vec![
            dice.pick(&[0, 3, 8, 11]),
            dice.pick(&[0, 1, 3]),
            0,
            0,
            0,
            0,
            0,
            0,
        ],
        58 => vec![
            dice.pick(&[1, 128, 129, 135]),
            dice.pick(&[0, 1, 4]),
            0,
            0,
            0,
            0,
            0,
            0,
        ],
        _ => vec![0; 16],
    };
    let more = dice.pick(&[0, 8, 26, 100, 700]);
    header.extend(vec![0; more]);
    header
}

fn arp(dice: &mut Dice) -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1];
    packet.extend([2, 0, 0, 0, 0, 2]);
    packet.extend(dice.pick(&V4));
    packet.extend([0; 6]);
    packet.extend(dice.pick(&V4));
    packet.extend([0; 18]);
    packet
}
