//! Packets that an XDP program drops after they have become an skb.

use anyhow::Result;

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    lab::{A, B, Pair},
    scenario::{Scenario, cannot},
    sender::Datagrams,
    site,
    sys::XdpDrop,
};

pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "generic_xdp_drop",
    about: "11 datagrams that a generic XDP program drops",
    run: generic_xdp_drop,
}];

fn generic_xdp_drop(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // The program drops whatever comes, so nothing else may come.
    lab.a.sysctl("net.ipv6.conf.a0.disable_ipv6", "1")?;
    let ifindex = lab.b.ifindex(B.device)?;
    let _program = lab.b.inside(|| {
        XdpDrop::attach(ifindex).or_else(|error| cannot(format!("generic XDP: {error}")))
    })?;
    let drops = Drops::at(site::GENERIC_XDP, &lab.b, Count::Exactly(11))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)));
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 10, 11)
            .send(&lab.a)
            .map(drop)
    })
}
