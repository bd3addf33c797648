//! Expressions that both tcpdump and netdrop understand.

use crate::{
    dice::Dice,
    frames::{PORTS, V4, V6},
};

/// What an expression asks that libpcap and netdrop answer differently for some
/// packets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expression {
    pub(crate) text: String,
    pub(crate) vlans: usize,
    /// `tcp[…]`, which libpcap reads only behind IPv4.
    pub(crate) tcp_bytes: bool,
    /// Protocol numbers of IPv6 extension headers asked for.
    pub(crate) extensions: Vec<u8>,
}

/// What a bare value would mean.
#[derive(Clone, Copy, PartialEq)]
enum Values {
    Hosts(Family),
    Ports,
    Protocols,
    None,
}

#[derive(Clone, Copy, PartialEq)]
enum Family {
    V4,
    V6,
    Both,
}

pub(crate) fn expression(dice: &mut Dice) -> Expression {
    let mut expression = Expression::default();
    let size = 1 + dice.roll(5);
    let mut values = Values::None;
    join(dice, &mut expression, size, &mut values, 0);
    expression
}

fn join(
    dice: &mut Dice,
    expression: &mut Expression,
    size: usize,
    values: &mut Values,
    depth: usize,
) {
    for part in 0..size {
        if part > 0 {
            let word = dice.pick(&[" and ", " or ", " && ", " || ", "&&", "||"]);
            expression.text.push_str(word);
        }
        if dice.one_in(5) {
            expression
                .text
                .push_str(dice.pick(&["not ", "! ", "!", "not not "]));
        }
        if depth < 3 && dice.one_in(4) {
            // A parenthesis that begins with a question asks anew; what follows
            // it goes on with what stood before it.
            expression.text.push('(');
            let inner = 1 + dice.roll(3);
            let mut inside = Values::None;
            join(dice, expression, inner, &mut inside, depth + 1);
            expression.text.push(')');
            if part == 0 {
                *values = Values::None;
            }
        } else if *values != Values::None && dice.one_in(3) {
            bare(dice, expression, *values);
        } else {
            *values = term(dice, expression);
        }
    }
}

fn bare(dice: &mut Dice, expression: &mut Expression, values: Values) {
    if dice.one_in(4) {
        let (one, other) = (value(dice, values), value(dice, values));
        let word = dice.pick(&["or", "and"]);
        expression.text += &["(", &one, " ", word, " ", &other, ")"].concat();
    } else {
        expression.text.push_str(&value(dice, values));
    }
}

fn value(dice: &mut Dice, values: Values) -> String {
    match values {
        Values::Hosts(Family::V4) => v4(dice),
        Values::Hosts(Family::V6) => dice.pick(&V6).to_owned(),
        Values::Hosts(Family::Both) => {
            if dice.one_in(3) {
                dice.pick(&V6).to_owned()
            } else {
                v4(dice)
            }
        }
        Values::Ports => dice.pick(&PORTS).to_string(),
        Values::Protocols => dice.pick(&["6", "17", "0x11", "132"]).to_owned(),
        Values::None => unreachable!("nothing stands before"),
    }
}

fn v4(dice: &mut Dice) -> String {
    let [a, b, c, d] = dice.pick(&V4);
    format!("{a}.{b}.{c}.{d}")
}

fn ends(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "",
        "",
        "src ",
        "dst ",
        "src or dst ",
        "src and dst ",
        "dst or src ",
    ])
}

