//! Counters of devices and queueing disciplines that are removed and made anew under
//! their names while netdrop watches, and that have counted more by then than their
//! predecessors: what was counted is explained, and nothing remains.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{
    bench::Bench,
    counter::Counter,
    frame,
    lab::{A, B, Pair, text},
    netdrop::Netdrop,
    scenario::Scenario,
    scenarios::recordings::{Folder, grown, netdrop},
    sender::{self, Datagrams},
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a_qdisc_made_anew_brings_no_remainder",
        about: "a tbf deleted and added with its handle, then more drops: exactly what both counted",
        run: |bench| watched(bench, &Lab::of_qdisc()?),
    },
    Scenario {
        name: "a_device_made_anew_brings_no_remainder",
        about: "a veth deleted and added with its name and index, then more drops: likewise",
        run: |bench| watched(bench, &Lab::of_device()?),
    },
    Scenario {
        name: "a_device_of_another_index_brings_no_remainder",
        about: "a veth deleted and added with its name only, then more drops: exactly what both counted",
        run: a_device_of_another_index_brings_no_remainder,
    },
    Scenario {
        name: "a_sum_goes_on_when_one_of_its_qdiscs_is_replaced",
        about: "the tbf below each queue of mq replaced, then more drops: exactly what all counted",
        run: a_sum_goes_on_when_one_of_its_qdiscs_is_replaced,
    },
    Scenario {
        name: "a_qdisc_that_is_removed_is_counted_to_its_end",
        about: "drops of a tbf, which is removed in the same interval and comes back in another",
        run: a_qdisc_that_is_removed_is_counted_to_its_end,
    },
    Scenario {
        name: "a_recording_knows_what_was_made_anew",
        about: "the same tbf in a recording: its report leaves no remainder",
        run: a_recording_knows_what_was_made_anew,
    },
];

/// A protocol that nobody takes.
const NOBODYS: u16 = 0x88b5;
/// Two of them fit into a netdrop's life.
const INTERVAL: &str = "2s";
/// What died before netdrop came, until the old one ended, and of the new one.
const TIMES: [u64; 3] = [30, 10, 80];

/// A counter of loss whose owner can be made anew.
struct Lab {
    pair: Pair,
    /// In this one of the pair: a, or else b.
    in_a: bool,
    counter: &'static str,
    scope: &'static str,
}

impl Lab {
    fn of_qdisc() -> Result<Self> {
        let pair = Pair::new()?;
        quiet(&pair)?;
        pair.a.tc(&[&tbf("add", 1600)])?;
        Ok(Self {
            pair,
            in_a: true,
            counter: "qdisc.drops",
            scope: "a0 qdisc tbf 7:",
        })
    }

    fn of_device() -> Result<Self> {
        let pair = Pair::new()?;
        quiet(&pair)?;
        Ok(Self {
            pair,
            in_a: false,
            counter: "link.rx_dropped",
            scope: B.device,
        })
    }

