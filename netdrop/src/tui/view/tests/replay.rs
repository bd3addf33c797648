use jiff::Timestamp;

use super::{hold, letter, picture, pressed, text};
use crate::tui::state::{
    State,
    replay::{Doing, Replay},
};

fn replay() -> Replay {
    let time: Timestamp = "2026-11-22T03:04:05Z".parse().unwrap();
    Replay {
        time: Some(time),
        at: 1234,
        of: Some(86_400),
        read: String::new(),
        speed: "200".parse().unwrap(),
        doing: Doing::Playing,
        wrong: None,
        wanted: String::new(),
    }
}

fn shown(replay: Replay) -> State {
    let mut state = pressed(&[]);
    state.tell(replay);
    state
}

#[test]
fn a_replay_tells_whose_when_and_how_far() {
    hold("replay", || {
        shown(Replay {
            doing: Doing::Over,
            wrong: Some("cut off"),
            ..replay()
        })
    });
}

#[test]
fn the_help_of_a_replay_has_its_keys_and_none_of_a_live_host() {
    hold("replay-help", || {
        let mut state = shown(replay());
        state.help = Some(0);
        state
    });
}

#[test]
fn what_a_replay_does_is_said() {
    let head = |replay: Replay| {
        let found = text(&picture(&mut shown(replay), (80, 24), false));
        found.lines().take(2).collect::<Vec<_>>().join("\n")
    };
    for (doing, said) in [
        (Doing::Playing, " REPLAY"),
        (Doing::Paused, " PAUSED"),
        (Doing::Going(Some(7)), " GOING TO 7"),
        (Doing::Going(None), " GOING TO THE END"),
    ] {
        let found = head(Replay { doing, ..replay() });
        assert!(found.ends_with(said), "{found}");
    }
    let found = head(Replay {
        of: None,
        read: "3.0 MiB".to_owned(),
        ..replay()
    });
    assert!(found.contains("03:04:05Z  1234, 3.0 MiB  200×"), "{found}");
}

#[test]
fn a_replay_is_not_recorded_and_reads_no_counters_of_this_host() {
    use ratatui::crossterm::event::{KeyEvent, KeyModifiers};

    use crate::tui::state::{Action, replay::Go};

    let mut state = shown(replay());
    let mut press = |key| state.key(KeyEvent::new(letter(key), KeyModifiers::NONE));
    assert_eq!(press('r'), Action::None);
    assert_eq!(press(' '), Action::Replay(Go::Toggle));
    assert_eq!(press(','), Action::Replay(Go::Back));
    assert_eq!(press('.'), Action::Replay(Go::Forward));
    assert_eq!(press('g'), Action::Replay(Go::Start));
    assert_eq!(press('2'), Action::None);
    assert_eq!(press('G'), Action::Replay(Go::End));
    assert!(state.paused.is_none() && state.editor.is_none());
    assert!(state.messages.last().unwrap().contains("recording already"));
}
