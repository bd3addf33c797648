//! Questions about VLAN tags and lengths of frames, asked of single drops of a
//! recording: the answers are those that the kernel would have given.

use std::{thread, time::Duration};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    bench::Bench,
    case::report,
    frame::{Frame, Transport},
    lab::{A, B},
    scenario::Scenario,
    sender,
};

use super::{
    filter_questions::arrived,
    recorded_questions::{asked, of},
    recordings::{Folder, recorder},
    traffic_control::{shoot, silent},
};

pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "a_recording_is_asked_about_tags",
    about: "tagged frames, dropped on the way in without their tag and on the way out with it",
    run: a_recording_is_asked_about_tags,
}];

/// Frames that die on the way in, and on the way out.
const IN: u64 = 5;
const OUT: u64 = 8;

/// A filter, and the frames that it keeps of both.
const QUESTIONS: &[(&str, u64, u64)] = &[
    ("vlan", IN, OUT),
    ("vlan 100 and udp port 9", IN, OUT),
    ("vlan and dst net 10.99.0.0/24", IN, OUT),
    // Behind `vlan` every question looks behind the tag.
    ("vlan 101 or udp port 9", IN, OUT),
    ("vlan 101 and udp port 9", 0, 0),
    ("not vlan 5 and not host 10.99.0.2", 0, 0),
    ("not vlan 5 and not host 10.99.0.3", IN, OUT),
    // Before any `vlan` it looks at the frame as it lies in memory.
    ("udp port 9 and greater 1", IN, 0),
    ("udp port 9", IN, 0),
    ("not ip", 0, OUT),
    ("not ip and greater 1", 0, OUT),
    ("host 10.99.0.1 or less 1", IN, 0),
    ("len = 43", IN, 0),
    ("len = 47", 0, OUT),
    ("vlan and vlan", 0, 0),
];

fn a_recording_is_asked_about_tags(bench: &Bench) -> Result<()> {
    let lab = silent()?;
    let [qdisc, filter] = shoot(B.device, "ingress");
    lab.b.tc(&[&qdisc, &filter])?;
    let folder = Folder::new("tags")?;
    let file = folder.file("drops.ndr");
    let mut recorder = recorder(bench, &file, "--interval 1m --max-events 10000")?;
    // CPUs may send events once the recorder has said how many.
    thread::sleep(Duration::from_millis(500));
    let udp = Transport::Udp {
        src: 4000,
        dst: 9,
        payload: 1,
    };
    let frame = Frame::v4(A, B, udp).vlan(100).bytes();
    let before = arrived(&lab)?;
    sender::raw_frames(&lab.a, A.device, &frame, IN)?;
    for _ in 0..100 {
        if arrived(&lab)? >= before + IN {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let [qdisc, filter] = shoot(A.device, "egress");
    lab.a.tc(&[&qdisc, &filter])?;
    for _ in 0..OUT {
        // The sender is told that its frame was dropped.
        drop(sender::raw_frames(&lab.a, A.device, &frame, 1));
    }
    thread::sleep(Duration::from_millis(500));
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    let (a, b) = (lab.a.inode(), lab.b.inode());
    let mut complaints = Vec::new();
    let ours = format!("(netns {a} or netns {b})");
    // The host may have drops of which no namespace is known.
    let (page, _) = asked(bench, &file, Some(&ours))?;
    let nowhere = of(&page, "undecided")?;
    for (question, received, sent) in QUESTIONS {
        let filter = format!("{ours} and ({question})");
        let (page, stderr) = asked(bench, &file, Some(&filter))?;
        let rows: Vec<_> = page["summary"]["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let died = |netns| -> u64 {
            // The other end says something of its own now and then.
            let ours = |row: &&&Value| row["netns"] == netns && row["src"] == A.v4.to_string();
            let there = rows.iter().filter(ours);
            there.filter_map(|row| row["drops"].as_u64()).sum()
        };
        let undecided = of(&page, "undecided")?;
        if (died(b), died(a)) != (*received, *sent) || undecided > nowhere {
            complaints.push(format!(
                "`{question}`: not {received} and {sent}, but {undecided} undecided, and {rows:?}: \
                 {stderr}"
            ));
        }
    }
    report(&complaints)
}
