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
    assert_eq!(marks, ["link.index 5", "link.unknown 2", "qdisc.unknown 2"]);
    // Made after a reading that it was not in.
    let gap = vec![links(true, link(9, "eth9", 0))];
    let marks = told(gap, false, &[link(9, "eth9", 1)], &[]);
    assert_eq!(marks, ["link.index 9", "link.unknown 2"]);
}

/// What is told of the sum of two, of which one was replaced.
fn told_of_a_sum(events: Vec<Event>, now: &[Qdisc]) -> Vec<String> {
    let mut listener = Listener::open().unwrap();
    let eth1 = [link(5, "eth1", 3)];
    listener.settle(&eth1, &[mq(60), below(1, 0x11, 60), below(2, 0x12, 0)]);
    listener.pending = events;
    let marks = listener.settle(&eth1, now);
    let of_mq = |mark: &&Counter| mark.scope.to_string() == "eth1 qdisc mq 1:";
    let mut marks: Vec<String> = marks
        .iter()
        .filter(of_mq)
        .filter(|mark| mark.name.ends_with("drops") || !mark.name.contains(".qdisc."))
        .map(|mark| format!("{} {}", mark.name, mark.value))
        .collect();
    marks.sort();
    marks
}

fn mq(drops: u64) -> Qdisc {
    Qdisc {
        kind: "mq".to_owned(),
        handle: Handle(1 << 16),
        ..qdisc(5, drops)
    }
}

fn below(queue: u32, handle: u32, drops: u64) -> Qdisc {
    Qdisc {
        handle: Handle(handle << 16),
        parent: Handle(1 << 16 | queue),
        ..qdisc(5, drops)
    }
}

#[test]
fn a_sum_counts_on_when_one_of_those_below_is_replaced() {
    let replaced = vec![
        qdiscs(false, below(1, 0x11, 65)),
        qdiscs(true, below(1, 0x111, 0)),
    ];
    // 5 of the old one, 90 of the new one, 4 of the other.
    let now = [mq(94), below(1, 0x111, 90), below(2, 0x12, 4)];
    let marks = told_of_a_sum(replaced, &now);
    let expected = [
        "began.qdisc.drops 94",
        "ended.qdisc.drops 159",
        "qdisc.made 2",
    ];
    assert_eq!(marks, expected, "60 to 159, and 94 to 94: 99 in all");
    // Nobody knew the one that went.
    let strange = vec![qdiscs(false, below(2, 0x99, 7))];
    assert_eq!(told_of_a_sum(strange, &now), ["qdisc.unknown 2"]);
    // One of those below another.
    let deeper = vec![qdiscs(false, below(1, 0x11, 65))];
    let deeper: Vec<Event> = deeper
        .into_iter()
        .map(|event| match event {
            Event::Qdisc { made, qdisc } => qdiscs(
                made,
                Qdisc {
                    parent: Handle(0x11 << 16 | 1),
                    ..qdisc
                },
            ),
            link @ Event::Link { .. } => link,
        })
        .collect();
    assert_eq!(told_of_a_sum(deeper, &now), [""; 0]);
}

#[test]
fn a_device_of_another_index_tells_where_the_old_one_ended() {
    let events = vec![
        links(false, link(5, "eth1", 80)),
        links(true, link(9, "eth1", 0)),
    ];
    let marks = told(events, false, &[link(9, "eth1", 2)], &[]);
    let expected = [
        "began.link.rx_dropped 0",
        "ended.link.rx_dropped 80",
        "link.index 9",
        "link.made 2",
        "qdisc.unknown 2",
    ];
    assert_eq!(marks, expected);
}

#[test]
fn one_that_is_removed_tells_where_it_ended_and_goes_on_from_there() {
    let mut listener = Listener::open().unwrap();
    let eth1 = [link(5, "eth1", 3)];
    listener.settle(&eth1, &[qdisc(5, 20)]);
    let mut next = |events, now: &[Qdisc]| {
        listener.pending = events;
        let marks = listener.settle(&eth1, now);
        let mut marks: Vec<String> = marks
            .iter()
            .filter(|mark| mark.name.ends_with("drops") || !mark.name.contains(".qdisc."))
            .map(|mark| format!("{} {}", mark.name, mark.value))
            .collect();
        marks.sort();
        marks
    };
    let gone = ["ended.qdisc.drops 24", "link.index 5", "qdisc.gone 2"];
    assert_eq!(next(vec![qdiscs(false, qdisc(5, 24))], &[]), gone);
    assert_eq!(next(Vec::new(), &[]), gone);
    let back = [
        "began.qdisc.drops 0",
        "ended.qdisc.drops 24",
        "link.index 5",
        "qdisc.made 4",
    ];
    assert_eq!(next(vec![qdiscs(true, qdisc(5, 0))], &[qdisc(5, 7)]), back);
    // It went again, and below another one its name came back.
    next(vec![qdiscs(false, qdisc(5, 9))], &[]);
    let leaf = Qdisc {
        parent: Handle(2 << 16 | 1),
        ..qdisc(5, 0)
    };
    let marks = next(vec![qdiscs(true, leaf.clone())], &[leaf]);
    assert_eq!(marks, ["link.index 5", "qdisc.unknown 6"]);
}

#[test]
fn a_reading_in_which_something_happens_is_doubted_for_that_only() {
    let mut listener = Listener::open().unwrap();
    let links = [link(5, "eth1", 3), link(6, "eth2", 3)];
    let all = [qdisc(5, 20), qdisc(6, 20)];
    listener.settle(&links, &all);
    let mut next = |events: Vec<Event>, doubt: bool| {
        listener.pending = events;
        if doubt {
            listener.doubt(0);
        }
        let marks = listener.settle(&links, &all);
        let marks = marks.iter().filter(|mark| mark.name.ends_with("unknown"));
        marks
            .map(|mark| format!("{} {} {}", mark.scope, mark.name, mark.value))
            .collect::<Vec<_>>()
    };
    let anew = vec![qdiscs(false, qdisc(5, 24)), qdiscs(true, qdisc(5, 0))];
    let doubted = |reading| vec![format!("eth1 qdisc tbf 7: qdisc.unknown {reading}")];
    assert_eq!(next(anew, true), doubted(2));
    // Whether it is in the last one or in this one.
    assert_eq!(next(Vec::new(), false), doubted(3));
    assert_eq!(next(Vec::new(), false), doubted(3));
}
