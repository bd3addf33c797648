//! Pages open in a browser, in every look, without asking for anything, and hold
//! the numbers that the other outputs have.

use std::{path::Path, process::Command, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::{
    recordings::{Folder, drop_some, grown, netdrop, recorder, text},
    refusals::says,
};
use crate::{
    bench::Bench,
    browser::{self, LOOKS, Look},
    lab::{A, B, Pair},
    netdrop::Netdrop,
    scenario::Scenario,
    sender::{self, Datagrams},
};

pub(super) const USER_SPACE: &[Scenario] = &[
    Scenario {
        name: "a_page_opens_anywhere_and_asks_for_nothing",
        about: "a report in Chromium: no error, no request, readable, with the numbers of the JSON",
        run: a_page_opens_anywhere_and_asks_for_nothing,
    },
    Scenario {
        name: "hosts_stand_beside_each_other",
        about: "two hosts, one recorded in two pieces: text, JSON and page; an offset by hand",
        run: hosts_stand_beside_each_other,
    },
    Scenario {
        name: "a_comparison_is_a_page",
        about: "diff --html of two recordings in Chromium",
        run: a_comparison_is_a_page,
    },
];

/// As the page writes it, without the spaces between its digits.
fn number(cell: &Value) -> Option<u64> {
    let digits = cell.as_str()?.chars().filter(|c| !c.is_whitespace());
    digits.collect::<String>().parse().ok()
}

fn array<'v>(value: &'v Value, name: &str) -> Result<&'v Vec<Value>> {
    value[name].as_array().with_context(|| format!("no {name}"))
}

fn page(bench: &Bench, arguments: &str, page: &Path) -> Result<()> {
    text(
        bench,
        &format!("{arguments} --html {} --force", page.display()),
    )
    .map(drop)
}

/// In every look: nothing on the console, nothing asked for, all of it on the
/// screen, and every text strong enough.
fn is_fit_to_read(page: &Path) -> Result<Value> {
    let mut last = Value::Null;
    for look in LOOKS {
        let opened = browser::open(page, look)?;
        ensure!(opened.console.is_empty(), "{look:?}: {:?}", opened.console);
        ensure!(opened.asked.is_empty(), "{look:?}: {:?}", opened.asked);
        let found = browser::probe(page, look)?;
        ensure!(
            found["width"] == look.width && found["dark"] == look.dark,
            "{look:?} was not tried: {found}"
        );
        let scroll = found["scroll"].as_u64().context("no width")?;
        ensure!(
            scroll <= look.width.into() && array(&found, "wide")?.is_empty(),
            "{look:?}: {scroll} wide: {}",
            found["wide"]
        );
        ensure!(
            found["texts"].as_u64() > Some(50) && array(&found, "faint")?.is_empty(),
            "{look:?}: too faint: {}",
            found["faint"]
        );
        last = found;
    }
    Ok(last)
}

fn a_page_opens_anywhere_and_asks_for_nothing(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("page")?;
    let file = folder.file("drops.ndr");
    lab.b.nft(
        "add table inet fw; add chain inet fw in { type filter hook input priority 0; }; \
        add rule inet fw in udp dport 53 drop",
    )?;
    let mut recorder = recorder(bench, &file, "--interval 200ms")?;
    drop_some(&lab, 1234)?;
    Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 53), 100, 40).send(&lab.a)?;
    let size = grown(&mut recorder, &file, 0)?;
    grown(&mut recorder, &file, size)?;
    recorder.signal(Signal::SIGINT)?;
    ensure!(recorder.wait()?.status.success(), "the recorder failed");

    let arguments = format!("report {} --severity all --top 1000", file.display());
    let html = folder.file("report.html");
    page(bench, &arguments, &html)?;
    let again = netdrop(bench, &format!("{arguments} --html {}", html.display()))?;
    says(&again, 2, &["exists", "--force"])?;
    let found = is_fit_to_read(&html)?;
    let told = text(bench, &format!("{arguments} --format json"))?;
    same_numbers(&found, &serde_json::from_str(&told)?)?;

    // The browser does tell of what a page is not to do.
    let bad = "<img src=\"http://127.0.0.1:1/x\"><script>1</script></body>";
    let refused = browser::changed(&html, "refused", |page| page.replace("</body>", bad))?;
    let opened = browser::open(&refused, LOOKS[0])?;
    ensure!(
        opened.console.len() >= 2 && opened.asked.is_empty(),
        "the policy of the page forbids nothing: {opened:?}"
    );
    let free = browser::changed(&html, "free", |page| {
        browser::unguarded(page).replace("</body>", bad)
    })?;
    let opened = browser::open(&free, LOOKS[0])?;
    ensure!(
        !opened.asked.is_empty(),
        "the browser hides what it asks for"
    );

    let stdout = text(bench, &format!("{arguments} --html -"))?;
    ensure!(
        stdout.starts_with("<!DOCTYPE html>"),
        "no page on standard output"
    );
    Ok(())
}

