mod rewound;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    canned::{busy, empty, feed, snapshot},
    *,
};
use crate::{output::samples, tally::sums::Sums};

fn press(state: &mut State, code: KeyCode) -> Action {
    state.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn letters(state: &mut State, text: &str) {
    for letter in text.chars() {
        press(state, KeyCode::Char(letter));
    }
}

fn total(state: &State) -> u64 {
    state.shown.as_ref().unwrap().run.totals.sums.drops()
}

#[test]
fn every_view_adds_up_to_the_totals() {
    let state = busy();
    let shown = state.shown.as_ref().unwrap();
    let run = shown.run.totals;
    let seen = run.sums.drops() - run.hidden;
    let path: u64 = shown.path.iter().map(|count| count.run.drops()).sum();
    let drops = |sums: &Sums| sums.drops();
    let table: u64 = shown.table.iter().map(|line| drops(&line.run.sums)).sum();
    let flows: u64 = shown.flows.iter().map(|line| drops(&line.run.sums)).sum();
    assert_eq!((path, table, flows), (seen, seen, seen));
    let cpus: u64 = state.cpus.iter().map(|(_, cpu)| cpu.drops).sum();
    assert_eq!(cpus, seen);
    assert_eq!(state.cpus.iter().len(), 4);
    assert_eq!(run.hidden, 16);
}

#[test]
fn other_keys_show_the_whole_run_at_once() {
    let mut state = busy();
    let before = total(&state);
    press(&mut state, KeyCode::Char('2'));
    letters(&mut state, "SRDF");
    assert_eq!(state.by, By::of([Key::Device]));
    let shown = state.shown.as_ref().unwrap();
    assert_eq!(shown.table.len(), 1);
    assert_eq!(shown.table[0].run.sums.drops(), before - 16);
    // The last key stays.
    letters(&mut state, "D");
    assert_eq!(state.by, By::of([Key::Device]));
    assert!(state.messages.last().unwrap().contains("at least one key"));
    letters(&mut state, "L");
    let shown = state.shown.as_ref().unwrap();
    let ports = shown.table.iter().filter_map(|line| line.group.dst_port);
    assert_eq!(ports.collect::<Vec<_>>(), [5001, 443, 8443]);
}

#[test]
fn by_rate_what_is_over_comes_last() {
    let mut state = busy();
    press(&mut state, KeyCode::Char('3'));
    let ports = |state: &State| -> Vec<u16> {
        let flows = &state.shown.as_ref().unwrap().flows;
        flows
            .iter()
            .filter_map(|line| line.group.dst_port)
            .collect()
    };
    assert_eq!(ports(&state), [5001, 443, 8443]);
    letters(&mut state, "o");
    assert_eq!(state.order, Order::Rate);
    assert_eq!(ports(&state), [443, 8443, 5001]);
}

#[test]
fn the_row_that_is_looked_at_stays_the_same_one() {
    let mut state = empty();
    feed(
        &mut state,
        0,
        &snapshot(&[(0x110, 1, 0, 1, 9), (0x220, 2, 0, 2, 5)]),
    );
    press(&mut state, KeyCode::Char('2'));
    press(&mut state, KeyCode::Down);
    assert_eq!(state.row.at(), 1);
    feed(&mut state, 1, &snapshot(&[(0x220, 2, 0, 2, 50)]));
    assert_eq!(state.row.at(), 0);
    press(&mut state, KeyCode::Enter);
    let detail = state.detail.as_ref().unwrap();
    assert_eq!(detail.run.drops(), 55);
    assert_eq!(detail.now.drops(), 50);
}

#[test]
fn a_pause_stops_the_display_and_not_the_counts() {
    let mut state = busy();
    let before = total(&state);
    press(&mut state, KeyCode::Char(' '));
    assert!(state.take_changed());
    let cpus = state.shown_cpus().clone();
    feed(&mut state, 8, &snapshot(&[(0x110, 1, 0, 443, 1000)]));
    state.feed_events([samples::datagram()]);
    assert_eq!(total(&state), before);
    assert_eq!(*state.shown_cpus(), cpus);
    assert_eq!(state.events.shown(10).count(), 0);
    assert!(!state.take_changed(), "nothing to draw");
    let summary = state.summary(Timestamp::UNIX_EPOCH);
    assert_eq!(summary.totals.sums.drops(), before + 1000);
    press(&mut state, KeyCode::Char(' '));
    assert_eq!(total(&state), before + 1000);
    assert_eq!(state.events.shown(10).count(), 1);
}

#[test]
fn the_summary_is_what_the_command_line_asks_for() {
    let mut state = busy();
    press(&mut state, KeyCode::Char('2'));
    letters(&mut state, "SRC");
    let summary = state.summary(Timestamp::UNIX_EPOCH);
    let names: Vec<&str> = summary.rows[0].fields.iter().map(|it| it.name).collect();
    assert_eq!(names[0], "stage");
    assert!(names.contains(&"reason") && names.contains(&"function"));
    let rows: u64 = summary.rows.iter().map(|row| row.sums.drops()).sum();
    assert_eq!(rows + summary.totals.hidden, summary.totals.sums.drops());
}

#[test]
fn a_flow_is_looked_into_by_reason_and_cpu() {
    let mut state = busy();
    press(&mut state, KeyCode::Char('3'));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Enter);
    let detail = state.detail.as_ref().unwrap();
    assert_eq!(detail.run.drops(), 8 * 100 + 28 * 40);
    assert_eq!(detail.reasons.len(), 1);
    assert_eq!(detail.reasons[0].run.sums.drops(), detail.run.drops());
    assert_eq!(detail.cpus.len(), 1);
    assert_eq!(detail.cpus[0].group.cpu, Some(0));
    assert!(!detail.told.is_empty());
    press(&mut state, KeyCode::Esc);
    assert!(state.detail.is_none());
}

