//! Every figure of `netdrop path`, against the programs that administrators read
//! them with.

use std::{collections::BTreeMap, net::UdpSocket};

use anyhow::{Context as _, Result, ensure};
use nix::sys::socket::{setsockopt, sockopt::RcvBuf};
use serde_json::Value;

use crate::{
    bench::Bench,
    case::report,
    frame::{ACK, Frame, Segment, Transport},
    lab::{A, B, Namespace, Pair},
    netdrop::journey::Journey,
    scenario::Scenario,
    sender::{self, Datagrams},
};

use super::tcp_handshake::listener;

mod settings;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "path_figures_are_those_of_other_programs",
        about: "nstat, ip, tc, ss, ethtool -S and conntrack -S before and after netdrop path",
        run: path_figures_are_those_of_other_programs,
    },
    Scenario {
        name: "path_settings_are_those_of_ethtool",
        about: "ethtool -g, -l, -c, -k and without an option, of every device there is",
        run: settings::path_settings_are_those_of_ethtool,
    },
];

/// Numbers by scope and name, as `netdrop path` has them.
type Figures = BTreeMap<(String, String), u64>;

fn path_figures_are_those_of_other_programs(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // Some of each: refused by connection tracking and by a full socket, sent,
    // dropped by the qdisc, without a socket, without a route.
    let send = |to: (std::net::IpAddr, u16), payload| {
        Datagrams::new((A.v4.into(), 4000), to, payload, 20).send(&lab.a)
    };
    lab.b.nft(
        "table inet t { chain c { type filter hook input priority 0; ct state invalid accept; }; }",
    )?;
    let stray =
        Frame::v4(A, B, Transport::Tcp(Segment::new(4000, 9, ACK))).bad_transport_checksum();
    sender::frames(&lab.a, A.device, &stray, 7)?;
    let _listener = listener(&lab.b, 5)?;
    let full = lab.b.inside(|| {
        let socket = UdpSocket::bind((B.v4, 5000))?;
        setsockopt(&socket, RcvBuf, &1)?;
        Ok(socket)
    })?;
    send((B.v4.into(), 5000), 1000)?;
    lab.a
        .tc(&["qdisc add dev a0 root handle 7: tbf rate 80kbit burst 1600 limit 3000"])?;
    send((B.v4.into(), 9), 1000)?;
    send(([192, 0, 2, 1].into(), 9), 10)?;
    for namespace in [&lab.a, &lab.b] {
        let before = figures(namespace)?;
        let journey = Journey::since_boot(bench.binary()?, namespace)?;
        let after = figures(namespace)?;
        let Journey(all) = &journey;
        // nstat's names have no dots.
        let mut ours = Figures::new();
        for counter in journey.counters() {
            let text = |field: &str| counter[field].as_str().unwrap_or_default().to_owned();
            let value = counter["value"].as_u64().context("no value")?;
            let name = match text("scope").as_str() {
                "netns" if !text("name").starts_with("conntrack.") => text("name").replace('.', ""),
                _ => text("name"),
            };
            ours.insert((text("scope"), name), value);
        }
        let mut complaints = Vec::new();
        let mut compared = BTreeMap::<&str, u32>::new();
        let mut moved = 0;
        for ((scope, name), least) in &before {
            let key = (scope.clone(), name.clone());
            let most = after.get(&key).context("a figure is gone")?;
            match ours.get(&key) {
                Some(value) if (least..=most).contains(&value) => {}
                other => complaints.push(format!(
                    "{scope} {name}: {other:?}, other programs say {least} to {most}"
                )),
            }
            let group = match scope.as_str() {
                "netns" if !name.contains('.') => "nstat",
                _ => name.split('.').next().unwrap_or_default(),
            };
            *compared.entry(group).or_default() += 1;
            moved += u32::from(*least > 0);
        }
        report(&complaints)?;
        let mut wanted = vec![("nstat", 200), ("link", 40), ("driver", 10)];
        if namespace.name() == lab.b.name() {
            wanted.extend([("listener", 2), ("sk_drops", 1), ("socket", 2)]);
            if is_installed("conntrack") {
                wanted.push(("conntrack", 4));
            }
        }
        for (group, least) in wanted {
            let count = compared.get(group).copied().unwrap_or_default();
            ensure!(
                count >= least,
                "only {count} figures of {group} were compared"
            );
        }
        ensure!(moved > 20, "only {moved} figures are not 0");
        ensure!(all["unread"] == serde_json::json!([]), "{}", all["unread"]);
    }
    drop(full);
    let dropped = figures(&lab.a)?;
    let key = ("a0 qdisc tbf 7:".to_owned(), "qdisc.drops".to_owned());
    ensure!(
        dropped.get(&key).is_some_and(|drops| *drops > 0),
        "tc tells no drops"
    );
    Ok(())
}

fn figures(namespace: &Namespace) -> Result<Figures> {
    let mut figures = Figures::new();
    nstat(namespace, &mut figures)?;
    links(namespace, &mut figures)?;
    qdiscs(namespace, &mut figures)?;
    sockets(namespace, &mut figures)?;
    if is_installed("conntrack") {
        conntrack(namespace, &mut figures)?;
    }
    for device in ["a0", "b0"] {
        if namespace.ifindex(device).is_ok() {
            drivers(namespace, device, &mut figures)?;
        }
    }
    Ok(figures)
}

