//! What drivers are set to, as ethtool tells it.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{
    bench::Bench,
    case::report,
    lab::{Pair, output},
    netdrop::journey::Journey,
};

/// Settings by device and name.
type Settings = BTreeMap<(String, String), String>;

pub(super) fn path_settings_are_those_of_ethtool(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    // A device of the machine has what those of the lab have not.
    let binary = bench.binary()?;
    let arguments = ["path", "--format", "json"];
    let own = Command::new(binary).args(arguments).output()?;
    let own: Value = serde_json::from_slice(&own.stdout).context("netdrop path")?;
    compare(&own, |arguments| output("ethtool", arguments))?;
    let Journey(inside) = Journey::since_boot(binary, &lab.a)?;
    let ethtool = |arguments: &str| lab.a.run("ethtool", arguments);
    let compared = compare(&inside, ethtool)?;
    ensure!(compared >= 8, "only {compared} settings were compared");
    Ok(())
}

fn compare(journey: &Value, ethtool: impl Fn(&str) -> Result<String>) -> Result<usize> {
    let ours = ours(journey);
    let mut complaints = Vec::new();
    let mut compared = 0;
    let devices = ours.keys().filter(|(_, name)| name == "link.up");
    for (device, _) in devices {
        for (option, names) in ASKED {
            let told = ethtool(&format!("{option} {device}")).ok();
            let own = |name: &str| ours.get(&(device.clone(), name.to_owned()));
            // What one of the two cannot be asked, the other may know otherwise.
            let Some(told) = told else { continue };
            for (name, number, label) in names {
                let theirs = value(&told, label, *number);
                let Some(theirs) = theirs else { continue };
                compared += 1;
                if own(name).is_none_or(|value| *value != theirs) {
                    complaints.push(format!(
                        "{device} {name}: {:?}, ethtool says {theirs}",
                        own(name)
                    ));
                }
            }
        }
    }
    report(&complaints)?;
    Ok(compared)
}

fn ours(journey: &Value) -> Settings {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let stages = list(&journey["stages"]);
    let tunables = stages.iter().flat_map(|stage| list(&stage["tunables"]));
    tunables
        .map(|tunable| {
            let text = |field: &str| tunable[field].as_str().unwrap_or_default().to_owned();
            ((text("scope"), text("name")), text("value"))
        })
        .collect()
}

/// An option of ethtool, and settings: our name, which line with this label, and
/// the label.
type Asked = (&'static str, &'static [(&'static str, usize, &'static str)]);

const ASKED: [Asked; 5] = [
    (
        "",
        &[
            ("link.speed", 0, "Speed"),
            ("link.full_duplex", 0, "Duplex"),
        ],
    ),
    (
        "-g",
        &[
            ("ring.rx_max", 0, "RX"),
            ("ring.tx_max", 0, "TX"),
            ("ring.rx", 1, "RX"),
            ("ring.tx", 1, "TX"),
        ],
    ),
    (
        "-l",
        &[
            ("channels.rx_max", 0, "RX"),
            ("channels.tx_max", 0, "TX"),
            ("channels.combined_max", 0, "Combined"),
            ("channels.rx", 1, "RX"),
            ("channels.tx", 1, "TX"),
            ("channels.combined", 1, "Combined"),
        ],
    ),
    (
        "-c",
        &[
            ("coalesce.rx_usecs", 0, "rx-usecs"),
            ("coalesce.rx_frames", 0, "rx-frames"),
            ("coalesce.tx_usecs", 0, "tx-usecs"),
            ("coalesce.tx_frames", 0, "tx-frames"),
        ],
    ),
    (
        "-k",
        &[
            ("feature.gro", 0, "generic-receive-offload"),
            ("feature.lro", 0, "large-receive-offload"),
            ("feature.gso", 0, "generic-segmentation-offload"),
            ("feature.rx", 0, "rx-checksumming"),
            ("feature.rx-gro-hw", 0, "rx-gro-hw"),
            ("feature.rx-gro-list", 0, "rx-gro-list"),
            ("feature.rx-udp-gro-forwarding", 0, "rx-udp-gro-forwarding"),
            ("feature.tso", 0, "tx-tcp-segmentation"),
        ],
    ),
];

/// The value behind a label, as netdrop writes it; nothing where ethtool has none.
fn value(text: &str, label: &str, line: usize) -> Option<String> {
    let mut values = text.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once(':')?;
        (name == label).then(|| value.trim())
    });
    let value = values.nth(line)?;
    let value = value.split_whitespace().next()?;
    match value {
        "on" | "Full" => Some("1".to_owned()),
        "off" | "Half" => Some("0".to_owned()),
        "Unknown!" => Some("unknown".to_owned()),
        // ethtool's own word for 0 channels and rings that cannot be changed.
        "n/a" => None,
        value => Some(value.trim_end_matches("Mb/s").to_owned()),
    }
}
