use jiff::Timestamp;

use super::*;
use crate::tui::{
    speed::Speed,
    state::replay::{Doing, Replay},
};

fn replay() -> Replay {
    Replay {
        time: None,
        at: 1,
        of: None,
        read: String::new(),
        speed: Speed::MAX,
        doing: Doing::Paused,
        wrong: None,
        wanted: "port 53".to_owned(),
    }
}

#[test]
fn what_is_on_display_stays_until_the_way_is_over() {
    let mut state = busy();
    state.tell(replay());
    press(&mut state, KeyCode::Char('2'));
    press(&mut state, KeyCode::Enter);
    let before = total(&state);
    assert!(state.detail.is_some());
    state.rewind(&Attached::of(&[]), None);
    assert_eq!(total(&state), before);
    feed(&mut state, 1, &snapshot(&[(0x1304, 2, 0, 443, 7)]));
    state.catch_up();
    assert_eq!(total(&state), 7);
    assert!(state.held_cpus.is_none() && state.detail.is_some());
}

#[test]
fn the_filter_that_is_edited_is_not_the_one_it_was_recorded_with() {
    let mut state = busy();
    state.filter = Some("(udp) and (port 53)".to_owned());
    state.tell(replay());
    press(&mut state, KeyCode::Char('/'));
    assert_eq!(state.editor.as_ref().unwrap().text(), "port 53");
}

#[test]
fn a_message_stays_until_it_is_read_however_fast_it_plays() {
    let mut state = busy();
    state.tell(replay());
    state.say("cut off");
    for number in 1..60 {
        feed(&mut state, number, &snapshot(&[]));
    }
    assert_eq!(state.unread, 1);
    press(&mut state, KeyCode::Char('j'));
    assert_eq!(state.unread, 0);
}

#[test]
fn what_was_kept_counts_on_as_it_did() {
    let mut state = busy();
    let kept = state.keep();
    let before = state.summary(Timestamp::UNIX_EPOCH);
    let cpus = state.cpus.clone();
    let more = snapshot(&[(0x1304, 2, 0, 443, 7), (0x110, 1, 0, 8443, 90)]);
    feed(&mut state, 9, &more);
    let (after, shown) = (state.summary(Timestamp::UNIX_EPOCH), total(&state));
    assert_ne!(after, before);
    state.go_back(&kept);
    assert_eq!(state.summary(Timestamp::UNIX_EPOCH), before);
    // On display is what was, until it is looked at.
    assert_eq!(total(&state), shown);
    state.catch_up();
    assert_eq!(total(&state), before.totals.sums.drops());
    assert_eq!(*state.shown_cpus(), cpus);
    feed(&mut state, 9, &more);
    assert_eq!(state.summary(Timestamp::UNIX_EPOCH), after);
    // Small pictures of other rows are none of these.
    press(&mut state, KeyCode::Char('2'));
    letters(&mut state, "SRDF");
    state.go_back(&kept);
    assert_eq!(state.summary(Timestamp::UNIX_EPOCH), before);
    state.catch_up();
    assert_eq!(total(&state), before.totals.sums.drops());
}
