//! Which queueing discipline dropped a packet.

use std::fs;

use anyhow::{Result, ensure};

use crate::{
    bench::Bench,
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    lab::{A, B, Pair},
    scenario::{Scenario, cannot},
    sender::Datagrams,
    site,
};

use super::details::{told, trace};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a_full_qdisc_is_named",
        about: "the queue of tbf overflows",
        run: a_full_qdisc_is_named,
    },
    Scenario {
        name: "a_qdisc_that_refuses_is_named",
        about: "datagrams larger than the bucket of tbf, traced",
        run: a_qdisc_that_refuses_is_named,
    },
];

/// Tells what only some kernels tell.
fn has_event() -> bool {
    fs::exists("/sys/kernel/tracing/events/qdisc/qdisc_drop").unwrap_or(false)
}

fn drops(lab: &Pair, count: Count) -> Drops<'_> {
    Drops::at(site::QDISC, &lab.a, count)
        .device(A.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .length(20 + 8 + 1000)
        .counted_by(Counter::qdisc(&lab.a, A.device))
}

fn send(lab: &Pair, times: u64) -> Result<()> {
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1000, times)
        .send(&lab.a)
        .map(drop)
}

fn a_full_qdisc_is_named(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.offer(
        "tc",
        "qdisc add dev a0 root tbf rate 8kbit burst 1600 limit 3000",
    )?;
    let run = Case::of([drops(&lab, Count::AsCounted)]).run(bench, || send(&lab, 20))?;
    let Some(run) = run else { return Ok(()) };
    let wanted = has_event().then_some("tbf");
    let rows = run.summary.rows.iter();
    let kinds: Vec<_> = rows
        .filter(|row| *row.key("netns") == lab.a.inode() && *row.key("stage") == "tx_qdisc")
        .map(|row| row.key("qdisc").as_str())
        .collect();
    ensure!(
        !kinds.is_empty() && kinds.iter().all(|kind| *kind == wanted),
        "the qdisc is not {wanted:?}, but {kinds:?}"
    );
    Ok(())
}

fn a_qdisc_that_refuses_is_named(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    lab.a.offer(
        "tc",
        "qdisc add dev a0 root tbf rate 8mbit burst 600 limit 30000",
    )?;
    let run = trace(bench, "", drops(&lab, Count::Exactly(8)), || send(&lab, 8))?;
    if !has_event() {
        return cannot("the kernel does not tell which qdisc drops");
    }
    let kind = serde_json::json!({ "stage": "tx_qdisc", "dst_port": 9, "qdisc": "tbf" });
    told(run.as_ref(), &lab.a, 8, &kind)
}
