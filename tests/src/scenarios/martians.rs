//! Packets whose header or whose addresses the IP layer does not accept.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use crate::{
    bench::Bench,
    case::Doomed,
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, C, Pair, R, Row},
    scenario::Scenario,
    site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "broken_ipv4_headers",
        about: "a wrong version, a length beyond the frame, a bad option",
        run: broken_ipv4_headers,
    },
    Scenario {
        name: "broken_ipv6_headers",
        about: "a wrong version, a length beyond the frame, a multicast source",
        run: broken_ipv6_headers,
    },
    Scenario {
        name: "addresses_from_mars",
        about: "own and loopback sources, loopback and null destinations, groups that nobody joined",
        run: addresses_from_mars,
    },
    Scenario {
        name: "unicast_in_a_multicast_frame",
        about: "6 datagrams for this host in multicast frames, where that is forbidden",
        run: unicast_in_a_multicast_frame,
    },
    Scenario {
        name: "ipv6_is_disabled",
        about: "6 IPv6 datagrams on a device without IPv6",
        run: ipv6_is_disabled,
    },
    Scenario {
        name: "a_host_does_not_forward",
        about: "6 datagrams for another network, to a host that is no router",
        run: a_host_does_not_forward,
    },
    Scenario {
        name: "unreachable_by_route",
        about: "datagrams into unreachable and prohibited networks, IPv4 and IPv6",
        run: unreachable_by_route,
    },
    Scenario {
        name: "larger_than_the_next_link",
        about: "datagrams that may not be fragmented, to be forwarded by a narrow link",
        run: larger_than_the_next_link,
    },
];

const UDP: Transport = Transport::Udp {
    src: 4000,
    dst: 9,
    payload: 5,
};

/// The flag that forbids routers to fragment.
const DONT_FRAGMENT: u16 = 0x4000;

fn v4() -> Frame {
    Frame::v4(A, B, UDP)
}

fn v6() -> Frame {
    Frame::v6(A, B, UDP)
}

fn broken_ipv4_headers(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::IP_SHORT, v4().missing(40), 4)
                .counted_by(Counter::snmp(&lab.b, "IpExt.InTruncatedPkts")),
            // A loose source route that points before its own data.
            Doomed::at(site::IP_OPTIONS, v4().options(&[0x83, 2, 0, 0]), 5),
            Doomed::at(site::IP_HEADER, v4().version(5), 6).unreadable(),
        ],
    )
}

fn broken_ipv6_headers(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x77);
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::IP6_SHORT, v6().missing(40), 4)
                .counted_by(Counter::snmp6(&lab.b, "Ip6InTruncatedPkts")),
            Doomed::at(site::IP6_HEADER, v6().src(group), 5),
            Doomed::at(site::IP6_VERSION, v6().version(5), 7).unreadable(),
            Doomed::at(site::NOT_JOINED_6, v6().dst(group), 6).crowded(),
        ],
    )
}

fn addresses_from_mars(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::OWN_SOURCE, v4().src(B.v4), 3),
            Doomed::at(site::LOOPBACK, v4().src(Ipv4Addr::LOCALHOST), 4),
            Doomed::at(site::LOOPBACK, v4().dst(Ipv4Addr::LOCALHOST), 5),
            Doomed::at(site::NO_DESTINATION, v4().dst(Ipv4Addr::UNSPECIFIED), 6),
            Doomed::at(site::NOT_JOINED, v4().dst(Ipv4Addr::new(224, 0, 0, 77)), 7),
        ],
    )
}

fn unicast_in_a_multicast_frame(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b
        .sysctl("net.ipv4.conf.b0.drop_unicast_in_l2_multicast", "1")?;
    let frame = v4().mac_dst([1, 0, 0x5e, 0, 0, 0x77]);
    let doomed = Doomed::at(site::IN_MULTICAST_FRAME, frame, 6);
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn ipv6_is_disabled(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv6.conf.b0.disable_ipv6", "1")?;
    // What the other end's kernel says by itself would be dropped, too.
    lab.a
        .nft("table ip6 q { chain c { type filter hook output priority 0; meta l4proto icmpv6 drop; }; }")?;
    let doomed =
        Doomed::at(site::IP6_DISABLED, v6(), 6).counted_by(Counter::snmp6(&lab.b, "Ip6InDiscards"));
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn a_host_does_not_forward(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let doomed = Doomed::at(site::NOT_FORWARDING, v4().dst(C.v4), 6)
        .counted_by(Counter::snmp(&lab.b, "Ip.InAddrErrors"));
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn unreachable_by_route(bench: &Bench) -> Result<()> {
    let lab = Row::new()?;
    lab.b.ip(&[
        "route add unreachable 192.0.2.0/24",
        "route add prohibit 198.51.100.0/24",
        "route add unreachable 2001:db8:1::/48",
        "route add blackhole 2001:db8:2::/48",
    ])?;
    let v6_in = |subnet| v6().dst(Ipv6Addr::new(0x2001, 0xdb8, subnet, 0, 0, 0, 0, 1));
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::UNREACHABLE, v4().dst(Ipv4Addr::new(192, 0, 2, 1)), 3),
            Doomed::at(
                site::UNREACHABLE,
                v4().dst(Ipv4Addr::new(198, 51, 100, 1)),
                4,
            ),
            Doomed::at(site::NO_ROUTE_6, v6_in(1), 5),
            Doomed::at(site::BLACKHOLE_6, v6_in(2), 6),
        ],
    )
}

fn larger_than_the_next_link(bench: &Bench) -> Result<()> {
    let lab = Row::new()?;
    lab.b.ip(&["link set r0 mtu 1280"])?;
    let large = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 1400,
    };
    let (v4, v6) = (Frame::v4(A, B, large.clone()), Frame::v6(A, B, large));
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::TOO_BIG, v4.dst(C.v4).fragment(DONT_FRAGMENT), 6)
                .counted_by(Counter::snmp(&lab.b, "Ip.FragFails")),
            // IPv6 makes it the outgoing device before it looks at the size.
            Doomed::at(site::TOO_BIG_6, v6.dst(C.v6), 7)
                .on(R.device)
                .counted_by(Counter::snmp6(&lab.b, "Ip6FragFails")),
        ],
    )
}
