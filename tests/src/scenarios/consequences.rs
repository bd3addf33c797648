//! What TCP does after a drop: retransmissions and resets, held against the
//! kernel's own counters.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, PATIENCE},
    case::{Case, Count, Drops, Flow},
    counter::Counter,
    frame::{ACK, Frame, SYN, Segment, Transport},
    lab::{A, B, GHOST, Namespace, Pair},
    netdrop::record::{Row, Run},
    scenario::Scenario,
    sender::{self, Datagrams},
    site,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "retransmissions_follow_dropped_segments",
        about: "a segment dropped until it was sent again, both ends here",
        run: |bench| dropped_segments(bench, A.v4.into(), A.v4.into()),
    },
    Scenario {
        name: "retransmissions_follow_dropped_segments_of_ipv6",
        about: "the same over IPv6",
        run: |bench| dropped_segments(bench, A.v6.into(), A.v6.into()),
    },
    Scenario {
        name: "retransmissions_follow_dropped_segments_of_mapped_addresses",
        about: "the same between IPv6 sockets with IPv4 addresses",
        run: |bench| dropped_segments(bench, A.v4.to_ipv6_mapped().into(), A.v4.into()),
    },
    Scenario {
        name: "retransmissions_follow_dropped_acknowledgements",
        about: "acknowledgements that die where the sender of the data lives",
        run: retransmissions_follow_dropped_acknowledgements,
    },
    Scenario {
        name: "a_syn_ack_is_sent_again",
        about: "the last segment of a handshake dies",
        run: a_syn_ack_is_sent_again,
    },
    Scenario {
        name: "resets_answer_segments_for_a_closed_port",
        about: "20 SYNs that nobody listens to, each answered with an RST",
        run: resets_answer_segments_for_a_closed_port,
    },
    Scenario {
        name: "an_rst_that_is_sent_and_received_here_counts_once",
        about: "a connection to a closed port, both ends here",
        run: an_rst_that_is_sent_and_received_here_counts_once,
    },
    Scenario {
        name: "a_drop_without_consequences",
        about: "an acknowledgement dies that the next segment makes up for",
        run: a_drop_without_consequences,
    },
    Scenario {
        name: "datagrams_have_no_consequences",
        about: "5 datagrams that no socket waits for",
        run: datagrams_have_no_consequences,
    },
];

const PORT: u16 = 7000;

/// Says what the one row of a flow in a namespace has beside its drops.
fn followed(run: Option<&Run>, namespace: &Namespace, dst_port: u16, wanted: &Value) -> Result<()> {
    let Some(run) = run else { return Ok(()) };
    let is_ours =
        |row: &&Row| *row.key("netns") == namespace.inode() && *row.key("dst_port") == dst_port;
    let rows: Vec<&Row> = run.summary.rows.iter().filter(is_ours).collect();
    let told: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "retransmits": row.key("retransmits"),
                "resets": row.key("resets"),
                "ends": row.key("ends"),
            })
        })
        .collect();
    ensure!(
        told == [wanted.clone()],
        "the rows of port {dst_port} say {told:?}, not {wanted}: {rows:?}"
    );
    ensure!(
        rows[0].keys.contains_key("retransmits") && rows[0].keys.contains_key("resets"),
        "fields are missing"
    );
    Ok(())
}

/// No reset was seen: a number only where the kernel would have shown every one.
fn no_resets() -> Result<Value> {
    let format = fs::read_to_string("/sys/kernel/tracing/events/tcp/tcp_send_reset/format")?;
    Ok(if format.contains("reason") {
        json!(0)
    } else {
        Value::Null
    })
}

/// A connection inside a namespace: the client's end, the server's, and the
/// client's port.
fn connect(namespace: &Namespace, to: IpAddr) -> Result<(TcpStream, TcpStream, u16)> {
    namespace.inside(|| {
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, PORT)).context("cannot listen")?;
        let client = TcpStream::connect(SocketAddr::new(to, PORT)).context("cannot connect")?;
        client.set_nodelay(true)?;
        let (server, _) = listener.accept()?;
        server.set_read_timeout(Some(PATIENCE))?;
        let port = client.local_addr()?.port();
        Ok((client, server, port))
    })
}

