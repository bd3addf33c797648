//! How large, how old, how many at a time: packets of which all that is known.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result, ensure};

use crate::{
    bench::Bench,
    lab::{A, B, Pair},
    netdrop::{
        Netdrop,
        identity::{self, Allow},
        record::{Bucket, Histogram, Run},
    },
    scenario::{Scenario, cannot},
    sender::{self, Datagrams},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "sizes_and_ages_are_counted",
        about: "datagrams of three sizes that nobody receives",
        run: sizes_and_ages_are_counted,
    },
    Scenario {
        name: "bursts_are_told_apart",
        about: "five times seven datagrams, 50 ms apart",
        run: bursts_are_told_apart,
    },
    Scenario {
        name: "a_queued_packet_knows_its_age_or_says_that_it_does_not",
        about: "a queue of tbf that is taken away after 300 ms, and an unknown neighbour",
        run: a_queued_packet_knows_its_age_or_says_that_it_does_not,
    },
    Scenario {
        name: "polls_are_counted_by_their_packets",
        about: "datagrams through the backlog of a CPU",
        run: polls_are_counted_by_their_packets,
    },
];

/// No other scenario sends there.
const PORT: u16 = 40_961;
/// Payloads, and how many of each.
const SIZES: [(usize, u64); 3] = [(1, 7), (100, 20), (1200, 50)];
/// Headers of IPv4 and UDP.
const HEADERS: u64 = 28;
/// In nanoseconds.
const MS: u64 = 1_000_000;

/// Netdrop with histograms of what is sent to a port; the kernel decides.
fn netdrop(bench: &Bench, options: &str, filter: &str) -> Result<Netdrop> {
    bench.ready(&format!(
        "watch --format json --histograms --severity all {options} {filter}"
    ))
}

/// Ends it. What must hold of every run holds of this one.
fn stopped(netdrop: Netdrop) -> Result<Run> {
    let run = netdrop.stop()?;
    let complaints = identity::complaints(&run, &["stage", "reason", "function"], Allow::default());
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(run)
}

fn histogram<'a>(run: &'a Run, kind: &str) -> Result<&'a Histogram> {
    let found = run.summary.histograms.iter().flatten();
    let mut found = found.filter(|histogram| histogram.kind == kind);
    found.next().with_context(|| format!("no histogram {kind}"))
}

/// Sends to the port, in order, on one CPU.
fn send(lab: &Pair, payload: usize, times: u64) -> Result<()> {
    lab.a.inside(|| {
        sender::pin_to(0)?;
        let sent =
            Datagrams::new((A.v4.into(), 4000), (B.v4.into(), PORT), payload, times).send_here()?;
        ensure!(sent == times, "{sent} of {times} sent");
        Ok(())
    })
}

fn sizes_and_ages_are_counted(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let filter = format!("udp dst port {PORT}");
    let running = netdrop(bench, "--interval 200ms", &filter)?;
    for (payload, times) in SIZES {
        send(&lab, payload, times)?;
        thread::sleep(Duration::from_millis(300));
    }
    let run = stopped(running)?;
    let sent: u64 = SIZES.iter().map(|(_, times)| times).sum();
    ensure!(
        run.summary.accounting.counted == sent,
        "{} drops",
        run.summary.accounting.counted
    );
    let sizes = histogram(&run, "packet_size")?;
    ensure!(sizes.unit == "bytes" && sizes.unknown == 0, "{sizes:?}");
    ensure!(sizes.buckets.len() == SIZES.len(), "{sizes:?}");
    for (bucket, (payload, times)) in sizes.buckets.iter().zip(SIZES) {
        let size = payload as u64 + HEADERS;
        let fits = bucket.from <= size && size <= bucket.to && bucket.count == times;
        // A quarter of a power of two.
        let fine = bucket.to - bucket.from < size / 4;
        ensure!(fits && fine, "{times} of {size} bytes, but {sizes:?}");
    }
    // They die in the poll that received them.
    let ages = histogram(&run, "age")?;
    let young = ages.buckets.iter().all(|bucket| bucket.to < 10_000 * MS);
    ensure!(
        ages.unknown == 0 && young && ages.unit == "nanoseconds",
        "{ages:?}"
    );
    turned_down_later(bench, &lab)
}

/// What user space turns down was counted in the histograms.
fn turned_down_later(bench: &Bench, lab: &Pair) -> Result<()> {
    let filter = format!("udp dst port {PORT} and not stage rx_lookup");
    let running = netdrop(bench, "", &filter)?;
    send(lab, 100, 9)?;
    let run = stopped(running)?;
    let accounting = &run.summary.accounting;
    ensure!(
        accounting.counted == 0 && accounting.rejected == 9,
        "{accounting:?}"
    );
    let sizes = histogram(&run, "packet_size")?;
    ensure!(sizes.count == 9, "{sizes:?}");
    Ok(())
}

