//! Where watching begins: what was before it is nobody's business, and the
//! privileges that attaching took are gone.

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::{
    bench::Bench,
    case::report,
    lab::{A, B, Pair},
    netdrop::{
        Netdrop,
        identity::{self, Allow},
        record::Run,
    },
    scenario::Scenario,
    sender::Datagrams,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "traffic_before_ready_is_not_shown",
        about: "trace starts in the middle of a flood: as many lines as counts",
        run: traffic_before_ready_is_not_shown,
    },
    Scenario {
        name: "privileges_are_given_up_in_every_thread",
        about: "no thread of watch or trace keeps what only attaching needs",
        run: privileges_are_given_up_in_every_thread,
    },
];

fn traffic_before_ready_is_not_shown(bench: &Bench) -> Result<()> {
    bench.binary()?;
    let lab = Pair::new()?;
    let run = amid_flood(&lab, || {
        bench
            .ready("trace --format json --severity all --ring-size 16M --duration 1s --top 100000 --by netns,src_port")?
            .wait()?
            .run()
    })?;
    let mut complaints = identity::complaints(&run, &["netns", "src_port"], Allow::default());
    let (lines, accounting) = (run.drops.len() as u64, &run.summary.accounting);
    if lines + accounting.output_lost != accounting.delivered
        || accounting.counted - accounting.ring_lost != accounting.delivered
    {
        complaints.push(format!("{lines} lines, but {accounting:?}"));
    }
    let lost = accounting.ring_lost + accounting.output_lost;
    let (shown, counted) = by_port(&run, lab.b.inode());
    if counted.is_empty() || (lost == 0 && shown != counted) {
        let differing: Vec<_> = shown
            .keys()
            .chain(counted.keys())
            .filter(|port| shown.get(port) != counted.get(port))
            .map(|port| (port, shown.get(port), counted.get(port)))
            .collect();
        complaints.push(format!(
            "other drops are shown than counted: (port, lines, drops) {differing:?}"
        ));
    }
    report(&complaints)
}

/// The lines and the counted drops of a namespace by source port. What was
/// before the counting would have a line and no row.
fn by_port(run: &Run, netns: u32) -> (BTreeMap<u64, u64>, BTreeMap<u64, u64>) {
    let (mut shown, mut counted) = (BTreeMap::new(), BTreeMap::new());
    for drop in run.drops.iter().filter(|drop| drop.netns == Some(netns)) {
        let port = drop.src_port.unwrap_or_default();
        *shown.entry(port.into()).or_default() += 1;
    }
    for row in run
        .summary
        .rows
        .iter()
        .filter(|row| *row.key("netns") == netns)
    {
        let port = row.key("src_port").as_u64().unwrap_or_default();
        *counted.entry(port).or_default() += row.drops;
    }
    (shown, counted)
}

/// Does something while datagrams to a closed port keep coming.
fn amid_flood(lab: &Pair, act: impl FnOnce() -> Result<Run>) -> Result<Run> {
    let done = AtomicBool::new(false);
    let send = || {
        // A port of its own for each moment.
        for port in (10_000..60_000).cycle() {
            if done.load(Ordering::Relaxed) {
                break;
            }
            Datagrams::new((A.v4.into(), port), (B.v4.into(), 9), 1, 2).send_here()?;
            // Enough to be seen at every moment, and all of it can be shown.
            thread::sleep(Duration::from_micros(20));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let flood = scope.spawn(|| lab.a.inside(send));
        let acted = act();
        done.store(true, Ordering::Relaxed);
        flood.join().map_err(|_| anyhow!("the flood died"))??;
        acted
    })
}

/// What only attaching needs, by its number (include/uapi/linux/capability.h).
const GIVEN_UP: [(&str, u32); 4] = [
    ("CAP_DAC_OVERRIDE", 1),
    ("CAP_NET_ADMIN", 12),
    ("CAP_SYSLOG", 34),
    ("CAP_PERFMON", 38),
];
/// Reading maps without it is possible from 5.19 on.
const BPF: (&str, u32) = ("CAP_BPF", 39);

fn privileges_are_given_up_in_every_thread(bench: &Bench) -> Result<()> {
    let mut given_up = GIVEN_UP.to_vec();
    if bench.kernel.version >= (5, 19) {
        given_up.push(BPF);
    }
    let own = effective("/proc/self/status")?;
    ensure!(
        given_up.iter().all(|(_, bit)| own >> bit & 1 == 1),
        "the lab itself has not what netdrop is to give up: {own:x}"
    );
    for command in ["watch", "trace"] {
        let netdrop = bench.ready(&format!("{command} --format json"))?;
        for thread in threads(&netdrop)? {
            let held = effective(&thread)?;
            let kept: Vec<&str> = given_up
                .iter()
                .filter(|(_, bit)| held >> bit & 1 == 1)
                .map(|(name, _)| *name)
                .collect();
            ensure!(kept.is_empty(), "{command}: {thread} has {kept:?}");
        }
        netdrop.stop()?;
    }
    Ok(())
}

/// The status file of each thread.
fn threads(netdrop: &Netdrop) -> Result<Vec<String>> {
    let tasks = fs::read_dir(format!("/proc/{}/task", netdrop.pid()))?
        .map(|task| Ok(format!("{}/status", task?.path().display())))
        .collect::<Result<Vec<_>>>()?;
    ensure!(tasks.len() > 1, "netdrop has no thread but one: {tasks:?}");
    Ok(tasks)
}

/// The effective capabilities in a status file.
fn effective(path: &str) -> Result<u64> {
    let status = fs::read_to_string(path).with_context(|| path.to_owned())?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .context("no CapEff")?;
    Ok(u64::from_str_radix(mask.trim(), 16)?)
}