fn wait_for(counter: &Counter, value: u64) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while counter.read()? < value {
        ensure!(
            Instant::now() < deadline,
            "{} does not come to {value}",
            counter.name
        );
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Waits until nothing that the socket with this port sent is unacknowledged:
/// it sends nothing again from then on.
fn acknowledged(namespace: &Namespace, port: u16) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let local = format!(":{port:04X}");
    loop {
        let table = namespace.inside(|| Ok(fs::read_to_string("/proc/thread-self/net/tcp")?))?;
        let mut rows = table
            .lines()
            .map(|row| row.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row.get(1).is_some_and(|own| own.ends_with(&local)));
        let row = row.context("the connection is gone")?;
        // Bytes to be acknowledged, and to be read.
        if row
            .get(4)
            .is_some_and(|queues| queues.starts_with("00000000:"))
        {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "nothing is acknowledged: {row:?}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// Drops what a rule says from now on.
fn dropping(namespace: &Namespace, rule: &str) -> Result<()> {
    namespace.nft(&format!(
        "table inet lab {{ chain c {{ type filter hook input priority 0; {rule} counter drop; }}; }}"
    ))
}

/// Drops no more, but keeps the counter.
fn accepting(namespace: &Namespace) -> Result<()> {
    namespace.nft("insert rule inet lab c accept")
}

fn dropped_segments(bench: &Bench, to: IpAddr, on_the_wire: IpAddr) -> Result<()> {
    let lab = Pair::new()?;
    let (mut client, mut server, port) = connect(&lab.a, to)?;
    // The counter must be there when the case begins.
    dropping(&lab.a, &format!("tcp dport {PORT}"))?;
    let retransmitted = Counter::snmp(&lab.a, "Tcp.RetransSegs");
    let start = retransmitted.read()?;
    let drops = Drops::at(site::NFT_INPUT, &lab.a, Count::AsCounted)
        .device("lo")
        .flow(Flow::new("tcp", (on_the_wire, port), (on_the_wire, PORT)))
        .counted_by(Counter::nft(&lab.a));
    let run = Case::of([drops]).run(bench, || {
        client.write_all(b"x").context("cannot send")?;
        wait_for(&retransmitted, start + 1)?;
        accepting(&lab.a)?;
        server.read_exact(&mut [0]).context("nothing arrives")
    })?;
    let again = retransmitted.read()? - start;
    ensure!(again >= 2, "witness: RetransSegs moved by {again}");
    followed(
        run.as_ref(),
        &lab.a,
        PORT,
        &json!({ "retransmits": again, "resets": no_resets()?, "ends": "both" }),
    )
}

fn retransmissions_follow_dropped_acknowledgements(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let listener = lab.b.inside(|| Ok(TcpListener::bind((B.v4, PORT))?))?;
    let mut client = lab
        .a
        .inside(|| TcpStream::connect((B.v4, PORT)).context("cannot connect"))?;
    let (_server, _) = listener.accept()?;
    let port = client.local_addr()?.port();
    dropping(&lab.a, &format!("tcp sport {PORT}"))?;
    let retransmitted = Counter::snmp(&lab.a, "Tcp.RetransSegs");
    let start = retransmitted.read()?;
    let drops = Drops::at(site::NFT_INPUT, &lab.a, Count::AsCounted)
        .device(A.device)
        .flow(Flow::new("tcp", (B.v4, PORT), (A.v4, port)))
        .counted_by(Counter::nft(&lab.a));
    let run = Case::of([drops]).run(bench, || {
        client.write_all(b"x").context("cannot send")?;
        wait_for(&retransmitted, start + 1)?;
        accepting(&lab.a)?;
        acknowledged(&lab.a, port)
    })?;
    let again = retransmitted.read()? - start;
    followed(
        run.as_ref(),
        &lab.a,
        port,
        &json!({ "retransmits": again, "resets": no_resets()?, "ends": "dst" }),
    )
}

fn a_syn_ack_is_sent_again(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let _listener = lab.b.inside(|| Ok(TcpListener::bind((B.v4, PORT))?))?;
    dropping(&lab.b, "tcp flags & (syn | ack) == ack")?;
    let segment =
        |flags| Frame::v4(A, B, Transport::Tcp(Segment::new(4000, PORT, flags))).src(GHOST);
    let retransmitted = Counter::snmp(&lab.b, "Tcp.RetransSegs");
    let start = retransmitted.read()?;
    let drops = Drops::at(site::NFT_INPUT, &lab.b, Count::Exactly(1))
        .device(B.device)
        .flow(Flow::new("tcp", (GHOST, 4000), (B.v4, PORT)))
        .counted_by(Counter::nft(&lab.b));
    let run = Case::of([drops]).run(bench, || {
        sender::frames(&lab.a, A.device, &segment(SYN), 1)?;
        sender::frames(&lab.a, A.device, &segment(ACK), 1)?;
        wait_for(&retransmitted, start + 1)
    })?;
    followed(
        run.as_ref(),
        &lab.b,
        PORT,
        &json!({ "retransmits": 1, "resets": no_resets()?, "ends": "dst" }),
    )
}

fn resets_answer_segments_for_a_closed_port(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let syn = Frame::v4(A, B, Transport::Tcp(Segment::new(4000, 9, SYN))).src(GHOST);
    let drops = Drops::at(site::TCP_NO_SOCKET, &lab.b, Count::Exactly(20))
        .device(B.device)
        .flow(Flow::new("tcp", (GHOST, 4000), (B.v4, 9)))
        .counted_by(Counter::snmp(&lab.b, "Tcp.OutRsts"));
    let run = Case::of([drops]).run(bench, || sender::frames(&lab.a, A.device, &syn, 20))?;
    let resets = match no_resets()? {
        Value::Null => Value::Null,
        _ => json!(20),
    };
    followed(
        run.as_ref(),
        &lab.b,
        9,
        &json!({ "retransmits": null, "resets": resets, "ends": "dst" }),
    )
}

fn an_rst_that_is_sent_and_received_here_counts_once(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::TCP_NO_SOCKET, &lab.a, Count::Exactly(1))
        .device("lo")
        .counted_by(Counter::snmp(&lab.a, "Tcp.OutRsts"));
    let run = Case::of([drops]).run(bench, || {
        let answer = lab.a.inside(|| Ok(TcpStream::connect((A.v4, 9))))?;
        ensure!(answer.is_err(), "somebody listens");
        Ok(())
    })?;
    followed(
        run.as_ref(),
        &lab.a,
        9,
        &json!({ "retransmits": 0, "resets": 1, "ends": "both" }),
    )
}

fn a_drop_without_consequences(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    dropping(
        &lab.a,
        &format!("tcp dport {PORT} tcp flags & (fin | syn | rst | psh | ack) == ack"),
    )?;
    let drops = Drops::at(site::NFT_INPUT, &lab.a, Count::Exactly(1))
        .device("lo")
        .counted_by(Counter::nft(&lab.a));
    let mut open = None;
    let run = Case::of([drops]).run(bench, || {
        let listener = lab.a.inside(|| Ok(TcpListener::bind((A.v4, PORT))?))?;
        let mut client = lab
            .a
            .inside(|| TcpStream::connect((A.v4, PORT)).context("cannot connect"))?;
        client.write_all(b"x").context("cannot send")?;
        let (mut server, _) = listener.accept()?;
        server.read_exact(&mut [0]).context("nothing arrives")?;
        open = Some((client, server));
        Ok(())
    })?;
    drop(open);
    followed(
        run.as_ref(),
        &lab.a,
        PORT,
        &json!({ "retransmits": 0, "resets": no_resets()?, "ends": "both" }),
    )
}

fn datagrams_have_no_consequences(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let drops = Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(5))
        .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts"))
        .device(B.device);
    let run = Case::of([drops]).run(bench, || {
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, 5)
            .send(&lab.a)
            .map(drop)
    })?;
    followed(
        run.as_ref(),
        &lab.b,
        9,
        &json!({ "retransmits": null, "resets": null, "ends": null }),
    )
}