    fn provoke(&self, times: u64) -> Result<()> {
        if self.in_a {
            let datagrams = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1000, times);
            datagrams.send(&self.pair.a).map(drop)
        } else {
            let frame = frame::ethernet(A, B, NOBODYS, &[0; 46]);
            sender::raw_frames(&self.pair.a, A.device, &frame, times)
        }
    }

    /// What its owner has counted.
    fn counted(&self) -> Result<u64> {
        if self.in_a {
            Counter::qdisc(&self.pair.a, A.device).read()
        } else {
            Counter::link(&self.pair.b, B.device, "rx_dropped").read()
        }
    }

    fn make_anew(&self) -> Result<()> {
        let Self { pair, .. } = self;
        if self.in_a {
            // With room for more packets, so that more have left it, too.
            return pair.a.tc(&["qdisc del dev a0 root", &tbf("add", 16_000)]);
        }
        let index = pair.b.ifindex(B.device)?;
        make_device(pair, &format!("index {index}"))
    }

    /// Drops until the old one ends, and of the new one; tells what both counted
    /// together since the start.
    fn act(&self) -> Result<u64> {
        let start = self.counted()?;
        let [_, until, then] = TIMES;
        self.provoke(until)?;
        let end = self.counted()?;
        self.make_anew()?;
        self.provoke(then)?;
        let new = self.counted()?;
        ensure!(end > start && start > 0, "witness: {start} to {end}");
        ensure!(
            new > end,
            "witness: the new one counted {new}, the old one {end}"
        );
        Ok(end - start + new)
    }

    /// What is said of the counter must be what was counted, and all of it explained.
    fn holds(&self, lines: &[Value], told: &Value, counted: u64) -> Result<()> {
        let Self { counter, scope, .. } = self;
        let mut found = lines
            .iter()
            .filter(|line| line["counter"] == *counter && line["scope"] == *scope);
        let line = found
            .next()
            .with_context(|| format!("nothing said: {told}"))?;
        ensure!(
            line["delta"] == counted && line["unexplained"] == 0,
            "{counted} were counted: {line}"
        );
        Ok(())
    }
}

fn tbf(verb: &str, burst: u32) -> String {
    format!("qdisc {verb} dev a0 root handle 7: tbf rate 8kbit burst {burst} limit 3000")
}

/// No frames of the kernel's own.
fn quiet(pair: &Pair) -> Result<()> {
    for namespace in [&pair.a, &pair.b] {
        namespace.sysctl("net.ipv6.conf.all.disable_ipv6", "1")?;
        namespace.sysctl("net.ipv6.conf.default.disable_ipv6", "1")?;
    }
    Ok(())
}

fn make_device(pair: &Pair, index: &str) -> Result<()> {
    let Pair { a, b } = pair;
    b.ip(&[
        "link del b0",
        &format!(
            "link add name b0 address {} {index} type veth peer name a0 netns {}",
            text(B.mac),
            a.name()
        ),
        "link set b0 up",
    ])?;
    a.ip(&["link set a0 up"])
}

fn watch(bench: &Bench, namespace: &str) -> Result<Netdrop> {
    bench.ready(&format!(
        "watch --format json --severity all --interval {INTERVAL} --reconcile --netns {namespace}"
    ))
}

fn watched(bench: &Bench, lab: &Lab) -> Result<()> {
    lab.provoke(TIMES[0])?;
    let watched = if lab.in_a { &lab.pair.a } else { &lab.pair.b };
    let netdrop = watch(bench, watched.name())?;
    let counted = lab.act()?;
    thread::sleep(Duration::from_millis(2500));
    let run = netdrop.stop()?;
    let lines = run.summary.reconciliation.context("no reconciliation")?;
    lab.holds(&lines, &Value::Null, counted)
}

fn a_device_of_another_index_brings_no_remainder(bench: &Bench) -> Result<()> {
    let lab = Lab::of_device()?;
    lab.provoke(TIMES[0])?;
    let start = lab.counted()?;
    let netdrop = watch(bench, lab.pair.b.name())?;
    lab.provoke(TIMES[1])?;
    let end = lab.counted()?;
    // Two devices of a namespace have different indices.
    let index = lab.pair.b.ifindex(B.device)?;
    make_device(&lab.pair, &format!("index {}", index + 1000))?;
    lab.provoke(TIMES[2])?;
    let new = lab.counted()?;
    ensure!(new > end, "witness: the new one counted {new}");
    thread::sleep(Duration::from_millis(2500));
    let run = netdrop.stop()?;
    let lines = run.summary.reconciliation.context("no reconciliation")?;
    lab.holds(&lines, &Value::Null, end - start + new)
}

