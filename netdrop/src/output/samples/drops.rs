//! Canned drops.

use std::{num::NonZeroU64, sync::Arc};

use bytes::Bytes;

use super::time;
use crate::{
    drops::frame::{Frame, Tag},
    tally::{
        headers::Headers,
        names::{Evidence, Process, Severity},
        packet::Drop,
    },
};

/// A refused datagram, as in the contract.
pub(crate) fn datagram() -> Drop {
    let name = |name: &str| -> Option<Arc<str>> { Some(name.into()) };
    Drop {
        time: time(),
        cpu: 0,
        reason: name("NO_SOCKET"),
        stage: name("rx_lookup"),
        hook: None,
        engine: None,
        qdisc: None,
        stage_by: Evidence::Reason,
        direction: name("rx"),
        function: name("__udp4_lib_rcv"),
        offset: Some(123),
        address: None,
        device: name("lo"),
        ifindex: Some(1),
        netns: Some(4_026_531_833),
        netns_name: name("host"),
        netns_kind: name("host"),
        protocol: name("udp"),
        src: Some("127.0.0.1".parse().unwrap()),
        src_port: Some(40000),
        dst: Some("127.0.0.1".parse().unwrap()),
        dst_port: Some(9),
        icmp: None,
        cut: false,
        length: 29,
        segments: 1,
        frame: Some(Frame {
            length: Some(43),
            tag: None,
            tags_inside: 0,
        }),
        ethertype: Some(0x0800),
        tcp_flags: None,
        pid: None,
        command: None,
        cgroup: None,
        receiver: None,
        headers: None,
        severity: Severity::Suspicious,
        stack: None,
    }
}

/// A segment with everything a drop can have.
pub(crate) fn segment() -> Drop {
    Drop {
        severity: Severity::Harmful,
        function: None,
        offset: None,
        address: NonZeroU64::new(0xffff_ffff_c000_1234),
        protocol: Some("tcp".into()),
        src: Some("2001:db8::1".parse().unwrap()),
        dst: Some("fe80::2".parse().unwrap()),
        tcp_flags: Some("SYN|ACK".to_owned()),
        segments: 3,
        frame: Some(Frame {
            length: Some(43),
            tag: Some(Tag {
                ethertype: 0x8100,
                control: 0x2064,
            }),
            tags_inside: 0,
        }),
        pid: Some(321),
        command: Some("cu\x1brl".to_owned()),
        cgroup: Some("/system.slice".into()),
        headers: Some(Headers {
            link_layer: true,
            bytes: Bytes::from_static(b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x86\xdd\x60\0\0"),
        }),
        receiver: Some(Process {
            pid: 5,
            command: "ng\x1binx".into(),
        }),
        stack: Some(vec![
            "ip_rcv+0x1a".to_owned(),
            "0xffffffffc0001234".to_owned(),
        ]),
        ..datagram()
    }
}
