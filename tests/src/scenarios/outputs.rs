//! What netdrop writes is whole or not there, tells how far it is where somebody
//! waits, and nothing of whose it is where that is to be hidden.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    mount::{MsFlags, mount},
    sys::{signal::Signal, stat::Mode},
    unistd::mkfifo,
};
use serde_json::Value;

use super::{
    recordings::{Folder, drop_some, grown, netdrop, recorder, text},
    refusals::says,
};
use crate::{
    bench::Bench,
    lab::{A, B, Pair},
    scenario::{Scenario, cannot},
    sender::Datagrams,
    terminal::Terminal,
    tools,
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "an_output_is_whole_or_not_there",
        about: "every export and page on a full disk, read-only, over files, devices and links",
        run: an_output_is_whole_or_not_there,
    },
    Scenario {
        name: "long_reading_tells_how_far_it_is",
        about: "a slow recording: a line on a terminal that goes again, nothing in a pipe",
        run: long_reading_tells_how_far_it_is,
    },
    Scenario {
        name: "an_anonymized_output_tells_of_nobody",
        about: "every export, report and diff with --anonymize: no name, address or file name",
        run: an_anonymized_output_tells_of_nobody,
    },
];

/// A recording with sampled drops of more than one kind.
fn recorded(bench: &Bench, file: &Path, options: &str) -> Result<()> {
    let lab = Pair::new()?;
    let mut recorder = recorder(bench, file, &format!("--interval 100ms {options}"))?;
    for times in [30, 0, 20] {
        drop_some(&lab, times)?;
        Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 10), 1, 30).send(&lab.a)?;
    }
    let size = grown(&mut recorder, file, 0)?;
    grown(&mut recorder, file, size)?;
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    Ok(())
}

/// Every way of writing a file from a recording, as arguments without the file.
fn ways(recording: &Path) -> Vec<String> {
    let file = recording.display();
    let mut ways: Vec<String> = [
        "json --events",
        "csv",
        "csv --events",
        "openmetrics",
        "folded",
        "parquet",
        "pcapng",
    ]
    .iter()
    .map(|format| format!("export {file} --to {format} -o"))
    .collect();
    ways.push(format!("report {file} --html"));
    ways.push(format!("diff {file} {file} --html"));
    ways
}

fn an_output_is_whole_or_not_there(bench: &Bench) -> Result<()> {
    let folder = Folder::new("outputs")?;
    let recording = folder.file("drops.ndr");
    recorded(bench, &recording, "")?;
    let small = Folder::new("outputs-small")?;
    let disk = small.file("");
    let tmpfs = mount(
        Some("tmpfs"),
        &disk,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("size=64k"),
    );
    if let Err(error) = tmpfs {
        return cannot(format!("cannot mount a small file system: {error}"));
    }
    let names = |folder: &Path| -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder)?;
        Ok(entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?)
    };
    // Full: no way has room.
    let filler = small.file("filler");
    let _ = fs::write(&filler, vec![1; 64 << 10]);
    let old = folder.file("old");
    fs::write(&old, "kept")?;
    let link = folder.file("link");
    std::os::unix::fs::symlink(&old, &link)?;
    let before = names(&folder.file(""))?.len();
    for way in ways(&recording) {
        let told = |target: &Path| netdrop(bench, &format!("{way} {}", target.display()));
        let full = told(&small.file("out"))?;
        says(&full, 1, &["out", "No space left"])?;
        says(
            &told(Path::new("/dev/full"))?,
            1,
            &["/dev/full", "No space left"],
        )?;
        ensure!(names(&disk)? == [filler.clone()], "{way} left something");
        for there in [&old, &link] {
            says(&told(there)?, 2, &["exists", "--force"])?;
        }
        says(&told(&folder.file(""))?, 2, &["no file"])?;
        let null = netdrop(bench, &format!("{way} /dev/null --force"))?;
        ensure!(null.status.success(), "{way}: {null:?}");
        let kind = fs::symlink_metadata("/dev/null")?.file_type();
        ensure!(kind.is_char_device(), "{way} replaced /dev/null");
        ensure!(
            fs::read_to_string(&old)? == "kept" && names(&folder.file(""))?.len() == before,
            "{way} changed what was there"
        );
        // The same bytes wherever they go.
        let out = folder.file("out");
        let made = told(&out)?;
        ensure!(made.status.success() && made.stdout.is_empty(), "{made:?}");
        for stdout in ["-", "/dev/stdout"] {
            let piped = netdrop(bench, &format!("{way} {stdout}"))?;
            ensure!(
                piped.status.success() && piped.stdout == fs::read(&out)?,
                "{way} {stdout}: {} bytes, {}",
                piped.stdout.len(),
                String::from_utf8_lossy(&piped.stderr)
            );
        }
        let forced = netdrop(bench, &format!("{way} {} --force", old.display()))?;
        ensure!(
            forced.status.success() && fs::read(&old)? == fs::read(&out)?,
            "{way} --force: {forced:?}"
        );
        fs::write(&old, "kept")?;
        fs::remove_file(&out)?;
    }
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, &disk, None::<&str>, read_only, None::<&str>)
        .context("cannot make the file system read-only")?;
    for way in ways(&recording) {
        let refused = netdrop(bench, &format!("{way} {}", small.file("out").display()))?;
        says(&refused, 1, &["out", "Read-only file system"])?;
    }
    what_makes_no_sense_is_refused(bench, &recording)
}

