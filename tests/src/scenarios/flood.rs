//! Counts stay exact when drops come as fast as the machine can make them.

use std::{
    net::{Ipv4Addr, UdpSocket},
    thread,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use nix::sys::socket::{setsockopt, sockopt::RcvBuf};
use serde_json::json;

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Watched, report},
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, GHOST, Pair},
    netdrop::{
        identity::{self, Allow},
        record::{Row, Run},
    },
    scenario::Scenario,
    sender::{self, Datagrams},
    site,
    sys::FrameSocket,
};

use super::firewall::dropping;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "flood_from_two_cpus_to_a_closed_port",
        about: "200,000 datagrams as fast as possible from two CPUs",
        run: flood_from_two_cpus_to_a_closed_port,
    },
    Scenario {
        name: "flood_from_two_cpus_into_a_firewall",
        about: "100,000 datagrams as fast as possible that nftables drops",
        run: flood_from_two_cpus_into_a_firewall,
    },
    Scenario {
        name: "flood_from_two_cpus_into_a_full_socket",
        about: "100,000 datagrams as fast as possible into a full receive buffer",
        run: flood_from_two_cpus_into_a_full_socket,
    },
    Scenario {
        name: "more_flows_than_the_table_holds",
        about: "120,000 flows in one interval: the remainder is counted",
        run: more_flows_than_the_table_holds,
    },
    Scenario {
        name: "a_small_ring_loses_detail_but_no_count",
        about: "trace with a ring of 4 KiB under a flood",
        run: a_small_ring_loses_detail_but_no_count,
    },
];

/// Two threads pinned to the first and the last CPU, each sending half.
pub(super) fn flood(lab: &Pair, to: (Ipv4Addr, u16), times: u64) -> Result<()> {
    let cpus = thread::available_parallelism()?.get();
    lab.a.inside(|| {
        thread::scope(|scope| {
            let senders = [(0, 4000), (cpus - 1, 4001)].map(|(cpu, port)| {
                scope.spawn(move || {
                    sender::pin_to(cpu)?;
                    let (from, to) = ((A.v4.into(), port), (to.0.into(), to.1));
                    let taken = Datagrams::new(from, to, 1, times / 2).send_here()?;
                    ensure!(
                        taken == times / 2,
                        "the kernel took {taken} of {} datagrams",
                        times / 2
                    );
                    Ok(())
                })
            });
            for sender in senders {
                sender.join().map_err(|_| anyhow!("a sender died"))??;
            }
            Ok(())
        })
    })
}

/// Every datagram of the flood died, be it in the backlog.
fn all_died(run: Option<&Run>, lab: &Pair, port: u16, times: u64) -> Result<()> {
    let Some(run) = run else { return Ok(()) };
    let ours = |row: &&Row| *row.key("netns") == lab.b.inode() && *row.key("dst_port") == port;
    let died: u64 = run
        .summary
        .rows
        .iter()
        .filter(ours)
        .map(|row| row.drops)
        .sum();
    ensure!(
        died == times,
        "{died} of {times} datagrams died according to the rows"
    );
    Ok(())
}

fn flood_from_two_cpus_to_a_closed_port(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::AsCounted)
        .device(B.device)
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    let run = Case::of([drops])
        .untraced()
        .interval("200ms")
        .run(bench, || flood(&lab, (B.v4, 9), 200_000))?;
    all_died(run.as_ref(), &lab, 9, 200_000)
}

fn flood_from_two_cpus_into_a_firewall(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.b.nft(&dropping("input"))?;
    let drops = Drops::at(site::NFT_INPUT, &lab.b, Count::AsCounted)
        .device(B.device)
        .counted_by(Counter::nft(&lab.b));
    let run = Case::of([drops])
        .untraced()
        .interval("200ms")
        .run(bench, || flood(&lab, (B.v4, 9), 100_000))?;
    all_died(run.as_ref(), &lab, 9, 100_000)
}

