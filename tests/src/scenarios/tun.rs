//! Packets between the kernel and the process behind a tun device.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, Namespace, Pair},
    scenario::{Scenario, cannot},
    sender::Datagrams,
    site,
    sys::Tun,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "tun_reader_too_slow",
        about: "10 datagrams for a process that reads none, with room for two",
        run: tun_reader_too_slow,
    },
    Scenario {
        name: "tun_written_while_down",
        about: "5 packets that a process writes to a device that is down",
        run: tun_written_while_down,
    },
    Scenario {
        name: "tun_written_from_nowhere",
        about: "5 packets that a process writes from memory it does not have",
        run: tun_written_from_nowhere,
    },
];

const OWN: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 2);

/// A tun device in a namespace.
fn tun(namespace: &Namespace) -> Result<Tun> {
    namespace.sysctl("net.ipv6.conf.default.disable_ipv6", "1")?;
    // Where tun is a module, its node comes with it.
    drop(namespace.run("modprobe", "tun"));
    namespace.inside(|| Tun::new("tun0").or_else(|error| cannot(format!("tun: {error}"))))
}

fn tun_reader_too_slow(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _tun = tun(&lab.a)?;
    lab.a.ip(&[
        "link set tun0 txqueuelen 2",
        &format!("addr add {OWN}/24 dev tun0"),
        "link set tun0 up",
    ])?;
    let drops = Drops::at(site::TUN_RING, &lab.a, Count::AsCounted)
        .device("tun0")
        .flow(Flow::new("udp", (OWN, 4000), (FAR, 9)))
        .length(20 + 8 + 10)
        .counted_by(Counter::link(&lab.a, "tun0", "tx_dropped"));
    Case::of([drops]).check(bench, || {
        Datagrams::new((OWN.into(), 4000), (FAR.into(), 9), 10, 10)
            .send(&lab.a)
            .map(drop)
    })
}

fn tun_written_while_down(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let tun = tun(&lab.b)?;
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 5,
    };
    let packet = Frame::v4(A, B, udp).bytes().split_off(14);
    let drops = Drops::at(site::TUN_DOWN, &lab.b, Count::Exactly(5)).device("tun0");
    Case::of([drops]).check(bench, || {
        for _ in 0..5 {
            ensure!(
                tun.write(&packet).is_err(),
                "a device that is down takes packets"
            );
        }
        Ok(())
    })
}

fn tun_written_from_nowhere(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let tun = tun(&lab.b)?;
    lab.b.ip(&["link set tun0 up"])?;
    let drops = Drops::at(site::TUN_FAULT, &lab.b, Count::Exactly(5));
    Case::of([drops]).check(bench, || {
        for _ in 0..5 {
            ensure!(
                tun.write_nothing(100).is_err(),
                "the kernel read from nowhere"
            );
        }
        Ok(())
    })
}
