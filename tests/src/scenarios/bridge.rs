//! Frames that a bridge does not pass on.

use anyhow::Result;

use crate::{
    bench::Bench,
    case::{Case, Count, Doomed, Drops, Flow},
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, Bridged, C, Mac},
    scenario::Scenario,
    sender,
    site::{self, Site},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "nft_drop_in_bridge_forward",
        about: "9 frames that an nftables rule of the bridge family drops",
        run: nft_drop_in_bridge_forward,
    },
    Scenario {
        name: "bridge_refuses_the_source",
        about: "9 frames from an all-zero hardware address",
        run: bridge_refuses_the_source,
    },
    Scenario {
        name: "bridge_refuses_the_destination",
        about: "9 frames for an address that is for switches alone",
        run: bridge_refuses_the_destination,
    },
    Scenario {
        name: "bridge_port_is_disabled",
        about: "9 frames at a port that takes part in nothing",
        run: bridge_port_is_disabled,
    },
    Scenario {
        name: "bridge_port_is_locked",
        about: "9 frames from a host that the port does not know",
        run: bridge_port_is_locked,
    },
];

const UDP: Transport = Transport::Udp {
    src: 4000,
    dst: 9,
    payload: 5,
};

fn nft_drop_in_bridge_forward(bench: &Bench) -> Result<()> {
    let lab = Bridged::new()?;
    lab.b.nft(
        "table bridge lab { chain c { type filter hook forward priority 0; udp dport 9 counter drop; }; }",
    )?;
    let frame = Frame::v4(A, C, UDP);
    let drops = Drops::at(site::NFT_FORWARD, &lab.b, Count::Exactly(9))
        // The forward hook sees the packet on the port that it would leave by.
        .device(crate::lab::R.device)
        .flow(Flow::new("udp", (A.v4, 4000), (C.v4, 9)))
        .length(frame.packet_length())
        .counted_by(Counter::nft(&lab.b));
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 9))
}

fn bridge_refuses_the_source(bench: &Bench) -> Result<()> {
    let lab = Bridged::new()?;
    let frame = Frame::v4(A, C, UDP).mac_src([0; 6]);
    let drops = Drops::at(site::BRIDGE_SOURCE, &lab.b, Count::Exactly(9))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (C.v4, 9)))
        .length(frame.packet_length());
    Case::of([drops]).check(bench, || sender::frames(&lab.a, A.device, &frame, 9))
}

fn at_port(bench: &Bench, lab: &Bridged, site: &'static Site, frame: Frame) -> Result<()> {
    Doomed::check_all(bench, &lab.a, &lab.b, [Doomed::at(site, frame, 9)])
}

fn bridge_refuses_the_destination(bench: &Bench) -> Result<()> {
    const PAUSE: Mac = [1, 0x80, 0xc2, 0, 0, 1];
    let lab = Bridged::new()?;
    let frame = Frame::v4(A, C, UDP).mac_dst(PAUSE);
    at_port(bench, &lab, site::BRIDGE_CONTROL, frame)
}

fn bridge_port_is_disabled(bench: &Bench) -> Result<()> {
    let lab = Bridged::new()?;
    silence(&lab)?;
    lab.b.run("bridge", "link set dev b0 state 0")?;
    at_port(bench, &lab, site::BRIDGE_DISABLED, Frame::v4(A, C, UDP))
}

fn bridge_port_is_locked(bench: &Bench) -> Result<()> {
    let lab = Bridged::new()?;
    silence(&lab)?;
    lab.b
        .offer("bridge", "link set dev b0 locked on learning off")?;
    at_port(bench, &lab, site::BRIDGE_LOCKED, Frame::v4(A, C, UDP))
}

/// Whatever A's own stack says would die like the scenario's frames.
fn silence(lab: &Bridged) -> Result<()> {
    lab.a.sysctl("net.ipv6.conf.a0.disable_ipv6", "1")
}
