//! What is counted, what is not, and what is kept apart.

use std::{net::UdpSocket, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow, report, watch},
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, Pair},
    netdrop::{
        identity::{self, Allow},
        record::{Row, Traffic},
    },
    scenario::Scenario,
    sender::{self, Datagrams},
    site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "drops_in_another_netns_are_kept_apart",
        about: "the same flow dropped 10 times here and 17 times there",
        run: drops_in_another_netns_are_kept_apart,
    },
    Scenario {
        name: "a_consumed_packet_is_no_drop",
        about: "50 datagrams that a socket reads",
        run: a_consumed_packet_is_no_drop,
    },
    Scenario {
        name: "two_netdrops_count_the_same",
        about: "two netdrops side by side, both exact",
        run: two_netdrops_count_the_same,
    },
    Scenario {
        name: "lite_counts_as_exactly",
        about: "--lite: the same counts, no traffic",
        run: lite_counts_as_exactly,
    },
    Scenario {
        name: "traffic_is_counted",
        about: "the denominators see 1000 packets pass",
        run: traffic_is_counted,
    },
];

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "benign_drops_are_hidden_but_counted",
        about: "the default severity hides benign rows and says how many drops",
        run: benign_drops_are_hidden_but_counted,
    },
    Scenario {
        name: "what_is_beyond_top_is_one_row",
        about: "--top 1 with three flows",
        run: what_is_beyond_top_is_one_row,
    },
];

fn closed_port(lab: &Pair, port: u16, times: u64) -> Result<()> {
    Datagrams::new((A.v4.into(), port), (B.v4.into(), 9), 1, times)
        .send(&lab.a)
        .map(drop)
}

fn at_closed_port(lab: &Pair, port: u16, times: u64) -> Drops<'_> {
    Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(times))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, port), (B.v4, 9)))
        .length(20 + 8 + 1)
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"))
}

fn drops_in_another_netns_are_kept_apart(bench: &Bench) -> Result<()> {
    let (here, there) = (Pair::new()?, Pair::new()?);
    Case::of([
        at_closed_port(&here, 4000, 10),
        at_closed_port(&there, 4000, 17),
    ])
    .check(bench, || {
        closed_port(&here, 4000, 10)?;
        closed_port(&there, 4000, 17)
    })
}

fn a_consumed_packet_is_no_drop(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let socket = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v4, 5000))?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(socket)
    })?;
    let flow = Flow::new("udp", (A.v4, 4000), (B.v4, 5000));
    // One drop beside them shows that the run could see drops at all.
    Case::of([at_closed_port(&lab, 4001, 1)])
        .none_of(lab.b.inode(), flow)
        .check(bench, || {
            for _ in 0..50 {
                Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 5000), 100, 1).send(&lab.a)?;
                ensure!(socket.recv(&mut [0; 200])? == 100, "a short datagram");
            }
            closed_port(&lab, 4001, 1)
        })
}

fn two_netdrops_count_the_same(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let case = Case::of([at_closed_port(&lab, 4000, 1000)]);
    let netdrops = [bench.start(&watch("1s"))?, bench.start(&watch("300ms"))?];
    let mut complaints = Vec::new();
    let watched = case.witness(bench, &mut complaints, || closed_port(&lab, 4000, 1000))?;
    for netdrop in netdrops.into_iter().flatten() {
        let run = netdrop.stop()?;
        complaints.extend(case.against(bench, &run, &watched));
    }
    report(&complaints)
}

fn benign_drops_are_hidden_but_counted(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 5,
    };
    let frame = Frame::v4(A, B, udp).mac_dst([2, 0, 0, 0, 0, 0xff]);
    let drops = Drops::at(site::OTHER_HOST, &lab.b, Count::Exactly(30)).device(B.device);
    let netdrop = bench.start("watch --format json --by reason,netns --top 10000")?;
    let mut complaints = Vec::new();
    Case::of([drops]).witness(bench, &mut complaints, || {
        sender::frames(&lab.a, A.device, &frame, 30)
    })?;
    if let Some(netdrop) = netdrop {
        let run = netdrop.stop()?;
        complaints.extend(identity::complaints(
            &run,
            &["reason", "netns"],
            Allow {
                hidden: true,
                ..Allow::default()
            },
        ));
        let totals = &run.summary.totals;
        // Without a reason argument nobody can tell that these are benign.
        if bench.kernel.has_reasons() {
            if totals.hidden < 30 || totals.benign < 30 {
                complaints.push(format!("30 benign drops are not in {totals:?}"));
            }
            let of_reason = |row: &&Row| *row.key("reason") == "OTHERHOST";
            complaints.extend(
                run.summary
                    .rows
                    .iter()
                    .find(of_reason)
                    .map(|row| format!("shown: {row:?}")),
            );
        }
    }
    report(&complaints)
}

fn what_is_beyond_top_is_one_row(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let netdrop = bench.start("watch --format json --severity all --top 1 --by netns,src_port")?;
    let mut complaints = Vec::new();
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(700))
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    Case::of([drops]).witness(bench, &mut complaints, || {
        closed_port(&lab, 4000, 400)?;
        closed_port(&lab, 4001, 200)?;
        closed_port(&lab, 4002, 100)
    })?;
    if let Some(netdrop) = netdrop {
        let run = netdrop.stop()?;
        complaints.extend(identity::complaints(
            &run,
            &["netns", "src_port"],
            Allow::default(),
        ));
        let rows = &run.summary.rows;
        match rows.as_slice() {
            [first, rest]
                if first.drops == 400
                    && *first.key("src_port") == 4000
                    && *rest.key("other") == "top"
                    && rest.key("src_port").is_null()
                    && rest.drops >= 300 => {}
            rows => complaints.push(format!("not the first row and one for the rest: {rows:?}")),
        }
    }
    report(&complaints)
}

fn lite_counts_as_exactly(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let run = Case::of([at_closed_port(&lab, 4000, 500)])
        .options("--lite")
        .run(bench, || closed_port(&lab, 4000, 500))?;
    let Some(run) = run else { return Ok(()) };
    let Traffic {
        rx_packets,
        tx_packets,
        napi_polls,
        napi_full,
        time_squeeze,
    } = run.summary.traffic;
    ensure!(
        [rx_packets, tx_packets, napi_polls, napi_full] == [None; 4] && time_squeeze.is_some(),
        "--lite without per-packet hooks, but {:?}",
        run.summary.traffic
    );
    Ok(())
}

fn traffic_is_counted(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let run = Case::of([at_closed_port(&lab, 4000, 1000)])
        .run(bench, || closed_port(&lab, 4000, 1000))?;
    let Some(run) = run else { return Ok(()) };
    let traffic = run.summary.traffic;
    ensure!(
        traffic.rx_packets >= Some(1000)
            && traffic.tx_packets >= Some(1000)
            && traffic.napi_polls > Some(0),
        "1000 packets passed, but {traffic:?}"
    );
    Ok(())
}