#[test]
fn a_filter_is_edited_in_place_and_counts_from_zero() {
    let mut state = busy();
    letters(&mut state, "/udp and poort");
    let action = press(&mut state, KeyCode::Enter);
    assert_eq!(action, Action::Filter("udp and poort".to_owned()));
    state.refuse(Refusal {
        message: "unknown word".to_owned(),
        span: Some(8..13),
    });
    assert!(state.editor.as_ref().unwrap().refusal().is_some());
    press(&mut state, KeyCode::Esc);
    assert!(state.editor.is_none());
    assert!(total(&state) > 0);
    let system = crate::filter::names::System::default();
    let expr = crate::filter::parse("udp", &system).unwrap().unwrap();
    let plan = Plan::new(&expr).unwrap();
    state.restart(&Attached::default(), Some(("udp", &plan)));
    assert_eq!(state.filter.as_deref(), Some("udp"));
    feed(&mut state, 9, &snapshot(&[(0x110, 1, 0, 443, 7)]));
    assert_eq!(total(&state), 7);
    // What is typed into the filter is no command.
    letters(&mut state, "/");
    assert_eq!(press(&mut state, KeyCode::Char('q')), Action::None);
    assert_eq!(state.editor.as_ref().unwrap().text(), "udpq");
}

#[test]
fn keys_that_end_and_save_ask_the_outside() {
    let mut state = busy();
    assert_eq!(press(&mut state, KeyCode::Char('s')), Action::Save);
    assert_eq!(press(&mut state, KeyCode::Char('q')), Action::Quit);
    let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    letters(&mut state, "?");
    assert_eq!(state.key(key), Action::Quit);
}

#[test]
fn a_recording_begins_with_a_name_and_ends_with_the_same_key() {
    let mut state = busy();
    letters(&mut state, "r");
    let editor = state.editor.as_ref().unwrap();
    assert_eq!(editor.purpose(), editor::Purpose::Recording);
    assert_eq!(editor.text(), "netdrop-20251121T210327Z.ndr");
    let record = |over| Action::Record {
        file: "netdrop-20251121T210327Z.ndr".to_owned(),
        over,
    };
    assert_eq!(press(&mut state, KeyCode::Enter), record(false));
    // It exists: the same text once more is a yes.
    state.ask("overwrite it?".to_owned());
    assert_eq!(press(&mut state, KeyCode::Enter), record(true));
    state.ask("overwrite it?".to_owned());
    press(&mut state, KeyCode::Char('2'));
    press(&mut state, KeyCode::Backspace);
    assert_eq!(press(&mut state, KeyCode::Enter), record(false));
    press(&mut state, KeyCode::Esc);
    state.record(Some(Recording::default()));
    assert!(state.take_changed());
    let stop = press(&mut state, KeyCode::Char('r'));
    assert_eq!(stop, Action::StopRecording);
    assert!(state.editor.is_none());
}

#[test]
fn commands_are_copied_one_after_the_other() {
    let mut state = busy();
    assert_eq!(press(&mut state, KeyCode::Char('y')), Action::None);
    press(&mut state, KeyCode::Char('3'));
    press(&mut state, KeyCode::Enter);
    let detail = state.detail.as_ref().unwrap();
    let commands: Vec<String> = detail.commands().map(str::to_owned).collect();
    assert!(commands.len() > 1, "{commands:?}");
    for command in commands.iter().chain(&commands[..1]) {
        let action = press(&mut state, KeyCode::Char('y'));
        assert_eq!(action, Action::Copy(command.clone()));
    }
}

#[test]
fn a_flow_has_its_own_last_packets_only() {
    let mut state = busy();
    let datagram = samples::datagram();
    let mut own = samples::datagram();
    own.src = Some("192.0.2.1".parse().unwrap());
    own.dst = Some("198.51.100.200".parse().unwrap());
    own.dst_port = Some(443);
    state.feed_events([datagram.clone(), own.clone(), datagram]);
    press(&mut state, KeyCode::Char('3'));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Enter);
    let detail = state.detail.as_ref().unwrap();
    assert_eq!(detail.packets, [own]);
    press(&mut state, KeyCode::Char('1'));
    let lookup = shown_stage(&state, "rx_lookup");
    state.stage = lookup;
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.detail.as_ref().unwrap().packets.len(), 3);
}