fn bursts_are_told_apart(bench: &Bench) -> Result<()> {
    const BURSTS: u64 = 5;
    const EACH: u64 = 7;
    let lab = Pair::new()?;
    // Intervals end within bursts and between them.
    let filter = format!("udp dst port {PORT}");
    let running = netdrop(bench, "--interval 20ms", &filter)?;
    for _ in 0..BURSTS {
        send(&lab, 1, EACH)?;
        thread::sleep(Duration::from_millis(50));
    }
    let run = stopped(running)?;
    let bursts = histogram(&run, "burst")?;
    let weigh = |bucket: &Bucket| bucket.from * bucket.count;
    let drops: u64 = bursts.buckets.iter().map(weigh).sum();
    // Up to seven is exact. A sender that was held up for a millisecond makes two
    // of one, never one of two.
    ensure!(
        drops == BURSTS * EACH && run.summary.accounting.counted == drops,
        "{drops} drops in bursts: {bursts:?}"
    );
    let largest = bursts.buckets.last().map_or(0, |bucket| bucket.to);
    ensure!(
        bursts.count >= BURSTS && largest <= EACH && bursts.unknown == 0,
        "{bursts:?}"
    );
    // An emulated CPU may take more than a millisecond a packet.
    if largest < EACH {
        return cannot("the sender is too slow for bursts");
    }
    Ok(())
}

/// Whatever else the host sends on that CPU may take the place of the last packet:
/// then nothing is known of it, and it is tried again.
const TRIES: usize = 5;

fn a_queued_packet_knows_its_age_or_says_that_it_does_not(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let mut known = false;
    for _ in 0..TRIES {
        known = known || queued(bench, &lab)?;
    }
    ensure!(known, "no packet that waited knew its age in {TRIES} tries");
    nobody_there(bench, &lab)
}

/// Twenty packets, of which all but some wait until their queue is taken away;
/// tells whether the age of the last one was known.
fn queued(bench: &Bench, lab: &Pair) -> Result<bool> {
    const SENT: u64 = 20;
    const WAIT: u64 = 300;
    let running = netdrop(bench, "", &format!("udp dst port {PORT}"))?;
    lab.a.inside(|| {
        sender::pin_to(0)?;
        let tc = |arguments: &str| crate::lab::output("tc", arguments);
        tc("qdisc add dev a0 root tbf rate 8kbit burst 1600 limit 100000")?;
        let times = Datagrams::new((A.v4.into(), 4000), (B.v4.into(), PORT), 1000, SENT);
        times.send_here()?;
        thread::sleep(Duration::from_millis(WAIT));
        tc("qdisc del dev a0 root")
    })?;
    let run = stopped(running)?;
    let ages = histogram(&run, "age")?;
    let counted = run.summary.accounting.counted;
    ensure!(counted == SENT, "{counted} drops of {SENT}");
    // Those that the bucket let through died on the other side at once.
    let waited = |bucket: &&Bucket| bucket.to >= WAIT * MS;
    let old: Vec<_> = ages.buckets.iter().filter(waited).collect();
    let one = old.iter().map(|bucket| bucket.count).sum::<u64>();
    let young = ages.count - one;
    ensure!(
        one <= 1 && young <= 2 && ages.unknown >= SENT - 3,
        "{ages:?}"
    );
    ensure!(old.iter().all(|bucket| bucket.to < 60_000 * MS), "{ages:?}");
    Ok(one == 1)
}

/// Packets that wait for a neighbour have passed no hook.
fn nobody_there(bench: &Bench, lab: &Pair) -> Result<()> {
    let mut running = netdrop(bench, "", &format!("udp dst port {PORT}"))?;
    lab.a.inside(|| {
        let nobody = std::net::Ipv4Addr::new(10, 99, 0, 200);
        Datagrams::new((A.v4.into(), 4000), (nobody.into(), PORT), 1, 3).send_here()
    })?;
    // The kernel asks for the neighbour for some seconds, then drops them at once.
    running.wait_for("packet that nobody got", |line| {
        line.contains("\"counted\":3,")
    })?;
    let run = stopped(running)?;
    let ages = histogram(&run, "age")?;
    ensure!(
        ages.count == 0 && ages.unknown == 3,
        "packets that no hook saw: {ages:?}"
    );
    Ok(())
}

fn polls_are_counted_by_their_packets(bench: &Bench) -> Result<()> {
    const SENT: u64 = 300;
    let lab = Pair::new()?;
    let running = netdrop(bench, "", &format!("udp dst port {PORT}"))?;
    send(&lab, 1, SENT)?;
    let run = stopped(running)?;
    ensure!(run.summary.accounting.counted == SENT, "not all died");
    let work = histogram(&run, "napi_work")?;
    ensure!(work.unit == "packets" && work.unknown == 0, "{work:?}");
    let exact = |bucket: &Bucket| bucket.from == bucket.to || bucket.from > 64;
    ensure!(work.buckets.iter().all(exact), "{work:?}");
    // Everybody's polls are among them.
    let packets: u64 = work.buckets.iter().map(|it| it.to * it.count).sum();
    ensure!(packets >= SENT, "{SENT} packets were polled: {work:?}");
    Ok(())
}
