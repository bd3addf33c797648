//! What VXLAN does not take out of its packets, and does not put in.

use std::net::Ipv4Addr;

use anyhow::Result;

use crate::{
    bench::Bench,
    case::{Case, Count, Doomed, Drops, Flow},
    counter::Counter,
    frame::{Frame, Transport, datagram},
    lab::{A, B, Mac, Pair, text},
    scenario::Scenario,
    sender::Datagrams,
    site::{self, Site},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "vxlan_refuses_the_outside",
        about: "packets without a valid header, and of another network",
        run: vxlan_refuses_the_outside,
    },
    Scenario {
        name: "vxlan_refuses_the_inside",
        about: "frames from the device itself, from a group, from a host known elsewhere, from congestion",
        run: vxlan_refuses_the_inside,
    },
    Scenario {
        name: "vxlan_knows_no_remote",
        about: "9 datagrams for a host that is behind no known remote",
        run: vxlan_knows_no_remote,
    },
    Scenario {
        name: "vxlan_has_no_route",
        about: "9 datagrams for a host behind a remote without a route",
        run: vxlan_has_no_route,
    },
    Scenario {
        name: "vxlan_is_not_told_where",
        about: "9 datagrams on a device whose routes must name the remote, and do not",
        run: vxlan_is_not_told_where,
    },
];

const PORT: u16 = 4789;
const NETWORK: u8 = 42;
const VALID: u8 = 8;
const OWN: Mac = [2, 0, 0, 0, 42, 1];
const FAR: Mac = [2, 0, 0, 0, 42, 2];
const ELSEWHERE: Mac = [2, 0, 0, 0, 42, 3];
const OWN_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const FAR_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// A VXLAN device `vx0` in B.
fn lab(kind: &str) -> Result<Pair> {
    let lab = Pair::new()?;
    lab.b.sysctl("net.ipv6.conf.default.disable_ipv6", "1")?;
    lab.b.offer(
        "ip",
        &format!(
            "link add vx0 address {} type vxlan {kind} dstport {PORT}",
            text(OWN)
        ),
    )?;
    lab.b.ip(&[
        &format!("addr add {OWN_ADDRESS}/24 dev vx0"),
        "link set vx0 up",
        &format!(
            "neigh add {FAR_ADDRESS} lladdr {} dev vx0 nud permanent",
            text(FAR)
        ),
    ])?;
    Ok(lab)
}

fn receiving() -> Result<Pair> {
    lab(&format!("id {NETWORK} dev b0 local {}", B.v4))
}

/// The frame within: a datagram of the inner network.
fn inner() -> Frame {
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 5,
    };
    Frame::v4(A, B, udp)
        .src(FAR_ADDRESS)
        .dst(OWN_ADDRESS)
        .mac_src(FAR)
        .mac_dst(OWN)
}

/// A VXLAN packet with these flags, of this network, around a frame.
fn outer(flags: u8, network: u8, inner: &Frame) -> Frame {
    let mut content = vec![flags, 0, 0, 0, 0, 0, network, 0];
    content.extend(inner.bytes());
    Frame::v4(A, B, datagram(5555, PORT, &content))
}

fn vxlan_refuses_the_outside(bench: &Bench) -> Result<()> {
    let lab = receiving()?;
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::VXLAN_HEADER, outer(0, NETWORK, &inner()), 4),
            Doomed::at(site::VXLAN_ID, outer(VALID, 77, &inner()), 5),
        ],
    )
}

fn vxlan_refuses_the_inside(bench: &Bench) -> Result<()> {
    let lab = receiving()?;
    lab.b.run(
        "bridge",
        &format!("fdb add {} dev vx0 dst 10.99.0.66 static", text(ELSEWHERE)),
    )?;
    let within = |site: &'static Site, mac: Mac, times| {
        let inner = inner().mac_src(mac);
        Doomed::at(site, outer(VALID, NETWORK, &inner), times).on("vx0")
    };
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            within(site::VXLAN_OWN_MAC, OWN, 3),
            within(site::VXLAN_SOURCE, [3, 0, 0, 0, 42, 9], 4),
            within(site::VXLAN_ELSEWHERE, ELSEWHERE, 5),
            Doomed::at(
                site::VXLAN_ECN,
                outer(VALID, NETWORK, &inner()).congested(),
                6,
            )
            .on("vx0")
            .carrying(inner())
            .counted_by(Counter::link(&lab.b, "vx0", "rx_frame_errors")),
        ],
    )
}

/// Nine datagrams from B into the tunnel.
fn nine<'a>(
    bench: &Bench,
    lab: &'a Pair,
    site: &'static Site,
    counter: Option<Counter<'a>>,
) -> Result<()> {
    let mut drops = Drops::at(site, &lab.b, Count::Exactly(9))
        .device("vx0")
        .flow(Flow::new("udp", (OWN_ADDRESS, 4000), (FAR_ADDRESS, 9)))
        .length(20 + 8 + 10);
    if let Some(counter) = counter {
        drops = drops.counted_by(counter);
    }
    Case::of([drops]).check(bench, || {
        Datagrams::new((OWN_ADDRESS.into(), 4000), (FAR_ADDRESS.into(), 9), 10, 9)
            .send(&lab.b)
            .map(drop)
    })
}

fn vxlan_knows_no_remote(bench: &Bench) -> Result<()> {
    let lab = receiving()?;
    let counter = Counter::link(&lab.b, "vx0", "tx_dropped");
    nine(bench, &lab, site::VXLAN_NO_REMOTE, Some(counter))
}

fn vxlan_has_no_route(bench: &Bench) -> Result<()> {
    let lab = lab(&format!("id {NETWORK} local {} remote 203.0.113.1", B.v4))?;
    let counter = Counter::link(&lab.b, "vx0", "tx_carrier_errors");
    nine(bench, &lab, site::VXLAN_NO_ROUTE, Some(counter))
}

fn vxlan_is_not_told_where(bench: &Bench) -> Result<()> {
    let lab = lab("external")?;
    nine(bench, &lab, site::VXLAN_EXTERNAL, None)
}
