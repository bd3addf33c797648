use netdrop_ebpf::{
    event::{EVENT_FRAME, EVENT_TAGS_SHIFT},
    flow::FlowAddrs,
    site::SiteKey,
};

use super::*;
use crate::tally::names::canned::{Canned, NOWHERE};

fn event(location: u64, state: u16) -> Event {
    Event {
        time: 1_500_000_000,
        site: SiteKey {
            location,
            ifindex: 7,
            ethertype: 0x0800,
            protocol: 6,
            state: state | state::FLOW,
            ..SiteKey::default()
        },
        addrs: FlowAddrs {
            dst_port: 443,
            ..FlowAddrs::default()
        },
        length: 60,
        pid: 321,
        segments: 1,
        tcp_flags: 0x12,
        flags: EVENT_TCP_FLAGS,
        command: *b"curl\0\0\0\0\0\0\0\0\0\0\0\0",
        stack_len: 0,
        headers_len: 0,
        generation: 0,
        cgroup: 0,
        receiver: 0,
        qdisc: *b"tbf\0\0\0\0\0\0\0\0\0\0\0\0\0",
        frame_length: 74,
        tag_type: 0,
        tag_control: 0,
    }
}

fn named(event: Event, stack: &[u64]) -> Drop {
    let frames: Vec<u8> = stack.iter().flat_map(|frame| frame.to_ne_bytes()).collect();
    let detail = Detail {
        event,
        stack: frames.into(),
        headers: bytes::Bytes::new(),
    };
    let boot = Timestamp::from_second(1000).unwrap();
    let stack = !stack.is_empty();
    Drop::of(&detail, boot, stack, &mut Sites::default(), &mut Canned)
}

#[test]
fn an_event_gets_its_names() {
    let drop = named(event(0x110, 0), &[0x999, 0x110, 0x321, NOWHERE]);
    assert_eq!(drop.time.to_string(), "1970-01-01T00:16:41.5Z");
    assert_eq!(drop.function.as_deref(), Some("function_1"));
    assert_eq!(drop.offset, Some(0x10));
    assert_eq!(drop.device, None);
    assert_eq!(drop.ifindex, Some(7));
    assert_eq!(drop.netns, None);
    assert_eq!(drop.tcp_flags.as_deref(), Some("SYN|ACK"));
    assert_eq!(drop.dst_port, Some(443));
    let stack = drop.stack.unwrap();
    assert_eq!(
        stack,
        ["function_1+0x10", "function_3+0x21", "0xffffffffffff0000"]
    );
}

#[test]
fn flags_are_read_back_as_they_were() {
    for byte in 0..=u8::MAX {
        assert_eq!(flags_of(&tcp_flags(byte)), Some(byte));
    }
    assert_eq!(flags_of("SYN|XMAS"), None);
}

#[test]
fn a_receiver_is_the_socket_that_the_kernel_names() {
    let with = |state, receiver| {
        named(
            Event {
                receiver,
                ..event(0x110, state)
            },
            &[],
        )
    };
    let receiver = with(state::RX_SOCKET, 77).receiver.unwrap();
    assert_eq!((receiver.pid, &*receiver.command), (77, "server"));
    assert_eq!(with(state::RX_SOCKET, 0).receiver, None);
    // At netfilter, a packet may still hold its sender's socket.
    assert_eq!(with(state::SOCKET | state::RECEIVED, 77).receiver, None);
}

#[test]
fn a_qdisc_is_told_only_of_its_drops() {
    // Location 0x1… is netfilter, 0x2… the queueing discipline.
    assert_eq!(named(event(0x210, 0), &[]).qdisc.as_deref(), Some("tbf"));
    assert_eq!(named(event(0x110, 0), &[]).qdisc, None);
    let unknown = Event {
        qdisc: [0; 16],
        ..event(0x210, 0)
    };
    assert_eq!(named(unknown, &[]).qdisc, None);
}

#[test]
fn a_control_group_is_told_only_with_its_process() {
    let with = |location, cgroup| {
        let event = Event {
            cgroup,
            ..event(location, 0)
        };
        named(event, &[]).cgroup
    };
    assert_eq!(with(0x110, 5).as_deref(), Some("/group5"));
    assert_eq!(with(0x110, 0), None);
    assert_eq!(with(0x210, 5), None);
}

#[test]
fn a_frame_is_told_as_far_as_it_is_known() {
    let bare = named(event(0x110, 0), &[]).frame.unwrap();
    assert_eq!((bare.length, bare.tag, bare.tags_inside), (None, None, 0));
    let tagged = Event {
        flags: EVENT_FRAME | 2 << EVENT_TAGS_SHIFT,
        tag_type: 0x88a8,
        tag_control: 0x6064,
        ..event(0x110, 0)
    };
    let frame = named(tagged, &[]).frame.unwrap();
    assert_eq!((frame.length, frame.tags_inside), (Some(74), 2));
    let tag = frame.tag.unwrap();
    assert_eq!((tag.ethertype, tag.vlan()), (0x88a8, 100));
}

#[test]
fn a_sender_is_named_only_in_its_own_context() {
    // Location 0x1… is netfilter, 0x2… the queueing discipline.
    assert_eq!(named(event(0x110, 0), &[]).pid, Some(321));
    assert_eq!(named(event(0x110, 0), &[]).command.as_deref(), Some("curl"));
    assert_eq!(named(event(0x210, 0), &[]).pid, None);
    assert_eq!(named(event(0x210, 0), &[]).command, None);
    assert_eq!(named(event(0x210, state::TAG_TX), &[]).pid, Some(321));
}
