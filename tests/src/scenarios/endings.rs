//! However netdrop ends: the summary where somebody can read it, the right exit
//! code, and nothing left in the kernel.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::{
    bench::{Bench, PATIENCE},
    case::{BY, Case, Count, Drops, Flow, report, watch},
    counter::Counter,
    lab::{A, B, Pair},
    netdrop::{
        Netdrop,
        identity::{self, Allow},
        objects,
        record::Run,
    },
    scenario::{Scenario, cannot},
    sender::Datagrams,
    site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "sigint_ends_with_the_summary",
        about: "SIGINT: exit 0, a summary, nothing left",
        run: |bench| ends_by(bench, Signal::SIGINT),
    },
    Scenario {
        name: "kill_leaves_nothing",
        about: "SIGKILL: no program and no map left",
        run: kill_leaves_nothing,
    },
];

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "sigterm_ends_with_the_summary",
        about: "SIGTERM: exit 0, a summary, nothing left",
        run: |bench| ends_by(bench, Signal::SIGTERM),
    },
    Scenario {
        name: "duration_ends_with_the_summary",
        about: "--duration 2s: exit 0, a summary, nothing left",
        run: duration_ends_with_the_summary,
    },
    Scenario {
        name: "count_ends_with_the_summary",
        about: "trace --count 5: five lines, then a summary",
        run: count_ends_with_the_summary,
    },
    Scenario {
        name: "a_closed_pipe_is_a_normal_end",
        about: "nobody reads any more: exit 0, nothing left",
        run: a_closed_pipe_is_a_normal_end,
    },
    Scenario {
        name: "a_slow_reader_costs_no_count",
        about: "nobody reads for three seconds while drops go on",
        run: a_slow_reader_costs_no_count,
    },
    Scenario {
        name: "a_full_disk_is_said",
        about: "output to /dev/full: exit 1 and a clear line",
        run: a_full_disk_is_said,
    },
    Scenario {
        name: "text_shows_the_drops",
        about: "--format text names reason and count",
        run: text_shows_the_drops,
    },
];

fn drop_some(lab: &Pair, times: u64) -> Result<()> {
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, times)
        .send(&lab.a)
        .map(drop)
}

fn dropped(lab: &Pair, times: u64) -> Drops<'_> {
    Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(times))
        .device(B.device)
        .flow(Flow::new("udp", (A.v4, 4000), (B.v4, 9)))
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"))
}

fn ends_by(bench: &Bench, signal: Signal) -> Result<()> {
    let lab = Pair::new()?;
    let case = Case::of([dropped(&lab, 40)]);
    let mut netdrop = bench.ready(&watch("300ms"))?;
    let held = objects::held_by(&netdrop)?;
    ensure!(
        !held.is_empty(),
        "a netdrop that watches holds no BPF program"
    );
    let mut complaints = Vec::new();
    let watched = case.witness(bench, &mut complaints, || drop_some(&lab, 40))?;
    netdrop.signal(signal)?;
    let run = netdrop.wait()?.run()?;
    complaints.extend(case.against(bench, &run, &watched));
    objects::wait_gone(&held)?;
    report(&complaints)
}

fn duration_ends_with_the_summary(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let case = Case::of([dropped(&lab, 40)]);
    let start = Instant::now();
    let mut netdrop = bench.ready(&format!("{} --duration 2s", watch("500ms")))?;
    let held = objects::held_by(&netdrop)?;
    let mut complaints = Vec::new();
    let watched = case.witness(bench, &mut complaints, || drop_some(&lab, 40))?;
    let run = netdrop.wait()?.run()?;
    let took = start.elapsed();
    complaints.extend(case.against(bench, &run, &watched));
    let seconds = run.summary.seconds;
    if !(1.9..3.0).contains(&seconds) || took < Duration::from_secs(2) {
        complaints.push(format!(
            "--duration 2s took {seconds} s by its own account, {took:?} in all"
        ));
    }
    objects::wait_gone(&held)?;
    report(&complaints)
}

fn count_ends_with_the_summary(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut netdrop = bench.ready("trace --format json --severity all --count 5")?;
    let held = objects::held_by(&netdrop)?;
    drop_some(&lab, 40)?;
    let run = netdrop.wait()?.run()?;
    let mut complaints =
        identity::complaints(&run, &["stage", "reason", "function"], Allow::default());
    // Drops beyond the fifth may have been counted before the end.
    if run.drops.len() != 5 || run.summary.totals.drops < 5 {
        complaints.push(format!(
            "--count 5: {} lines, {:?}",
            run.drops.len(),
            run.summary.totals
        ));
    }
    objects::wait_gone(&held)?;
    report(&complaints)
}

