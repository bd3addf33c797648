use super::{super::qdiscs::Handle, *};

fn link(index: u32, name: &str, rx_dropped: u64) -> Link {
    Link {
        index,
        name: name.into(),
        statistics: vec![("rx_dropped", rx_dropped)],
        ..Link::default()
    }
}

fn qdisc(ifindex: u32, drops: u64) -> Qdisc {
    Qdisc {
        ifindex,
        kind: "tbf".to_owned(),
        handle: Handle(7 << 16),
        parent: Handle(0xffff_ffff),
        drops,
        ..Qdisc::default()
    }
}

fn links(made: bool, link: Link) -> Event {
    Event::Link { made, link }
}

fn qdiscs(made: bool, qdisc: Qdisc) -> Event {
    Event::Qdisc { made, qdisc }
}

/// What is told, as `NAME VALUE`, after a reading with eth1 (index 5) and its qdisc.
fn told(events: Vec<Event>, lost: bool, now: &[Link], qdisc_now: &[Qdisc]) -> Vec<String> {
    let mut listener = Listener::open().unwrap();
    listener.settle(&[link(5, "eth1", 3)], &[qdisc(5, 20)]);
    listener.pending = events;
    listener.lost = lost;
    let marks = listener.settle(now, qdisc_now);
    let mut marks: Vec<String> = marks
        .iter()
        .filter(|mark| !mark.name.starts_with(BEGAN) || mark.name.ends_with("dropped"))
        .filter(|mark| mark.name.ends_with("drops") || !mark.name.contains(".qdisc."))
        .map(|mark| format!("{} {}", mark.name, mark.value))
        .collect();
    marks.sort();
    marks
}

#[test]
fn nothing_but_the_index_is_told_of_what_stays() {
    let events = vec![links(true, link(5, "eth1", 4)), qdiscs(true, qdisc(5, 21))];
    let marks = told(events, false, &[link(5, "eth1", 5)], &[qdisc(5, 22)]);
    assert_eq!(marks, ["link.index 5"]);
}

#[test]
fn a_qdisc_that_is_made_anew_tells_where_the_old_one_ended() {
    let events = vec![qdiscs(false, qdisc(5, 24)), qdiscs(true, qdisc(5, 0))];
    let marks = told(events, false, &[link(5, "eth1", 3)], &[qdisc(5, 60)]);
    assert_eq!(
        marks,
        ["ended.qdisc.drops 24", "link.index 5", "qdisc.made 2"]
    );
}

#[test]
fn one_that_lived_only_between_two_readings_is_added() {
    let events = vec![
        qdiscs(false, qdisc(5, 24)),
        qdiscs(true, qdisc(5, 1)),
        qdiscs(false, qdisc(5, 9)),
        qdiscs(true, qdisc(5, 0)),
    ];
    let marks = told(events, false, &[link(5, "eth1", 3)], &[qdisc(5, 60)]);
    assert!(
        marks.contains(&"ended.qdisc.drops 32".to_owned()),
        "{marks:?}"
    );
}

#[test]
fn a_device_that_is_made_anew_at_its_index_takes_its_qdiscs_along() {
    let events = vec![
        links(false, link(5, "eth1", 4)),
        links(true, link(5, "eth1", 0)),
    ];
    let marks = told(events, false, &[link(5, "eth1", 9)], &[qdisc(5, 60)]);
    let expected = [
        "began.link.rx_dropped 0",
        "ended.link.rx_dropped 4",
        "link.index 5",
        "link.made 2",
        "qdisc.unknown 2",
    ];
    assert_eq!(marks, expected);
}

#[test]
fn what_cannot_be_told_apart_is_unknown() {
    let now = [link(5, "eth1", 9)];
    // It went away, something else came, and that got its name.
    let renamed = vec![
        links(false, link(5, "eth1", 4)),
        links(true, link(5, "eth2", 0)),
        links(true, link(5, "eth1", 0)),
    ];
    let lost = told(Vec::new(), true, &now, &[qdisc(5, 60)]);
    assert_eq!(lost, ["link.index 5", "link.unknown 2", "qdisc.unknown 2"]);
    let marks = told(renamed, false, &now, &[]);
    assert_eq!(marks, ["link.index 5", "link.unknown 2"]);
    // Made after a reading that it was not in.
    let gap = vec![links(true, link(9, "eth9", 0))];
    let marks = told(gap, false, &[link(9, "eth9", 1)], &[]);
    assert_eq!(marks, ["link.index 9", "link.unknown 2"]);
}
