//! Packets that a timer sends while somebody else runs.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::unistd::Pid;

use crate::{
    bench::{Bench, PATIENCE},
    case::{Count, Drops},
    counter::Counter,
    lab::{A, B, Pair},
    netdrop::record,
    scenario::Scenario,
    sender, site,
};

use super::details::trace;

pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "a_timer_names_no_sender",
    about: "TCP retransmits while every CPU is busy with another process",
    run: a_timer_names_no_sender,
}];

const PORT: u16 = 5000;
/// The segment that is sent, and three more times by a timer.
const SEGMENTS: u64 = 4;

/// Keeps a shell busy long enough, but not for ever should nobody end it.
const BUSY: &str = "i=0; while [ $i -lt 1000000000 ]; do i=$((i + 1)); done";

/// Processes that never sleep, one on each CPU. Killed when dropped.
struct Busy(Vec<Child>);

impl Busy {
    fn everywhere() -> Result<Self> {
        let mut busy = Self(Vec::new());
        for cpu in 0..thread::available_parallelism()?.get() {
            let child = Command::new("sh")
                .args(["-c", BUSY])
                .stdin(Stdio::null())
                .spawn()
                .context("cannot run sh")?;
            let pid = Pid::from_raw(child.id().cast_signed());
            busy.0.push(child);
            sender::pin(pid, cpu)?;
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Self(children) = self;
        for child in children {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn a_timer_names_no_sender(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _listener = lab
        .b
        .inside(|| TcpListener::bind((B.v4, PORT)).context("cannot listen"))?;
    let mut stream = lab
        .a
        .inside(|| TcpStream::connect((B.v4, PORT)).context("cannot connect"))?;
    lab.a.nft(&format!(
        "table inet lab {{ chain c {{ type filter hook output priority 0; \
         ip saddr {} tcp dport {PORT} counter drop; }}; }}",
        A.v4
    ))?;
    let drops =
        Drops::at(site::NFT_OUTPUT, &lab.a, Count::AsCounted).counted_by(Counter::nft(&lab.a));
    let run = trace(bench, "", drops, || {
        let _busy = Busy::everywhere()?;
        stream.write_all(b"lost").context("cannot send")?;
        wait_for_timer(&Counter::nft(&lab.a))
    })?;
    let Some(run) = run else { return Ok(()) };
    let ours =
        |drop: &&record::Drop| drop.netns == Some(lab.a.inode()) && drop.dst_port == Some(PORT);
    let pids: Vec<Option<u32>> = run.drops.iter().filter(ours).map(|drop| drop.pid).collect();
    let own = Some(std::process::id());
    // The call that sends may push a second time before it returns.
    let named = pids.iter().filter(|pid| pid.is_some()).count();
    ensure!(
        pids.len() as u64 >= SEGMENTS
            && named <= 2
            && pids.iter().all(|pid| pid.is_none() || *pid == own),
        "not {SEGMENTS} or more segments of which only {own:?} may be a sender, but {pids:?}"
    );
    Ok(())
}

/// Sleeps until the kernel has tried often enough on its own.
fn wait_for_timer(dropped: &Counter) -> Result<()> {
    let deadline = Instant::now() + 2 * PATIENCE;
    while dropped.read()? < SEGMENTS {
        ensure!(Instant::now() < deadline, "TCP does not try again");
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
