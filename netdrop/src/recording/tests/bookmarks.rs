//! Reading on from the middle.

use super::{
    header,
    made::{events, snapshots},
    record_with, view,
};
use crate::{
    filter::{names::System, parse, plan::Plan},
    recording::read::{Recording, bookmark::Bookmark},
    tally::{packet::Drop, period::Period, show::Show},
};

/// The intervals up to the end, as a tally of them alone shows them, and their events.
fn rest(recording: &mut Recording<&[u8]>) -> Vec<(Period, Vec<Drop>)> {
    let mut tally = recording.tally(view("flow,stage,reason,function,device,netns"));
    let mut found = Vec::new();
    while let Some(interval) = recording.next_interval() {
        let period = recording.show(&interval, &mut tally);
        let events = recording.events(&interval, Show::All).cloned().collect();
        found.push((period, events));
    }
    found
}

#[test]
fn from_a_bookmark_on_everything_reads_as_before() {
    reads_as_before(None);
    // What single drops tell is decided while it is read.
    let expr = parse("less 700 or tcp", &System { reasons: None }).unwrap();
    reads_as_before(expr.map(|expr| Plan::recorded(&expr)).as_ref());
}

fn reads_as_before(filter: Option<&Plan>) {
    let bytes = record_with(&snapshots(12, 5), &events(12, 8), &header());
    let open = || Recording::open_with(&bytes[..], filter.cloned(), None).unwrap();
    let mut first = open();
    let mut marks: Vec<(usize, Bookmark)> = Vec::new();
    let mut intervals = 0;
    while first.next_interval().is_some() {
        intervals += 1;
        marks.extend(first.bookmark().map(|mark| (intervals, mark)));
    }
    assert!(marks.len() >= 10, "{}", marks.len());
    for (behind, mark) in marks {
        let mut whole = open();
        for _ in 0..behind {
            whole.next_interval().unwrap();
        }
        let mut part = open();
        let place = usize::try_from(mark.place()).unwrap();
        part.go_to(&mark, &bytes[place..]);
        assert_eq!(rest(&mut part), rest(&mut whole), "behind {behind}");
        assert_eq!(part.end(), first.end());
        assert_eq!(part.bytes(), first.bytes());
        assert_eq!(part.singles(), first.singles());
    }
}
