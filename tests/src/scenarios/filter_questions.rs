//! Questions of filters about every kind of frame: which ones they keep, and
//! which they cannot tell.

use std::{thread, time::Duration};

use anyhow::Result;

use crate::{
    bench::Bench,
    case::report,
    counter::Counter,
    frame::{self, ACK, DESTINATION_OPTIONS, Frame, HOP_BY_HOP, SYN, Segment, Transport},
    lab::{A, B, Pair},
    netdrop::{
        identity::{self, Allow},
        record::Row,
    },
    scenario::Scenario,
    sender,
};

use super::traffic_control::{shoot, silent};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "filters_about_the_network",
        about: "13 kinds of frames and questions about their network headers",
        run: |bench| questions(bench, NETWORK),
    },
    Scenario {
        name: "filters_about_the_transport",
        about: "13 kinds of frames and questions about their transport headers",
        run: |bench| questions(bench, TRANSPORT),
    },
    Scenario {
        name: "filters_about_rows",
        about: "13 kinds of frames and questions that user space answers",
        run: |bench| questions(bench, ROWS),
    },
    Scenario {
        name: "filters_about_tags_on_the_way_out",
        about: "tagged frames of a packet socket that a classifier drops at egress",
        run: filters_about_tags_on_the_way_out,
    },
];

/// A filter and the kinds of frames it keeps; `cut` if it cannot tell for the
/// one that is cut off.
pub(super) type Question = (&'static str, &'static [u32], bool);

/// Kinds of frames by number: kind N is sent 2^N times, so that a count tells
/// which kinds are in it.
pub(super) fn kinds() -> Vec<Vec<u8>> {
    let udp = |src, dst, payload| Transport::Udp { src, dst, payload };
    let icmp = |kind| Transport::Icmp {
        kind,
        code: 0,
        payload: vec![0; 8],
    };
    let other = |protocol, bytes: &[u8]| Transport::Other {
        protocol,
        bytes: bytes.to_vec(),
    };
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1];
    arp.extend(A.v4.octets());
    arp.extend([0; 6]);
    arp.extend(B.v4.octets());
    // Ports 4000 and 80.
    let sctp = [0x0f, 0xa0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0];
    let tcp = |dst, flags| Transport::Tcp(Segment::new(4000, dst, flags));
    vec![
        Frame::v4(A, B, udp(4000, 9, 1)).bytes(),
        Frame::v4(A, B, udp(4001, 80, 200)).bytes(),
        Frame::v4(A, B, tcp(80, SYN)).bytes(),
        Frame::v4(A, B, tcp(443, ACK)).bytes(),
        Frame::v4(A, B, icmp(8)).bytes(),
        Frame::v4(A, B, udp(4000, 9, 8)).fragment(3).bytes(),
        Frame::v6(A, B, udp(4000, 9, 1)).bytes(),
        Frame::v6(A, B, udp(4001, 80, 1))
            .extension(HOP_BY_HOP)
            .extension(DESTINATION_OPTIONS)
            .bytes(),
        Frame::v6(A, B, icmp(128)).bytes(),
        Frame::v4(A, B, udp(4000, 9, 1)).vlan(100).bytes(),
        frame::ethernet(A, B, 0x0806, &arp),
        Frame::v4(A, B, other(132, &sctp)).bytes(),
        // Only its source port is there.
        Frame::v4(A, B, other(17, &[0x0f, 0xa0])).bytes(),
    ]
}

/// The kind that is cut off.
pub(super) const CUT: u32 = 12;

const NETWORK: &[Question] = &[
    ("ip6", &[6, 7, 8], false),
    ("arp", &[10], false),
    ("vlan", &[9], false),
    ("vlan 100 and udp port 9", &[9], false),
    ("vlan 101", &[], false),
    (
        "src host 10.99.0.1 and less 60",
        &[0, 2, 3, 4, 5, 9, 10, 11, 12],
        false,
    ),
    ("greater 200", &[1], false),
    (
        "dst net 10.99.0.0/24 and proto 17 and not udp port 9",
        &[1, 5],
        true,
    ),
    ("ip6 proto 0 or ip proto 132", &[7, 11], false),
];

const TRANSPORT: &[Question] = &[
    ("udp port 80", &[1, 7], true),
    ("not port 80 and ip", &[0, 3, 4, 5, 9], true),
    (
        "host 10.99.0.1 or port 80",
        &[0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12],
        false,
    ),
    ("tcp[tcpflags] & tcp-syn != 0", &[2], false),
    ("icmp[icmptype] = icmp-echo or icmp6", &[4, 8], false),
    ("sctp dst port 80", &[11], false),
    ("ip6 and udp src port 4001", &[7], false),
    ("portrange 400-4000 and tcp", &[2, 3], false),
    ("flow 10.99.0.2:80 10.99.0.1:4000 tcp", &[2], false),
    ("pid 1 or command nobody", &[], false),
];

const ROWS: &[Question] = &[
    ("dev b0 and ip6", &[6, 7, 8], false),
    ("port 9 and dev b0 and cpu 4095 or arp", &[10], false),
    ("dev b0 and not ( dev b* and not arp )", &[10], false),
    ("dev nobody* or port 443", &[3], true),
    ("severity benign and arp", &[], false),
    ("stage rx_lookup or function nobody or sctp", &[11], false),
];

pub(super) fn sum(kinds: &[u32]) -> u64 {
    kinds.iter().map(|kind| 1 << kind).sum()
}

