use netdrop_ebpf::site::{SiteKey, facts, state};

use super::{Attribution, Direction, Evidence, Facts, Frames, Hook, Severity, attribute};

const IPV4: u16 = 0x0800;

/// Stage, direction, severity and what told the stage, of a UDP packet.
fn of(
    reason: Option<&str>,
    function: Option<&str>,
    bits: u16,
) -> (&'static str, Direction, Severity, Evidence) {
    let site = SiteKey {
        ethertype: IPV4,
        protocol: 17,
        state: bits,
        ..SiteKey::default()
    };
    let found = with(reason, function, &site, Frames::None);
    (found.stage.id(), found.direction, found.severity, found.by)
}

fn with(
    reason: Option<&str>,
    function: Option<&str>,
    site: &SiteKey,
    frames: Frames<'_>,
) -> Attribution {
    attribute(&Facts {
        reason,
        function,
        site,
        frames,
    })
}

#[test]
fn a_netfilter_drop_names_its_hook_and_says_how_it_is_known() {
    let reason = Some("NETFILTER_DROP");
    let function = Some("nft_do_chain");
    let forwarded = SiteKey {
        ethertype: IPV4,
        state: state::RECEIVED | state::DEVICE,
        facts: facts::ROUTE_FORWARD | facts::ON_INCOMING_DEVICE,
        ..SiteKey::default()
    };
    let found = with(reason, function, &forwarded, Frames::None);
    assert_eq!(found.hook, Some(Hook::Forward));
    assert_eq!(found.direction, Direction::Forward);
    assert_eq!(found.by, Evidence::State);
    let loopback = SiteKey {
        facts: facts::ROUTE_LOCAL | facts::ON_ROUTES_DEVICE,
        ..forwarded
    };
    let open = with(reason, function, &loopback, Frames::None);
    assert_eq!((open.hook, open.by), (None, Evidence::Function));
    assert!(open.is_open());
    let inlined = with(reason, Some("ip_forward"), &loopback, Frames::None);
    assert_eq!(
        (inlined.hook, inlined.by),
        (Some(Hook::Forward), Evidence::Function)
    );
    let stack = ["nf_hook_slow", "ip_local_deliver"];
    let hinted = with(reason, function, &loopback, Frames::Hint(&stack));
    assert_eq!(
        (hinted.hook, hinted.by),
        (Some(Hook::Input), Evidence::Hint)
    );
    let own = with(reason, function, &forwarded, Frames::Own(&stack));
    assert_eq!((own.hook, own.by), (Some(Hook::Input), Evidence::Stack));
}

#[test]
fn a_full_accept_queue_is_told_from_the_end_of_connections() {
    let segment = |facts| SiteKey {
        ethertype: IPV4,
        protocol: 6,
        state: state::RECEIVED | state::RX_SOCKET,
        facts: facts | facts::ROUTE_LOCAL,
        ..SiteKey::default()
    };
    let found = |reason, function, facts| {
        let found = with(reason, function, &segment(facts), Frames::None);
        (found.stage.id(), found.severity, found.by)
    };
    let (none, rcv) = (Some("NOT_SPECIFIED"), Some("tcp_v4_rcv"));
    assert_eq!(
        found(none, rcv, facts::ACCEPT_QUEUE_FULL),
        ("rx_acceptq", Severity::Harmful, Evidence::State)
    );
    let ended = ("rx_tcp_state", Severity::Benign, Evidence::Function);
    assert_eq!(found(none, rcv, 0), ended);
    let named = found(Some("NO_SOCKET"), rcv, facts::ACCEPT_QUEUE_FULL);
    assert_eq!(named.0, "rx_lookup");
}

#[test]
fn a_stack_tells_where_nothing_else_does() {
    let site = SiteKey {
        state: state::RECEIVED | state::NETWORK,
        ..SiteKey::default()
    };
    let stack = ["foreign_function", "arp_process"];
    let place = |frames| {
        let found = with(None, Some("foreign_function"), &site, frames);
        (found.stage.id(), found.by)
    };
    assert_eq!(place(Frames::None), ("unknown", Evidence::Nothing));
    assert_eq!(place(Frames::Hint(&stack)), ("rx_nd", Evidence::Hint));
    assert_eq!(place(Frames::Own(&stack)), ("rx_nd", Evidence::Stack));
}

#[test]
fn a_discarded_packet_was_received_or_sent() {
    let place = |state, facts| {
        let site = SiteKey {
            ethertype: 0x86DD,
            state,
            facts,
            ..SiteKey::default()
        };
        let found = with(
            Some("NOT_SPECIFIED"),
            Some("dst_discard_out"),
            &site,
            Frames::None,
        );
        (found.stage.id(), found.direction)
    };
    let received = state::RECEIVED | state::DEVICE;
    assert_eq!(
        place(received, facts::ROUTE_LOCAL),
        ("rx_l4", Direction::Rx)
    );
    assert_eq!(
        place(received, facts::ROUTE_REFUSED),
        ("rx_route", Direction::Rx)
    );
    assert_eq!(
        place(state::SOCKET, facts::ROUTE_REFUSED),
        ("tx_route", Direction::Tx)
    );
}

