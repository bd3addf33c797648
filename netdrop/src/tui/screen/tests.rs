//! What is left of the interface on a real (pseudo) terminal when its process
//! ends, well or badly.

use std::{
    fs::File,
    io::Read as _,
    process::{Command, Stdio},
};

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use nix::{
    pty::{Winsize, openpty},
    sys::termios::tcgetattr,
};

use super::*;
use crate::tui::state::canned::busy;

/// Tells the child what to do.
const TASK: &str = "NETDROP_SCREEN_TEST";

/// No test: what the tests run in a process of its own.
#[test]
#[ignore = "the child of other tests"]
fn child() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let mut screen = Screen::take(Theme { colour: true }).unwrap();
    if task != "end" {
        screen.mouse(true).unwrap();
    }
    for view in ['1', '2', '3'] {
        let mut state = busy();
        state.key(KeyEvent::new(KeyCode::Char(view), KeyModifiers::NONE));
        screen.draw(&mut state).unwrap();
    }
    assert!(task != "panic", "on purpose");
}

/// Runs a child on a terminal; returns what it wrote, and whether the
/// terminal's modes are what they were.
fn run(task: &str) -> (String, bool) {
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(&size, None).unwrap();
    let before = tcgetattr(&pty.slave).unwrap();
    let end = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "tui::screen::tests::child"])
        .args(["--ignored", "--nocapture"])
        .env(TASK, task)
        .stdin(end())
        .stdout(end())
        .stderr(end());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut master = File::from(pty.master);
    let reader = std::thread::spawn(move || {
        let mut written = Vec::new();
        let mut buffer = [0; 4096];
        // Reading fails when nobody has the other side any more.
        while let Ok(length @ 1..) = master.read(&mut buffer) {
            written.extend_from_slice(&buffer[..length]);
        }
        written
    });
    child.wait().unwrap();
    let same = tcgetattr(&pty.slave).unwrap() == before;
    drop(pty.slave);
    let written = reader.join().unwrap();
    (String::from_utf8_lossy(&written).into_owned(), same)
}

/// What came behind the way back; fails unless it went there and back once.
fn behind(written: &str) -> &str {
    assert_eq!(written.matches("\x1b[?1049h").count(), 1, "{written:?}");
    assert_eq!(written.matches("\x1b[?1049l").count(), 1, "{written:?}");
    let (before, behind) = written.split_once("\x1b[?1049l").unwrap();
    assert!(before.contains("RX from wire"), "no picture: {before:?}");
    let shown = behind.starts_with("\x1b[?25h");
    assert!(shown, "the cursor is hidden: {behind:?}");
    behind
}

#[test]
fn a_panic_gives_the_terminal_back_and_can_be_read() {
    let (written, same) = run("panic");
    assert!(same, "raw mode was left on");
    let behind = behind(&written);
    assert!(behind.contains("on purpose"), "{behind:?}");
    assert!(!behind.contains("RX from wire"), "{behind:?}");
    let on = written.find("\x1b[?1000h").unwrap();
    let off = written.find("\x1b[?1000l").unwrap();
    let back = written.find("\x1b[?1049l").unwrap();
    assert!(on < off && off < back, "{written:?}");
    assert!(written.contains("\x1b[?1006l"));
}

#[test]
fn an_end_gives_the_terminal_back_without_a_word_about_a_mouse_that_was_off() {
    let (written, same) = run("end");
    assert!(same, "raw mode was left on");
    behind(&written);
    assert!(!written.contains("\x1b[?1000"), "{written:?}");
    let (written, _) = run("mouse");
    assert!(written.contains("\x1b[?1000l"));
}
