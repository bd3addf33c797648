//! What is drawn where there is little room, and where there is much.

use super::*;

fn shown(state: &mut State, size: (u16, u16)) -> String {
    text(&picture(state, size, false))
}

fn press(state: &mut State, key: KeyCode) {
    state.key(KeyEvent::new(key, KeyModifiers::NONE));
}

#[test]
fn arrows_go_to_the_column_that_is_seen_beside() {
    use KeyCode::{Down, End, Left, Right};
    let id = |state: &State| {
        let path = &state.shown.as_ref().unwrap().path;
        path[state.stage].stage.id()
    };
    let walk = |size, keys: &[KeyCode]| -> Vec<&str> {
        let mut state = busy();
        let mut ids = Vec::new();
        for key in keys {
            picture(&mut state, size, false);
            press(&mut state, *key);
            ids.push(id(&state));
        }
        ids
    };
    assert_eq!(
        walk((160, 50), &[Right, Right, Down, Left, Left, End, Left]),
        [
            "tx_sock",
            "tx_sock",
            "tx_l4",
            "rx_dev",
            "rx_dev",
            "unknown",
            "rx_tcp_state"
        ]
    );
    assert_eq!(
        walk(
            (80, 24),
            &[Right, Right, Right, Down, Left, End, Left, Left]
        ),
        [
            "rx_frag", "tx_sock", "tx_sock", "tx_l4", "rx_route", "unknown", "can", "tun"
        ]
    );
    // Where nothing was drawn yet, nothing is beside.
    let mut state = busy();
    press(&mut state, Right);
    assert_eq!(id(&state), "rx_nic");
}

#[test]
fn cpus_come_before_what_their_columns_mean() {
    for (size, cpus, cut) in [
        ((40, 12), 4, true),
        ((80, 12), 4, false),
        ((80, 24), 4, false),
    ] {
        let text = shown(&mut pressed(&[letter('4')]), size);
        let title = text.lines().position(|line| line.contains("now/s"));
        let lines: Vec<&str> = text.lines().skip(title.unwrap()).collect();
        for cpu in 0..cpus {
            let start = format!("   {cpu} ");
            assert!(lines[cpu + 1].starts_with(&start), "{text}");
        }
        assert_eq!(lines[0].contains('…'), cut, "{text}");
        assert_eq!(lines[0].contains("refused"), !cut, "{text}");
        assert_eq!(text.contains("softirq ended"), size.1 > 12, "{text}");
    }
}

#[test]
fn the_views_names_stay_whole() {
    for (width, told) in [(40, ""), (56, "? help"), (60, "? help"), (80, "q quit")] {
        let text = shown(&mut busy(), (width, 24));
        let tabs = text.lines().find(|line| line.contains("1 path")).unwrap();
        if width > 50 {
            assert!(tabs.contains("5 events "), "{tabs}");
        }
        assert!(tabs.ends_with(told), "{tabs}");
    }
}

#[test]
fn a_stage_has_its_whole_name_where_there_is_room() {
    let text = shown(&mut busy(), (160, 50));
    for stage in crate::drops::stage::Stage::all() {
        let name = stage.info().name;
        assert!(text.contains(name), "{name}:\n{text}");
    }
}

#[test]
fn a_command_is_offered_only_where_there_is_one() {
    let mut state = pressed(&[KeyCode::Down, KeyCode::Enter]);
    assert_eq!(state.detail.as_ref().unwrap().commands().count(), 0);
    assert!(!shown(&mut state, SIZES[0]).contains("copy command"));
    let mut state = pressed(&[letter('3'), KeyCode::Enter]);
    assert!(shown(&mut state, SIZES[0]).contains("y copy command"));
}

#[test]
fn a_mistake_is_marked_in_full_in_a_text_longer_than_the_line() {
    let text = "host 192.0.2.1 and host 198.51.100.1 and host 203.0.113.77 and poort 53 or udp";
    let start = text.find("poort").unwrap();
    for width in [40, 80] {
        let mut state = pressed(&[letter('/')]);
        state.paste(text);
        state.refuse(Refusal {
            message: "unknown word `poort`; did you mean `port`?".to_owned(),
            span: Some(start..start + 5),
        });
        let screen = shown(&mut state, (width, 24));
        let lines: Vec<&str> = screen.lines().collect();
        let edited = lines.iter().position(|line| line.contains("filter: "));
        let [text, carets, message] = lines[edited.unwrap()..][..3] else {
            panic!("{screen}")
        };
        assert_eq!(text.find("poort"), carets.find("^^^^^"), "{screen}");
        assert!(text.contains("poort"), "{screen}");
        assert!(message.contains("unknown word"), "{screen}");
    }
    // What is wrong with all of a long text is marked as far as it is seen.
    let mut state = pressed(&[letter('/')]);
    state.paste(text);
    state.refuse(Refusal {
        message: "too long".to_owned(),
        span: Some(0..text.len()),
    });
    let screen = shown(&mut state, (40, 24));
    let carets = screen.lines().find(|line| line.contains("^^^"));
    assert_eq!(carets.unwrap().matches('^').count(), 30, "{screen}");
    assert!(screen.contains("filter: host 192.0.2.1"), "{screen}");
    assert!(screen.contains(" too long"), "{screen}");
}
