//! Every view as it looks, held against files. `NETDROP_SCREENS=write cargo test`
//! writes them anew: look at what changed.

mod replay;

use std::{fmt::Write as _, fs, path::PathBuf};

use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::{Buffer, Cell},
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind},
    style::{Color, Modifier},
};

use super::draw;
use crate::{
    output::samples,
    reconcile::{Line, Part, Reconciliation, Terms},
    tally::{names::canned::Canned, period::Moment},
    tui::{
        state::{
            Action, State, View,
            canned::{busy, empty, feed, snapshot},
            compared::Compared,
            editor::Refusal,
            recording::Recording,
        },
        theme::Theme,
    },
};

mod room;

const SIZES: [(u16, u16); 2] = [(80, 24), (160, 50)];

fn picture(state: &mut State, (width, height): (u16, u16), colour: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let theme = Theme { colour };
    terminal.draw(|frame| draw(frame, state, theme)).unwrap();
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer, cell: impl Fn(&Cell) -> String) -> String {
    let area = buffer.area;
    let mut text = String::new();
    for y in 0..area.height {
        let line: String = (0..area.width).map(|x| cell(&buffer[(x, y)])).collect();
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn text(buffer: &Buffer) -> String {
    lines(buffer, |cell| cell.symbol().to_owned())
}

/// A letter for how a character looks: lower case without colour.
fn look(cell: &Cell) -> String {
    let modifier = cell.modifier;
    let letter = if modifier.contains(Modifier::REVERSED) {
        's'
    } else if modifier.contains(Modifier::DIM) {
        'd'
    } else if modifier.contains(Modifier::BOLD) {
        'b'
    } else {
        '.'
    };
    match cell.fg {
        Color::Reset => letter.to_string(),
        Color::Red => "R".to_owned(),
        Color::Yellow => "Y".to_owned(),
        Color::Cyan => "C".to_owned(),
        Color::DarkGray => "G".to_owned(),
        other => format!("<{other}>"),
    }
}

fn hold(name: &str, state: impl Fn() -> State) {
    for size in SIZES {
        let mut found = String::new();
        for colour in [false, true] {
            let buffer = picture(&mut state(), size, colour);
            if !colour {
                assert!(
                    buffer.content.iter().all(|cell| cell.fg == Color::Reset),
                    "{name}: a colour without colours"
                );
                found.push_str(&text(&buffer));
            }
            let title = if colour { "colour" } else { "no colour" };
            let _ = writeln!(found, "---- looks, {title}");
            found.push_str(&lines(&buffer, look));
        }
        // Lines of nothing but plain text say nothing.
        let found = found
            .lines()
            .map(|line| {
                if line.chars().all(|c| c == '.') {
                    ""
                } else {
                    line
                }
            })
            .fold(String::new(), |all, line| all + line + "\n");
        let file = format!("{name}-{}x{}.txt", size.0, size.1);
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("src/tui/view/tests")
            .join(file);
        if std::env::var_os("NETDROP_SCREENS").is_some() {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == expected,
            "{} differs; found:\n{found}",
            path.display()
        );
    }
}

fn pressed(keys: &[KeyCode]) -> State {
    let mut state = busy();
    for key in keys {
        state.key(KeyEvent::new(*key, KeyModifiers::NONE));
    }
    state
}

const fn letter(letter: char) -> KeyCode {
    KeyCode::Char(letter)
}

#[test]
fn path() {
    hold("path", || pressed(&[]));
}

#[test]
fn netfilter_on_both_sides() {
    let state = || {
        let mut state = busy();
        feed(
            &mut state,
            8,
            &snapshot(&[(0x110, 1, 0, 443, 9), (0x1ee, 1, 0, 53, 7)]),
        );
        state
    };
    hold("sides", state);
    hold("side", || {
        let mut state = state();
        let path = &state.shown.as_ref().unwrap().path;
        let last = path.iter().rposition(|it| it.stage.id() == "netfilter");
        state.stage = last.unwrap();
        state.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
        state
    });
}

/// Counters of which some remain: the same loss twice, and one that no drop shows.
fn compared() -> Compared {
    let line = |(counter, scope): (&str, &str), [delta, traced, repeated]: [u64; 3]| Line {
        counter: counter.to_owned(),
        scope: scope.to_owned(),
        delta,
        traced,
        unexplained: delta - traced,
        repeated,
        excess: 0,
        by: Vec::new(),
        note: None,
    };
    let by = |reason: &str, drops| Part {
        reason: Some(reason.to_owned()),
        function: None,
        stage: "rx_lookup".to_owned(),
        drops,
    };
    let note = |text: &str| Some(text.to_owned());
    let listen =
        "a listener had no room for a SYN, which the kernel frees without telling of a drop";
    let mut lines = vec![
        line(("TcpExt.ListenDrops", "netns"), [2_104, 4, 1_900]),
        line(("TcpExt.ListenOverflows", "netns"), [1_900, 0, 0]),
        line(("link.rx_missed_errors", "enp130s0f1np1"), [77, 0, 0]),
        line(("Udp.NoPorts", "netns"), [1_234_567, 1_234_567, 0]),
        line(
            ("qdisc.drops", "enp130s0f1np1 qdisc fq_codel 0:"),
            [9, 9, 0],
        ),
    ];
    lines[0].note = note(listen);
    lines[1].note = note(listen);
    lines[2].note = note(
        "frames that the device had no room for: its receive ring was full, before there was a packet",
    );
    lines[0].by = vec![by("TCP_LISTEN_OVERFLOW", 4)];
    lines[3].by = vec![by("NO_SOCKET", 1_234_000), by("UDP_CSUM", 567)];
    lines[4].by = vec![by("QDISC_DROP", 9)];
    let mut now = lines[3].clone();
    (now.delta, now.traced) = (123, 123);
    Compared {
        since: jiff::Timestamp::from_second(1_763_758_990).unwrap(),
        netns: "shop".to_owned(),
        run: Reconciliation {
            lines,
            terms: Terms {
                netns: 4_026_532_201,
                skew: Some(std::time::Duration::from_micros(1250)),
                uncounted: 31,
                ..Terms::default()
            },
        },
        now: Some(Reconciliation {
            lines: vec![now],
            terms: Terms::default(),
        }),
    }
}

/// The path, after so many presses of the counters' key.
fn counters_of(presses: usize) -> State {
    let mut state = busy();
    for _ in 0..presses {
        state.key(KeyEvent::new(letter('c'), KeyModifiers::NONE));
    }
    state.feed_counters(Some(compared()));
    feed(&mut state, 8, &snapshot(&[(0x110, 1, 0, 443, 42)]));
    state
}

#[test]
fn counters_below_the_path() {
    hold("counters", || counters_of(1));
}

#[test]
fn counters_alone() {
    hold("counters-all", || counters_of(2));
}

#[test]
fn counters_are_read_only_while_they_can_be_seen() {
    let mut state = busy();
    let press = |state: &mut State, key| state.key(KeyEvent::new(key, KeyModifiers::NONE));
    assert!(!state.compares());
    assert_eq!(press(&mut state, letter('c')), Action::Count);
    assert!(state.compares());
    press(&mut state, letter('2'));
    assert!(!state.compares(), "another view");
    press(&mut state, letter('1'));
    assert!(state.compares());
    assert_eq!(press(&mut state, letter('c')), Action::None, "read already");
    assert_eq!(press(&mut state, KeyCode::Enter), Action::None);
    assert!(state.detail.is_none(), "there is no stage to look into");
    press(&mut state, KeyCode::Esc);
    assert!(state.compares());
    press(&mut state, letter('c'));
    press(&mut state, letter('c'));
    assert!(!state.compares(), "switched off");
    press(&mut state, letter('c'));
    state.filter = Some("udp".to_owned());
    assert!(!state.compares(), "a filter");
    for size in SIZES {
        let text = text(&picture(&mut state, size, false));
        assert!(text.contains("not with a filter"), "{text}");
    }
}

#[test]
fn what_is_lost_beside_the_path_is_told_where_counters_take_its_place() {
    let mut state = counters_of(1);
    let path = &mut state.shown.as_mut().unwrap().path;
    let side = path
        .iter_mut()
        .find(|it| it.stage.id() == "tunnel")
        .unwrap();
    side.run.harmful = 45;
    let text = text(&picture(&mut state, SIZES[0], false));
    assert!(text.contains("beside the path  tunnel 45"), "{text}");
    assert!(text.contains("TcpExt.ListenDrops"), "{text}");
}

#[test]
fn table() {
    hold("table", || pressed(&[letter('2'), KeyCode::Down]));
}

#[test]
fn flows() {
    hold("flows", || pressed(&[letter('3'), letter('o')]));
}

#[test]
fn cpus() {
    hold("cpus", || pressed(&[letter('4')]));
}

/// A host with 128 CPUs, of which some lose packets.
fn many_cpus() -> State {
    let squeezes: Vec<(u32, u64)> = (0..128).map(|cpu| (cpu, u64::from(cpu == 77))).collect();
    let mut state = empty();
    for number in 0..100_u16 {
        let drops = [
            (0x110, 1, number, 443, 40),
            (0x110, 1, 77, 443, 2000),
            (0x230, 5, 127, 5001, 300),
        ];
        let moment = Moment {
            time: jiff::Timestamp::from_second(1_763_759_000 + i64::from(number)).unwrap(),
            time_squeeze: Some(&squeezes),
            output_lost: 0,
        };
        state.feed(&snapshot(&drops), &moment, Some(0.012), &mut Canned);
    }
    state.key(KeyEvent::new(letter('4'), KeyModifiers::NONE));
    for _ in 0..77 {
        state.key(KeyEvent::new(KeyCode::Down, KeyModifiers::NONE));
    }
    state
}

#[test]
fn cpus_of_a_large_host() {
    hold("cpus-128", many_cpus);
}

#[test]
fn rows_fill_the_room_there_is() {
    let mut state = empty();
    let drops: Vec<(u64, u32, u16, u16, u64)> =
        (0..60).map(|port| (0x110, 1, 0, 1000 + port, 5)).collect();
    picture(&mut state, SIZES[1], false);
    feed(&mut state, 0, &snapshot(&drops));
    let rows = state.shown.as_ref().map(|shown| shown.flows.len());
    // With the one that stands for the others.
    assert_eq!(rows, Some(50 - 6 + 1));
}

#[test]
fn events() {
    hold("events", || {
        let mut state = pressed(&[letter('5')]);
        state.has_events = true;
        state.feed_events((0..60).map(|_| samples::datagram()));
        state.feed_events([samples::segment()]);
        state.key(KeyEvent::new(KeyCode::Up, KeyModifiers::NONE));
        state.feed_events([samples::datagram()]);
        state
    });
}

#[test]
fn detail() {
    hold("detail", || {
        let mut state = busy();
        let mut packet = samples::datagram();
        packet.src = Some("192.0.2.1".parse().unwrap());
        packet.dst = Some("198.51.100.200".parse().unwrap());
        packet.dst_port = Some(443);
        state.feed_events((0..20).map(|_| packet.clone()));
        for key in [letter('3'), KeyCode::Down, KeyCode::Enter, letter('y')] {
            state.key(KeyEvent::new(key, KeyModifiers::NONE));
        }
        state
    });
}

#[test]
fn a_stage_in_detail() {
    hold("stage", || pressed(&[KeyCode::Down, KeyCode::Enter]));
}

#[test]
fn help() {
    hold("help", || pressed(&[letter('?')]));
}

#[test]
fn before_the_first_interval_with_a_message() {
    hold("first", || {
        let mut state = empty();
        state.say("15 of 16 hooks attached\x1b[2J");
        state
    });
}

#[test]
fn a_filter_with_a_mistake() {
    hold("filter", || {
        let mut state = pressed(&[letter('/')]);
        state.paste("udp and poort 53");
        state.refuse(Refusal {
            message: "unknown word `poort`; did you mean `port`?".to_owned(),
            span: Some(8..13),
        });
        state
    });
}

#[test]
fn the_name_of_a_recording() {
    hold("recording", || {
        let mut state = pressed(&[letter('2'), letter('r')]);
        state.ask("netdrop.ndr exists; Enter overwrites it".to_owned());
        state
    });
}

#[test]
fn a_recording_shows_how_far_it_is() {
    let mut state = busy();
    state.record(Some(Recording {
        file: "drops.ndr".to_owned(),
        seconds: 3723,
        drops: 1_234_567,
        bytes: 45_000_000,
    }));
    for (size, rest) in [(SIZES[0], "every"), (SIZES[1], "run 00:00:08")] {
        let text = text(&picture(&mut state, size, false));
        let first = text.lines().next().unwrap();
        assert!(
            first.ends_with("REC 01:02:03  1234567 drops  42.9 MiB"),
            "{first}"
        );
        assert!(first.contains("shop  Linux 6.18.44"), "{first}");
        assert!(first.contains(rest), "{first}");
    }
}

fn click(state: &mut State, column: u16, row: u16) {
    let event = |kind| MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    state.mouse(event(MouseEventKind::Down(MouseButton::Left)));
    state.mouse(event(MouseEventKind::Up(MouseButton::Left)));
}

/// Where on the screen the text is, by column and row.
fn find(state: &mut State, size: (u16, u16), wanted: &str) -> (u16, u16) {
    let text = text(&picture(state, size, false));
    for (row, line) in (0..).zip(text.lines()) {
        if let Some(bytes) = line.find(wanted) {
            let column = line[..bytes].chars().count();
            return (u16::try_from(column).unwrap(), row);
        }
    }
    panic!("no {wanted}:\n{text}");
}

#[test]
fn what_is_seen_can_be_clicked_at() {
    for size in SIZES {
        let mut state = busy();
        for stage in ["rx_lookup", "tx_qdisc", "wifi", "rx_nic"] {
            let (column, row) = find(&mut state, size, stage);
            click(&mut state, column, row);
            let path = &state.shown.as_ref().unwrap().path;
            assert_eq!(path[state.stage].stage.id(), stage, "{size:?}");
            assert!(state.detail.is_none());
        }
        let (column, row) = find(&mut state, size, "rx_nic");
        click(&mut state, column, row);
        assert!(state.detail.is_some(), "a second click looks into it");
        let (column, row) = find(&mut state, size, "3 flows");
        click(&mut state, column, row);
        assert_eq!(state.view, View::Flows);
        assert!(state.detail.is_none());
        let (column, row) = find(&mut state, size, ":8443");
        click(&mut state, column, row);
        let flows = &state.shown.as_ref().unwrap().flows;
        assert_eq!(flows[state.flow.at()].group.dst_port, Some(8443));
        let (column, row) = find(&mut state, size, "4 CPU");
        click(&mut state, column, row);
        let (column, row) = find(&mut state, size, "CPU  now/s");
        click(&mut state, column, row + 3);
        assert_eq!(state.cpu, 2);
        // Where nothing is, nothing happens.
        click(&mut state, size.0 - 1, size.1 - 1);
        click(&mut state, u16::MAX, u16::MAX);
        assert_eq!((state.view, state.cpu), (View::Cpus, 2));
    }
}

#[test]
fn a_wheel_scrolls() {
    let mut state = busy();
    let wheel = |kind| MouseEvent {
        kind,
        column: 0,
        row: 0,
        modifiers: KeyModifiers::NONE,
    };
    state.mouse(wheel(MouseEventKind::ScrollDown));
    assert_eq!(state.stage, 3);
    state.mouse(wheel(MouseEventKind::ScrollUp));
    assert_eq!(state.stage, 0);
    state.mouse(wheel(MouseEventKind::Moved));
    assert_eq!(state.stage, 0);
}

#[test]
fn a_paused_display_says_so() {
    let mut state = pressed(&[letter(' ')]);
    let text = text(&picture(&mut state, SIZES[0], false));
    assert!(text.contains("PAUSED at 21:03:27"), "{text}");
}

#[test]
fn names_do_not_steer_the_terminal() {
    let mut state = busy();
    state.host.name = "a\x1b[2Jb".to_owned();
    state.filter = Some("command \u{202e}x".to_owned());
    let mut drop = samples::segment();
    drop.reason = Some("\x1b]0;x\x07".into());
    state.feed_events([drop]);
    for view in '1'..='5' {
        state.key(KeyEvent::new(letter(view), KeyModifiers::NONE));
        let text = text(&picture(&mut state, SIZES[1], true));
        let unsafe_one = |c: char| c != '\n' && crate::output::escape::is_unsafe(c);
        assert!(!text.contains(unsafe_one), "{text}");
        assert!(text.contains("a\\x1b[2Jb"));
    }
}

#[test]
fn any_size_is_drawn() {
    for width in (1..200).step_by(23) {
        for height in (1..60).step_by(9) {
            for keys in ["1", "2", "3", "4", "5", "?", "/", "3\n", "c", "cc"] {
                let keys: Vec<KeyCode> = keys
                    .chars()
                    .map(|key| match key {
                        '\n' => KeyCode::Enter,
                        key => letter(key),
                    })
                    .collect();
                picture(&mut pressed(&keys), (width, height), true);
            }
        }
    }
}
