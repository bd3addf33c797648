//! Where a recording is that is played, and the keys that go elsewhere.

use crate::tui::state::replay::{Doing, Replay};

/// Keys of the help that come before the others.
pub(super) const KEYS: [(&str, &str); 6] = [
    ("space", "pause, and play on"),
    (". ,", "one interval on, one back"),
    (
        "+ -",
        "play faster, slower; the speed is at the upper right",
    ),
    ("g G", "go to the first interval, to the last"),
    (
        "/",
        "edit the filter; Enter shows the same place with it, read anew",
    ),
    (
        "s",
        "save the summary up to here as JSON in the current folder",
    ),
];

/// Keys that mean something else, or nothing, where a recording is played, and
/// what is not known there.
pub(super) const NOT_HERE: [&str; 2] = ["r", "own CPU"];

/// When and how far, at the right end of the first line.
pub(super) fn place(replay: &Replay) -> String {
    let time = replay.time.map_or_else(
        || "-".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    );
    let (at, speed) = (replay.at, replay.speed);
    match replay.of {
        Some(of) => format!(" {time}  {at} of {of}  {speed} "),
        None => format!(" {time}  {at}, {}  {speed} ", replay.read),
    }
}

/// What it does, at the right end of the second line.
pub(super) fn doing(replay: &Replay) -> String {
    let doing = match replay.doing {
        Doing::Playing => "REPLAY".to_owned(),
        Doing::Paused => "PAUSED".to_owned(),
        Doing::Going(Some(to)) => format!("GOING TO {to}"),
        Doing::Going(None) => "GOING TO THE END".to_owned(),
        Doing::Over => "END".to_owned(),
    };
    match replay.wrong {
        Some(wrong) => format!(" {doing}  {wrong} "),
        None => format!(" {doing} "),
    }
}

/// The keys of the last line.
pub(super) fn keys(replay: &Replay) -> [(&'static str, &'static str); 5] {
    let plays = replay.doing == Doing::Playing;
    [
        ("space", if plays { "pause" } else { "play" }),
        (".,", "step"),
        ("+-", "speed"),
        ("gG", "ends"),
        ("/", "filter"),
    ]
}