/// Lets a netdrop per question see the same frames die in one place.
fn questions(bench: &Bench, questions: &[Question]) -> Result<()> {
    let lab = silent()?;
    let [qdisc, filter] = shoot(B.device, "ingress");
    lab.b.tc(&[&qdisc, &filter])?;
    let by = ["netns", "protocol", "src"];
    let mut netdrops = Vec::new();
    for (question, ..) in questions {
        let arguments = format!(
            "watch --format json --severity all --top 1000 --by {} {question}",
            by.join(",")
        );
        netdrops.extend(bench.start(&arguments)?);
    }
    let before = arrived(&lab)?;
    for (kind, bytes) in kinds().iter().enumerate() {
        sender::raw_frames(&lab.a, A.device, bytes, 1 << kind)?;
    }
    let all = (1 << kinds().len()) - 1;
    for _ in 0..300 {
        if arrived(&lab)? >= before + all {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let witness = arrived(&lab)? - before;
    let mut complaints = Vec::new();
    if witness < all {
        complaints.push(format!("{witness} of {all} frames arrived"));
    }
    for (netdrop, (question, kinds, cut)) in netdrops.into_iter().zip(questions) {
        let run = netdrop.stop()?;
        let mut wrong = identity::complaints(&run, &by, Allow::default());
        let accounting = &run.summary.accounting;
        let sent = |row: &&Row| *row.key("netns") == lab.b.inode();
        let rows = run.summary.rows.iter().filter(sent);
        let kept: u64 = rows.map(|row| row.drops).sum();
        if kept != sum(kinds) {
            wrong.push(format!(
                "kept {kept:#b}, not {:#b}: {:?}",
                sum(kinds),
                run.summary.rows
            ));
        }
        // Of the frames that are cut off, and few of the host's.
        let undecided = accounting.undecided >> CUT;
        if undecided != u64::from(*cut) {
            wrong.push(format!("undecided: {accounting:?}"));
        }
        if accounting.fired() < witness {
            wrong.push(format!("{witness} frames died: {accounting:?}"));
        }
        complaints.extend(wrong.iter().map(|wrong| format!("`{question}`: {wrong}")));
    }
    report(&complaints)
}

/// The network header lies behind the tag while the ethertype is the tag's.
/// Of frames that are sent with tags in them the network header stands behind all of
/// these, also where netdrop does not follow them.
fn filters_about_tags_on_the_way_out(bench: &Bench) -> Result<()> {
    const TIMES: u64 = 8;
    let lab = silent()?;
    let [qdisc, filter] = shoot(A.device, "egress");
    lab.a.tc(&[&qdisc, &filter])?;
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 1,
    };
    let one = Frame::v4(A, B, udp.clone()).vlan(100).bytes();
    let three = {
        let mut bytes = Frame::v4(A, B, udp).vlan(3).bytes();
        bytes.splice(12..12, [0x81, 0, 0, 1, 0x81, 0, 0, 2]);
        bytes
    };
    let by = ["netns", "protocol", "src", "dst_port"];
    // What is kept of the frames with one tag, and of those with three.
    let filters = [
        ("vlan 100 and udp port 9", TIMES, 0),
        ("vlan and dst net 10.99.0.0/24", TIMES, 0),
        // Behind `vlan` every question looks behind the tag.
        ("vlan 101 or udp port 9", TIMES, 0),
        ("vlan 101 and udp port 9", 0, 0),
        ("not vlan 5 and not host 10.99.0.2", 0, TIMES),
        ("not vlan 5 and not host 10.99.0.3", TIMES, TIMES),
        ("vlan 1", 0, TIMES),
        ("vlan 1 and vlan 2", 0, TIMES),
        // The first bytes of the IPv4 header.
        ("vlan 1280", 0, 0),
    ];
    let mut netdrops = Vec::new();
    for (filter, _, _) in &filters {
        let arguments = format!(
            "watch --format json --severity all --top 1000 --by {} {filter}",
            by.join(",")
        );
        netdrops.extend(bench.start(&arguments)?);
    }
    for _ in 0..TIMES {
        for frame in [&one, &three] {
            // The sender is told that its frame was dropped.
            drop(sender::raw_frames(&lab.a, A.device, frame, 1));
        }
    }
    thread::sleep(Duration::from_millis(500));
    let mut complaints = Vec::new();
    for (netdrop, (filter, single, triple)) in netdrops.into_iter().zip(&filters) {
        let run = netdrop.stop()?;
        let mut wrong = identity::complaints(&run, &by, Allow::default());
        let rows = run.summary.rows.iter();
        let ours = rows.filter(|row| *row.key("netns") == lab.a.inode());
        let (told, untold): (Vec<&Row>, Vec<&Row>) =
            ours.partition(|row| !row.key("src").is_null());
        let read = told.iter().all(|row| {
            *row.key("protocol") == "udp"
                && *row.key("src") == A.v4.to_string()
                && *row.key("dst_port") == 9
        });
        let sum = |rows: &[&Row]| rows.iter().map(|row| row.drops).sum::<u64>();
        if !read || (sum(&told), sum(&untold)) != (*single, *triple) {
            wrong.push(format!(
                "not {single} drops of that flow and {triple} without: {told:?}, {untold:?}"
            ));
        }
        complaints.extend(wrong.iter().map(|wrong| format!("`{filter}`: {wrong}")));
    }
    report(&complaints)
}

/// Frames that came to B, of which the classifier lets none pass.
pub(super) fn arrived(lab: &Pair) -> Result<u64> {
    Counter::link(&lab.b, B.device, "rx_packets").read()
}
