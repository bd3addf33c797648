//! Segments that do not fit the state of their connection.

use std::{
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::socket::{setsockopt, sockopt::RcvBuf};

use crate::{
    bench::Bench,
    case::{Case, Count, Doomed, Drops},
    counter::Counter,
    frame::{ACK, FIN, RST, SYN, Segment},
    lab::{A, Pair},
    peer::Peer,
    scenario::Scenario,
    sender,
    site::{self, Site},
};

use super::tcp_handshake::listener;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "tcp_segments_out_of_place",
        about: "wrong flags, sequence and acknowledgement numbers on an open connection",
        run: tcp_segments_out_of_place,
    },
    Scenario {
        name: "tcp_data_that_came_before",
        about: "the same data again, in order and out of order",
        run: tcp_data_that_came_before,
    },
    Scenario {
        name: "tcp_data_that_waited_in_vain",
        about: "data out of order that comes again in order",
        run: tcp_data_that_waited_in_vain,
    },
    Scenario {
        name: "tcp_without_memory",
        about: "crumbs out of order, ascending, into a small buffer",
        run: tcp_without_memory,
    },
    Scenario {
        name: "tcp_prunes_its_queue",
        about: "crumbs out of order, descending, into a small buffer",
        run: tcp_prunes_its_queue,
    },
    Scenario {
        name: "tcp_times_that_go_back",
        about: "3 segments with data and with a timestamp older than the last one",
        run: tcp_times_that_go_back,
    },
    Scenario {
        name: "tcp_acknowledgements_that_go_back",
        about: "4 old segments without data and with a timestamp older than the last one",
        run: tcp_acknowledgements_that_go_back,
    },
    Scenario {
        name: "tcp_data_for_a_closed_socket",
        about: "data for a connection that its reader has closed",
        run: tcp_data_for_a_closed_socket,
    },
    Scenario {
        name: "tcp_time_wait",
        about: "4 segments for a connection that has ended",
        run: tcp_time_wait,
    },
];

const PORT: u16 = 7000;

/// A connection of the lab: the peer's end, and B's.
fn connection(lab: &Pair, port: u16) -> Result<(Peer, TcpStream)> {
    let listener = listener(&lab.b, 5)?;
    let peer = Peer::connected(lab, port, PORT)?;
    let (stream, _) = listener.accept().context("cannot accept")?;
    Ok((peer, stream))
}

fn tcp_segments_out_of_place(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (peer, _stream) = connection(&lab, 4000)?;
    let (seq, ack) = (peer.seq, peer.ack);
    let at = |flags, seq: u32, ack: u32| Peer::frame(peer.segment(flags).at(seq, ack));
    let far = 50_000_000;
    // Another window than before, or nobody looks at the number.
    let old = peer
        .segment(ACK)
        .at(seq, ack.wrapping_sub(30 * far))
        .window(1000);
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::TCP_FLAGS, at(0, seq, ack), 3),
            Doomed::at(site::TCP_SEQUENCE, at(ACK, seq.wrapping_add(far), ack), 4),
            Doomed::at(site::TCP_OLD_SEQUENCE, at(ACK, seq.wrapping_sub(1), ack), 5),
            Doomed::at(site::TCP_RESET, at(RST, seq.wrapping_add(100), ack), 6),
            Doomed::at(site::TCP_SYN, at(SYN, seq, ack), 7)
                .counted_by(Counter::snmp(&lab.b, "TcpExt.TCPSYNChallenge")),
            Doomed::at(site::TCP_ACK_TOO_OLD, Peer::frame(old), 8),
            Doomed::at(
                site::TCP_ACK_UNSENT,
                at(ACK, seq, ack.wrapping_add(100_000)),
                9,
            ),
        ],
    )
}

fn tcp_data_that_came_before(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (mut peer, _stream) = connection(&lab, 4000)?;
    let data = |peer: &Peer, after: u32, length: usize| {
        let seq = peer.seq.wrapping_add(after);
        peer.segment(ACK).at(seq, peer.ack).payload(length)
    };
    let first = data(&peer, 0, 10);
    peer.send(&first)?;
    peer.hear()?;
    peer.seq = peer.seq.wrapping_add(10);
    let ahead = data(&peer, 100, 50);
    peer.send(&ahead)?;
    peer.hear()?;
    Doomed::check_all(
        bench,
        &lab.a,
        &lab.b,
        [
            Doomed::at(site::TCP_OLD_DATA, Peer::frame(first), 3)
                .counted_by(Counter::snmp(&lab.b, "TcpExt.DelayedACKLost")),
            Doomed::at(site::TCP_OFO_MERGE, Peer::frame(ahead), 4)
                .counted_by(Counter::snmp(&lab.b, "TcpExt.TCPOFOMerge")),
        ],
    )
}

