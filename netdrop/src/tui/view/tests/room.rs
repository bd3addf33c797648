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
            "tx_sock", "tx_sock", "tx_l4", "rx_dev", "rx_dev", "unknown", "rx_sock"
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

/// Rows of many keys, and IPv6 flows.
fn many_keys(by: &str) -> State {
    use crate::tally::row::Value;
    let mut state = busy();
    press(&mut state, letter('2'));
    state.by = by.parse().unwrap();
    feed(&mut state, 8, &snapshot(&[(0x110, 1, 0, 443, 42)]));
    let table = &mut state.shown.as_mut().unwrap().table;
    for field in table.iter_mut().flat_map(|line| &mut line.run.fields) {
        match field.name {
            "src" => field.value = Value::Text("2001:db8:1:2:3:4:5:6".into()),
            "dst" => field.value = Value::Text("2001:db8::1".into()),
            "dst_port" => field.value = Value::Number(9),
            _ => {}
        }
    }
    state
}

#[test]
fn columns_without_room_are_told_and_come_with_the_arrows() {
    let mut state = many_keys("flow,netns,device,reason");
    let mut seen = String::new();
    for _ in 0..6 {
        let text = shown(&mut state, SIZES[0]);
        let at = text
            .lines()
            .position(|line| line.contains("TOTAL"))
            .unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (titles, row) = (lines[at], lines[at + 1]);
        // Whoever sees a column sees it whole, or shortened with a sign.
        let names = [
            "TOTAL", "NOW/S", "PROTO", "SRC", "DST", "NETNS", "DEVICE", "REASON",
        ];
        for title in titles.replace('…', " ").split_whitespace() {
            assert!(names.contains(&title), "{title}:\n{text}");
        }
        if titles.contains("DST") {
            assert!(
                row.contains("[2001:db8::1]:9 ") || row.ends_with("[2001:db8::1]:9"),
                "{text}"
            );
        }
        let (before, behind) = (!titles.contains("PROTO"), !titles.contains("REASON"));
        assert_eq!(titles.ends_with('…'), behind, "{text}");
        assert_eq!(titles.trim_end_matches('…').contains('…'), before, "{text}");
        assert_eq!(lines[at - 1].contains(" more →"), behind, "{text}");
        assert_eq!(lines[at - 1].contains("← "), before, "{text}");
        assert!(text.contains("←→ column"), "{text}");
        seen.push_str(titles);
        press(&mut state, KeyCode::Right);
    }
    for title in ["PROTO", "SRC", "DST", "NETNS", "DEVICE", "REASON"] {
        assert!(seen.contains(title), "{title}: {seen}");
    }
    // At the end it goes no further, and back as many as it came.
    let mut presses = 0;
    while !shown(&mut state, SIZES[0]).contains("PROTO ") {
        press(&mut state, KeyCode::Left);
        presses += 1;
    }
    assert!((1..6).contains(&presses), "{presses}");
    // Where there is room for everything there is no sign.
    let text = shown(&mut state, SIZES[1]);
    let titles = text.lines().find(|line| line.contains("TOTAL")).unwrap();
    assert!(
        titles.contains("REASON") && !text.contains("more →"),
        "{text}"
    );
    assert!(titles.contains("LATELY") || !titles.contains('…'), "{text}");
}

#[test]
fn any_keys_at_any_width_have_whole_titles() {
    for by in [
        "stage,reason,function,flow,netns,device",
        "cpu,direction,severity,src_port,dst",
    ] {
        for width in (40..200).step_by(7) {
            let mut state = many_keys(by);
            for _ in 0..12 {
                let text = shown(&mut state, (width, 24));
                let titles = text.lines().find(|line| line.contains("TOTAL")).unwrap();
                let known = by.to_uppercase()
                    + ",TOTAL,NOW/S,LATELY,SEVERITY,SRC,DST,PROTO,PROTOCOL"
                    + ",RETRANS,RESETS,HERE,RETR,RST";
                for title in titles.replace('…', " ").split_whitespace() {
                    assert!(
                        known.split(',').any(|it| it == title),
                        "{title} at {width}:\n{text}"
                    );
                }
                press(&mut state, KeyCode::Right);
            }
        }
    }
}

#[test]
fn a_drop_is_looked_into_and_clicked_at() {
    let mut state = pressed(&[letter('5')]);
    state.has_events = true;
    let mut own = samples::datagram();
    // As the busy state's counts say it.
    let row = &state.shown.as_ref().unwrap().table[1].run;
    let field = |name| match row.fields.iter().find(|field| field.name == name) {
        Some(field) => match &field.value {
            crate::tally::row::Value::Text(text) => Some(std::sync::Arc::from(&**text)),
            _ => None,
        },
        None => None,
    };
    (own.stage, own.reason, own.hook) = (field("stage"), field("reason"), field("hook"));
    let drops = state.shown.as_ref().unwrap().table[1].run.sums.drops();
    state.feed_events([own, samples::datagram(), samples::datagram()]);
    picture(&mut state, SIZES[0], false);
    // No count knows of the newest.
    press(&mut state, KeyCode::Enter);
    assert!(state.detail.is_none());
    assert!(state.messages.last().unwrap().contains("next interval"));
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Enter);
    let detail = state.detail.as_ref().unwrap();
    assert_eq!(detail.run.drops(), drops);
    let text = shown(&mut state, SIZES[0]);
    assert!(text.contains("REASON_1"), "{text}");
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.view, View::Events);
    press(&mut state, KeyCode::End);
    let (column, row) = find(&mut state, SIZES[0], "REASON_1");
    click(&mut state, column, row);
    assert_eq!(state.events.chosen(), Some(1));
    picture(&mut state, SIZES[0], false);
    click(&mut state, column, row);
    assert_eq!(state.detail.as_ref().unwrap().run.drops(), drops);
}

#[test]
fn a_drop_that_has_no_room_in_its_line_says_so() {
    let mut state = pressed(&[letter('5')]);
    state.has_events = true;
    let mut long = samples::datagram();
    long.src = Some("2001:db8:aaaa:bbbb:cccc:dddd:eeee:1".parse().unwrap());
    long.dst = long.src;
    state.feed_events([long]);
    let text = shown(&mut state, (80, 24));
    let line = text.lines().find(|line| line.contains("2001:")).unwrap();
    assert!(line.ends_with('…') && line.chars().count() == 80, "{text}");
}