fn flood_from_two_cpus_into_a_full_socket(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let socket = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v4, 5000))?;
        setsockopt(&socket, RcvBuf, &1)?;
        Ok(socket)
    })?;
    let drops = Drops::at(site::UDP_RECEIVE_BUFFER, &lab.b, Count::AsCounted)
        .device(B.device)
        .counted_by(Counter::snmp(&lab.b, "Udp.RcvbufErrors"));
    Case::of([drops])
        .untraced()
        .interval("200ms")
        .check(bench, || flood(&lab, (B.v4, 5000), 100_000))?;
    drop(socket);
    Ok(())
}

fn more_flows_than_the_table_holds(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let ifindex = lab.a.ifindex(A.device)?;
    let counter = Counter::snmp(&lab.b, "Udp.NoPorts");
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(120_000)).counted_by(counter);
    let netdrop = bench.start(
        "watch --format json --severity all --interval 10m --top 10 --by reason,src,src_port",
    )?;
    let mut complaints = Vec::new();
    Case::of([drops])
        .untraced()
        .witness(bench, &mut complaints, || {
            lab.a.inside(|| {
                let socket = FrameSocket::open(ifindex)?;
                for src in [A.v4, GHOST] {
                    for port in 1..=60_000 {
                        let udp = Transport::Udp {
                            src: port,
                            dst: 9,
                            payload: 1,
                        };
                        socket
                            .send(&Frame::v4(A, B, udp).src(src).bytes())
                            .context("cannot send")?;
                    }
                }
                Ok(())
            })
        })?;
    if let Some(netdrop) = netdrop {
        let run = netdrop.stop()?;
        let allow = Allow {
            other: true,
            ..Allow::default()
        };
        complaints.extend(identity::complaints(
            &run,
            &["reason", "src", "src_port"],
            allow,
        ));
        let accounting = &run.summary.accounting;
        if accounting.flow_other.is_none_or(|other| other == 0) || accounting.counted < 120_000 {
            complaints.push(format!("120,000 flows do not fit, but {accounting:?}"));
        }
        let kinds = ["table", "top"].map(|kind| {
            run.summary
                .rows
                .iter()
                .any(|row| *row.key("other") == json!(kind))
        });
        if kinds != [true, true] {
            complaints.push(format!(
                "rows for what is beyond the table and --top: {kinds:?}"
            ));
        }
    }
    report(&complaints)
}

fn a_small_ring_loses_detail_but_no_count(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::AsCounted)
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    let netdrop = bench.start("trace --format json --ring-size 4096 --severity all --top 10000 --by reason,function,netns")?;
    let case = Case::of([drops]).untraced();
    let mut complaints = Vec::new();
    let witnessed = case.witness(bench, &mut complaints, || flood(&lab, (B.v4, 9), 50_000))?;
    let dropped: u64 = witnessed.watched.iter().map(Watched::count).sum();
    if let Some(netdrop) = netdrop {
        let run = netdrop.stop()?;
        complaints.extend(identity::complaints(
            &run,
            &["reason", "function", "netns"],
            Allow::default(),
        ));
        let accounting = &run.summary.accounting;
        if accounting.ring_lost == 0 {
            complaints.push(format!(
                "a ring of 4 KiB lost nothing in a flood: {accounting:?}"
            ));
        }
        let lines = run.drops.len() as u64;
        if lines + accounting.output_lost != accounting.delivered {
            complaints.push(format!("{lines} lines, but {accounting:?}"));
        }
        let counted: u64 = run
            .summary
            .rows
            .iter()
            .filter(|row| *row.key("netns") == lab.b.inode() && witnessed.watched[0].is_of(row))
            .map(|row| row.drops)
            .sum();
        if counted != dropped {
            complaints.push(format!("{counted} counted, {dropped} dropped"));
        }
    }
    report(&complaints)
}