fn tcp_data_that_waited_in_vain(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (peer, _stream) = connection(&lab, 4000)?;
    let ahead = peer.segment(ACK).at(peer.seq.wrapping_add(100), peer.ack);
    let ahead = Peer::frame(ahead.payload(50));
    let all = Peer::frame(peer.segment(ACK).payload(200));
    sender::frames(&lab.a, A.device, &ahead, 1)?;
    peer.hear()?;
    let drops = Drops::at(site::TCP_OFO_DROP, &lab.b, Count::Exactly(1)).flow(ahead.flow());
    Case::of([drops.anywhere()]).check(bench, || sender::frames(&lab.a, A.device, &all, 1))
}

/// Crumbs with gaps between them, in this order, into a small buffer.
fn crumbs(
    bench: &Bench,
    site: &'static Site,
    counter: &'static str,
    order: impl Iterator<Item = u32>,
) -> Result<()> {
    let lab = Pair::new()?;
    let (peer, stream) = connection(&lab, 4000)?;
    setsockopt(&stream, RcvBuf, &2048)?;
    let drops = Drops::at(site, &lab.b, Count::AsCounted)
        .anywhere()
        .flow(Peer::frame(peer.segment(ACK)).flow())
        .counted_by(Counter::snmp(&lab.b, counter));
    Case::of([drops]).check(bench, || {
        for crumb in order {
            let seq = peer.seq.wrapping_add(10 + 2 * crumb);
            peer.send(&peer.segment(ACK).at(seq, peer.ack).payload(1))?;
        }
        Ok(())
    })
}

fn tcp_without_memory(bench: &Bench) -> Result<()> {
    crumbs(bench, site::TCP_MEMORY, "TcpExt.TCPOFODrop", 0..200)
}

fn tcp_prunes_its_queue(bench: &Bench) -> Result<()> {
    crumbs(bench, site::TCP_PRUNED, "TcpExt.OfoPruned", (0..200).rev())
}

/// A segment whose time lies far before the last one of its connection.
fn old(lab: &Pair) -> Result<(TcpListener, Peer, Segment)> {
    const NOW: u32 = 500_000;
    let listener = listener(&lab.b, 5)?;
    let mut peer = Peer::new(lab, 4000, PORT)?;
    let answer = peer.open_by(&peer.segment(SYN).timestamps(NOW, 0))?;
    let echo = answer.time.context("an answer without timestamps")?;
    peer.send(&peer.segment(ACK).timestamps(NOW, echo))?;
    let old = peer.segment(ACK).timestamps(NOW - 50_000, echo);
    Ok((listener, peer, old))
}

fn tcp_times_that_go_back(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (_listener, _peer, old) = old(&lab)?;
    let doomed = Doomed::at(site::TCP_PAWS, Peer::frame(old.payload(10)), 3)
        .counted_by(Counter::snmp(&lab.b, "TcpExt.PAWSEstab"));
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn tcp_acknowledgements_that_go_back(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (_listener, peer, old) = old(&lab)?;
    let old = old.at(peer.seq.wrapping_sub(1), peer.ack);
    let doomed = Doomed::at(site::TCP_PAWS_ACK, Peer::frame(old), 4)
        .counted_by(Counter::snmp(&lab.b, "TcpExt.PAWSOldAck"));
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn tcp_data_for_a_closed_socket(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (peer, stream) = connection(&lab, 4000)?;
    drop(stream);
    let data = Peer::frame(peer.segment(ACK).payload(10));
    let doomed = Doomed::at(site::TCP_CLOSED, data, 1)
        .counted_by(Counter::snmp(&lab.b, "TcpExt.TCPAbortOnData"));
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}

fn tcp_time_wait(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let (mut peer, stream) = connection(&lab, 4000)?;
    drop(stream);
    let goodbye = peer.hear()?;
    ensure!(goodbye.flags & FIN != 0, "no FIN, but {goodbye:?}");
    peer.ack = goodbye.seq.wrapping_add(1);
    peer.send(&peer.segment(FIN | ACK))?;
    // The state is entered by this segment, so the next one meets it.
    thread::sleep(Duration::from_millis(50));
    peer.seq = peer.seq.wrapping_add(1);
    let doomed = Doomed::at(site::TCP_TIME_WAIT, Peer::frame(peer.segment(ACK)), 4);
    Doomed::check_all(bench, &lab.a, &lab.b, [doomed])
}