fn same_numbers(found: &Value, report: &Value) -> Result<()> {
    let totals = &report["summary"]["totals"];
    ensure!(totals["drops"].as_u64() >= Some(1274), "{totals}");
    let figures = array(found, "figures")?;
    for severity in ["harmful", "suspicious", "benign"] {
        let mut of = figures.iter();
        let figure = of.find(|figure| {
            figure[0]
                .as_str()
                .is_some_and(|word| word.ends_with(severity))
        });
        let shown = figure.and_then(|figure| number(&figure[1]));
        ensure!(
            shown == totals[severity].as_u64(),
            "{severity}: {shown:?}, {totals}"
        );
    }
    let (rows, told) = (array(found, "rows")?, array(&report["summary"], "rows")?);
    ensure!(!rows.is_empty() && rows.len() == told.len(), "{rows:?}");
    for (row, told) in rows.iter().zip(told) {
        ensure!(
            number(&row[3]) == told["drops"].as_u64() && number(&row[5]) == told["bytes"].as_u64(),
            "{row}, but {told}"
        );
        for (place, key) in ["reason", "function"].into_iter().enumerate() {
            let name = told[key].as_str();
            ensure!(
                name.is_none() || row[place + 1].as_str() == name,
                "{row}, but {told}"
            );
        }
    }
    let mut stages: Vec<(String, u64)> = Vec::new();
    for stage in array(report, "stages")? {
        let count = |severity: &str| stage[severity].as_u64().unwrap_or_default();
        let all = count("harmful") + count("suspicious") + count("benign");
        stages.push((stage["stage"].as_str().unwrap_or_default().to_owned(), all));
    }
    let mut shown: Vec<(String, u64)> = Vec::new();
    for stage in array(found, "stages")? {
        let name = stage[0].as_str().unwrap_or_default().to_owned();
        shown.push((name, number(&stage[1]).context("a stage without a number")?));
    }
    stages.sort();
    shown.sort();
    ensure!(shown == stages, "{shown:?}, but {stages:?}");
    let (flows, told) = (array(found, "flows")?, array(&report["flows"], "rows")?);
    let mut flows: Vec<Option<u64>> = flows.iter().map(|row| number(&row[3])).collect();
    let mut told: Vec<Option<u64>> = told
        .iter()
        .filter(|row| row.get("other").is_none() && !row["src"].is_null())
        .map(|row| row["drops"].as_u64())
        .collect();
    flows.sort();
    told.sort();
    ensure!(
        flows == told && !flows.is_empty(),
        "{flows:?}, but {told:?}"
    );
    Ok(())
}

/// A recorder that believes to be on a host of that name.
fn recorder_on(bench: &Bench, host: &str, file: &Path, filter: &str) -> Result<Netdrop> {
    let mut command = Command::new("unshare");
    let script =
        format!("hostname {host} && exec \"$0\" record --interval 200ms -o \"$1\" {filter}");
    command
        .args(["--uts", "sh", "-c", &script])
        .arg(bench.binary()?)
        .arg(file);
    let mut netdrop = Netdrop::spawn(&mut command, host)?;
    grown(&mut netdrop, file, 0)?;
    netdrop.counts_now()?;
    Ok(netdrop)
}

fn ended(mut recorder: Netdrop) -> Result<()> {
    recorder.signal(Signal::SIGINT)?;
    let ended = recorder.wait()?;
    ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    Ok(())
}