/// A device with two queues, and a tbf below each.
fn sum() -> Result<Lab> {
    let mut lab = Lab::of_qdisc()?;
    lab.pair.a.ip(&[
        "link del a0",
        &format!(
            "link add name a0 address {} numtxqueues 2 numrxqueues 2 type veth peer name b0 \
             address {} netns {}",
            text(A.mac),
            text(B.mac),
            lab.pair.b.name()
        ),
        &format!("addr add {}/24 dev a0", A.v4),
        "link set a0 up",
    ])?;
    lab.pair.b.ip(&["link set b0 up"])?;
    lab.pair.a.ip(&[&format!(
        "neigh replace {} lladdr {} dev a0 nud permanent",
        B.v4,
        text(B.mac)
    )])?;
    lab.pair.a.tc(&["qdisc add dev a0 root handle 1: mq"])?;
    below(&lab, "1", 1600)?;
    lab.scope = "a0 qdisc mq 1:";
    Ok(lab)
}

fn below(lab: &Lab, mark: &str, burst: u32) -> Result<()> {
    let replace = |queue: u32| {
        format!(
            "qdisc replace dev a0 parent 1:{queue} handle {mark}{queue}: tbf rate 8kbit burst \
             {burst} limit 1600"
        )
    };
    lab.pair.a.tc(&[&replace(1), &replace(2)])
}

fn a_sum_goes_on_when_one_of_its_qdiscs_is_replaced(bench: &Bench) -> Result<()> {
    let lab = sum()?;
    lab.provoke(TIMES[0])?;
    let start = lab.counted()?;
    let netdrop = watch(bench, lab.pair.a.name())?;
    lab.provoke(TIMES[1])?;
    let end = lab.counted()?;
    below(&lab, "2", 16_000)?;
    ensure!(lab.counted()? == 0, "witness: the sum did not fall");
    lab.provoke(TIMES[2])?;
    let new = lab.counted()?;
    ensure!(end > start && new > end, "witness: {start}, {end}, {new}");
    thread::sleep(Duration::from_millis(2500));
    let run = netdrop.stop()?;
    let lines = run.summary.reconciliation.context("no reconciliation")?;
    lab.holds(&lines, &Value::Null, end - start + new)
}

fn a_qdisc_that_is_removed_is_counted_to_its_end(bench: &Bench) -> Result<()> {
    let lab = Lab::of_qdisc()?;
    lab.provoke(TIMES[0])?;
    let start = lab.counted()?;
    let netdrop = watch(bench, lab.pair.a.name())?;
    lab.provoke(TIMES[1])?;
    let end = lab.counted()?;
    ensure!(end > start, "witness: {start} to {end}");
    lab.pair.a.tc(&["qdisc del dev a0 root"])?;
    // Two readings without it.
    thread::sleep(Duration::from_millis(4500));
    lab.pair.a.tc(&[&tbf("add", 1600)])?;
    lab.provoke(TIMES[1])?;
    let new = lab.counted()?;
    thread::sleep(Duration::from_millis(2500));
    let run = netdrop.stop()?;
    let lines = run.summary.reconciliation.context("no reconciliation")?;
    lab.holds(&lines, &Value::Null, end - start + new)
}

fn a_recording_knows_what_was_made_anew(bench: &Bench) -> Result<()> {
    let lab = Lab::of_qdisc()?;
    lab.provoke(TIMES[0])?;
    let folder = Folder::new("anew")?;
    let file = folder.file("drops.ndr");
    let binary = bench.binary()?;
    let arguments = format!("record -o {} --interval {INTERVAL}", file.display());
    let inside = || Netdrop::start(binary, &arguments);
    let mut recorder = lab.pair.a.inside(inside)?;
    grown(&mut recorder, &file, 0)?;
    recorder.counts_now()?;
    let counted = lab.act()?;
    thread::sleep(Duration::from_millis(2500));
    recorder.signal(nix::sys::signal::Signal::SIGINT)?;
    recorder.wait()?;
    let arguments = format!("report {} --format json", file.display());
    let page = netdrop(bench, &arguments)?;
    let page: Value = serde_json::from_slice(&page.stdout)?;
    let lines = page["reconciliation"].as_array();
    let lines = lines.with_context(|| format!("no reconciliation: {page}"))?;
    lab.holds(lines, &page["reconciled"], counted)
}
