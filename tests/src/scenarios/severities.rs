//! Severities of the user's own.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};

use super::refusals::says;
use crate::{
    bench::Bench,
    case::{Case, Count, Drops, report},
    counter::Counter,
    frame::{Frame, SYN, Segment, Transport},
    lab::{A, B, GHOST, Pair},
    netdrop::{
        identity::{self, Allow},
        record::{Run, Severity},
    },
    scenario::{Scenario, cannot},
    sender::{self, Datagrams},
    site,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "a_severity_file_reclassifies_reasons_and_functions",
        about: "closed ports benign by reason, those of UDP harmful by function",
        run: a_severity_file_reclassifies_reasons_and_functions,
    },
    Scenario {
        name: "a_wrong_severity_file_is_refused",
        about: "line and column of what is wrong: exit 2",
        run: a_wrong_severity_file_is_refused,
    },
];

const UDP: u64 = 7;
const TCP: u64 = 5;

/// A file that is removed at the end.
struct Severities(PathBuf);

impl Severities {
    fn new(text: &str) -> Result<Self> {
        let path =
            std::env::temp_dir().join(format!("netdrop-severities-{}.toml", std::process::id()));
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Severities {
    fn drop(&mut self) {
        let Self(path) = self;
        drop(fs::remove_file(path));
    }
}

fn a_severity_file_reclassifies_reasons_and_functions(bench: &Bench) -> Result<()> {
    let Some(udp) = site::on(site::UDP_NO_SOCKET, &bench.kernel) else {
        return cannot("no such drop");
    };
    let harmful = udp.functions.join(" = \"harmful\"\n");
    let Severities(path) = &Severities::new(&format!(
        "[reasons]\nNO_SOCKET = \"benign\"\n[functions]\n{harmful} = \"harmful\"\n"
    ))?;
    // Without a reason, none can be reclassified by it.
    let by_reason = if bench.kernel.has_reasons() {
        Severity::Benign
    } else {
        Severity::Suspicious
    };
    for (options, all) in [("--severity all", true), ("", false)] {
        let lab = Pair::new()?;
        let keys = ["netns", "reason", "function"];
        let netdrop = bench.start(&format!(
            "watch --format json --by {} {options} --severity-file {}",
            keys.join(","),
            path.display()
        ))?;
        let mut complaints = Vec::new();
        Case::of([
            Drops::at(site::UDP_NO_SOCKET, &lab.b, Count::Exactly(UDP))
                .counted_by(Counter::snmp(&lab.b, "Udp.NoPorts")),
            Drops::at(site::TCP_NO_SOCKET, &lab.b, Count::Exactly(TCP))
                .counted_by(Counter::snmp(&lab.b, "Tcp.OutRsts")),
        ])
        .witness(bench, &mut complaints, || provoke(&lab))?;
        if let Some(netdrop) = netdrop {
            let run = netdrop.stop()?;
            if all {
                complaints.extend(identity::complaints(&run, &keys, Allow::default()));
            }
            let netns = lab.b.inode();
            for (site, severity, times) in [
                (site::UDP_NO_SOCKET, Severity::Harmful, UDP),
                (site::TCP_NO_SOCKET, by_reason, TCP),
            ] {
                let hidden = !all && severity == Severity::Benign;
                let expected = if hidden { 0 } else { times };
                let found = counted(&run, bench, site, netns, severity);
                if found != (expected, expected) {
                    complaints.push(format!(
                        "{options}: {found:?} of {expected} drops that are {severity:?}: {:?}",
                        run.summary.rows
                    ));
                }
            }
            let said = run.ready.warnings.join("\n");
            if !said.contains("severities of 1 reason and") {
                complaints.push(format!("ready does not tell of the file: {said}"));
            }
        }
        report(&complaints)?;
    }
    Ok(())
}

fn provoke(lab: &Pair) -> Result<()> {
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, UDP).send(&lab.a)?;
    let syn = Transport::Tcp(Segment::new(4000, 9, SYN));
    let frame = Frame::v4(A, B, syn).src(GHOST);
    sender::frames(&lab.a, A.device, &frame, TCP)
}

/// Drops of a site in a namespace, and those of them with this severity.
fn counted(
    run: &Run,
    bench: &Bench,
    site: &'static site::Site,
    netns: u32,
    severity: Severity,
) -> (u64, u64) {
    let Some(seen) = site::on(site, &bench.kernel) else {
        return (0, 0);
    };
    let rows = run
        .summary
        .rows
        .iter()
        .filter(|row| *row.key("netns") == netns && seen.is_of(row));
    rows.fold((0, 0), |(drops, of_severity), row| {
        let these = match severity {
            Severity::Harmful => row.harmful,
            Severity::Suspicious => row.suspicious,
            Severity::Benign => row.benign,
        };
        (drops + row.drops, of_severity + these)
    })
}

fn a_wrong_severity_file_is_refused(bench: &Bench) -> Result<()> {
    for (text, words) in [
        ("[reasons]\nNO_SOCKET = benign\n", [":2:13:", "string"]),
        (
            "[reasons]\nNO_SOCKET = \"bad\"\n",
            [":2:13:", "harmful or suspicious or benign"],
        ),
        ("\n[reason]\n", [":2:2:", "did you mean \"reasons\""]),
        (
            "[reasons]\nNO_SOCKT = \"benign\"\n",
            [":2:1:", "did you mean \"NO_SOCKET\""],
        ),
    ] {
        let Severities(path) = &Severities::new(text)?;
        for command in ["watch", "trace"] {
            let output = Command::new(bench.binary()?)
                .args([command, "--severity-file"])
                .arg(path)
                .output()?;
            says(&output, 2, &words)?;
            let lines = String::from_utf8_lossy(&output.stderr).lines().count();
            ensure!(lines == 1, "{lines} lines, not one");
        }
    }
    Ok(())
}