fn shown_stage(state: &State, id: &str) -> usize {
    let path = &state.shown.as_ref().unwrap().path;
    path.iter().position(|it| it.stage.id() == id).unwrap()
}

#[test]
fn the_backlogs_of_the_run_are_summed_up() {
    use crate::host::softnet::{Counts, Softnet};
    let mut state = busy();
    let counts = Counts {
        dropped: 7,
        flow_limit: 2,
        ..Counts::default()
    };
    for _ in 0..2 {
        state.feed_backlogs(&Softnet {
            cpus: vec![(1, counts)],
            backlog: vec![(1, 300)],
        });
    }
    let (_, cpu) = state.cpus.iter().nth(1).unwrap();
    assert_eq!(
        (cpu.queued, cpu.unqueued, cpu.unqueued_now),
        (Some(300), 18, 9)
    );
    let (_, other) = state.cpus.iter().next().unwrap();
    assert_eq!((other.queued, other.unqueued), (None, 0));
}

#[test]
fn events_stay_where_they_are_looked_at() {
    let mut state = busy();
    state.feed_events((0..50).map(|_| samples::datagram()));
    press(&mut state, KeyCode::Char('5'));
    press(&mut state, KeyCode::Up);
    state.events.settle(10);
    assert_eq!((state.events.chosen(), state.events.newer()), (Some(49), 0));
    state.feed_events([samples::segment()]);
    state.events.settle(10);
    assert_eq!((state.events.chosen(), state.events.newer()), (Some(49), 1));
    let numbers = |state: &State| -> Vec<u64> {
        state
            .events
            .shown(3)
            .map(|(number, drop)| {
                assert_eq!(drop.reason, samples::datagram().reason);
                number
            })
            .collect()
    };
    assert_eq!(numbers(&state), [48, 49, 50]);
    for _ in 0..100 {
        press(&mut state, KeyCode::PageUp);
    }
    state.events.settle(10);
    assert_eq!((state.events.chosen(), state.events.newer()), (Some(1), 41));
    assert_eq!(state.events.shown(10).count(), 10);
    // What is looked at is forgotten: the oldest takes its place.
    state.feed_events((0..events::MOST).map(|_| samples::datagram()));
    state.events.settle(3);
    assert_eq!(state.events.chosen(), Some(52));
    assert_eq!(numbers(&state), [52]);
    press(&mut state, KeyCode::End);
    assert_eq!(state.events.newer(), 0);
    assert_eq!(state.events.drop(), state.events.newest().next());
}

#[test]
fn the_path_is_walked_to_its_ends() {
    let mut state = busy();
    press(&mut state, KeyCode::Down);
    assert_eq!(state.stage, 1);
    press(&mut state, KeyCode::End);
    // Netfilter is passed on the way in and on the way out.
    assert_eq!(state.stage, crate::drops::stage::Stage::all().count());
    press(&mut state, KeyCode::Home);
    assert_eq!(state.stage, 0);
    // A stage in which nothing died is looked into, too.
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.detail.as_ref().unwrap().run.drops(), 0);
}

#[test]
fn what_netfilter_drops_on_the_way_out_stands_apart_from_what_it_drops_on_the_way_in() {
    let mut state = busy();
    let sides = |state: &State| -> Vec<(usize, u64)> {
        let path = &state.shown.as_ref().unwrap().path;
        let both = path.iter().enumerate();
        both.filter(|(_, it)| it.stage.id() == "netfilter")
            .map(|(place, it)| (place, it.run.drops()))
            .collect()
    };
    let [(_, on_the_way_in), (sending, 0)] = sides(&state)[..] else {
        panic!("{:?}", sides(&state));
    };
    feed(&mut state, 8, &snapshot(&[(0x1ee, 1, 0, 443, 7)]));
    let found: Vec<u64> = sides(&state).iter().map(|(_, drops)| *drops).collect();
    assert_eq!(found, [on_the_way_in, 7]);
    state.stage = sending;
    press(&mut state, KeyCode::Enter);
    let mut out = samples::datagram();
    out.stage = Some("netfilter".into());
    out.hook = Some("output".into());
    let mut through = out.clone();
    through.hook = Some("forward".into());
    state.feed_events([out.clone(), through]);
    feed(&mut state, 9, &snapshot(&[(0x1ee, 1, 0, 443, 2)]));
    let detail = state.detail.as_ref().unwrap();
    assert_eq!((detail.run.drops(), detail.now.drops()), (9, 2));
    let reasons: u64 = detail.reasons.iter().map(|it| it.run.sums.drops()).sum();
    assert_eq!(reasons, 9);
    assert_eq!(detail.packets, [out]);
}
