//! A browser without a screen: what a page looks like, what it says on the
//! console and what it asks the network for.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::tools;

/// What is run within a page to look at it.
const PROBE: &str = include_str!("browser/probe.js");
/// Stands before and behind what it found.
const MARK: &str = "PROBE";

/// A window and what its reader likes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) dark: bool,
}

/// A phone and a desk, by day and by night.
pub(crate) const LOOKS: [Look; 4] = [
    Look::new(390, false),
    Look::new(390, true),
    Look::new(1440, false),
    Look::new(1440, true),
];

impl Look {
    const fn new(width: u32, dark: bool) -> Self {
        Self { width, dark }
    }
}

/// What a page did when it was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What it became.
    pub(crate) document: String,
    /// Lines on the console.
    pub(crate) console: Vec<String>,
    /// What the network was asked for.
    pub(crate) asked: Vec<String>,
}

/// Opens a page.
pub(crate) fn open(page: &Path, look: Look) -> Result<Opened> {
    let log = page.with_extension("netlog");
    // `enum class PreferredColorScheme`: dark is 0, light is 1.
    let scheme = u8::from(!look.dark);
    let mut browser: Command = tools::program("chromium-headless-shell");
    browser
        .args([
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
        ])
        .args([
            "--enable-logging=stderr",
            "--virtual-time-budget=2000",
            "--dump-dom",
        ])
        .arg(format!("--log-net-log={}", log.display()))
        .arg(format!(
            "--user-data-dir={}",
            page.with_extension("profile").display()
        ))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--window-size={},844", look.width))
        .arg(format!("file://{}", page.display()));
    let Output {
        status,
        stdout,
        stderr,
    } = browser
        .output()
        .context("cannot start chromium-headless-shell; run `cargo xtask setup`")?;
    let stderr = String::from_utf8_lossy(&stderr);
    ensure!(status.success(), "the browser: {status}: {stderr}");
    let console = stderr.lines().filter(|line| line.contains(":CONSOLE"));
    let log = fs::read_to_string(&log).context("the browser told nothing of the network")?;
    let asked = log.split("\"url\":\"").skip(1).filter_map(|rest| {
        let url = rest.split('"').next()?;
        (!url.starts_with("file:")).then(|| url.to_owned())
    });
    Ok(Opened {
        document: String::from_utf8_lossy(&stdout).into_owned(),
        console: console.map(str::to_owned).collect(),
        asked: asked.collect(),
    })
}

/// A copy of a page, changed.
pub(crate) fn changed(page: &Path, name: &str, change: impl Fn(&str) -> String) -> Result<PathBuf> {
    let copy = page.with_file_name(format!("{name}.html"));
    fs::write(&copy, change(&fs::read_to_string(page)?))?;
    Ok(copy)
}

/// The page without its policy.
pub(crate) fn unguarded(page: &str) -> String {
    let Some((before, rest)) = page.split_once("<meta http-equiv=\"Content-Security-Policy\"")
    else {
        return page.to_owned();
    };
    let behind = rest.split_once('>').map_or("", |(_, behind)| behind);
    format!("{before}{behind}")
}

/// What a page looks like from within.
pub(crate) fn probe(page: &Path, look: Look) -> Result<Value> {
    let copy = changed(page, "probe", |page| {
        format!("{}<script>{PROBE}</script>", unguarded(page))
    })?;
    let Opened {
        document, console, ..
    } = open(&copy, look)?;
    let found = document.split(MARK).nth(1);
    let found = found.with_context(|| format!("the probe found nothing: {console:?}"))?;
    serde_json::from_str(found).context("what the probe found is no JSON")
}
