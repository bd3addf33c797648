//! Packets that an XDP program drops when they are an skb already.

use anyhow::Result;

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    lab::{A, B, Pair},
    scenario::{Scenario, cannot},
    sender::Datagrams,
    site::{self, Site},
    sys::{Refusal, Refuse},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "generic_xdp_drop",
        about: "11 datagrams that a generic XDP program drops",
        run: |bench| xdp_drop(bench, site::GENERIC_XDP, false),
    },
    Scenario {
        name: "native_xdp_drop",
        about: "11 datagrams that an XDP program in veth's driver drops",
        run: |bench| xdp_drop(bench, site::NATIVE_XDP, true),
    },
];

fn xdp_drop(bench: &Bench, site: &'static Site, native: bool) -> Result<()> {
    let lab = Pair::new()?;
    // The program drops whatever comes, so nothing else may come.
    lab.a.sysctl("net.ipv6.conf.a0.disable_ipv6", "1")?;
    let ifindex = lab.b.ifindex(B.device)?;
    let _program = lab.b.inside(|| {
        Refusal::attach(Refuse::Xdp { ifindex, native })
            .or_else(|error| cannot(format!("XDP on veth: {error}")))
    })?;
    let drops = Drops::at(site, &lab.b, Count::Exactly(11))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)));
    Case::of([drops]).check(bench, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 10, 11)
            .send(&lab.a)
            .map(drop)
    })
}
