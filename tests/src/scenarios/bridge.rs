//! Frames that a bridge does not pass on.

use anyhow::Result;

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, Bridged, C},
    scenario::Scenario,
    sender, site,
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