#[test]
fn a_specific_reason_tells_the_stage() {
    assert_eq!(
        of(Some("NO_SOCKET"), Some("__udp4_lib_rcv"), state::RECEIVED),
        (
            "rx_lookup",
            Direction::Rx,
            Severity::Suspicious,
            Evidence::Reason
        )
    );
}

#[test]
fn the_same_reason_elsewhere_is_another_stage_and_severity() {
    assert_eq!(
        of(Some("NO_SOCKET"), Some("cookie_v4_check.isra.0"), 0),
        (
            "rx_acceptq",
            Direction::Rx,
            Severity::Harmful,
            Evidence::Function
        )
    );
    assert_eq!(
        of(Some("IP_INHDR"), Some("ip_forward"), 0).1,
        Direction::Forward
    );
}

#[test]
fn without_a_reason_the_function_tells_the_stage() {
    for reason in [None, Some("NOT_SPECIFIED")] {
        let (stage, direction, _, by) = of(reason, Some("arp_process"), state::RECEIVED);
        assert_eq!(
            (stage, direction, by),
            ("rx_nd", Direction::Rx, Evidence::Function)
        );
    }
    let (stage, _, severity, by) = of(None, Some("ip6_mc_input"), 0);
    assert_eq!(
        (stage, severity, by),
        ("rx_ip", Severity::Benign, Evidence::Function)
    );
}

#[test]
fn a_reason_that_happens_anywhere_leaves_the_stage_to_the_function() {
    assert_eq!(of(Some("NOMEM"), Some("ip_rcv"), 0).0, "rx_ip");
    assert_eq!(of(Some("NOMEM"), Some("foreign_function"), 0).0, "mem");
    assert_eq!(of(Some("NOMEM"), None, 0).2, Severity::Harmful);
}

#[test]
fn a_kernel_without_reasons_gets_the_severity_its_newer_twin_would_say() {
    assert_eq!(of(None, Some("enqueue_to_backlog"), 0).2, Severity::Harmful);
    assert_eq!(
        of(Some("NOT_SPECIFIED"), Some("flush_backlog"), 0).2,
        Severity::Suspicious
    );
    // Hidden as benign, closed ports would be missing on 5.10.
    assert_eq!(of(None, Some("tcp_v4_rcv"), 0).2, Severity::Suspicious);
    assert_eq!(
        of(Some("NOT_SPECIFIED"), Some("tcp_v4_rcv"), 0).2,
        Severity::Benign
    );
    let otherhost = 3 << state::PACKET_TYPE_SHIFT;
    assert_eq!(of(None, Some("ip_rcv_core"), otherhost).2, Severity::Benign);
}

#[test]
fn qdisc_drops_of_old_kernels_are_known_by_the_packet() {
    let sent = state::TAG_TX | state::DEVICE | state::MAC | state::SOCKET;
    assert_eq!(
        of(None, Some("kfree_skb_list"), sent),
        (
            "tx_qdisc",
            Direction::Tx,
            Severity::Harmful,
            Evidence::State
        )
    );
    assert_eq!(
        of(
            None,
            Some("kfree_skb_list"),
            state::RECEIVED | state::NETWORK
        )
        .0,
        "unknown"
    );
}

#[test]
fn unix_and_netlink_buffers_are_benign_and_no_packets() {
    let socket = SiteKey {
        state: state::SOCKET,
        protocol: 1,
        ..SiteKey::default()
    };
    let found = with(
        Some("NOMEM"),
        Some("unix_dgram_sendmsg"),
        &socket,
        Frames::None,
    );
    assert_eq!(
        (found.stage.id(), found.severity, found.direction),
        ("other", Severity::Benign, Direction::Unknown)
    );
    let netlink = SiteKey {
        protocol: 16,
        ..SiteKey::default()
    };
    let purged = with(Some("QUEUE_PURGE"), None, &netlink, Frames::None);
    assert_eq!(purged.stage.id(), "sock_purge");
}

#[test]
fn a_received_packet_that_dies_on_its_way_out_was_forwarded() {
    let reason = Some("QDISC_DROP");
    let function = Some("__dev_queue_xmit");
    assert_eq!(of(reason, function, state::SOCKET).1, Direction::Tx);
    assert_eq!(of(reason, function, state::RECEIVED).1, Direction::Forward);
}

#[test]
fn what_nothing_tells_stays_unknown() {
    assert_eq!(
        of(None, None, 0),
        (
            "unknown",
            Direction::Unknown,
            Severity::Suspicious,
            Evidence::Nothing
        )
    );
}