fn what_makes_no_sense_is_refused(bench: &Bench, recording: &Path) -> Result<()> {
    let typed = Terminal::start(
        bench.binary()?,
        &format!("export {} --to pcapng -o -", recording.display()),
        (24, 80),
        &[],
    )?
    .end()?;
    ensure!(
        typed.0.code() == Some(2) && typed.1.contains("is no text"),
        "{typed:?}"
    );
    let typed = Terminal::start(bench.binary()?, "report -", (24, 80), &[])?.end()?;
    ensure!(
        typed.0.code() == Some(2) && typed.1.contains("nothing to type"),
        "{typed:?}"
    );
    let twice = Command::new(bench.binary()?)
        .args(["diff", "-", "-"])
        .stdin(File::open(recording)?)
        .output()?;
    says(&twice, 2, &["once"])
}

/// Feeds a pipe with a file, the first half at once and the rest in pieces, so
/// that it takes three seconds.
fn feed(pipe: PathBuf, bytes: Vec<u8>) -> thread::JoinHandle<Result<()>> {
    thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(pipe)?;
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        pipe.write_all(first)?;
        for piece in rest.chunks(rest.len().div_ceil(15).max(1)) {
            thread::sleep(Duration::from_millis(200));
            pipe.write_all(piece)?;
        }
        Ok(())
    })
}

fn long_reading_tells_how_far_it_is(bench: &Bench) -> Result<()> {
    let folder = Folder::new("reading")?;
    let recording = folder.file("drops.ndr");
    recorded(bench, &recording, "")?;
    let bytes = fs::read(&recording)?;
    let pipe = folder.file("slow");
    mkfifo(&pipe, Mode::S_IRWXU)?;
    let fed = || feed(pipe.clone(), bytes.clone());
    let size = (24, 80);
    let joined = |feeder: thread::JoinHandle<Result<()>>| feeder.join().map_err(|_| ());
    let out = folder.file("out");
    let (name, file) = (pipe.display(), recording.display());
    let ways = [
        format!("report {name} --top 1"),
        format!("diff {file} {name} --top 1"),
        format!("export {name} --to csv -o {}", out.display()),
        format!("export {name} --to parquet --force -o {}", out.display()),
    ];
    for way in &ways {
        let feeder = fed();
        let mut terminal = Terminal::start(bench.binary()?, way, size, &[("NO_COLOR", "1")])?;
        terminal.wait_for("progress", |screen| {
            screen.contains("reading slow: ") && screen.contains("KiB")
        })?;
        let (status, screen) = terminal.end()?;
        ensure!(
            status.success() && !screen.contains("reading slow"),
            "{way}: {status}:\n{screen}"
        );
        ensure!(matches!(joined(feeder), Ok(Ok(()))), "{way}: not read");
    }
    // Where nobody is told, or the terminal cannot take it back.
    let feeder = fed();
    let mut dumb = Terminal::start(bench.binary()?, &ways[0], size, &[("TERM", "dumb")])?;
    let (status, _) = dumb.end()?;
    ensure!(
        status.success() && dumb.times("reading slow") == 0 && dumb.times("\x1b") == 0,
        "a dumb terminal is written to: {status}, {} sequences:\n{}",
        dumb.times("\x1b"),
        dumb.screen()
    );
    ensure!(matches!(joined(feeder), Ok(Ok(()))), "not read");
    let feeder = fed();
    let piped = Command::new(bench.binary()?)
        .args(ways[0].split_ascii_whitespace())
        .stdin(Stdio::null())
        .output()?;
    ensure!(
        piped.status.success() && piped.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&piped.stderr)
    );
    ensure!(matches!(joined(feeder), Ok(Ok(()))), "not read");
    // What is quick says nothing.
    let quick = format!("report {file} --top 1");
    let mut terminal = Terminal::start(bench.binary()?, &quick, size, &[])?;
    let (status, _) = terminal.end()?;
    ensure!(
        status.success() && terminal.times("reading drops") == 0,
        "{}",
        terminal.screen()
    );
    Ok(())
}

const TABLE: &str = r#"
import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq, sys
table = pq.read_table(sys.argv[1])
print(table.schema.metadata, pq.read_metadata(sys.argv[1]).metadata[b"netdrop"])
for column in table.columns:
    if pa.types.is_string(column.type):
        print(column.unique().to_pylist())
drops = table.filter(pc.equal(table["kind"], "interval"))["drops"]
print("drops:", pc.sum(drops).as_py())
"#;

