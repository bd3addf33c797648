//! The host changes under a watching netdrop.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    bench::{Bench, PATIENCE},
    case::{BY, Case, Count, Drops, report, watch},
    counter::Counter,
    frame::{Frame, Transport},
    lab::{A, B, Pair},
    netdrop::{
        identity::{self, Allow},
        record::Run,
    },
    scenario::{Scenario, cannot},
    sender::{self, Datagrams},
    site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a_device_is_renamed_while_watching",
        about: "drops before and after b0 becomes b9",
        run: a_device_is_renamed_while_watching,
    },
    Scenario {
        name: "a_device_is_removed_while_watching",
        about: "the drops of a device that is gone are still told",
        run: a_device_is_removed_while_watching,
    },
    Scenario {
        name: "a_netns_is_removed_while_watching",
        about: "the drops of a namespace that is gone are still told",
        run: a_netns_is_removed_while_watching,
    },
    Scenario {
        name: "a_cpu_goes_and_comes_while_watching",
        about: "CPU 1 goes offline and comes back under traffic",
        run: a_cpu_goes_and_comes_while_watching,
    },
];

fn frame() -> Frame {
    Frame::v4(
        A,
        B,
        Transport::Udp {
            src: 4000,
            dst: 9,
            payload: 1,
        },
    )
}

/// Drops by the rows of a namespace, port and device names.
fn counted(run: &Run, netns: u32, devices: &[Option<&str>]) -> u64 {
    let rows = run.summary.rows.iter().filter(|row| {
        *row.key("netns") == netns
            && *row.key("dst_port") == 9
            && devices
                .iter()
                .any(|device| row.key("device").as_str() == *device)
    });
    rows.map(|row| row.drops).sum()
}

/// Drops, changes something, perhaps drops again, and takes something away at
/// the end; whatever the device is called then, all drops must be told.
fn check(
    bench: &Bench,
    lab: &Pair,
    times: u64,
    devices: &[Option<&str>],
    provoke: impl FnOnce() -> Result<()>,
    finish: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let netdrop = bench.start(&watch("200ms"))?;
    let counter = Counter::snmp(&lab.b, "Udp.NoPorts");
    let before = counter.read()?;
    provoke()?;
    let deadline = Instant::now() + PATIENCE;
    while counter.read()? < before + times && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    // The counter moves just before the packet is freed.
    thread::sleep(Duration::from_millis(50));
    let moved = counter.read()? - before;
    let mut complaints = Vec::new();
    if moved != times {
        complaints.push(format!(
            "witness: {} moved by {moved}, not {times}",
            counter.name
        ));
    }
    finish()?;
    if let Some(netdrop) = netdrop {
        let run = netdrop.stop()?;
        complaints.extend(identity::complaints(&run, BY, Allow::default()));
        let found = counted(&run, lab.b.inode(), devices);
        if found != times {
            let rows: Vec<_> = run
                .summary
                .rows
                .iter()
                .filter(|row| *row.key("dst_port") == 9)
                .map(|row| format!("\n    {row:?}"))
                .collect();
            complaints.push(format!(
                "{found} drops, not {times}, on {devices:?}:{}",
                rows.concat()
            ));
        }
    }
    report(&complaints)
}

fn a_device_is_renamed_while_watching(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    check(
        bench,
        &lab,
        14,
        &[Some("b0"), Some("b9")],
        || {
            sender::frames(&lab.a, A.device, &frame(), 7)?;
            thread::sleep(Duration::from_millis(500));
            lab.b
                .ip(&["link set b0 down", "link set b0 name b9", "link set b9 up"])?;
            sender::frames(&lab.a, A.device, &frame(), 7)
        },
        || Ok(()),
    )
}

fn a_device_is_removed_while_watching(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    check(
        bench,
        &lab,
        7,
        &[Some("b0"), None],
        || sender::frames(&lab.a, A.device, &frame(), 7),
        || lab.b.ip(&["link del b0"]),
    )
}

fn a_netns_is_removed_while_watching(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    check(
        bench,
        &lab,
        7,
        &[Some("b0"), None],
        || sender::frames(&lab.a, A.device, &frame(), 7),
        || {
            lab.b.remove()?;
            // The kernel takes a namespace apart in the background.
            thread::sleep(Duration::from_millis(500));
            Ok(())
        },
    )
}

/// CPU 1 online again, whatever happens.
struct Online(&'static Path);

impl Drop for Online {
    fn drop(&mut self) {
        let Self(path) = self;
        if let Err(error) = fs::write(path, "1") {
            eprintln!("cannot bring CPU 1 back: {error}");
        }
    }
}

fn a_cpu_goes_and_comes_while_watching(bench: &Bench) -> Result<()> {
    let online = Path::new("/sys/devices/system/cpu/cpu1/online");
    // A machine that others work on keeps its CPUs.
    if !fs::read_to_string("/proc/cpuinfo")?.contains("QEMU") {
        return cannot("only in an emulated guest");
    }
    if !online.exists() {
        return cannot("CPU 1 cannot be taken offline");
    }
    let lab = Pair::new()?;
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::AsCounted)
        .device(B.device)
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"));
    Case::of([drops])
        .untraced()
        .interval("200ms")
        .check(bench, || {
            let done = AtomicBool::new(false);
            let _restore = Online(online);
            lab.a.inside(|| {
                thread::scope(|scope| {
                    let traffic = scope.spawn(|| {
                        let datagrams =
                            Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, 100);
                        while !done.load(Ordering::Relaxed) {
                            datagrams.send_here()?;
                        }
                        Ok(())
                    });
                    let change = || -> Result<()> {
                        for state in ["0", "1", "0", "1"] {
                            thread::sleep(Duration::from_millis(500));
                            fs::write(online, state).context("CPU 1")?;
                        }
                        thread::sleep(Duration::from_millis(500));
                        Ok(())
                    };
                    let changed = change();
                    done.store(true, Ordering::Relaxed);
                    let sent: Result<()> = traffic.join().unwrap_or(Ok(()));
                    changed.and(sent)
                })
            })
        })?;
    ensure!(
        fs::read_to_string(online)?.trim() == "1",
        "CPU 1 stayed offline"
    );
    Ok(())
}