fn hosts_stand_beside_each_other(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("hosts")?;
    let files = ["one.ndr", "two.ndr", "other.ndr"].map(|name| folder.file(name));
    let [one, two, other] = &files;
    let filter = format!("netns {} and udp dst port 9", lab.b.inode());
    let both = [
        recorder_on(bench, "web-1", one, &filter)?,
        recorder_on(bench, "web-2", other, &filter)?,
    ];
    drop_some(&lab, 30)?;
    for recorder in both {
        ended(recorder)?;
    }
    // What is not recorded is not made up.
    thread::sleep(Duration::from_secs(2));
    let second = recorder_on(bench, "web-1", two, &filter)?;
    drop_some(&lab, 20)?;
    ended(second)?;

    // In any order.
    let names = format!("{} {} {}", two.display(), other.display(), one.display());
    let told = text(bench, &format!("report {names} --format json"))?;
    let told: Vec<Value> = told
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let [web_1, web_2, hosts] = &*told else {
        anyhow::bail!("{} lines, not 3", told.len());
    };
    for (report, name, pieces, drops) in [(web_1, "web-1", 2, 50), (web_2, "web-2", 1, 30)] {
        ensure!(
            report["recording"]["host"] == name
                && array(report, "pieces")?.len() == pieces
                && report["summary"]["totals"]["drops"] == drops
                && report["summary"]["rows"][0]["drops"] == drops,
            "{report}"
        );
    }
    ensure!(web_1["file"] == *one.to_string_lossy(), "{}", web_1["file"]);
    ensure!(
        hosts["type"] == "hosts" && hosts["totals"]["drops"] == 80 && hosts["others"].is_null(),
        "{hosts}"
    );
    ensure!(!hosts["overlap"].is_null(), "{hosts}");
    let rows = array(hosts, "rows")?;
    ensure!(
        rows.len() == 2 && rows[0]["host"] == "web-1" && rows[1]["host"] == "web-2",
        "{rows:?}"
    );

    let shifted = format!("report {names} --offset web-2=-1h");
    let plain = text(bench, &shifted)?;
    for words in [
        "2 hosts  80 drops",
        "−1 h was added by hand",
        "not recorded: ",
        "no time at which all hosts",
    ] {
        ensure!(plain.contains(words), "no `{words}`: {plain}");
    }
    let hosts = text(bench, &format!("{shifted} --format json"))?;
    let hosts: Value = serde_json::from_str(hosts.lines().last().context("no line")?)?;
    ensure!(
        hosts["overlap"].is_null() && hosts["hosts"][1]["clock_offset"] == -3600.0,
        "{hosts}"
    );
    let output = netdrop(bench, &format!("report {names} --offset web-3=+1s"))?;
    says(&output, 2, &["web-3", "web-1, web-2"])?;

    let html = folder.file("hosts.html");
    page(bench, &format!("report {names}"), &html)?;
    let found = is_fit_to_read(&html)?;
    let shown: Vec<_> = array(&found, "hosts")?
        .iter()
        .map(|row| (row[0].as_str(), number(&row[1])))
        .collect();
    ensure!(
        shown == [(Some("web-1"), Some(50)), (Some("web-2"), Some(30))],
        "{shown:?}"
    );
    ensure!(array(&found, "rows")?.len() == 2, "{found}");
    Ok(())
}

fn a_comparison_is_a_page(bench: &Bench) -> Result<()> {
    let lab = Pair::new()?;
    let folder = Folder::new("compared")?;
    let files = ["before.ndr", "after.ndr"].map(|name| folder.file(name));
    let filter = format!("netns {} and udp dst port 9", lab.b.inode());
    for (file, drops) in files.iter().zip([0, 500]) {
        let recorder = recorder(bench, file, &format!("--interval 200ms {filter}"))?;
        // On one CPU: what moved between two would be shared out among their rows,
        // and a small share is no sure change.
        lab.a.inside(|| {
            sender::pin_to(0)?;
            for _ in 0..5 {
                Datagrams::new((A.v4.into(), 4000), (B.v4.into(), 9), 1, drops / 5).send_here()?;
                thread::sleep(Duration::from_millis(200));
            }
            Ok(())
        })?;
        ended(recorder)?;
    }
    let html = folder.file("diff.html");
    let [before, after] = &files;
    let arguments = format!("diff {} {}", before.display(), after.display());
    page(bench, &arguments, &html)?;
    let found = is_fit_to_read(&html)?;
    let changes = array(&found, "changes")?;
    let new = |what: &str| {
        let rows = changes.iter().filter(|row| row[0] == what);
        rows.filter_map(|row| number(&row[6])).sum::<u64>()
    };
    let cpus: u64 = (0..256).map(|cpu| new(&cpu.to_string())).sum();
    ensure!(
        changes
            .iter()
            .all(|row| row[1].as_str().is_some_and(|word| word.ends_with("new")))
            && new("rx_lookup NO_SOCKET __udp4_lib_rcv") == 500
            && new(B.device) == 500
            && new("udp 10.99.0.1 10.99.0.2 9") == 500
            && cpus == 500,
        "{changes:?}"
    );
    let look = Look {
        width: 390,
        dark: true,
    };
    ensure!(
        browser::open(&html, look)?.document.contains("sure change"),
        "no answer"
    );
    Ok(())
}