fn an_anonymized_output_tells_of_nobody(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("nobody")?;
    let files = two_hosts(bench, &lab, &folder)?;
    let [first, second] = files.each_ref().map(|file| file.display());
    let (device, source, target) = (B.device, A.v4.to_string(), B.v4.to_string());
    let netns = lab.b.name();
    let headers = [A.v4, B.v4].map(|address| format!("{:08x}", u32::from(address)));
    let ours = [
        &source,
        &target,
        netns,
        device,
        "mail-",
        "berlin",
        "oslo",
        &headers[0],
        &headers[1],
    ];
    let raw = [A.v4, B.v4].map(|address| address.octets());
    let mut ways: Vec<String> = Vec::new();
    for format in [
        "json --events",
        "json --by flow,device,netns,reason",
        "csv --by flow,device,netns,reason",
        "csv --events",
        "openmetrics --by device,netns,src,dst",
        "folded --by netns,device,flow",
        "pcapng",
    ] {
        ways.push(format!("export {first} --to {format} -o -"));
    }
    let both = format!("report {first} {second} --severity all --offset");
    for options in ["--format json", "", "--html -"] {
        ways.push(format!(
            "{both} mail-oslo=+1.5s --by flow,device,netns {options}"
        ));
        ways.push(format!(
            "diff {first} {second} --severity all --by flow,device,netns {options}"
        ));
    }
    for way in &ways {
        let shown = netdrop(bench, way)?;
        let hidden = netdrop(bench, &format!("{way} --anonymize"))?;
        for output in [&shown, &hidden] {
            // The recorder's filter may have left out drops of the host.
            let stderr = String::from_utf8_lossy(&output.stderr);
            let quiet = stderr.lines().all(|line| line.contains(": filter: "));
            ensure!(output.status.success() && quiet, "{way}: {stderr}");
        }
        let found = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let words = ours.iter().filter(|word| holds(&text, word));
            let mut found: Vec<String> = words.map(ToString::to_string).collect();
            let packets = raw.iter().filter(|raw| {
                way.contains("pcapng") && bytes.windows(4).any(|window| window == *raw)
            });
            found.extend(packets.map(|raw| format!("{raw:?}")));
            found
        };
        ensure!(
            found(&hidden.stdout).is_empty(),
            "{way}: {:?}",
            found(&hidden.stdout)
        );
        // They would have been found.
        ensure!(
            found(&shown.stdout).len() >= 3,
            "{way}: {:?}",
            found(&shown.stdout)
        );
    }
    parquet_tells_of_nobody(bench, &folder, &files[0], &ours)?;
    // The counts are those of the host.
    let count = |options: &str| -> Result<Value> {
        let told = text(bench, &format!("report {first} --format json {options}"))?;
        let told: Value = serde_json::from_str(&told)?;
        Ok(told["summary"]["totals"].clone())
    };
    ensure!(count("")? == count("--anonymize")?, "other counts");
    Ok(())
}

/// Recordings of the same drops by hosts with telling names.
fn two_hosts(bench: &Bench, lab: &Pair, folder: &Folder) -> Result<[PathBuf; 2]> {
    let hosts = ["mail-berlin", "mail-oslo"];
    let files = hosts.map(|host| folder.file(&format!("{host}.ndr")));
    let filter = format!("netns {} and udp", lab.b.inode());
    for (host, file) in hosts.iter().zip(&files) {
        let mut command = Command::new("unshare");
        let script =
            format!("hostname {host} && exec \"$0\" record --interval 100ms -o \"$1\" {filter}");
        command
            .args(["--uts", "sh", "-c", &script])
            .arg(bench.binary()?)
            .arg(file);
        let mut recorder = crate::netdrop::Netdrop::spawn(&mut command, host)?;
        grown(&mut recorder, file, 0)?;
        recorder.counts_now()?;
        drop_some(lab, 40)?;
        recorder.signal(Signal::SIGINT)?;
        let ended = recorder.wait()?;
        ensure!(ended.status.success(), "{}", ended.stderr);
    }
    Ok(files)
}

/// As a word of its own where it is so short that it may be part of another.
fn holds(text: &str, name: &str) -> bool {
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    if name.len() > 3 {
        text.contains(name)
    } else {
        words.any(|word| word == name)
    }
}

fn parquet_tells_of_nobody(
    bench: &Bench,
    folder: &Folder,
    recording: &Path,
    ours: &[&str],
) -> Result<()> {
    let mut told = Vec::new();
    for (name, option) in [("shown", ""), ("hidden", "--anonymize")] {
        let table = folder.file(&format!("{name}.parquet"));
        let (from, to) = (recording.display(), table.display());
        text(
            bench,
            &format!("export {from} --to parquet -o {to} {option}"),
        )?;
        let mut python = tools::python()?;
        told.push(tools::printed(python.args(["-c", TABLE]).arg(&table))?);
    }
    let found = |text: &str| ours.iter().filter(|word| holds(text, word)).count();
    ensure!(found(&told[0]) >= 6, "only {} found", found(&told[0]));
    ensure!(found(&told[1]) == 0, "{} found in Parquet", found(&told[1]));
    let drops = |text: &str| text.lines().last().map(str::to_owned);
    ensure!(
        drops(&told[0]).is_some_and(|line| line.starts_with("drops:"))
            && drops(&told[0]) == drops(&told[1]),
        "other counts in Parquet"
    );
    Ok(())
}