#[expect(clippy::too_many_lines, reason = "a table of kinds of terms")]
fn term(dice: &mut Dice, expression: &mut Expression) -> Values {
    let (text, values) = match dice.roll(16) {
        0..3 => {
            let (network, family) = dice.pick(&[
                ("", Family::Both),
                ("", Family::Both),
                ("ip ", Family::V4),
                ("arp ", Family::V4),
                ("ip6 ", Family::V6),
            ]);
            let values = Values::Hosts(family);
            (
                format!("{network}{}host {}", ends(dice), value(dice, values)),
                values,
            )
        }
        3 => {
            let ends = dice.pick(&["src", "dst", "src or dst", "src and dst"]);
            let values = Values::Hosts(Family::Both);
            (format!("{ends} {}", value(dice, values)), values)
        }
        4 => net(dice),
        5..8 => {
            let transport = dice.pick(&["", "", "tcp ", "udp ", "sctp "]);
            let port = dice.pick(&PORTS);
            (
                format!("{transport}{}port {port}", ends(dice)),
                Values::Ports,
            )
        }
        8 => {
            let transport = dice.pick(&["", "tcp ", "udp "]);
            let range = dice.pick(&["5000-6008", "80-80", "443-53", "0-65535", "80"]);
            (
                format!("{transport}{}portrange {range}", ends(dice)),
                Values::Ports,
            )
        }
        9..11 => {
            let word = dice.pick(&[
                "ip",
                "ip6",
                "arp",
                "rarp",
                "tcp",
                "udp",
                "sctp",
                "icmp",
                "icmp6",
                "igmp",
                "ah",
                "esp",
                "pim",
                "ip multicast",
                "ip6 multicast",
            ]);
            if word == "ah" {
                expression.extensions.push(51);
            }
            (word.to_owned(), Values::None)
        }
        11 => {
            let version = dice.pick(&["", "ip ", "ip6 "]);
            let number = dice.pick(&[6_u8, 17, 1, 58, 132, 47, 0, 43, 44, 51, 60]);
            expression.extensions.push(number);
            (format!("{version}proto {number}"), Values::Protocols)
        }
        12 => (
            dice.pick(&[
                "ether proto 0x0800",
                "ether proto \\arp ",
                "ether proto 34525",
                "ether proto 0x8100",
                "ether proto \\ip6 ",
                "ether proto 0x88cc",
            ])
            .to_owned(),
            Values::None,
        ),
        13 => {
            expression.vlans += 1;
            (
                dice.pick(&["vlan", "vlan", "vlan 5", "vlan 7", "vlan 100"])
                    .to_owned(),
                Values::None,
            )
        }
        14 => {
            let length = dice.pick(&[54_u32, 60, 62, 64, 70, 100, 154]);
            let text = match dice.roll(8) {
                0 => format!("less {length}"),
                1 => format!("greater {length}"),
                sign => {
                    let sign = ["=", "==", "!=", "<", "<=", ">", ">="][sign - 1];
                    if dice.one_in(3) {
                        format!("{length} {sign} len")
                    } else {
                        format!("len {sign} {length}")
                    }
                }
            };
            (text, Values::None)
        }
        _ => (bytes(dice, expression), Values::None),
    };
    expression.text.push_str(&text);
    values
}

fn net(dice: &mut Dice) -> (String, Values) {
    let ends = ends(dice);
    if dice.one_in(3) {
        let net = dice.pick(&["2001:db8::/32", "2001:db8::/127", "ff00::/8", "::/0"]);
        return (format!("{ends}net {net}"), Values::None);
    }
    let net = dice.pick(&[
        "10",
        "10.0",
        "10.1.2",
        "10.0.0.0/8",
        "10.0.0.0/30",
        "192.168/16",
        "0.0.0.0/0",
        "10.0.0.0 mask 255.0.0.0",
        "10.0.0.1 mask 255.0.0.255",
        "224.0.0.0/4",
    ]);
    (format!("{ends}net {net}"), Values::None)
}

fn bytes(dice: &mut Dice, expression: &mut Expression) -> String {
    let tcp = [
        "tcp[tcpflags] & (tcp-syn|tcp-ack) != 0",
        "tcp[13] & 2 != 0",
        "tcp[13] = 2",
        "tcp[tcpflags] == tcp-syn|tcp-ack",
        "tcp[13] & 0x12 == 0x12",
        "tcp[tcpflags:1] > 0x10",
        "tcp[13] + 1 < 0x14",
        "(tcp[13] >> 1) & 1 = 1",
        "tcp[13] & tcp-rst != 0",
        "0 != tcp[13] & 4",
        "tcp[13] | 16 = 18",
        "tcp[13] - 3 >= 200",
        "tcp[13] * 2 = 4",
        "tcp[13] / 2 <= 8",
        "tcp[13] % 3 = 1",
        "tcp[13] ^ 2 = 0x10",
        "tcp[13] & 0x3f ^ 0x12 < 4",
        "tcp[13] ^ 0x12 & 2 = 0x10",
        "tcp[13] + 100 % 7 % 4 > 18",
        "tcp[13] % 16 * 2 >= 2",
        "tcp[13] * 2 % 5 ^ 1 | 2 > 40",
        "5 < - tcp[13] % 16",
        "tcp[13] != 2",
    ];
    let icmp = [
        "icmp[icmptype] = icmp-echo",
        "icmp[icmptype] != icmp-echoreply",
        "icmp[0] == 3",
        "icmp[icmpcode] < 2",
        "icmp[1] & 1 = 1",
        "icmp[icmptype] % 5 ^ 1 = 2",
        "icmp6[icmp6type] = icmp6-echo",
        "icmp6[0] >= 129",
        "icmp6[icmp6code] != 0",
        "icmp6[1] = 4",
    ];
    if dice.one_in(2) {
        expression.tcp_bytes = true;
        dice.pick(&tcp).to_owned()
    } else {
        dice.pick(&icmp).to_owned()
    }
}