fn nstat(namespace: &Namespace, figures: &mut Figures) -> Result<()> {
    // No history: what is asked for is the number since the namespace was made.
    let text = namespace.run("nstat", "-asz --json")?;
    let all: Value = serde_json::from_str(&text)?;
    let kernel = all["kernel"].as_object().context("nstat: no figures")?;
    for (name, value) in kernel {
        // What nstat makes of -1 is not told by netdrop.
        if let Some(value) = value.as_u64().filter(|_| name != "TcpMaxConn") {
            figures.insert(("netns".to_owned(), name.clone()), value);
        }
    }
    Ok(())
}

fn links(namespace: &Namespace, figures: &mut Figures) -> Result<()> {
    let text = namespace.run("ip", "-s -s -j link show")?;
    let all: Value = serde_json::from_str(&text)?;
    for link in all.as_array().into_iter().flatten() {
        let device = link["ifname"].as_str().context("ip: no name")?;
        for way in ["rx", "tx"] {
            let statistics = link["stats64"][way].as_object();
            for (name, value) in statistics.into_iter().flatten() {
                let name = match name.as_str() {
                    // Not one of the statistics.
                    "carrier_changes" => continue,
                    "multicast" | "collisions" => format!("link.{name}"),
                    "otherhost" => "link.rx_otherhost_dropped".to_owned(),
                    "nohandler" => "link.rx_nohandler".to_owned(),
                    name => format!("link.{way}_{name}"),
                };
                let value = value.as_u64().context("ip: no number")?;
                figures.insert((device.to_owned(), name), value);
            }
        }
    }
    Ok(())
}

fn qdiscs(namespace: &Namespace, figures: &mut Figures) -> Result<()> {
    let text = namespace.run("tc", "-s -j qdisc show")?;
    let all: Value = serde_json::from_str(&text)?;
    for qdisc in all.as_array().into_iter().flatten() {
        let text = |field: &str| qdisc[field].as_str().unwrap_or_default();
        let scope = format!("{} qdisc {} {}", text("dev"), text("kind"), text("handle"));
        for (theirs, ours) in [
            ("bytes", "bytes"),
            ("packets", "packets"),
            ("drops", "drops"),
            ("overlimits", "overlimits"),
            ("requeues", "requeues"),
        ] {
            if let Some(value) = qdisc[theirs].as_u64() {
                figures.insert((scope.clone(), format!("qdisc.{ours}")), value);
            }
        }
    }
    Ok(())
}

/// Listeners, and what the sockets of datagrams dropped:
/// `UNCONN 2304 0 10.99.0.2:5000 0.0.0.0:* skmem:(r2304,rb2304,t0,…,d19)`.
fn sockets(namespace: &Namespace, figures: &mut Figures) -> Result<()> {
    for (options, kind) in [("-tlnH", "listener"), ("-uanmH", "udp")] {
        let text = namespace.run("ss", options)?.replace("\n\t", " ");
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, received, sent, local, ..] = words.as_slice() else {
                anyhow::bail!("ss: {line}");
            };
            let scope = format!("{kind} {local}");
            let mut add = |name: &str, number: &str| -> Result<()> {
                figures.insert((scope.clone(), name.to_owned()), number.parse()?);
                Ok(())
            };
            if kind == "listener" {
                add("listener.queue", received)?;
                add("listener.backlog", sent)?;
                continue;
            }
            let memory = words.last().and_then(|word| word.strip_prefix("skmem:("));
            let memory = memory.context("ss: no memory")?.trim_end_matches(')');
            let number = |start: &str| {
                let mut fields = memory
                    .split(',')
                    .filter_map(|field| field.strip_prefix(start));
                fields.find(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            };
            // netdrop tells those that dropped something.
            if number("d").is_some_and(|drops| drops != "0") {
                add("sk_drops", number("d").context("ss: no drops")?)?;
                add("socket.receive_memory", number("r").context("ss: no r")?)?;
                add("socket.receive_buffer", number("rb").context("ss: no rb")?)?;
            }
        }
    }
    Ok(())
}

/// Each CPU has a line: `cpu=0 found=0 invalid=7 …`. Names are those of the file
/// that netdrop reads, except `error`.
fn conntrack(namespace: &Namespace, figures: &mut Figures) -> Result<()> {
    let text = namespace.run("conntrack", "-S")?;
    for (name, number) in text
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
    {
        // What the file has no column for.
        if ![
            "invalid",
            "insert_failed",
            "drop",
            "early_drop",
            "search_restart",
        ]
        .contains(&name)
        {
            continue;
        }
        let key = ("netns".to_owned(), format!("conntrack.{name}"));
        *figures.entry(key).or_default() += number.parse::<u64>()?;
    }
    Ok(())
}

/// Guests bring no programs that only figures are held against.
fn is_installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).exists())
}

fn drivers(namespace: &Namespace, device: &str, figures: &mut Figures) -> Result<()> {
    let text = namespace.run("ethtool", &format!("-S {device}"))?;
    for (name, value) in text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
    {
        let name = format!("driver.{}", name.trim());
        figures.insert((device.to_owned(), name), value.trim().parse()?);
    }
    Ok(())
}