fn a_closed_pipe_is_a_normal_end(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    for arguments in [
        "watch --format json --interval 200ms",
        "trace --format json",
        "watch --format text --interval 200ms",
    ] {
        let mut child = Command::new(bench.binary()?)
            .args(arguments.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        lines.next().context("no first line")??;
        drop(lines);
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                bail!("netdrop {arguments} goes on although nobody reads");
            }
            drop_some(&lab, 5)?;
            thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.code() == Some(0) && !stderr.contains("panicked"),
            "netdrop {arguments} ended with {}: {stderr}",
            output.status
        );
    }
    Ok(())
}

fn kill_leaves_nothing(bench: &Bench) -> Result<()> {
    let mut netdrop = bench.ready("watch --format json")?;
    let held = objects::held_by(&netdrop)?;
    ensure!(
        !held.is_empty(),
        "a netdrop that watches holds no BPF program"
    );
    netdrop.signal(Signal::SIGKILL)?;
    netdrop.wait()?;
    objects::wait_gone(&held)
}

/// 500 rows an interval fill a pipe within one or two.
fn a_slow_reader_costs_no_count(bench: &Bench) -> Result<()> {
    const FLOWS: u16 = 500;
    const ROUNDS: u64 = 12;
    let lab = Pair::new()?;
    let total = u64::from(FLOWS) * ROUNDS;
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(total))
        .device(B.device)
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    let case = Case::of([drops]).untraced().allow(Allow {
        lost_intervals: true,
        ..Allow::default()
    });
    let netdrop = bench.start(&watch("100ms"))?;
    let mut complaints = Vec::new();
    let watched = {
        let _stalled = netdrop.as_ref().map(Netdrop::stall);
        case.witness(bench, &mut complaints, || {
            for _ in 0..ROUNDS {
                for port in 0..FLOWS {
                    Datagrams::new((A.v4.into(), 10_000 + port), (B.v4.into(), 9), 1, 1)
                        .send(&lab.a)?;
                }
                thread::sleep(Duration::from_millis(250));
            }
            Ok(())
        })?
    };
    if let Some(netdrop) = netdrop {
        let run = netdrop.stop()?;
        complaints.extend(case.against(bench, &run, &watched));
        complaints.extend(lost_in_output(&run));
    }
    report(&complaints)
}

/// Intervals may be missing only if that is said.
fn lost_in_output(run: &Run) -> Option<String> {
    let shown: u64 = run
        .intervals
        .iter()
        .map(|interval| interval.totals.drops)
        .sum();
    let Run { summary, .. } = run;
    let silent = shown < summary.totals.drops && summary.accounting.output_lost == 0;
    silent.then(|| {
        format!(
            "{shown} drops in the intervals, and {:?} {:?}",
            summary.totals, summary.accounting
        )
    })
}

fn a_full_disk_is_said(bench: &Bench) -> Result<()> {
    if !fs::exists("/dev/full")? {
        return cannot("no /dev/full");
    }
    let full = OpenOptions::new().write(true).open("/dev/full")?;
    let output = Command::new(bench.binary()?)
        .args("watch --format json --duration 2s".split(' '))
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()?
        .wait_with_output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1)
            && stderr.contains("No space left")
            && !stderr.contains("panicked"),
        "{}: {stderr}",
        output.status
    );
    Ok(())
}

fn text_shows_the_drops(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut netdrop = Netdrop::start(
        bench.binary()?,
        "watch --format text --duration 3s --interval 500ms",
    )?;
    let deadline = Instant::now() + PATIENCE;
    while netdrop.runs()? && Instant::now() < deadline {
        drop_some(&lab, 7)?;
        thread::sleep(Duration::from_millis(100));
    }
    let ended = netdrop.wait()?;
    let text = ended.lines.join("\n");
    let site = if bench.kernel.has_reasons() {
        "NO_SOCKET"
    } else {
        "udp"
    };
    ensure!(
        ended.status.success()
            && text.contains(site)
            && text.contains("hidden")
            && !text.contains('\u{1b}'),
        "{}: {text}\n{}",
        ended.status,
        ended.stderr
    );
    ensure!(
        BY.len() > 1 && !text.contains("{\"type\""),
        "text, not JSON: {text}"
    );
    Ok(())
}
