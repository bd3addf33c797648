//! Counters of devices that come by another name, or from another namespace, while
//! netdrop watches: what they counted before is no loss of that time.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result, ensure};

use crate::{
    bench::Bench,
    counter::Counter,
    frame,
    lab::{A, B, Namespace, Pair},
    scenario::Scenario,
    sender,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a_renamed_device_brings_no_remainder",
        about: "30 old rx_dropped of a device that gets another name: nothing is unexplained",
        run: a_renamed_device_brings_no_remainder,
    },
    Scenario {
        name: "a_device_from_elsewhere_brings_no_remainder",
        about: "30 old rx_dropped of a device that comes from another namespace: likewise",
        run: a_device_from_elsewhere_brings_no_remainder,
    },
];

/// A protocol that nobody takes.
const NOBODYS: u16 = 0x88b5;
const OLD: u64 = 30;

/// Lets b0 drop frames, then does something while netdrop watches a namespace; of
/// what the device's `rx_dropped` had counted before nothing may be said
/// afterwards. A frame of the kernel's own that a0 sends to a device which just
/// went down counts there, too, and is a drop of a0 (`__dev_forward_skb`).
fn no_remainder(
    bench: &Bench,
    lab: &Pair,
    watched: &Namespace,
    now: &str,
    act: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let dropped = Counter::link(&lab.b, B.device, "rx_dropped");
    let frame = frame::ethernet(A, B, NOBODYS, &[0; 46]);
    sender::raw_frames(&lab.a, A.device, &frame, OLD)?;
    ensure!(dropped.read()? >= OLD, "witness: nothing was dropped");
    let watch = format!(
        "watch --format json --interval 500ms --reconcile --netns {}",
        watched.name()
    );
    let netdrop = bench.ready(&watch)?;
    act()?;
    // At least one whole interval.
    thread::sleep(Duration::from_millis(1500));
    let run = netdrop.stop()?;
    let lines = run.summary.reconciliation.context("no reconciliation")?;
    let old = |line: &&serde_json::Value| {
        line["counter"] == "link.rx_dropped"
            && line["scope"] == now
            && line["delta"].as_u64().is_none_or(|delta| delta >= OLD)
    };
    let said: Vec<_> = lines.iter().filter(old).collect();
    ensure!(said.is_empty(), "{said:?}");
    Ok(())
}

fn a_renamed_device_brings_no_remainder(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    no_remainder(bench, &lab, &lab.b, "z0", || {
        lab.b
            .ip(&["link set b0 down", "link set b0 name z0", "link set z0 up"])
    })
}

fn a_device_from_elsewhere_brings_no_remainder(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    no_remainder(bench, &lab, &lab.a, B.device, || {
        lab.b.ip(&[&format!("link set b0 netns {}", lab.a.name())])
    })
}
